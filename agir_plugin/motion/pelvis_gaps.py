"""Pelvis landmarks with y up and with gaps enter; those that two seen ones and the vertical put back leave, and where.

Arms and clothes hide a pelvis marker for a second or more in the middle of a walk. Two points that are left fix the
pelvis's place and direction; its tilt, which changes by a few degrees within a stride (Perry & Burnfield 2010), is carried
on between the frames before and after the gap in which the hidden point was seen. Gaps at the ends stay.
"""
from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from agir_plugin.motion.signals import hold_and_interpolate
from agir_plugin.motion.vectors import UP, unit

#: Landmarks of the pelvis; two of them fix its place and direction, better pairs first: front, back, then across.
MEMBERS = ("left_asis", "right_asis", "left_psis", "right_psis", "sacrum")
PAIRS = (MEMBERS[:2], MEMBERS[2:4], *(pair for pair in combinations(MEMBERS, 2) if pair not in (MEMBERS[:2], MEMBERS[2:4])))
#: A landmark must be seen together with a pair in this many frames for its place beside them to be known.
FEWEST_FRAMES = 10


def fill_pelvis(marks: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Landmarks (T, 3) with inner gaps in the pelvis's filled wherever two others of it are seen, and the frames (T,) of that."""
    filled = dict(marks)
    mended = np.zeros(len(next(iter(marks.values()), ())), bool)
    pairs = [(marks[first], marks[second], {first, second}) for first, second in PAIRS if {first, second} <= set(marks)]
    for name in MEMBERS:
        for first, second, names in pairs:
            if name in marks and name not in names and np.isnan(filled[name]).any():
                track = _beside(filled[name], marks[name], first, second)
                mended |= np.isfinite(track).all(axis=-1) & ~np.isfinite(filled[name]).all(axis=-1)
                filled[name] = track
    return filled, mended


def _beside(filled: np.ndarray, track: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(T, 3) a landmark with its inner gaps filled at its place in the upright frame of two others, where they are seen."""
    along = unit(first - second)
    across = unit(np.cross(along, UP))
    frame = np.stack([along, np.cross(across, along), across], axis=-1)
    middle = 0.5 * (first + second)
    own = np.einsum("tji,tj->ti", frame, track - middle)
    seen = np.flatnonzero(np.isfinite(own).all(axis=-1))
    if len(seen) < FEWEST_FRAMES:
        return filled
    inside = slice(seen[0], seen[-1] + 1)
    put_back = middle + np.einsum("tij,tj->ti", frame, hold_and_interpolate(own))
    bridged = filled.copy()
    bridged[inside] = np.where(np.isfinite(filled[inside]), filled[inside], put_back[inside])
    return bridged
