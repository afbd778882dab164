"""Joints as far as a recording has them enter, all 22 joints leave, with the names of those that were measured.

What a recording does not have is set to a neutral upright posture with hanging arms, so that the skeleton is whole, and
is left out of `measured`: such joints say nothing about the walker.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from agir_plugin.consts import JOINTS, SIDES
from agir_plugin.motion.signals import hold_and_interpolate

#: Neutral standing posture: each joint from its anchor in (left, up, forward), as parts of thigh plus shank, which are
#: 0.491 of the body height. Lengths after Drillis & Contini (in Winter 2009, table 4.1): neck base at 0.87 of the body
#: height, ear canal 0.936, shoulder 0.818 and half 0.21 apart, upper arm 0.186, forearm 0.146, ankle 0.039, foot 0.152.
NEUTRAL = {
    "neck": ("pelvis", (0.0, 0.582, 0.0)),
    "head": ("neck", (0.0, 0.134, 0.03)),
    "shoulder": ("neck", (0.214, -0.106, 0.0)),
    "elbow": ("shoulder", (0.02, -0.378, 0.0)),
    "wrist": ("elbow", (0.01, -0.296, 0.03)),
    "foot": ("ankle", (0.02, -0.065, 0.155)),
}
#: Spine joints as parts of the way from pelvis to neck (bone lengths of HumanML3D's reference skeleton).
SPINE_PARTS = {"spine1": 0.2387, "spine2": 0.4985, "spine3": 0.6027}
#: Collar as a mean of shoulder, neck and third spine joint (weights from SMPL's average body at rest).
COLLAR_WEIGHTS = {"shoulder": 0.4, "neck": 0.3, "spine3": 0.3}
#: A joint missing in more than this part of the frames is not called measured.
MOST_MISSING = 0.2
#: Joints without which no leg can be drawn.
LEGS = ("pelvis", *(f"{side}_{joint}" for side in SIDES for joint in ("hip", "knee", "ankle")))


def complete(centres: Mapping[str, np.ndarray]) -> tuple[np.ndarray, frozenset[str], list[str]]:
    """All joints (T, 22, 3), the measured ones' names, and flags, from centres (T, 3) that may hold NaN.

    The joints of `LEGS` must be there in every frame. Guide tracks "chest..." bend the spine through them. Gaps in
    other joints are bridged in the body's own heading, relative to their anchor, and flagged "gaps_filled:<joint>".
    Further flags: "arms_not_measured", "left_arm_not_measured", "trunk_not_measured", "head_not_measured",
    "feet_not_measured".
    """
    body = _Body(centres, _heading(centres["left_hip"] - centres["right_hip"]), _leg_length(centres))
    for side in SIDES:
        body.place("foot", side)
    body.place("neck")
    _spine(body)
    body.place("head")
    for side in SIDES:
        for joint in ("shoulder", "elbow", "wrist"):
            body.place(joint, side)
        _collar(body, side)
    joints = np.stack([body.tracks[name] for name in JOINTS], axis=1)
    return joints, frozenset(body.measured), [*_missing_flags(body.measured), *body.flags]


@dataclass
class _Body:
    """A skeleton under construction: `centres` as recorded, `tracks` (T, 3) without gaps, one joint after the other."""

    centres: Mapping[str, np.ndarray]
    heading: np.ndarray
    leg_m: float
    tracks: dict[str, np.ndarray] = field(default_factory=dict)
    measured: set[str] = field(default_factory=set)
    flags: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tracks.update({name: self.centres[name] for name in LEGS})
        self.measured.update(LEGS)

    def place(self, joint: str, side: str | None = None) -> None:
        """Add one joint: as recorded, with its gaps bridged, or at its neutral place."""
        name = f"{side}_{joint}" if side else joint
        anchor_name, offset = NEUTRAL[joint]
        anchor = self.tracks[anchor_name if anchor_name in self.tracks else f"{side}_{anchor_name}"]
        track = self.centres.get(name)
        missing = 1.0 if track is None else float(np.isnan(track).any(axis=-1).mean())
        if track is None or missing == 1.0:
            outward = [-1.0, 1.0, 1.0] if side == "right" else [1.0, 1.0, 1.0]
            self.tracks[name] = anchor + self.heading @ (np.multiply(offset, outward) * self.leg_m)
            return
        if missing > 0.0:
            own = np.einsum("tji,tj->ti", self.heading, track - anchor)
            track = anchor + np.einsum("tij,tj->ti", self.heading, hold_and_interpolate(own))
            self.flags.append(f"gaps_filled:{name}")
        self.tracks[name] = track
        if missing <= MOST_MISSING:
            self.measured.add(name)

    def take(self, name: str) -> bool:
        """Add a joint that was recorded in every frame; False when it was not."""
        track = self.centres.get(name)
        if track is None or not np.isfinite(track).all():
            return False
        self.tracks[name] = track
        self.measured.add(name)
        return True


def _heading(leftward: np.ndarray) -> np.ndarray:
    """(T, 3, 3) rotations from the body's (left, up, forward) to the room, about the vertical only."""
    left = leftward * [1.0, 0.0, 1.0]
    length = np.linalg.norm(left, axis=-1, keepdims=True)
    left = np.where(length > 0, left / np.maximum(length, 1e-12), [1.0, 0.0, 0.0])
    up = np.broadcast_to([0.0, 1.0, 0.0], left.shape)
    return np.stack([left, up, np.cross(left, up)], axis=-1)


