"""Body sizes in, segment lengths and joint offsets of the walking model's 22-joint body out (metres)."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Segment lengths as shares of body height, after the anthropometric table of Drillis and Contini (1966) that Winter's
#: "Biomechanics and Motor Control of Human Movement" reprints; the spine's division is ours, after SMPL's mean body.
SHARES = {
    "upper_arm": 0.172,
    "forearm": 0.157,
    "hip_half_width": 0.056,
    "hip_drop": 0.050,
    "hip_ahead": 0.007,
    "shoulder_half_width": 0.110,
    "collar_half_width": 0.047,
    "collar_rise": 0.068,
    "shoulder_rise": 0.080,
    "spine1": 0.070,
    "spine2": 0.080,
    "spine3": 0.033,
    "neck": 0.125,
    "head": 0.064,
    "ankle_height": 0.047,
    "foot_height": 0.012,
    "ankle_to_foot": 0.078,
    "heel_behind_ankle": 0.027,
}
#: Thigh and shank as shares of the leg between hip and ankle joint (0.245 and 0.246 of height in the same table).
THIGH_SHARE = 0.499
#: Hip-to-ankle length as a share of height in the same table.
LEG_SHARE = 0.491


@dataclass(frozen=True)
class Body:
    """A walker's segment lengths; `height_m` scales everything but the legs, whose hip-to-ankle length is given."""

    height_m: float
    leg_length_m: float

    def length_m(self, segment: str) -> float:
        """Length of one of `SHARES`, metres."""
        return SHARES[segment] * self.height_m

    @property
    def thigh_m(self) -> float:
        """Hip joint to knee joint, metres."""
        return THIGH_SHARE * self.leg_length_m

    @property
    def shank_m(self) -> float:
        """Knee joint to ankle joint, metres."""
        return self.leg_length_m - self.thigh_m

    def hip_offset_m(self, side: int) -> np.ndarray:
        """Hip joint in the pelvis frame (left +x, up +y, forward +z); `side` is +1 left, -1 right."""
        return np.array(
            [side * self.length_m("hip_half_width"), -self.length_m("hip_drop"), self.length_m("hip_ahead")]
        )

    def spine_m(self, flexion_deg: float) -> np.ndarray:
        """Positions (5, 3) of spine1, spine2, spine3, neck and head over the pelvis of a trunk flexed forward.

        Each bone bends more than the one below it; the whole is then turned so that the line from pelvis to neck
        leans by exactly `flexion_deg`. The head bends half as much, because the walker looks ahead.
        """
        bones = np.array([self.length_m(name) for name in ("spine1", "spine2", "spine3", "neck", "head")])
        lean = np.radians(flexion_deg) * np.array([0.6, 0.9, 1.05, 1.15, 0.5])
        chain = np.cumsum(_sagittal(bones, lean)[:4], axis=0)
        correction = np.radians(flexion_deg) - np.arctan2(chain[3, 2], chain[3, 1])
        lean[:4] += correction
        return np.cumsum(_sagittal(bones, lean), axis=0)


def _sagittal(lengths_m: np.ndarray, lean_rad: np.ndarray) -> np.ndarray:
    return np.stack([np.zeros_like(lengths_m), lengths_m * np.cos(lean_rad), lengths_m * np.sin(lean_rad)], axis=-1)
