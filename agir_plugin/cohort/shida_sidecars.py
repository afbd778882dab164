"""A file beside a Shida et al. (2023) recording in, the laboratory's own gait figures or event times out, to compare ours with."""
from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

from agir_plugin.cohort.shida_names import sidecar_kind
from agir_plugin.errors import UnreadableFile, UsageError

#: First bytes of an Excel 97 file; the set's `.csv` files are such files.
OLE2 = bytes.fromhex("d0cf11e0a1b11ae1")
#: Events in the first four rows of an angle table: toe-off and heel strike, right and left, as frame numbers from 1.
EVENT_ROWS = ("RTO", "RHS", "LHS", "LTO")


def read_sidecar_times(path: Path | str, fps: float | None = None) -> dict[str, tuple[float, ...]]:
    """What the laboratory found in one trial, name -> values.

    `..._temporal_distance.txt` (tabs; names in the second line, values in the last) gives one value each, in the file's own
    units (Speed in m/s, Cycle_Time_Mean in s). `..._angular_kinematics.csv`, in truth an Excel 97 file whose first four rows
    hold frame numbers from 1, gives the times of RTO, RHS, LHS and LTO in seconds from the first frame; `fps` is the frame rate of
    the trial's recording (its C3D file tells it).

    Raises UnreadableFile for a file of another kind or a damaged one, UsageError when `fps` is needed and is not above 0.
    """
    path = Path(path)
    kind = sidecar_kind(path.name)
    if kind not in ("temporal_distance.txt", "angular_kinematics.csv"):
        raise UnreadableFile(
            f"{path}: expected a file named ..._temporal_distance.txt or ..._angular_kinematics.csv; other tables hold no times"
        )
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise UnreadableFile(f"{path}: there is no such file; check the path") from None
    if kind == "temporal_distance.txt":
        return _summary(path, content)
    if fps is None or not (math.isfinite(fps) and fps > 0):
        raise UsageError(f"{path}: expected the frame rate of the recording to turn frames into seconds, got {fps!r}; give fps")
    return {event: tuple((frame - 1) / fps for frame in frames) for event, frames in _event_frames(path, content).items()}


def _summary(path: Path, content: bytes) -> dict[str, tuple[float, ...]]:
    lines = [line.rstrip("\r") for line in content.decode("latin-1").split("\n")]
    values = next((line for line in reversed(lines) if line.strip()), "").split("\t")
    names = lines[1].split("\t") if len(lines) > 1 else []
    found: dict[str, tuple[float, ...]] = {}
    for name, value in zip(names, values, strict=False):
        number = _number(value)
        if name.strip() and number is not None:
            found.setdefault(name.strip(), (number,))
    if not found:
        raise UnreadableFile(
            f"{path}: expected names in the second line and values in the last, between tabs, found none; copy the file again"
        )
    return found


def _event_frames(path: Path, content: bytes) -> dict[str, list[int]]:
    rows = _cells(path, content)[: len(EVENT_ROWS)]
    found: dict[str, list[int]] = {}
    for row, expected in zip(rows, EVENT_ROWS, strict=False):
        named = next((event for event in EVENT_ROWS for cell in row if str(cell).strip().upper() == event), expected)
        found[named] = [int(cell) for cell in row if isinstance(cell, float) and cell >= 1 and cell == int(cell)]
    if len(found) < len(EVENT_ROWS) or not any(found.values()):
        raise UnreadableFile(f"{path}: expected frame numbers of {', '.join(EVENT_ROWS)} in the first four rows, found none")
    return found


def _cells(path: Path, content: bytes) -> list[list[Any]]:
    """The rows of an Excel 97 file's first sheet."""
    if not content.startswith(OLE2):
        raise UnreadableFile(f"{path}: expected an Excel 97 file, as the set's .csv files are, got another kind; copy it again")
    try:
        import xlrd
    except ImportError:
        raise UnreadableFile(
            f"{path}: reading Excel 97 files needs the package xlrd; `pip install 'agir-plugin[shida]'`"
        ) from None
    try:
        sheet = xlrd.open_workbook(file_contents=content, logfile=io.StringIO()).sheet_by_index(0)
        return [sheet.row_values(number) for number in range(sheet.nrows)]
    except Exception as error:  # xlrd follows the file's own offsets: a damaged file can raise almost anything
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise UnreadableFile(f"{path}: expected an Excel 97 file, but reading it failed ({reason}); copy it again") from None


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
