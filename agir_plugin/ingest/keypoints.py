"""CSV tables of named 3D points enter, `Recording` values leave: wide or long, unit guessed from the body's size."""
from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from agir_plugin.errors import UnreadableFile, UnusableRecording
from agir_plugin.ingest.cells import decode, lines_of, numbers
from agir_plugin.ingest.keypoint_columns import Columns, understand
from agir_plugin.ingest.keypoint_exports import exported, is_export
from agir_plugin.ingest.keypoint_mapping import mapping_for
from agir_plugin.ingest.kinds import kind_of
from agir_plugin.ingest.places import METRES, MOST_PLACES, gaps_where_lost
from agir_plugin.ingest.timing import even_frames, frame_rate
from agir_plugin.records import Recording

#: None: labels and result tables end in .csv too, so the content alone decides.
SUFFIXES = ()
#: Endings under which folders are searched for tables of a person's points, which `found` then tells from others.
SEARCHED = (".csv", ".tsv", ".txt")
#: A walk has at least both hips, knees and ankles; tables of fewer points are those of sensors.
FEWEST_POINTS = 6

#: Units that a table without one may be in.
GUESSED_UNITS = ("m", "cm", "mm")
#: Extent of a walking person's tracked points that a unit is guessed by, metres (legs alone are 1.0, the body 1.7).
BODY_EXTENT_M = 1.4
#: A table of at most `LARGEST_TEXT` bytes has fewer cells than this; a guard for memory, which each cell takes as text.
MOST_CELLS = 8_000_000


def sniff(head: bytes, path: Path) -> bool:
    """Whether the first line names columns of points: name_x, name_y, name_z or frame, name, x, y, z."""
    text = decode(head)
    lines = _body(text.splitlines())
    return bool(lines) and "\0" not in text and (is_export(lines) or understand(lines[0]) is not None)


def found(head: bytes, path: Path) -> bool:
    """Whether a file that nobody named is a table of a person's points: an export, long, or wide with enough points."""
    if not sniff(head, path):
        return False
    lines = _body(decode(head).splitlines())
    columns = None if is_export(lines) else understand(lines[0])
    return columns is None or columns.point is not None or len(columns.points) >= FEWEST_POINTS


def read(path: Path, fps: float | None = None) -> Recording:
    """Points in metres; empty cells and exact (0, 0, 0) are gaps. Names as they stand, or through a mapping file.

    The rate is `fps`, else the mapping's, else that of a time or fps column. The unit is that of the column names
    (`knee_x_mm`), else the mapping's, else the one that makes a person of the points, with a note.

    Raises UnreadableFile for damaged tables or when no rate is known, UnusableRecording when the table holds no points,
    ConfigError for a wrong mapping file.
    """
    lines = _body(lines_of(path))
    columns = (exported(lines) if is_export(lines) else understand(lines[0])) if lines else None
    if columns is None and is_export(lines):
        raise UnusableRecording(
            f"{path}: expected an export with marker positions (a Trajectories section, MARKER_NAMES or Position columns), "
            "got one without; export the trajectories too"
        )
    if columns is None:
        raise UnreadableFile(
            f"{path}: expected columns such as time, knee_x, knee_y, knee_z or frame, name, x, y, z in the first line, "
            f"got {lines[0][:60] if lines else 'none'!r}; rename the columns"
        )
    mapping = mapping_for(path)
    rows, table_notes = _rows(lines[columns.first_row : columns.last_row], columns, path)
    build = _wide if columns.point is None else _long
    names, places, first, notes = build(rows, columns, path)
    clock, stated = _clock([rows[index] for index in first], columns, path)
    rate, rate_notes = frame_rate(clock, stated, fps or mapping.fps, path)
    if columns.time is None:
        clock = _column([rows[index] for index in first], columns.frame, path) / rate
    unit, unit_notes = _unit(places, columns.unit or mapping.unit)
    places, time_notes = even_frames(clock, gaps_where_lost(places * METRES[unit]), rate)
    named = tuple(mapping.names.get(name, name) for name in names)
    if mapping.names:
        notes.append(f"names through {mapping.file}: {sum(name in mapping.names for name in names)} of {len(names)}")
    if columns.unused:
        notes.append(f"columns left out: {', '.join(columns.unused[:8])}{', ...' if len(columns.unused) > 8 else ''}")
    kind = mapping.kind or columns.kind or kind_of(named, "joints")
    return Recording(
        path=str(path), format="csv", kind=kind, fps=rate, names=named, positions_m=places, up=mapping.up,
        notes=(*columns.notes, *table_notes, *rate_notes, *unit_notes, *time_notes, *notes),
    )


def _body(lines: Sequence[str]) -> list[str]:
    """The lines without blank ones and without comments (# or //)."""
    return [line for line in lines if line.strip(" ,;\t") and not line.lstrip().startswith(("#", "//"))]


