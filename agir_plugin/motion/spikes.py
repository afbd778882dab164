"""Landmark tracks enter, the same tracks leave with single wild frames turned into gaps, and how many there were."""
from __future__ import annotations

import numpy as np

from agir_plugin.motion.marks import Marks

#: Frames on either side with which a frame is compared: up to three wild frames in a row stand out.
NEIGHBOURS = 3
#: A frame is wild when it lies this far from the median of its neighbourhood, metres ...
FAR_M = 0.06
#: ... beyond what a limb can do in that time: markers on a foot reach about 80 m/s^2 when the heel lands.
FASTEST_MPS2 = 100.0
#: A track whose second differences all stay below this part of that has no wild frame: three frames climb no faster.
SMOOTH = 1.0 / 6.0


def without_spikes(marks: Marks, fps: float) -> tuple[dict[str, np.ndarray], list[str]]:
    """Tracks (T, 3) with wild frames as NaN, and the flag "spikes_removed: N samples" where there were any.

    A marker that a camera mistakes for another jumps away for a frame or two and comes back; a 6 Hz filter would smear
    that over a fifth of a second.
    """
    cleaned, count = {}, 0
    for name, track in marks.items():
        wild = _wild(track, fps)
        count += int(wild.sum())
        cleaned[name] = np.where(wild[:, None], np.nan, track) if wild.any() else track
    return cleaned, [f"spikes_removed: {count} samples"] if count else []


def _wild(track: np.ndarray, fps: float) -> np.ndarray:
    """(T,) whether a frame lies far from the median of those around it, of which at least half must be seen."""
    seen = np.flatnonzero(np.isfinite(track).all(axis=-1))
    wild = np.zeros(len(track), bool)
    if len(seen) <= 2 * NEIGHBOURS:
        return wild
    far_m = FAR_M + 0.5 * FASTEST_MPS2 * (NEIGHBOURS / fps) ** 2
    if np.abs(np.diff(track[seen], 2, axis=0)).max() < SMOOTH * far_m:
        return wild
    padded = np.pad(track[seen], ((NEIGHBOURS, NEIGHBOURS), (0, 0)), mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * NEIGHBOURS + 1, axis=0)
    wild[seen] = np.linalg.norm(track[seen] - np.median(around, axis=-1), axis=-1) > far_m
    return wild
