"""C3D files enter, marker `Recording` values leave: any unit, any byte order, any number of labels."""
from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from agir_plugin.errors import UnreadableFile, UnusableRecording
from agir_plugin.ingest import c3d_layout
from agir_plugin.ingest.c3d_events import labelled_events
from agir_plugin.ingest.c3d_layout import BLOCK_BYTES, BYTE_ORDERS, MAGIC, Groups, Layout
from agir_plugin.ingest.kinds import kind_of
from agir_plugin.ingest.places import FASTEST_FPS, METRES, gaps_where_lost, refuse_too_many
from agir_plugin.records import Recording

SUFFIXES = (".c3d",)

#: Header and parameters end before the data, whose first block has a 16-bit number, bytes.
LONGEST_HEAD = 65536 * BLOCK_BYTES
#: Frames are read in parts of about this size, so that analog channels take no memory, bytes.
READ_BYTES = 8_000_000
#: POINT parameters that list labels which are model results rather than places in the room.
MODEL_OUTPUTS = ("ANGLES", "FORCES", "MOMENTS", "POWERS", "SCALARS", "REACTIONS")


def sniff(head: bytes, path: Path) -> bool:
    """Whether byte 2 is 0x50 and the parameter block that byte 1 points to starts with a known processor code."""
    if len(head) < 2 or head[1] != MAGIC or head[0] < 2:
        return False
    code = (head[0] - 1) * BLOCK_BYTES + 3
    return head[code] in BYTE_ORDERS if code < len(head) else path.suffix.lower() in SUFFIXES


def read(path: Path, fps: float | None = None) -> Recording:
    """Markers of a C3D file in metres, in the laboratory's axes.

    Gaps (residual below 0, exact (0,0,0), NaN) become NaN; a file whose every residual is below 0 says nothing by them, and
    its places are kept, with a note. Event times count from the first stored frame.
    Raises UnreadableFile for a damaged or truncated file, UnusableRecording for one without points.
    """
    with path.open("rb") as file:
        layout, groups = c3d_layout.parse(file.read(LONGEST_HEAD), path)
    rate = _rate(layout, groups, fps, path)
    scale_m, notes = _metres(groups)
    labels, label_notes = _labels(c3d_layout.texts(groups, "POINT", "LABELS"), layout.points)
    names, columns, column_notes = _places(labels, groups)
    points, point_notes = _points(layout, _frame_count(layout, groups), columns, path)
    events, event_notes = labelled_events(groups, layout.first_frame / rate, len(points) / rate)
    return Recording(
        path=str(path), format="c3d", kind=kind_of(names, "markers"), fps=rate, names=names,
        positions_m=gaps_where_lost(points * scale_m), up=_up(groups), events=events,
        notes=(*notes, *label_notes, *column_notes, *point_notes, *event_notes),
    )


def _rate(layout: Layout, groups: Groups, fps: float | None, path: Path) -> float:
    stored = c3d_layout.number(groups, "POINT", "RATE")
    for rate in (fps, stored, layout.rate_hz):
        if rate is not None and math.isfinite(rate) and 0 < rate <= FASTEST_FPS:
            return float(rate)
    raise UnreadableFile(
        f"{path}: expected POINT:RATE in frames per second, got {stored if stored is not None else layout.rate_hz}; "
        "give the frame rate with --fps"
    )


def _metres(groups: Groups) -> tuple[float, list[str]]:
    stored = (c3d_layout.texts(groups, "POINT", "UNITS") or [""])[0]
    unit = re.sub(r"[^a-z]", "", stored.lower())
    if unit in METRES:
        return METRES[unit], []
    return 0.001, [f"POINT:UNITS {stored!r} is not a known length; millimetres assumed"]


def _frame_count(layout: Layout, groups: Groups) -> int:
    """Frames stored. The header's 16-bit numbers end at 65535; TRIAL holds the same in two words each, POINT as a float."""
    stored = layout.last_frame - layout.first_frame + 1
    if layout.last_frame < 65534:
        return stored
    first, last = (groups.get("TRIAL", {}).get(f"ACTUAL_{end}_FIELD") for end in ("START", "END"))
    if isinstance(first, np.ndarray) and isinstance(last, np.ndarray) and first.size == last.size == 2:
        span = (last - first) @ [1.0, 65536.0]
        if np.isfinite(span):
            return int(span) + 1
    longer = (c3d_layout.number(groups, "POINT", name) for name in ("LONG_FRAMES", "FRAMES"))
    return max([stored, *(int(frames) for frames in longer if frames is not None and math.isfinite(frames))])


