"""TRC files (Motion Analysis, OpenSim) enter, marker `Recording` values leave.

The header is not to be trusted in the wild: labels stand one column off, counts are those of an untrimmed file, rates are
rounded. What the rows hold decides.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from agir_plugin.errors import UnreadableFile
from agir_plugin.ingest.places import FASTEST_FPS, gaps_where_absurd
from agir_plugin.records import Recording

SUFFIXES = (".trc",)

#: Length units that TRC headers name -> metres.
UNITS = {"mm": 0.001, "cm": 0.01, "m": 1.0, "in": 0.0254, "inches": 0.0254, "ft": 0.3048}
#: A rate in the header that is farther from the times' own than this share is not believed.
RATE_TOLERANCE = 0.02
#: Words of the label row that name no marker.
_NO_MARKER = re.compile(r"^(frame#?|times?|#)$", re.IGNORECASE)
_BLANKS = re.compile(r"[ \t]+")


def sniff(head: bytes, path: Path) -> bool:
    """Whether the text starts with TRC's word PathFileType."""
    return head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"PathFileType")


def read(path: Path, fps: float | None = None) -> Recording:
    """Marker places in metres, in the file's axes; a missing cell or (0, 0, 0) is a gap.

    The frame rate is `fps`, else that of the time column, else the header's. Raises UnreadableFile when the header's
    unit or labels are missing, no row of numbers follows, or the rows have different lengths.
    """
    lines = path.read_bytes().removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").splitlines()
    header = _header(lines, path)
    labels, first = _labels(lines, path)
    rows = _rows(lines[first:], path)
    places, notes = _places(rows, header["Units"], path)
    names, more = _named(labels, places.shape[1])
    rate, about_rate = _rate(header, rows[:, 1], fps, path)
    return Recording(
        path=str(path), format="trc", kind="markers", fps=rate, names=names, positions_m=places,
        notes=(*notes, *more, *about_rate),
    )  # fmt: skip


def _header(lines: list[str], path: Path) -> dict[str, str]:
    """Values of the header's second and third line by name; words of the third may be apart by any blanks."""
    at = next((number for number, line in enumerate(lines[:10]) if line.lstrip().startswith("DataRate")), None)
    if at is None or at + 1 >= len(lines):
        raise UnreadableFile(f"{path}: expected TRC's header line `DataRate ...` with values below, found none; export it again")
    header = dict(zip(lines[at].split(), lines[at + 1].split(), strict=False))
    unit = header.get("Units", "").lower()
    if unit not in UNITS:
        known = ", ".join(UNITS)
        raise UnreadableFile(f"{path}: expected Units to be one of {known} in the header, got {unit!r}; correct it there")
    return {**header, "Units": unit}


def _labels(lines: list[str], path: Path) -> tuple[list[str], int]:
    """Marker names in their order, wherever their columns are, and the number of the line after them."""
    at = next((number for number, line in enumerate(lines[:12]) if line.lstrip().lower().startswith("frame#")), None)
    if at is None:
        raise UnreadableFile(f"{path}: expected a line of labels that starts with Frame#, found none; the header is damaged")
    words = lines[at].split("\t") if "\t" in lines[at] else _BLANKS.split(lines[at])
    names = [word.strip() for word in words]
    return [name for name in names if name and not _NO_MARKER.match(name)], at + 1


def _rows(lines: list[str], path: Path) -> np.ndarray:
    """(T, 2 + 3 P) numbers: frame, time, coordinates; NaN where a cell is empty or missing at the end of its row."""
    cells = [line.split("\t") if "\t" in line.strip() else line.split() for line in lines]
    rows = [row for row in cells if row and _is_number(row[0]) and any(word.strip() for word in row[1:])]
    if not rows:
        raise UnreadableFile(f"{path}: expected rows of frame, time and coordinates below the labels, found none; export it again")
    while all(not row[-1].strip() for row in rows):
        rows = [row[:-1] for row in rows]
    wide = max(map(len, rows))
    wide += (2 - wide) % 3  # empty cells at a row's end may be left out
    if wide < 5:
        raise UnreadableFile(f"{path}: expected at least one marker in the rows, found {wide - 2} coordinates; export it again")
    try:
        return np.array([[_number(word) for word in row] + [np.nan] * (wide - len(row)) for row in rows])
    except ValueError as error:
        raise UnreadableFile(f"{path}: expected numbers in the rows, got {error}; export it again") from None


def _places(rows: np.ndarray, unit: str, path: Path) -> tuple[np.ndarray, list[str]]:
    places = rows[:, 2:].reshape(len(rows), -1, 3)
    zero = (places == 0).all(axis=-1)
    notes = [f"{zero.sum()} places of exactly (0, 0, 0) taken as gaps"] if zero.any() else []
    places = np.where(zero[..., None] | np.isnan(places).any(axis=-1, keepdims=True), np.nan, places)
    return gaps_where_absurd(places * UNITS[unit]), notes


def _named(labels: list[str], count: int) -> tuple[tuple[str, ...], list[str]]:
    """One name for each column; too many are cut, too few are filled up, both told."""
    if len(labels) == count:
        return tuple(labels), []
    filled = [*labels[:count], *(f"unnamed {number}" for number in range(len(labels) + 1, count + 1))]
    return tuple(filled), [f"{len(labels)} labels for {count} markers; they were matched from the left"]


def _rate(header: dict[str, str], times_s: np.ndarray, fps: float | None, path: Path) -> tuple[float, list[str]]:
    """Frames per second and what there is to say about them."""
    if fps is not None:
        return float(fps), []
    said = _number_or_nan(header.get("DataRate", ""))
    span = times_s[-1] - times_s[0] if len(times_s) > 1 else np.nan
    seen = (len(times_s) - 1) / span if span > 0 else np.nan
    usable = [rate for rate in (said, seen) if np.isfinite(rate) and 0 < rate <= FASTEST_FPS]
    if not usable:
        raise UnreadableFile(
            f"{path}: expected DataRate in the header or times in the rows, found neither; give the rate with --fps"
        )
    if len(usable) == 2 and abs(seen - said) > RATE_TOLERANCE * said:
        return float(seen), [f"the header says {said:g} frames per second, the times say {seen:.4g}; the times were used"]
    return float(usable[0]), []


def _number(word: str) -> float:
    word = word.strip()
    return float(word) if word else float("nan")


def _is_number(word: str) -> bool:
    return np.isfinite(_number_or_nan(word))


def _number_or_nan(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return float("nan")
