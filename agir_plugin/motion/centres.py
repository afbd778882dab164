"""Landmarks with y up enter, the joint centres that they determine leave; nothing is invented here."""
from __future__ import annotations

import numpy as np

from agir_plugin.consts import SIDES
from agir_plugin.motion.axes import Marks, mean_of

#: Hip centre from the middle of the front pelvis points, as a part of pelvis depth or width plus millimetres:
#: x forward, y up, z to the side (Harrington et al. 2007, J Biomech 40:595, regression without leg length).
HARRINGTON_X_M = (-0.24, -0.0099)
HARRINGTON_Y_M = (-0.30, -0.0109)
HARRINGTON_Z_M = (0.33, 0.0073)
#: Hip centre from the trochanters: this part of their distance inwards (Weinhandl & O'Connor 2010, J Biomech 43:2633).
TROCHANTER_INWARDS = 0.25
#: Pelvis above the hip centres where no pelvis landmark gives its height, as a part of their distance (SMPL at rest).
ABOVE_HIPS = 0.6
#: Half a joint's width with a marker's radius, as a part of thigh plus shank (adult: 56, 40 and 35 of 830 mm).
HALF_WIDTH = {"knee": 0.068, "ankle": 0.048, "elbow": 0.042}
#: Knee centre behind the patella marker, and inwards of the alignment device's tip, as a part of thigh plus shank.
PATELLA_DEPTH = 0.060
KNEE_AXIS_TIP = 0.110
#: Shoulder centre below the acromion, as a part of the acromions' distance (Rab et al. 2002, Gait Posture 15:113).
BELOW_ACROMION = 0.17
#: Neck joint between C7 and the top of the breastbone (about half-way, Reed et al. 1999, SAE 1999-01-0959).
NECK_FORWARD = 0.5
#: Head joint between neck joint and the middle of the head markers (skull base, about half-way to the forehead).
HEAD_PART = 0.55

Centres = dict[str, np.ndarray]


def joint_centres(marks: Marks) -> Centres:
    """Joint centres (T, 3) by joint name, NaN where a frame lacks the landmarks; joints never seen are absent."""
    centres = _pelvis_and_hips(marks)
    if not all(f"{side}_hip" in centres for side in SIDES):
        return centres
    lateral = _unit(centres["left_hip"] - centres["right_hip"])
    leg_m = _leg_length(marks, centres)
    for side in SIDES:
        outward = lateral if side == "left" else -lateral
        _leg(centres, marks, side, outward, leg_m)
        _arm(centres, marks, side, outward, leg_m)
    _trunk(centres, marks)
    return {name: track for name, track in centres.items() if np.isfinite(track).any()}


