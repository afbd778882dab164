"""Landmark tracks by name enter, means over several of them and the direction of the feet leave."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from agir_plugin.consts import SIDES
from agir_plugin.motion.vectors import level, unit

#: Landmarks or joints by our names, (T, 3) each, metres, NaN where not seen.
Marks = Mapping[str, np.ndarray]

#: Landmarks or joints of the foot and of the pelvis, by the names of both tables.
FOOT = ("heel", "toe", "foot", "ankle", "first_metatarsal", "fifth_metatarsal", "toe_tip", "ankle_centre")
PELVIS = ("asis", "psis", "hip", "hip_centre", "trochanter")
#: The front and the back of a foot, best first.
FRONTS = ("toe", "foot", "toe_tip", "first_metatarsal", "fifth_metatarsal")
BACKS = ("heel", "ankle", "ankle_centre")


def sided(kinds: Sequence[str], side: str) -> list[str]:
    """("heel", "toe"), "left" -> ["left_heel", "left_toe"]."""
    return [f"{side}_{kind}" for kind in kinds]


def mean_of(marks: Marks, names: Sequence[str]) -> np.ndarray | None:
    """(T, 3) mean of the named tracks over those seen in each frame; None when the file has none of them."""
    tracks = [marks[name] for name in names if name in marks]
    if not tracks:
        return None
    stack = np.stack(tracks)
    seen = np.isfinite(stack).all(axis=-1, keepdims=True)
    count = seen.sum(axis=0)
    total = np.where(seen, stack, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def forward_of_feet(marks: Marks) -> np.ndarray | None:
    """(T, 3) level unit direction in which the feet point, both together; None where no foot has a front and a back."""
    feet = {}
    for side in SIDES:
        front = next((marks[name] for name in sided(FRONTS, side) if name in marks), None)
        back = next((marks[name] for name in sided(BACKS, side) if name in marks), None)
        if front is not None and back is not None:
            feet[side] = unit(level(front - back))
    both = mean_of(feet, SIDES)
    return None if both is None or not np.isfinite(both).any() else unit(both)
