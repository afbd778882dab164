"""Pelvis landmarks with y up enter, pelvis and hip joint centres leave, with a word on how well they are known."""
from __future__ import annotations

import numpy as np

from agir_plugin.consts import SIDES
from agir_plugin.motion.marks import FOOT, Marks, forward_of_feet, mean_of
from agir_plugin.motion.vectors import UP, level, median_length, median_size, square, unit

#: Hip centre from the middle of the front pelvis points, as a part of pelvis depth or width plus millimetres:
#: x forward, y up, z to the side (Harrington et al. 2007, J Biomech 40:595, regression without leg length).
HARRINGTON_X_M = (-0.24, -0.0099)
HARRINGTON_Y_M = (-0.30, -0.0109)
HARRINGTON_Z_M = (0.33, 0.0073)
#: Hip centre from the two ASIS alone, as parts of their distance: backwards, downwards, and sideways from their middle
#: (Bell, Pedersen & Brand 1990, J Biomech 23:617: 22 % back, 30 % down and 14 % inwards of the ASIS).
BELL_BACK, BELL_DOWN, BELL_SIDE = 0.22, 0.30, 0.36
#: Pelvis depth as a part of the ASIS distance, where no point at the back was marked (PSIS to ASIS, Harrington's means).
DEPTH_OF_WIDTH = 0.65
#: Hip centre from the trochanters: this part of their distance inwards (Weinhandl & O'Connor 2010, J Biomech 43:2633).
TROCHANTER_INWARDS = 0.25
#: Pelvis above the hip centres where no pelvis landmark gives its height, as a part of their distance (SMPL at rest).
ABOVE_HIPS = 0.6
#: From PSIS or sacrum to the pelvis's middle (ahead) and to the hip centres (ahead, above, outwards), as parts of the
#: height above the feet: our medians over 11 public recordings of 10 laboratories, spread 1 to 2 cm for an adult.
FROM_BACK_MIDDLE = 0.094
FROM_BACK_HIP = (0.122, -0.096, 0.087)
#: Percentile of the foot landmarks' heights at which the feet stand.
STANDING_PERCENTILE = 5.0

Centres = dict[str, np.ndarray]


def pelvis_and_hips(marks: Marks) -> tuple[Centres, list[str]]:
    """Pelvis and hip centres (T, 3) from the best landmarks that are there, and flags; empty when there are none.

    In this order: both ASIS and the back (PSIS or sacrum; one missing ASIS is mirrored from the other), the laboratory's
    or tracker's own hip centres, trochanters, the ASIS alone, the back alone with the direction of the feet.
    Flags: "hips_from_asis_alone", "hips_estimated".
    """
    front = _front(marks)
    back = mean_of(marks, ["left_psis", "right_psis"])
    back = marks.get("sacrum") if back is None else back
    if front is not None and back is not None:
        return _harrington(*front, back), []
    for kind, inwards in (("hip_centre", 0.0), ("trochanter", TROCHANTER_INWARDS)):
        left, right = (marks.get(f"{side}_{kind}") for side in SIDES)
        if left is not None and right is not None:
            return _from_hips(marks, left + inwards * (right - left), right + inwards * (left - right)), []
    if front is not None:
        return _bell(*front), ["hips_from_asis_alone"]
    forward = forward_of_feet(marks)
    if back is not None and forward is not None:
        return _from_back(back, forward, _lowest_foot_m(marks)), ["hips_estimated"]
    return {}, []


def _front(marks: Marks) -> tuple[np.ndarray, np.ndarray] | None:
    """Left and right ASIS; one that was never seen is the other's mirror image in the middle plane of the PSIS."""
    left, right = (marks.get(f"{side}_asis") for side in SIDES)
    if left is not None and right is not None:
        return left, right
    backs = [marks.get(f"{side}_psis") for side in SIDES]
    known = right if left is None else left
    if known is None or backs[0] is None or backs[1] is None:
        return None
    across = unit(backs[0] - backs[1])
    middle = 0.5 * (backs[0] + backs[1])
    mirrored = known - 2.0 * np.sum((known - middle) * across, axis=-1, keepdims=True) * across
    return (mirrored, known) if left is None else (known, mirrored)


def _harrington(left: np.ndarray, right: np.ndarray, back: np.ndarray) -> Centres:
    """Pelvis (middle of its front and back) and hip centres from pelvis width and depth.

    Only the part of `back` in the pelvis's middle plane counts, so that one PSIS or the sacrum serves as well as two.
    """
    front = 0.5 * (left + right)
    sideways = unit(right - left)
    ahead = square(front - back, sideways)
    width, depth = median_length(left - right), median_length(ahead)
    forward = unit(ahead)
    upward = np.cross(sideways, forward)
    base = front + (HARRINGTON_X_M[0] * depth + HARRINGTON_X_M[1]) * forward
    base = base + (HARRINGTON_Y_M[0] * width + HARRINGTON_Y_M[1]) * upward
    offset = (HARRINGTON_Z_M[0] * width + HARRINGTON_Z_M[1]) * sideways
    return {"pelvis": front - 0.5 * ahead, "left_hip": base - offset, "right_hip": base + offset}


def _bell(left: np.ndarray, right: np.ndarray) -> Centres:
    """Pelvis and hip centres from the distance of the two ASIS, the pelvis being taken for level from front to back."""
    front = 0.5 * (left + right)
    sideways = unit(right - left)
    forward = unit(level(np.cross(UP, sideways)))
    width = median_length(left - right)
    base = front - BELL_BACK * width * forward - BELL_DOWN * width * np.cross(sideways, forward)
    offset = BELL_SIDE * width * sideways
    pelvis = front - 0.5 * DEPTH_OF_WIDTH * width * forward
    return {"pelvis": pelvis, "left_hip": base - offset, "right_hip": base + offset}


def _from_hips(marks: Marks, left: np.ndarray, right: np.ndarray) -> Centres:
    """Pelvis above the middle of the hip centres, at the height of whatever pelvis landmarks there are."""
    middle = 0.5 * (left + right)
    top = mean_of(marks, ["left_asis", "right_asis", "left_psis", "right_psis", "sacrum"])
    height = middle[:, 1] + ABOVE_HIPS * median_length(left - right) if top is None else top[:, 1]
    pelvis = np.stack([middle[:, 0], height, middle[:, 2]], axis=-1)
    return {"pelvis": pelvis, "left_hip": left, "right_hip": right}


def _from_back(back: np.ndarray, forward: np.ndarray, floor_m: float) -> Centres:
    """Pelvis and hips ahead of the sacrum or PSIS, in the direction in which the feet point on average."""
    height = median_size(back[:, 1]) - floor_m
    across = np.cross(UP, forward)
    ahead, above, aside = FROM_BACK_HIP
    base = back + height * (ahead * forward + above * UP)
    sides = {f"{side}_hip": base + sign * height * aside * across for side, sign in zip(SIDES, (1, -1), strict=True)}
    return {"pelvis": back + height * FROM_BACK_MIDDLE * forward, **sides}


def _lowest_foot_m(marks: Marks) -> float:
    """Height at which the feet stand: a low percentile of all foot landmarks, 0 when there are none."""
    heights = [marks[f"{side}_{kind}"][:, 1] for side in SIDES for kind in FOOT if f"{side}_{kind}" in marks]
    return float(np.nanpercentile(np.concatenate(heights), STANDING_PERCENTILE)) if heights else 0.0
