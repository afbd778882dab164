"""Landmarks in a laboratory's axes enter, landmarks with y up in a right-handed frame leave, with what looked wrong."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

Marks = Mapping[str, np.ndarray]

#: Landmarks or joints of the foot, of the pelvis, and of the upper body, by the names of both tables.
FOOT = ("heel", "toe", "foot", "ankle", "first_metatarsal", "fifth_metatarsal")
PELVIS = ("asis", "psis", "hip", "hip_centre", "trochanter")
#: The pelvis stands this far above the feet in a person who walks, metres (a small child to a very tall adult).
PELVIS_ABOVE_FEET_M = (0.35, 1.45)
#: Factors by which a wrong length unit is off: mm, cm, dm and inches taken for metres, and the other way round.
UNIT_FACTORS = (0.001, 0.01, 0.1, 0.0254, 10.0, 100.0, 1000.0)
#: Part of the standing direction that may lie off an axis before the vertical is called uncertain (25 degrees).
TILT = 0.42
#: Mean cosine between the left side's direction and where it should lie, below which the sides are called swapped.
SWAPPED = -0.3


def upright(marks: Marks, up: str | None) -> tuple[dict[str, np.ndarray], list[str]]:
    """Landmarks (T, 3) rotated so that y points up in a right-handed frame, and flags.

    The standing direction, from the feet to the pelvis in the same frames, decides between the axes; the file's own
    statement `up` is used when the data cannot say, and overruled (flag "vertical_from_data") when they disagree.
    Where the left side lies to the right of the toes' direction, the labels are believed, the axes are taken for
    left-handed and x is mirrored (flag "sides_swapped?": it may have been the labels).
    Further flags: "vertical_uncertain", "units_guessed", "implausible_size".
    """
    standing = _standing(marks)
    axis, flags = _vertical(standing, up)
    turn = _turn_up(axis)
    scale, unit_flags = _unit_scale(standing)
    turned = {name: scale * places @ turn.T for name, places in marks.items()}
    if _sides_swapped(turned):
        turned = {name: places * [-1.0, 1.0, 1.0] for name, places in turned.items()}
        flags.append("sides_swapped?")
    return turned, [*flags, *unit_flags]


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


def _sided(kinds: Sequence[str], side: str) -> list[str]:
    return [f"{side}_{kind}" for kind in kinds]


def _standing(marks: Marks) -> np.ndarray | None:
    """(3,) mean vector from the feet to the pelvis, or None when the two are never seen together."""
    feet = mean_of(marks, [*_sided(FOOT, "left"), *_sided(FOOT, "right")])
    pelvis = mean_of(marks, [*_sided(PELVIS, "left"), *_sided(PELVIS, "right"), "sacrum"])
    if feet is None or pelvis is None:
        return None
    between = pelvis - feet
    between = between[np.isfinite(between).all(axis=-1)]
    return between.mean(axis=0) if len(between) else None


def _vertical(standing: np.ndarray | None, up: str | None) -> tuple[str, list[str]]:
    """The vertical axis as "+y" and flags."""
    if standing is None:
        return up or "+y", ["vertical_uncertain"]
    length = float(np.linalg.norm(standing))
    index = int(np.argmax(np.abs(standing)))
    axis = f"{'-' if standing[index] < 0 else '+'}{'xyz'[index]}"
    off_axis = np.sqrt(max(length**2 - standing[index] ** 2, 0.0))
    if length == 0 or off_axis > TILT * length:
        return up or axis, ["vertical_uncertain"]
    return axis, ["vertical_from_data"] if up is not None and axis != up else []


def _turn_up(axis: str) -> np.ndarray:
    """(3, 3) rotation that takes the named axis to +y; z-up laboratories become (x, z, -y)."""
    up = np.zeros(3)
    up["xyz".index(axis[1])] = -1.0 if axis[0] == "-" else 1.0
    across = np.eye(3)[1] if axis[1] == "x" else np.eye(3)[0]
    return np.stack([across, up, np.cross(across, up)])


def _unit_scale(standing: np.ndarray | None) -> tuple[float, list[str]]:
    """The factor that makes a person of it, and a flag when that is not 1 or there is none."""
    if standing is None:
        return 1.0, []
    low, high = PELVIS_ABOVE_FEET_M
    height = float(np.abs(standing).max())
    if low <= height <= high:
        return 1.0, []
    fitting = [factor for factor in UNIT_FACTORS if low <= height * factor <= high]
    return (fitting[0], ["units_guessed"]) if fitting else (1.0, ["implausible_size"])


def _sides_swapped(marks: Marks) -> bool:
    """Whether the left side clearly lies to the right of the direction in which the toes point."""
    forward = _forward(marks)
    left = mean_of(marks, [*_sided(PELVIS, "left"), "left_knee", "left_shoulder"])
    right = mean_of(marks, [*_sided(PELVIS, "right"), "right_knee", "right_shoulder"])
    if forward is None or left is None or right is None:
        return False
    to_left = np.cross([0.0, 1.0, 0.0], forward)
    across = (left - right) * [1.0, 0.0, 1.0]
    with np.errstate(invalid="ignore", divide="ignore"):
        lengths = np.linalg.norm(across, axis=-1) * np.linalg.norm(to_left, axis=-1)
        agreement = np.sum(across * to_left, axis=-1) / lengths
    agreement = agreement[np.isfinite(agreement)]
    return bool(len(agreement) and agreement.mean() < SWAPPED)


def _forward(marks: Marks) -> np.ndarray | None:
    """(T, 3) horizontal direction of the toes, both feet together; the front of the pelvis where no toe is marked."""
    for front, back in ((("toe", "foot"), ("heel", "ankle")), (("asis",), ("psis",))):
        ahead = mean_of(marks, [*_sided(front, "left"), *_sided(front, "right")])
        behind = mean_of(marks, [*_sided(back[:1], "left"), *_sided(back[:1], "right")])
        if behind is None:
            behind = mean_of(marks, [*_sided(back, "left"), *_sided(back, "right")])
        if ahead is not None and behind is not None and np.isfinite(ahead - behind).any():
            return (ahead - behind) * [1.0, 0.0, 1.0]
    return None
