"""Landmarks with y up enter, landmarks whose left lies to the left of the toes leave, with what had to be exchanged."""
from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from agir_plugin.consts import SIDES
from agir_plugin.motion.marks import Marks, forward_of_feet, mean_of, sided
from agir_plugin.motion.vectors import UP, level, median_size, unit

#: A pair of landmarks lies clearly to one side when its left is on average this far from its right, metres.
CLEAR_M = 0.03
#: Pairs that a mirrored body shows the wrong way round.
TRUNK_PAIRS = ("asis", "psis", "hip_centre", "hip", "trochanter", "iliac_crest", "shoulder", "shoulder_centre")
#: Landmarks of the leg from the knee down. Each keeps its distance from the one above it, whichever way the feet cross.
LEG_PAIRS = (
    ("knee", "knee_medial", "knee_centre", "patella"), ("ankle", "ankle_medial", "ankle_centre"),
    ("heel", "toe", "foot", "toe_tip", "first_metatarsal", "fifth_metatarsal"),
)
#: Labels of a foot are exchanged when its distance from the other leg varies less than this part of that from its own ...
STEADIER = 0.5
#: ... which varies by more than a rigid shank can, metres (median absolute deviation).
LOOSE_M = 0.02
#: Front and back of the pelvis, for files whose feet have only one landmark each.
PELVIS_ENDS = (("asis", "psis"), ("asis", "sacrum"))


def sides_in_place(marks: Marks) -> tuple[dict[str, np.ndarray], list[str]]:
    """The same landmarks with left on the left of the direction in which the toes point, and flags.

    Where pelvis and shoulders lie the wrong way round, the labels are believed, the axes are taken for left-handed and x
    is mirrored (flag "sides_swapped: axes mirrored"). Optical laboratories label each trial, but change axes by script.
    A trunk or knee pair that lies the wrong way round alone has its labels exchanged, and so has a foot that keeps its
    distance from the other leg's knee (flag "sides_swapped: left and right ankle exchanged"); feet that merely cross the
    middle, as in scissoring, stay. Where the direction of the feet is not known, it is the path's, and the flag
    "sides_swapped?" is all.
    """
    forward = forward_of_feet(marks)
    forward = _forward_of_pelvis(marks) if forward is None else forward
    certain = forward is not None
    forward = _along_path(marks) if forward is None else forward
    if forward is None:
        return dict(marks), []
    to_left = np.cross(UP, forward)
    trunk = _offsets(marks, to_left, TRUNK_PAIRS)
    mirrored = bool(trunk) and np.median(np.sign([*trunk.values()])) < 0
    offsets = trunk | _offsets(marks, _trunks_left(marks, trunk, to_left), LEG_PAIRS[0])
    if not certain:
        return dict(marks), ["sides_swapped?"] if mirrored else []
    placed = {name: places * [-1.0, 1.0, 1.0] for name, places in marks.items()} if mirrored else dict(marks)
    exchanged = [kind for kind, offset in offsets.items() if (offset > 0) == mirrored]
    for kind in exchanged:
        _exchange(placed, kind)
    exchanged += _exchange_feet(placed)
    flags = ["sides_swapped: axes mirrored"] if mirrored else []
    flags += [f"sides_swapped: left and right {', '.join(exchanged).replace('_', ' ')} exchanged"] if exchanged else []
    return placed, flags


def _exchange(marks: dict[str, np.ndarray], kind: str) -> None:
    marks[f"left_{kind}"], marks[f"right_{kind}"] = marks[f"right_{kind}"], marks[f"left_{kind}"]


def _exchange_feet(marks: dict[str, np.ndarray]) -> list[str]:
    """Exchange the pairs below the knee whose landmarks belong to the other leg, from the ankle down; their kinds."""
    exchanged = []
    for above, group in itertools.pairwise(LEG_PAIRS):
        anchor = next((kind for kind in above if {f"left_{kind}", f"right_{kind}"} <= set(marks)), None)
        for kind in group if anchor else ():
            if {f"left_{kind}", f"right_{kind}"} <= set(marks) and _of_other_leg(marks, kind, anchor):
                _exchange(marks, kind)
                exchanged.append(kind)
    return exchanged


def _of_other_leg(marks: Marks, kind: str, anchor: str) -> bool:
    own, other = (
        sum(_deviation_m(marks[f"{side}_{kind}"] - marks[f"{beside}_{anchor}"]) for side, beside in sides)
        for sides in (zip(SIDES, SIDES, strict=True), zip(SIDES, reversed(SIDES), strict=True))
    )
    return own > 2 * LOOSE_M and other < STEADIER * own


def _deviation_m(between: np.ndarray) -> float:
    """Median absolute deviation of a distance, metres; NaN when it is never seen."""
    lengths = np.linalg.norm(between, axis=-1)
    return median_size(np.abs(lengths - median_size(lengths)))


def _offsets(marks: Marks, to_left: np.ndarray, kinds: Sequence[str]) -> dict[str, float]:
    """How far each pair's left lies to the left of its right on average, metres; only pairs that clearly do or do not."""
    offsets = {}
    for kind in kinds:
        if not {f"left_{kind}", f"right_{kind}"} <= set(marks):
            continue
        across = np.sum((marks[f"left_{kind}"] - marks[f"right_{kind}"]) * to_left, axis=-1)
        across = across[np.isfinite(across)]
        if len(across) and abs(across.mean()) > CLEAR_M:
            offsets[kind] = float(across.mean())
    return offsets


def _trunks_left(marks: Marks, trunk: Mapping[str, float], to_left: np.ndarray) -> np.ndarray:
    """(T, 3) direction to the left by the trunk pair that shows it best; `to_left`, the feet's, without such a pair.

    A runner's feet point backwards in swing, while the pelvis shows at every moment on which side a knee is.
    """
    if not trunk:
        return to_left
    kind = max(trunk, key=lambda name: abs(trunk[name]))
    return np.sign(trunk[kind]) * unit(level(marks[f"left_{kind}"] - marks[f"right_{kind}"]))


def _forward_of_pelvis(marks: Marks) -> np.ndarray | None:
    """(T, 3) level direction from the back to the front of the pelvis, or None."""
    for ahead, behind in PELVIS_ENDS:
        front = mean_of(marks, [*sided([ahead], "left"), *sided([ahead], "right")])
        back = mean_of(marks, [*(f"{side}_{behind}" for side in SIDES), behind])
        if front is not None and back is not None and np.isfinite(front - back).any():
            return unit(level(front - back))
    return None


def _along_path(marks: Marks) -> np.ndarray | None:
    """(3,) level direction from the beginning to the end of the body's path, or None for a body that stays."""
    names = [name for name in marks if name.removeprefix("left_").removeprefix("right_") in TRUNK_PAIRS]
    path = mean_of(marks, names)
    path = np.empty((0, 3)) if path is None else path[np.isfinite(path).all(axis=-1)]
    if len(path) < 2:
        return None
    travel = level(path[-1] - path[0])
    return unit(travel) if np.linalg.norm(travel) > 1.0 else None