def _unit(vectors: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _median_length(vectors: np.ndarray) -> float:
    lengths = np.linalg.norm(vectors, axis=-1)
    lengths = lengths[np.isfinite(lengths)]
    return float(np.median(lengths)) if len(lengths) else float("nan")


def _pelvis_and_hips(marks: Marks) -> Centres:
    """Pelvis and hips from its four landmarks; else from the laboratory's own hip centres or the trochanters."""
    asis = [marks.get(f"{side}_asis") for side in SIDES]
    back = mean_of(marks, ["left_psis", "right_psis"])
    back = marks.get("sacrum") if back is None else back
    if asis[0] is not None and asis[1] is not None and back is not None:
        return _harrington(asis[0], asis[1], back)
    for kind, inwards in (("hip_centre", 0.0), ("trochanter", TROCHANTER_INWARDS)):
        left, right = (marks.get(f"{side}_{kind}") for side in SIDES)
        if left is not None and right is not None:
            return _from_hips(marks, left + inwards * (right - left), right + inwards * (left - right))
    return {}


def _harrington(left: np.ndarray, right: np.ndarray, back: np.ndarray) -> Centres:
    """Pelvis (middle of its front and back) and hip centres from pelvis width and depth.

    Only the part of `back` in the pelvis's middle plane counts, so that one PSIS or the sacrum serves as well as two.
    """
    front = 0.5 * (left + right)
    sideways = _unit(right - left)
    ahead = _square(front - back, sideways)
    width, depth = _median_length(left - right), _median_length(ahead)
    forward = _unit(ahead)
    upward = np.cross(sideways, forward)
    base = front + (HARRINGTON_X_M[0] * depth + HARRINGTON_X_M[1]) * forward
    base = base + (HARRINGTON_Y_M[0] * width + HARRINGTON_Y_M[1]) * upward
    offset = (HARRINGTON_Z_M[0] * width + HARRINGTON_Z_M[1]) * sideways
    return {"pelvis": front - 0.5 * ahead, "left_hip": base - offset, "right_hip": base + offset}


def _from_hips(marks: Marks, left: np.ndarray, right: np.ndarray) -> Centres:
    """Pelvis above the middle of the hip centres, at the height of whatever pelvis landmarks there are."""
    middle = 0.5 * (left + right)
    top = mean_of(marks, ["left_asis", "right_asis", "left_psis", "right_psis", "sacrum"])
    height = middle[:, 1] + ABOVE_HIPS * _median_length(left - right) if top is None else top[:, 1]
    pelvis = np.stack([middle[:, 0], height, middle[:, 2]], axis=-1)
    return {"pelvis": pelvis, "left_hip": left, "right_hip": right}


def _leg_length(marks: Marks, centres: Centres) -> float:
    """Thigh plus shank from the landmarks that are there, metres; a length that only scales small offsets."""
    lengths = []
    for side in SIDES:
        knee = mean_of(marks, [f"{side}_knee", f"{side}_knee_medial", f"{side}_knee_axis", f"{side}_patella"])
        ankle = mean_of(marks, [f"{side}_ankle", f"{side}_ankle_medial"])
        if knee is not None and ankle is not None:
            lengths.append(_median_length(centres[f"{side}_hip"] - knee) + _median_length(knee - ankle))
    finite = [length for length in lengths if np.isfinite(length)]
    return float(np.mean(finite)) if finite else float("nan")


def _leg(centres: Centres, marks: Marks, side: str, outward: np.ndarray, leg_m: float) -> None:
    """Add knee, ankle and foot of one side."""
    hip = centres[f"{side}_hip"]
    knee = _between(marks, side, "knee", hip, outward, leg_m)
    if knee is None:
        knee = _knee_without_marker(marks, side, hip, outward, leg_m)
    if knee is None:
        return
    centres[f"{side}_knee"] = knee
    heel, toe = marks.get(f"{side}_heel"), _toe(marks, side)
    across = outward
    if heel is not None and toe is not None and f"{side}_ankle" in marks:
        leftward = _unit(np.cross(knee - marks[f"{side}_ankle"], toe - heel))
        across = np.where(np.isnan(leftward), outward, leftward if side == "left" else -leftward)
    ankle = _between(marks, side, "ankle", knee, across, leg_m)
    if ankle is not None:
        centres[f"{side}_ankle"] = ankle
    if toe is not None:
        centres[f"{side}_foot"] = toe


def _toe(marks: Marks, side: str) -> np.ndarray | None:
    """The forefoot: second metatarsal or toe marker, else the middle of first and fifth metatarsal."""
    toe = marks.get(f"{side}_toe")
    return toe if toe is not None else mean_of(marks, [f"{side}_first_metatarsal", f"{side}_fifth_metatarsal"])


def _between(
    marks: Marks, side: str, joint: str, above: np.ndarray, outward: np.ndarray, leg_m: float
) -> np.ndarray | None:
    """Middle of outer and inner landmark; with the outer alone, half a joint's width inwards, square to the limb."""
    outer, inner, given = (marks.get(f"{side}_{joint}{kind}") for kind in ("", "_medial", "_centre"))
    if outer is None:
        return given
    inwards = -_unit(_square(outward, above - outer))
    single = outer + HALF_WIDTH[joint] * leg_m * inwards
    if inner is None:
        return single
    width = _median_length(outer - inner)
    single = outer + 0.5 * width * inwards if np.isfinite(width) else single
    middle = 0.5 * (outer + inner)
    return np.where(np.isnan(middle), single, middle)


def _square(direction: np.ndarray, limb: np.ndarray) -> np.ndarray:
    """The part of a direction at right angles to a limb."""
    along = _unit(limb)
    return direction - np.sum(direction * along, axis=-1, keepdims=True) * along


def _knee_without_marker(
    marks: Marks, side: str, hip: np.ndarray, outward: np.ndarray, leg_m: float
) -> np.ndarray | None:
    """Knee centre from the patella, the alignment device, or the laboratory's own centre."""
    patella, tip = marks.get(f"{side}_patella"), marks.get(f"{side}_knee_axis")
    if patella is not None:
        forward = np.cross(outward if side == "left" else -outward, [0.0, 1.0, 0.0])
        return patella - PATELLA_DEPTH * leg_m * _unit(_square(forward, hip - patella))
    if tip is not None:
        return tip - KNEE_AXIS_TIP * leg_m * _unit(_square(outward, hip - tip))
    return marks.get(f"{side}_knee_centre")


def _trunk(centres: Centres, marks: Marks) -> None:
    """Add neck, the middle of the rib cage (a guide for the spine, not a joint), and head."""
    front = marks.get("clav")
    if front is None:
        front = mean_of(marks, ["left_clavicle", "right_clavicle"])
    neck = _halfway(marks.get("c7"), front, NECK_FORWARD)
    shoulders = [centres.get(f"{side}_shoulder") for side in SIDES]
    if neck is None and shoulders[0] is not None and shoulders[1] is not None:
        neck = 0.5 * (marks["left_shoulder"] + marks["right_shoulder"])
    if neck is None:
        return
    centres["neck"] = neck
    chest = _halfway(marks.get("t10"), marks.get("strn"), 0.5)
    if chest is not None and "t10" in marks and "strn" in marks:
        centres["chest"] = chest
    head = mean_of(marks, [f"{side}_head_{end}" for side in SIDES for end in ("front", "back")])
    if head is None:
        head = marks.get("head_top")
    if head is not None:
        centres["head"] = neck + HEAD_PART * (head - neck)


def _halfway(back: np.ndarray | None, front: np.ndarray | None, part: float) -> np.ndarray | None:
    """The point between two landmarks; a frame or file that lacks one gets it from the other and the usual distance."""
    if back is None or front is None:
        return back if front is None else front
    usual = np.nanmedian(front - back, axis=0) if np.isfinite(front - back).any() else np.zeros(3)
    both = back + part * (front - back)
    one = np.where(np.isnan(back), front - (1.0 - part) * usual, back + part * usual)
    return np.where(np.isnan(both), one, both)


def _arm(centres: Centres, marks: Marks, side: str, outward: np.ndarray, leg_m: float) -> None:
    """Add shoulder, elbow and wrist of one side, each as far as it was marked."""
    acromion = marks.get(f"{side}_shoulder")
    if acromion is None:
        return
    centres[f"{side}_shoulder"] = shoulder = _below_acromion(centres, marks, acromion, leg_m)
    elbow = _between(marks, side, "elbow", shoulder, outward, leg_m)
    if elbow is not None:
        centres[f"{side}_elbow"] = elbow
    wrist = _halfway(marks.get(f"{side}_wrist_thumb"), marks.get(f"{side}_wrist_little"), 0.5)
    wrist = marks.get(f"{side}_wrist") if wrist is None else wrist
    if wrist is not None:
        centres[f"{side}_wrist"] = wrist


def _below_acromion(centres: Centres, marks: Marks, acromion: np.ndarray, leg_m: float) -> np.ndarray:
    """Shoulder centre: below the acromion along the trunk, from the pelvis to the middle of the acromions."""
    both = [marks.get(f"{name}_shoulder") for name in SIDES]
    if both[0] is not None and both[1] is not None:
        drop = BELOW_ACROMION * _median_length(both[0] - both[1])
        top = mean_of(marks, ["left_shoulder", "right_shoulder"])
    else:
        drop, top = BELOW_ACROMION * 0.45 * leg_m, acromion
    down = _unit(centres["pelvis"] - top) if top is not None else np.array([0.0, -1.0, 0.0])
    return acromion + drop * np.where(np.isnan(down), [0.0, -1.0, 0.0], down)
