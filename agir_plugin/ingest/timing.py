"""A time column and the rates that a header names enter; one frame rate and evenly spaced frames leave."""
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from agir_plugin.errors import UnreadableFile
from agir_plugin.ingest.places import FASTEST_FPS, MOST_PLACES

#: A stated rate this near to the rate of the time column is the rate: times are written with few digits.
SAME_RATE = 0.03
#: A time farther than this part of a frame from its place shows that frames were left out.
OFF_GRID = 0.6
#: Missing frames are put back as gaps as long as the file grows by no more than this factor.
MOST_GROWTH = 20


def frame_rate(
    times_s: np.ndarray, stated: Sequence[float], fps: float | None, path: Path
) -> tuple[float, list[str]]:
    """Frames per second and notes: `fps` if given, else the stated rate that the times confirm, else the times' own.

    The time column overrules the header: exporters leave the camera's rate in files that were resampled. Times in
    milliseconds are understood where a stated rate confirms them. Raises UnreadableFile when neither can tell.
    """
    if fps is not None:
        return float(fps), []
    believed = [rate for rate in stated if np.isfinite(rate) and 0 < rate <= FASTEST_FPS]
    timed = _rate_of(times_s)
    for rate in believed:
        if timed is None or any(abs(rate / (timed * factor) - 1) < SAME_RATE for factor in (1.0, 1000.0)):
            return rate, []
    if timed is None or timed > FASTEST_FPS:
        raise UnreadableFile(
            f"{path}: expected a frame rate above 0 in the header or times in seconds that increase, got neither; "
            "give the frame rate with --fps"
        )
    rate = float(round(timed)) if timed > 1 and abs(timed - round(timed)) < 0.01 * timed else timed
    if believed:
        header = ", ".join(f"{other:g}" for other in believed)
        return rate, [f"the header says {header} frames per second, the times {rate:g}; the times are believed"]
    return rate, []


def even_frames(times_s: np.ndarray, places: np.ndarray, fps: float) -> tuple[np.ndarray, list[str]]:
    """`places` (T, P, 3) with frames that were left out put back as gaps (NaN), and a note where there were any.

    Nothing is done where the times are not finite, do not increase, or fit the rate without holes.
    """
    if _rate_of(times_s) is None:
        return places, []
    at = (times_s - times_s[0]) * fps
    if np.abs(at - np.arange(len(at))).max() < OFF_GRID:
        return places, []
    rows = np.round(at).astype(np.int64)
    most = min(MOST_GROWTH * len(rows), MOST_PLACES // max(places.shape[1], 1))
    if rows[-1] >= most or (np.diff(rows) <= 0).any() or not (np.diff(rows) == 1).any():
        return places, ["times are unevenly spaced; frames taken as they follow"]
    whole = np.full((int(rows[-1]) + 1, *places.shape[1:]), np.nan)
    whole[rows] = places
    return whole, [f"{len(whole) - len(rows)} frames are missing in the file by its times; put back as gaps"]


def _rate_of(times_s: np.ndarray) -> float | None:
    """Frames per second by the usual step of finite, increasing times, sharpened over the stretches without holes."""
    if len(times_s) < 2 or not np.isfinite(times_s).all() or np.abs(times_s).max() > 1e9:
        return None
    steps = np.diff(times_s)
    if (steps <= 0).any():
        return None
    usual = steps[steps < 1.5 * np.sort(steps)[(len(steps) - 1) // 2]]
    rate = 1.0 / usual.mean()
    return float(rate) if np.isfinite(rate) else None