def _points(layout: Layout, frames: int, columns: Sequence[int], path: Path) -> tuple[np.ndarray, list[str]]:
    """(T, P, 3) of some points in the file's unit with NaN where the residual is negative, and what had to be mended."""
    if not columns or frames <= 0:
        raise UnusableRecording(
            f"{path}: expected 3D points, got {len(columns)} points in {max(frames, 0)} frames; "
            "export the trial with its markers"
        )
    per_frame = 4 * layout.points + layout.analog_values
    word = 4 if layout.scale < 0 else 2
    held = (path.stat().st_size - layout.data_start) // (per_frame * word) if layout.data_start > 0 else 0
    if held < frames:
        raise UnreadableFile(
            f"{path}: the header says {frames} frames of {layout.points} points, but the bytes hold {max(held, 0)}; "
            "the file is truncated, copy it again"
        )
    refuse_too_many(path, frames, len(columns))
    places, lost = np.empty((frames, len(columns), 3)), np.empty((frames, len(columns)), bool)
    step = max(1, READ_BYTES // (per_frame * word))
    with path.open("rb") as file:
        file.seek(layout.data_start)
        for first in range(0, frames, step):
            count = min(step, frames - first)
            words = _decoded(file.read(count * per_frame * word), layout, count)[:, columns]
            places[first : first + count], lost[first : first + count] = words[..., :3], words[..., 3] < 0
    if lost.all():
        return places, ["every residual is negative, which would leave no marker; the places are believed"]
    places[lost] = np.nan
    return places, []


def _decoded(data: bytes, layout: Layout, frames: int) -> np.ndarray:
    """(frames, P, 4) places and residuals of some frames; what follows the points in each frame is analog."""
    if layout.scale < 0:
        values = c3d_layout.floats(data, layout.order, layout.dec)
    else:
        values = np.frombuffer(data, f"{layout.order}i2").astype(np.float64)
    words = values.reshape(frames, -1)[:, : 4 * layout.points].reshape(frames, layout.points, 4)
    if layout.scale < 0:
        return words
    with np.errstate(over="ignore", invalid="ignore"):
        return words * [layout.scale, layout.scale, layout.scale, 1.0]


def _labels(stored: Sequence[str], points: int) -> tuple[list[str], list[str]]:
    """One label per point, subject prefix ("Anna:LASI") removed, and what had to be mended."""
    notes = []
    if len(stored) > points:
        notes.append(f"{len(stored) - points} labels beyond the {points} stored points ignored")
    if len(stored) < points:
        notes.append(f"{points - len(stored)} points without a label, named by their column (*1 is the first)")
    labels = [*stored[:points], *(f"*{k + 1}" for k in range(len(stored), points))]
    prefixes = {label.rpartition(":")[0] for label in labels if ":" in label}
    if len(prefixes) > 1:
        subjects = ", ".join(sorted(prefixes))
        notes.append(f"points of {len(prefixes)} subjects ({subjects}); the first of each label is used")
    return [label.rpartition(":")[2].strip() or f"*{k + 1}" for k, label in enumerate(labels)], notes


def _places(labels: Sequence[str], groups: Groups) -> tuple[tuple[str, ...], list[int], list[str]]:
    """Names and columns of the points to keep: no model outputs, and the first of each repeated label."""
    outputs = {name.rpartition(":")[2] for kind in MODEL_OUTPUTS for name in c3d_layout.texts(groups, "POINT", kind)}
    kept: dict[str, int] = {}
    repeated: list[str] = []
    for column, label in enumerate(labels):
        if label in outputs:
            continue
        if label in kept:
            repeated.append(label)
            continue
        kept[label] = column
    notes = [f"repeated labels, first kept: {', '.join(sorted(set(repeated)))}"] if repeated else []
    left_out = len(labels) - len(kept) - len(repeated)
    if left_out:
        notes.append(f"{left_out} model outputs (angles, forces, powers) left out")
    return tuple(kept), list(kept.values()), notes


def _up(groups: Groups) -> str | None:
    """The vertical axis where the file names its screen axes: Y_SCREEN points up the screen."""
    across, up = ((c3d_layout.texts(groups, "POINT", f"{axis}_SCREEN") or [""])[0].lower() for axis in "XY")
    valid = re.fullmatch(r"[+-]?[xyz]", across) and re.fullmatch(r"[+-]?[xyz]", up) and across[-1] != up[-1]
    return (up if len(up) == 2 else f"+{up}") if valid else None
