"""Joints (T, 22, 3) enter, HumanML3D's features (T-1, 263) leave, and back.

The columns: root turn and travel (0 to 2), root height (3), joint places 4:67, rotations 67:193, joint velocities
193:259, foot contacts 259:263 (left ankle, left toe, right ankle, right toe). After Guo et al. 2022 (HumanML3D).
"""
from __future__ import annotations

import numpy as np

from agir_plugin.consts import JOINT, JOINTS, N_FEATURES
from agir_plugin.errors import UnusableRecording, UsageError
from agir_plugin.motion import quaternions as quat
from agir_plugin.motion.skeleton import forward_direction, local_rotations, retarget

#: A foot is in contact when it moves less than this between two frames, square metres (44.7 mm per frame at 20 fps).
FEET_THRESHOLD = 0.002
#: Joints whose contact is a feature, in the features' order.
CONTACT_JOINTS = tuple(JOINT[name] for name in ("left_ankle", "left_foot", "right_ankle", "right_foot"))


def canonical(joints_m: np.ndarray) -> np.ndarray:
    """(T, 22, 3) the walk as the features see it: reference skeleton, floor at 0, start at the origin facing +Z."""
    _check(joints_m)
    placed = retarget(np.asarray(joints_m, dtype=np.float64))
    placed[..., 1] -= placed[..., 1].min()
    placed -= placed[0, 0] * [1.0, 0.0, 1.0]
    turn = quat.between(quat.unit(forward_direction(placed[:1])[0]), np.array([0.0, 0.0, 1.0]))
    return quat.rotate(turn, placed).astype(np.float64)


def to_features(joints_m: np.ndarray, feet_threshold: float = FEET_THRESHOLD) -> np.ndarray:
    """(T-1, 263) HumanML3D features of joints in metres, y up, 20 frames per second.

    The walk is retargeted first, so body size is lost; `retarget_scale` keeps it. As published, the root's turn has the
    wrong sign in the frame in which the heading passes the opposite of the first one: a clip that turns by more than
    180 degrees decodes with a kink there. Straight walks never come near.
    Raises UnusableRecording for another shape, fewer than 2 frames, or joints that are not finite.
    """
    placed = canonical(joints_m)
    turns = local_rotations(placed, smooth_heading=True)
    heading, rows = turns[:, 0], len(placed) - 1
    steps = np.diff(placed, axis=0)
    root_turn = np.arcsin(np.clip(quat.multiply(heading[1:], quat.inverse(heading[:-1]))[:, 2:3], -1.0, 1.0))
    root_travel = quat.rotate(heading[1:], steps[:, 0])[:, [0, 2]]
    own = quat.rotate(heading[:, None], placed - placed[:, :1] * [1.0, 0.0, 1.0])[:-1]
    rotations = quat.two_columns(turns[:-1, 1:])
    velocity = quat.rotate(heading[:-1, None], steps)
    contact = np.sum(steps[:, CONTACT_JOINTS] ** 2, axis=-1) < feet_threshold
    parts = (root_turn, root_travel, own[:, 0, 1:2], own[:, 1:], rotations, velocity, contact)
    return np.concatenate([part.reshape(rows, -1).astype(np.float64) for part in parts], axis=-1)


def to_joints(features: np.ndarray) -> np.ndarray:
    """(T, 22, 3) joints of T feature rows, from their places and the root's turn and travel added up; metres, y up.

    The first frame stands at the origin and faces +Z. Raises UsageError for anything but (T, 263).
    """
    rows = np.asarray(features, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != N_FEATURES:
        raise UsageError(f"expected features of shape (frames, {N_FEATURES}) to decode, got {rows.shape}")
    turned = 2.0 * np.concatenate([[0.0], np.cumsum(rows[:-1, 0])])
    travel = np.zeros((len(rows), 3))
    travel[1:, 0], travel[1:, 2] = rows[:-1, 1], rows[:-1, 2]
    root = np.cumsum(_turn_back(turned, travel), axis=0)
    root[:, 1] = rows[:, 3]
    others = _turn_back(turned[:, None], rows[:, 4:67].reshape(len(rows), len(JOINTS) - 1, 3))
    return np.concatenate([root[:, None], others + root[:, None] * [1.0, 0.0, 1.0]], axis=1)


def _turn_back(angle_rad: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Vectors turned about the vertical by minus an angle, from the walker's heading to the room."""
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    x, y, z = np.moveaxis(vectors, -1, 0)
    return np.stack([cos * x - sin * z, y, sin * x + cos * z], axis=-1)


def _check(joints_m: np.ndarray) -> None:
    shape = np.shape(joints_m)
    if len(shape) != 3 or shape[1:] != (len(JOINTS), 3) or shape[0] < 2:
        raise UnusableRecording(
            f"expected joints of shape (at least 2 frames, {len(JOINTS)}, 3) in metres to make features of, got {shape}"
        )
    bad = ~np.isfinite(joints_m).all(axis=(1, 2))
    if bad.any():
        raise UnusableRecording(
            f"expected finite joints to make features of, got NaN or infinity in {bad.sum()} of {len(bad)} frames; "
            "fill the gaps with to_motion first"
        )
