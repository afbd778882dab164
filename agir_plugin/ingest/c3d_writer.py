"""Marker places enter, a C3D file in millimetres leaves."""
from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from agir_plugin.errors import UsageError
from agir_plugin.records import LabelledEvent

#: Longest list a C3D parameter can hold; further labels go to LABELS2, LABELS3, ...
MOST_LABELS = 255
#: Our event names -> the labels that Vicon and most readers use.
LABELS = {"heel_strike": "Foot Strike", "toe_off": "Foot Off"}


def write_c3d(
    path: Path | str, names: Sequence[str], positions_m: np.ndarray, fps: float, events: Iterable[LabelledEvent] = (),
    up: str | None = None,
) -> None:
    """Write (T, P, 3) places in metres as a C3D file in millimetres; a point with a NaN becomes a gap.

    `up` names the vertical axis for readers ("+y"). The file appears whole or not at all.
    Raises UsageError when names, places, rate or axis do not fit together.
    """
    places = np.asarray(positions_m, dtype=np.float64)
    if places.ndim != 3 or places.shape[2] != 3 or places.shape[1] != len(names) or not places.size:
        raise UsageError(
            f"{path}: expected places of shape (frames, {len(names)}, 3), one per name, to write, got {places.shape}"
        )
    if not (math.isfinite(fps) and fps > 0):
        raise UsageError(f"{path}: expected a frame rate above 0 frames per second to write, got {fps!r}")
    file = _contents(names, places, fps)
    if up is not None:
        across, upward = _screen(up, path)
        file.add_parameter("POINT", "X_SCREEN", [across])
        file.add_parameter("POINT", "Y_SCREEN", [upward])
    _add_events(file, sorted(events, key=lambda event: event.time_s))
    _write(file, Path(path))


def _contents(names: Sequence[str], places_m: np.ndarray, fps: float) -> object:
    import ezc3d

    file = ezc3d.c3d()
    file["parameters"]["POINT"]["RATE"]["value"] = [float(fps)]
    file["parameters"]["POINT"]["UNITS"]["value"] = ["mm"]
    file["parameters"]["POINT"]["LABELS"]["value"] = list(names[:MOST_LABELS])
    for part, start in enumerate(range(MOST_LABELS, len(names), MOST_LABELS), start=2):
        file.add_parameter("POINT", f"LABELS{part}", list(names[start : start + MOST_LABELS]))
    points = np.full((4, places_m.shape[1], places_m.shape[0]), 1.0)
    points[:3] = np.moveaxis(places_m * 1000.0, (0, 1, 2), (2, 1, 0))
    gap = ~np.isfinite(points[:3]).all(axis=0)
    points[:3, gap] = np.nan
    file["data"]["points"] = points
    file["data"]["meta_points"]["residuals"] = np.where(gap, -1.0, 0.0)[None]
    return file


def _screen(up: str, path: Path | str) -> tuple[str, str]:
    axis = up.lower()[-1:]
    if up.lower() not in ("+x", "+y", "+z", "-x", "-y", "-z"):
        raise UsageError(f"{path}: expected a vertical axis such as '+y' or '+z', got {up!r}")
    return "+Z" if axis == "x" else "+X", up.upper()


def _add_events(file: object, events: Sequence[LabelledEvent]) -> None:
    if not events:
        return
    file.add_parameter("EVENT", "USED", [len(events)])
    file.add_parameter("EVENT", "CONTEXTS", [event.side.capitalize() for event in events])
    file.add_parameter("EVENT", "LABELS", [LABELS[event.kind] for event in events])
    times = np.array([divmod(event.time_s, 60.0) for event in events]).T
    file.add_parameter("EVENT", "TIMES", times)


def _write(file: object, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # ezc3d adds .c3d to a name that does not end so
    part = path.with_name(f".{path.name}.{os.getpid()}.part.c3d")
    try:
        file.write(str(part))
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
