"""Landmarks with y up enter, the joint centres that they determine leave; nothing is invented here."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agir_plugin.consts import SIDES
from agir_plugin.motion.marks import Marks, mean_of, sided
from agir_plugin.motion.pelvis import Centres, pelvis_and_hips
from agir_plugin.motion.vectors import UP, median_length, square, unit

#: Groups of landmarks whose mean is about the middle of the head, best first.
HEADS = (
    ("left_head_front", "right_head_front", "left_head_back", "right_head_back"), ("forehead", "nape"),
    ("left_ear", "right_ear"), ("head_top",), ("nose",), ("forehead",), ("nape",),
)
#: Landmarks near the knee and the ankle for the length of the leg, best groups first.
KNEE = (("knee", "knee_medial", "knee_axis", "patella"), ("knee_centre",))
ANKLE = (("ankle", "ankle_medial"), ("ankle_centre",), ("heel",))
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
#: Ankle centre from heel and toe markers, as parts of their distance: along the foot and square to it, upwards (our
#: medians over 11 public recordings of 10 laboratories, where it lies within 1 to 2 cm).
ANKLE_ON_FOOT = (0.31, 0.17)


def joint_centres(marks: Marks) -> tuple[Centres, list[str]]:
    """Joint centres (T, 3) by joint name, NaN where a frame lacks the landmarks, and flags; joints never seen are absent.

    Flags: those of `pelvis_and_hips`, and "ankles_from_heel_and_toe" where no ankle was marked.
    """
    centres, flags = pelvis_and_hips(marks)
    if not centres:
        return centres, flags
    lateral = unit(centres["left_hip"] - centres["right_hip"])
    leg_m = _leg_length(marks, centres)
    for side in SIDES:
        outward = lateral if side == "left" else -lateral
        _leg(centres, marks, side, outward, leg_m)
        _arm(centres, marks, side, outward, leg_m)
    flags += _ankles_from_feet(centres, marks)
    _trunk(centres, marks)
    return {name: track for name, track in centres.items() if np.isfinite(track).any()}, flags


def _leg_length(marks: Marks, centres: Centres) -> float:
    """Thigh plus shank from the landmarks that are there, metres; a length that only scales small offsets."""
    lengths = []
    for side in SIDES:
        hip = centres[f"{side}_hip"]
        knee, ankle = (_best_mean(marks, [sided(group, side) for group in groups]) for groups in (KNEE, ANKLE))
        if ankle is not None and knee is None:
            lengths.append(median_length(hip - ankle))
        elif ankle is not None:
            lengths.append(median_length(hip - knee) + median_length(knee - ankle))
    finite = [length for length in lengths if np.isfinite(length)]
    return float(np.mean(finite)) if finite else float("nan")


def _best_mean(marks: Marks, groups: Sequence[Sequence[str]]) -> np.ndarray | None:
    """(T, 3) mean of the first group of which any landmark was marked; None when none was."""
    return next((mean for group in groups if (mean := mean_of(marks, group)) is not None), None)


def _leg(centres: Centres, marks: Marks, side: str, outward: np.ndarray, leg_m: float) -> None:
    """Add knee, ankle and foot of one side, each as far as it was marked."""
    hip, toe = centres[f"{side}_hip"], _toe(marks, side)
    knee = _between(marks, side, "knee", hip, outward, leg_m)
    if knee is None:
        knee = _knee_without_marker(marks, side, hip, outward, leg_m)
    if knee is not None:
        centres[f"{side}_knee"] = knee
    above = hip if knee is None else knee
    ankle = _between(marks, side, "ankle", above, _across_foot(marks, side, above, toe, outward), leg_m)
    if ankle is not None:
        centres[f"{side}_ankle"] = ankle
    if toe is not None:
        centres[f"{side}_foot"] = toe


def _across_foot(
    marks: Marks, side: str, above: np.ndarray, toe: np.ndarray | None, outward: np.ndarray
) -> np.ndarray:
    """Outward direction at the ankle: square to shank and foot where both are marked, else the pelvis's."""
    heel = marks.get(f"{side}_heel")
    if heel is None or toe is None or f"{side}_ankle" not in marks:
        return outward
    leftward = unit(np.cross(above - marks[f"{side}_ankle"], toe - heel))
    return np.where(np.isnan(leftward), outward, leftward if side == "left" else -leftward)


def _toe(marks: Marks, side: str) -> np.ndarray | None:
    """The forefoot: second metatarsal or toe marker, else the middle of first and fifth metatarsal, else what there is."""
    toe, tip = marks.get(f"{side}_toe"), marks.get(f"{side}_toe_tip")
    ball = [marks.get(f"{side}_{which}_metatarsal") for which in ("first", "fifth")]
    if toe is None and ball[0] is not None and ball[1] is not None:
        toe = 0.5 * (ball[0] + ball[1])
    return next((track for track in (toe, tip, *ball) if track is not None), None)


