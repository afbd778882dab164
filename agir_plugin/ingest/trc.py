"""TRC files (Motion Analysis, OpenSim) enter, marker `Recording` values leave, however their headers are shifted."""
from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from agir_plugin.errors import UnreadableFile, UnusableRecording
from agir_plugin.ingest.cells import decode, is_number, lines_of, table
from agir_plugin.ingest.kinds import kind_of
from agir_plugin.ingest.places import METRES, gaps_where_lost, refuse_too_many
from agir_plugin.ingest.timing import even_frames, frame_rate
from agir_plugin.records import Recording

SUFFIXES = (".trc",)

#: Lines in which the header has to be over.
HEADER_LINES = 30
#: More markers than any file has; a guard against damaged files.
MOST_MARKERS = 5000
#: Header keys that may name the rate of the data, most trusted first.
RATE_KEYS = ("datarate", "camerarate", "origdatarate")

_AXIS = re.compile(r"[XYZxyz]_?\d*")
_AXIS_ENDING = re.compile(r"[ _.:\-]?[xyz]\d*$", re.IGNORECASE)


@dataclass
class _Header:
    """What stands above the numbers. `first_row` is the index of the line after the labels."""

    stated: dict[str, float]
    unit: str
    labels: list[str]
    first_row: int
    notes: list[str] = field(default_factory=list)


def sniff(head: bytes, path: Path) -> bool:
    """Whether the text starts with the words PathFileType or DataRate, which head every TRC file."""
    return decode(head).lstrip()[:16].lower().startswith(("pathfiletype", "datarate"))


def read(path: Path, fps: float | None = None) -> Recording:
    """Markers in metres in the file's own axes; empty cells and exact (0, 0, 0) are gaps.

    Units and rates are found by what they are, not by their column; labels by their order where they do not stand above
    their X. The time column overrules the header's rate, and frames that it shows to be missing are put back as gaps.

    Raises UnreadableFile for text that is not TRC or ends within a row, UnusableRecording when it holds no markers.
    """
    lines = _with_tabs(lines_of(path))
    header = _header(lines, path)
    rows = _table(lines, header, path)
    scale_m, unit_notes = _metres(header.unit)
    rate, rate_notes = frame_rate(rows[:, 1], [header.stated.get(key, np.nan) for key in RATE_KEYS], fps, path)
    places = gaps_where_lost(rows[:, 2:].reshape(len(rows), -1, 3) * scale_m)
    places, time_notes = even_frames(rows[:, 1], places, rate)
    names, columns, name_notes = _names(header.labels, places.shape[1])
    return Recording(
        path=str(path), format="trc", kind=kind_of(names, "markers"), fps=rate, names=names, positions_m=places[:, columns],
        notes=(*header.notes, *unit_notes, *rate_notes, *time_notes, *name_notes),
    )


def _with_tabs(lines: Sequence[str]) -> list[str]:
    """The lines of a file that a spreadsheet saved with commas or semicolons for tabs, with tabs; others as they are."""
    first = next((line for line in lines if line.strip()), "")
    separator = next((mark for mark in ",;" if re.match(rf"\s*(PathFileType|DataRate)\s*{mark}", first, re.IGNORECASE)), None)
    return [line.replace(separator, "\t") for line in lines] if separator and "\t" not in first else list(lines)


def _header(lines: Sequence[str], path: Path) -> _Header:
    """Keys, unit and labels; each line is found by its first word, blank lines between them do not matter."""
    found = {}
    for index, line in enumerate(lines[:HEADER_LINES]):
        word = line.strip().lower()
        if word.startswith(("datarate", "frame")):
            found.setdefault(word[:5], index)
    if "frame" not in found:
        raise UnreadableFile(
            f"{path}: expected a line of labels that starts with Frame# in the first {HEADER_LINES} lines of a TRC "
            "file, found none; the file is truncated or not TRC"
        )
    stated, unit = _stated(lines[found.get("datar", found["frame"]) : found["frame"]])
    return _Header(stated, unit, _labels(lines[found["frame"]], stated.get("nummarkers")), found["frame"] + 1)


def _stated(lines: Sequence[str]) -> tuple[dict[str, float], str]:
    """Numbers by their key and the unit; the values stand below their keys, or, in some files, each behind its key."""
    keys, values = lines[0].lower().split() if lines else [], next((line.split() for line in lines[1:] if line.strip()), [])
    if any(is_number(key) for key in keys):
        keys, values = keys[::2], keys[1::2]
    unit = next((value.strip("()[]").lower() for value in values if not is_number(value)), "")
    known = len(keys) if len(keys) == len(values) else 2
    pairs = zip(keys[:known], values[:known], strict=False)
    return {key: float(value.replace(",", ".")) for key, value in pairs if is_number(value)}, unit


def _labels(line: str, announced: float | None) -> list[str]:
    """Labels in order, "" for an unnamed marker; a cell of its own per label where there are tabs, else a word.

    Some writers put a tab behind Frame# alone and blanks between the labels: words, where they are as many as announced.
    """
    words = line.split()[2:]
    if "\t" not in line or (line.count("\t") < len(words) == announced):
        return words
    cells = [cell.strip() for cell in line.split("\t")]
    while cells and not cells[-1]:
        cells.pop()
    named = [k for k, cell in enumerate(cells) if cell][2:]
    if all((k - 2) % 3 == 0 for k in named):
        return cells[2::3]
    return [cells[k] for k in named]