def _rows(lines: Sequence[str], columns: Columns, path: Path) -> tuple[list[list[str]], list[str]]:
    """Cells of each row; a row that is shorter than the header is what a truncated file ends with."""
    cells = sum(line.count(columns.separator) + 1 for line in lines)
    if cells > MOST_CELLS:
        raise UnusableRecording(
            f"{path}: expected one walk of at most {MOST_CELLS:,} cells, got {cells:,}; cut it into single walks"
        )
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=columns.separator)]
    except csv.Error as error:
        raise UnreadableFile(f"{path}: expected rows of a table below the header, got {error}; export it again") from None
    needed = 1 + max(column for triple in columns.points.values() for column in triple)
    for index, row in enumerate(rows):
        if len(row) < needed:
            raise UnreadableFile(
                f"{path}: expected {columns.width} cells in each row, got {len(row)} in row {index + 1} of {len(rows)} "
                "below the header; the file is truncated or damaged, export it again"
            )
    if not rows:
        raise UnusableRecording(f"{path}: expected rows of places below the header of the table, got none; export it again")
    longer = sum(len(row) > columns.width for row in rows)
    return rows, [f"{longer} rows have more cells than the header; the cells beyond it ignored"] if longer else []


Built = tuple[tuple[str, ...], np.ndarray, np.ndarray, list[str]]


def _wide(rows: list[list[str]], columns: Columns, path: Path) -> Built:
    """Names, (T, P, 3) places in the file's unit, (T,) first row of each frame, and notes of a wide table."""
    used = [column for triple in columns.points.values() for column in triple]
    table = np.stack([numbers([row[k] for k in used], f"{path}, row {i + 1}") for i, row in enumerate(rows)])
    return tuple(columns.points), table.reshape(len(rows), -1, 3), np.arange(len(rows)), []


def _long(rows: list[list[str]], columns: Columns, path: Path) -> Built:
    """The same of a long table: one row per frame and point; a point without a row is a gap."""
    key = _column(rows, columns.frame if columns.frame is not None else columns.time, path)
    if not np.isfinite(key).all():
        raise UnreadableFile(f"{path}: expected a number in the frame or time column of every row, got none in some; mend it")
    _, first, frames = np.unique(key, return_index=True, return_inverse=True)
    labels = [row[columns.point] for row in rows]
    order = {name: k for k, name in enumerate(dict.fromkeys(labels))}
    if len(first) * len(order) > MOST_PLACES:
        raise UnusableRecording(
            f"{path}: expected frame, name, x, y, z with few names, got {len(order)} names in {len(first)} frames; "
            "check which columns hold the frame and the name"
        )
    xyz = np.stack([numbers([row[k] for k in columns.points[""]], f"{path}, row {i + 1}") for i, row in enumerate(rows)])
    places = np.full((len(first), len(order), 3), np.nan)
    at = np.array([order[name] for name in labels])
    places[frames[::-1], at[::-1]] = xyz[::-1]
    repeated = len(rows) - len(set(zip(frames.tolist(), at.tolist(), strict=True)))
    notes = [f"{repeated} repeated rows of a frame and point, first kept"] if repeated else []
    return tuple(order), places, first, notes


def _clock(rows: list[list[str]], columns: Columns, path: Path) -> tuple[np.ndarray, list[float]]:
    """(N,) times in seconds, NaN without a time column, and the rates that the header and an fps column state, if any."""
    times = _column(rows, columns.time, path) * columns.time_unit_s
    rates = _column(rows[:1], columns.rate, path)
    stated = [] if columns.stated_fps is None else [columns.stated_fps]
    return times, [*stated, *(float(rate) for rate in rates if np.isfinite(rate))]


def _column(rows: list[list[str]], column: int | None, path: Path) -> np.ndarray:
    """(N,) numbers of one column, NaN where there is none."""
    if column is None:
        return np.full(len(rows), np.nan)
    return numbers([row[column] if column < len(row) else "" for row in rows], f"{path}, column {column + 1}")


def _unit(places: np.ndarray, stated: str | None) -> tuple[str, list[str]]:
    """The stated unit, else the one in which the points of a frame extend most like a person."""
    if stated is not None:
        return stated, []
    lost = (places == 0).all(axis=-1) | ~np.isfinite(places).all(axis=-1)
    seen = places[(~lost).sum(axis=1) > 1], lost[(~lost).sum(axis=1) > 1, :, None]
    with np.errstate(over="ignore"):
        box = np.where(seen[1], -np.inf, seen[0]).max(axis=1) - np.where(seen[1], np.inf, seen[0]).min(axis=1)
    extent = float(np.median(box.max(axis=-1))) if len(box) else 0.0
    if not 0 < extent < math.inf:
        return "m", ["length unit unknown: fewer than two points are seen together; metres assumed"]
    unit = min(GUESSED_UNITS, key=lambda name: abs(math.log(extent * METRES[name] / BODY_EXTENT_M)))
    return unit, [f"the table names no unit; {unit} guessed from points that extend over {extent:.4g}"]