def _leg_length(centres: Mapping[str, np.ndarray]) -> float:
    """Thigh plus shank, mean of both sides, median over frames, metres."""
    bones = [(f"{side}_{joint}", f"{side}_knee") for side in SIDES for joint in ("hip", "ankle")]
    lengths = [np.linalg.norm(centres[end] - centres[knee], axis=-1) for end, knee in bones]
    return float(np.median(np.sum(lengths, axis=0))) / 2.0


def _spine(body: _Body) -> None:
    """Add the three spine joints: as recorded, or along the line from the pelvis over the chest to the neck."""
    guides = sorted(name for name in body.centres if name.startswith("chest"))
    through = [body.centres[name] for name in guides if np.isfinite(body.centres[name]).all()]
    knots = [body.tracks["pelvis"], *through, body.tracks["neck"]]
    lengths = [np.linalg.norm(after - before, axis=-1) for before, after in zip(knots, knots[1:], strict=False)]
    ends = np.concatenate([np.zeros((1, len(knots[0]))), np.cumsum(lengths, axis=0)])
    for name, part in SPINE_PARTS.items():
        if body.take(name):
            continue
        body.tracks[name] = _along(knots, ends, part * ends[-1])
        if through and "neck" in body.measured:
            body.measured.add(name)


def _along(knots: list[np.ndarray], ends: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """(T, 3) points at a distance along the line through the knots; `ends` are the knots' own distances."""
    place = knots[0]
    for index in range(len(knots) - 1):
        length = np.maximum(ends[index + 1] - ends[index], 1e-9)
        part = np.clip((distance - ends[index]) / length, 0.0, 1.0)[:, None]
        place = np.where(part > 0, knots[index] + part * (knots[index + 1] - knots[index]), place)
    return place


def _collar(body: _Body, side: str) -> None:
    """Add a collar joint: as recorded, or between shoulder, neck and spine."""
    name, shoulder = f"{side}_collar", f"{side}_shoulder"
    if body.take(name):
        return
    sources = {shoulder if joint == "shoulder" else joint: weight for joint, weight in COLLAR_WEIGHTS.items()}
    body.tracks[name] = np.sum([weight * body.tracks[joint] for joint, weight in sources.items()], axis=0)
    if {shoulder, "neck"} <= body.measured:
        body.measured.add(name)


def _missing_flags(measured: set[str]) -> list[str]:
    """What the recording does not say about the walker."""
    arms = [side for side in SIDES if f"{side}_wrist" not in measured]
    flags = ["arms_not_measured"] if len(arms) == 2 else [f"{side}_arm_not_measured" for side in arms]
    flags += ["trunk_not_measured"] if "neck" not in measured else []
    flags += ["head_not_measured"] if "head" not in measured else []
    return flags + (["feet_not_measured"] if not any(f"{side}_foot" in measured for side in SIDES) else [])