def _one_of_three(labels: Sequence[str]) -> list[str]:
    """One label per marker where each of its three columns has one ("LASI_x", "LASI_y", "LASI_z"), else the same labels."""
    bare = [_AXIS_ENDING.sub("", label) for label in labels]
    threes = [bare[k : k + 3] for k in range(0, len(bare), 3)]
    if any(len(three) != 3 or len(set(three)) != 1 for three in threes):
        return list(labels)
    return bare[::3]


def _table(lines: Sequence[str], header: _Header, path: Path) -> np.ndarray:
    """(T, 2 + 3 M) of frame number, time and coordinates in the file's unit; notes go to the header's."""
    rows = [k for k in range(header.first_row, len(lines)) if lines[k].strip()]
    while rows and _AXIS.fullmatch(next((cell for cell in _cells(lines[rows[0]]) if cell), "X")):
        rows.pop(0)
    if not rows:
        raise UnusableRecording(
            f"{path}: expected rows of numbers below the TRC labels, got none; export the trial with its markers"
        )
    refuse_too_many(path, len(rows))
    columns, lengths = _columns([lines[k] for k in rows], 2 + 3 * len(header.labels))
    if len(header.labels) == max(lengths) - 2:
        header.labels[:] = _one_of_three(header.labels)
    markers = max(len(header.labels), -(-(max(lengths) - 2) // 3))
    _check(path, header, lengths, markers)
    refuse_too_many(path, len(rows), markers)
    _note_counts(header, len(rows))
    cells = ((k + 1, _only(_cells(lines[k]), columns)) for k in rows)
    return table(cells, len(rows), 2 + 3 * markers, path)


def _cells(line: str) -> list[str]:
    """Cells of one row without the empty ones at its end."""
    cells = [cell.strip() for cell in line.split("\t")] if "\t" in line.strip() else line.split()
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _columns(lines: Sequence[str], expected: int) -> tuple[list[int] | None, list[int]]:
    """The columns to take, None for all, and the number of cells that each row then has.

    Columns that are empty in all rows are left out where there are more columns than the labels explain.
    """
    lengths = [len(_cells(line)) for line in lines]
    if not expected < max(lengths) <= 2 + 6 * MOST_MARKERS:
        return None, lengths
    filled = np.zeros(max(lengths), bool)
    for line in lines:
        cells = _cells(line)
        filled[: len(cells)] |= np.array([cell != "" for cell in cells])
    columns = np.flatnonzero(filled)
    if len(columns) < expected:
        return None, lengths
    return columns.tolist(), np.searchsorted(columns, lengths).tolist()


def _only(cells: list[str], columns: list[int] | None) -> list[str]:
    return cells if columns is None else [cells[k] for k in columns if k < len(cells)]


def _check(path: Path, header: _Header, lengths: Sequence[int], markers: int) -> None:
    """Refuse tables without markers, with absurdly many, or that end within a row."""
    if not 0 < markers <= MOST_MARKERS or max(lengths) < 5:
        raise UnusableRecording(
            f"{path}: expected 1 to {MOST_MARKERS} markers with X, Y and Z, got {len(header.labels)} labels and "
            f"{max(lengths)} columns; export the trial with its markers"
        )
    announced = header.stated.get("numframes", 0.0)
    if len(lengths) < announced and lengths[-1] < min(lengths[:-1], default=2 + 3 * markers):
        raise UnreadableFile(
            f"{path}: the header says {announced:.0f} frames, but the file ends within frame {len(lengths)}; "
            "the file is truncated, copy it again"
        )


def _note_counts(header: _Header, frames: int) -> None:
    for key, what, came in (("numframes", "frames", frames), ("nummarkers", "markers", len(header.labels))):
        announced = header.stated.get(key)
        if announced is not None and announced != came:
            header.notes.append(f"the header says {announced:g} {what}, the file holds {came}; the file is believed")


def _metres(unit: str) -> tuple[float, list[str]]:
    if unit in METRES:
        return METRES[unit], []
    return 0.001, [f"Units {unit!r} is not a known length; millimetres assumed"]


def _names(labels: Sequence[str], markers: int) -> tuple[tuple[str, ...], list[int], list[str]]:
    """Names and columns of the markers to keep: the first of each repeated label; prefixes ("Anna:LASI") removed."""
    kept: dict[str, int] = {}
    repeated = []
    for column in range(markers):
        label = labels[column].rpartition(":")[2].strip() if column < len(labels) else ""
        name = label or f"*{column + 1}"
        if name in kept:
            repeated.append(name)
        else:
            kept[name] = column
    notes = [f"repeated labels, first kept: {', '.join(sorted(set(repeated)))}"] if repeated else []
    unnamed = sum(name.startswith("*") for name in kept)
    if unnamed:
        notes.append(f"{unnamed} markers without a label, named by their column (*1 is the first)")
    return tuple(kept), list(kept.values()), notes