def _ankles_from_feet(centres: Centres, marks: Marks) -> list[str]:
    """Add ankles that were not marked, at their usual place above the line from heel to toe; flags."""
    ahead, above = ANKLE_ON_FOOT
    lacking = [side for side in SIDES if f"{side}_ankle" not in centres]
    added = []
    for side in lacking:
        heel, toe = marks.get(f"{side}_heel"), centres.get(f"{side}_foot")
        if heel is None or toe is None:
            continue
        length = np.linalg.norm(toe - heel, axis=-1, keepdims=True)
        upward = unit(square(np.broadcast_to(UP, heel.shape), toe - heel))
        centres[f"{side}_ankle"] = heel + ahead * (toe - heel) + above * length * upward
        added.append(side)
    return ["ankles_from_heel_and_toe"] if added else []


def _between(
    marks: Marks, side: str, joint: str, above: np.ndarray, outward: np.ndarray, leg_m: float
) -> np.ndarray | None:
    """Middle of outer and inner landmark; with one alone, half a joint's width from it, square to the limb.

    A centre that the laboratory or a pose tracker computed serves where neither is marked.
    """
    outer, inner, given = (marks.get(f"{side}_{joint}{kind}") for kind in ("", "_medial", "_centre"))
    if outer is None and (inner is None or given is not None):
        return given
    one, sign = (inner, 1.0) if outer is None else (outer, -1.0)
    step = sign * unit(square(outward, above - one))
    single = one + HALF_WIDTH[joint] * leg_m * step
    if inner is None or outer is None:
        return single
    width = median_length(outer - inner)
    single = outer + 0.5 * width * step if np.isfinite(width) else single
    middle = 0.5 * (outer + inner)
    return np.where(np.isnan(middle), single, middle)


def _knee_without_marker(
    marks: Marks, side: str, hip: np.ndarray, outward: np.ndarray, leg_m: float
) -> np.ndarray | None:
    """Knee centre from the patella, the alignment device, or the laboratory's own centre."""
    patella, tip = marks.get(f"{side}_patella"), marks.get(f"{side}_knee_axis")
    if patella is not None:
        forward = np.cross(outward if side == "left" else -outward, UP)
        return patella - PATELLA_DEPTH * leg_m * unit(square(forward, hip - patella))
    if tip is not None:
        return tip - KNEE_AXIS_TIP * leg_m * unit(square(outward, hip - tip))
    return marks.get(f"{side}_knee_centre")


def _trunk(centres: Centres, marks: Marks) -> None:
    """Add neck, the middle of the rib cage (a guide for the spine, not a joint), and head."""
    neck = _neck(centres, marks)
    if neck is None:
        return
    centres["neck"] = neck
    chest = _halfway(marks.get("t10"), marks.get("strn"), 0.5)
    if chest is not None and "t10" in marks and "strn" in marks:
        centres["chest"] = chest
    head = _best_mean(marks, HEADS)
    if head is not None:
        centres["head"] = neck + HEAD_PART * (head - neck)


def _neck(centres: Centres, marks: Marks) -> np.ndarray | None:
    """Root of the neck: given, between C7 and breastbone, or between the acromions or shoulder centres."""
    front = marks.get("clav")
    if front is None:
        front = mean_of(marks, ["left_clavicle", "right_clavicle"])
    neck = _halfway(marks.get("c7"), front, NECK_FORWARD)
    if neck is not None or "neck_centre" in marks:
        return marks["neck_centre"] if neck is None else neck
    if not all(f"{side}_shoulder" in centres for side in SIDES):
        return None
    tops = [marks.get(f"{side}_shoulder", centres[f"{side}_shoulder"]) for side in SIDES]
    return 0.5 * (tops[0] + tops[1])


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
    acromion, shoulder = marks.get(f"{side}_shoulder"), marks.get(f"{side}_shoulder_centre")
    if acromion is not None:
        shoulder = _below_acromion(centres, marks, acromion, leg_m)
    if shoulder is None:
        return
    centres[f"{side}_shoulder"] = shoulder
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
        drop = BELOW_ACROMION * median_length(both[0] - both[1])
        top = mean_of(marks, ["left_shoulder", "right_shoulder"])
    else:
        drop, top = BELOW_ACROMION * 0.45 * leg_m, acromion
    down = unit(centres["pelvis"] - top) if top is not None else np.array([0.0, -1.0, 0.0])
    return acromion + drop * np.where(np.isnan(down), [0.0, -1.0, 0.0], down)
