"""What is known of a walking body before any marker is seen: neutral angles, their spread, and how fast they change.

Every number is ours, from textbook ranges of motion in walking (Perry, Gait Analysis, 1992; Winter 2009); spreads are wide,
so that a marker that is seen decides and the prior speaks where none does.
"""
from __future__ import annotations

import numpy as np

from agir_plugin.consts import JOINTS

#: Joint -> (mean, spread) of its axis-angle in degrees, left side; x turns in the sagittal plane, y about the long axis of
#: trunk and legs, z in the frontal plane. In T-pose the arm lies along x: its own twist is x, lowering it is z, and the
#: elbow is a hinge about y. The right side has y and z negated.
ANGLES_DEG = {
    "pelvis": ((0, 0, 0), (20, 20, 15)),
    "hip": ((-8, 0, 0), (30, 15, 15)),
    "knee": ((20, 0, 0), (35, 6, 4)),
    "ankle": ((0, 0, 0), (18, 10, 10)),
    "foot": ((0, 0, 0), (10, 3, 3)),
    "spine1": ((3, 0, 0), (10, 8, 8)),
    "spine2": ((3, 0, 0), (8, 8, 8)),
    "spine3": ((3, 0, 0), (8, 8, 8)),
    "neck": ((5, 0, 0), (10, 10, 8)),
    "head": ((0, 0, 0), (6, 6, 6)),
    "collar": ((0, 0, 0), (6, 8, 8)),
    "shoulder": ((0, 0, -72), (35, 35, 35)),
    "elbow": ((0, -25, 0), (35, 40, 6)),
    "wrist": ((0, 0, 0), (8, 12, 12)),
}
#: Spread of a joint angle's acceleration, degrees per s^2, and of the pelvis's, m/s^2: about twice what walking at 1.2 m/s
#: shows at the swinging knee and at the pelvis.
ANGLE_ACCELERATION, PATH_ACCELERATION = 3000.0, 8.0
#: Frame rate at which these spreads are meant; at others the accelerations keep the same power per Hz.
REFERENCE_FPS = 20.0


def angles_rad() -> tuple[np.ndarray, np.ndarray]:
    """Mean and spread (66,) of the axis-angles of the 22 joints, radians."""
    means, spreads = [], []
    for name in JOINTS:
        side, _, part = name.partition("_")
        mean, spread = ANGLES_DEG[part or name]
        means.append(np.multiply(mean, (1, -1, -1)) if side == "right" else np.array(mean))
        spreads.append(spread)
    return np.radians(np.concatenate(means)), np.radians(np.concatenate(spreads, dtype=np.float64))


def smoothness(fps: float) -> np.ndarray:
    """(69,) weights of squared second differences of the unknowns at a frame rate: 20^-1 s of white acceleration noise.

    A difference d over frames 1/fps apart is an acceleration d fps^2; its weight is (fps^2 / spread)^2 (20 / fps).
    """
    spread = np.concatenate([np.full(3 * len(JOINTS), np.radians(ANGLE_ACCELERATION)), np.full(3, PATH_ACCELERATION)])
    return (fps**2 / spread) ** 2 * (REFERENCE_FPS / fps)
