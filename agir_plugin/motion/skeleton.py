"""Joints of any body enter, the same movement on HumanML3D's reference skeleton leaves, with the scale to undo it."""
from __future__ import annotations

import numpy as np

from agir_plugin.consts import CHAINS, JOINT, PARENTS
from agir_plugin.errors import UnusableRecording
from agir_plugin.motion import quaternions as quat

#: Bone of each joint in metres, from its parent, along HumanML3D's raw directions: lengths of its reference clip 000021
#: in frame 0. MotionGPT's tokenizers are trained on motions of exactly this skeleton.
BONES_M = np.array([
    (0.0, 0.0, 0.0),
    (0.10307396948337555, 0.0, 0.0),
    (-0.1098833680152893, 0.0, 0.0),
    (0.0, 0.13156823813915253, 0.0),
    (0.0, -0.3936232626438141, 0.0),
    (0.0, -0.39018821716308594, 0.0),
    (0.0, 0.14319021999835968, 0.0),
    (0.0, -0.4324331283569336, 0.0),
    (0.0, -0.42564353346824646, 0.0),
    (0.0, 0.05736473575234413, 0.0),
    (0.0, 0.0, 0.1433817595243454),
    (0.0, 0.0, 0.14941902458667755),
    (0.0, 0.21936005353927612, 0.0),
    (0.1374867707490921, 0.0, 0.0),
    (-0.14338283240795135, 0.0, 0.0),
    (0.0, 0.0, 0.1030392274260521),
    (0.0, -0.13161398470401764, 0.0),
    (0.0, -0.122984379529953, 0.0),
    (0.0, -0.2568400204181671, 0.0),
    (0.0, -0.2630918622016907, 0.0),
    (0.0, -0.26601171493530273, 0.0),
    (0.0, -0.2698764204978943, 0.0),
])
#: Thigh and shank whose lengths set the scale of the root's path: HumanML3D takes the right leg's.
SCALE_JOINTS = (JOINT["right_knee"], JOINT["right_ankle"])
#: Frames over which the heading is smoothed when rotations are fitted: the sigma of a Gaussian.
HEADING_SIGMA_FRAMES = 20.0



def retarget_scale(joints_m: np.ndarray) -> float:
    """Reference leg over the walker's leg in the first frame; lengths on the reference skeleton divided by it are true.

    A walker of 1.20 m/s with a leg of 0.90 m seems to walk at 1.20 x 0.8158 / 0.90 m/s after retargeting.
    Raises UnusableRecording when the leg has no length.
    """
    legs = [np.linalg.norm(joints_m[0, joint] - joints_m[0, PARENTS[joint]]) for joint in SCALE_JOINTS]
    if not np.isfinite(sum(legs)) or sum(legs) <= 0:
        raise UnusableRecording(
            f"expected a right leg of some length in the first frame to scale the walker by, got {sum(legs)} m; "
            "check the joints' order and unit"
        )
    return float(np.float32(np.linalg.norm(BONES_M[list(SCALE_JOINTS)], axis=-1).sum() / sum(legs)))


def retarget(joints_m: np.ndarray) -> np.ndarray:
    """(T, 22, 3) the movement on the reference skeleton: every bone keeps its direction and takes the reference length.

    The root's path is scaled by `retarget_scale`. Rotations are fitted to the walker and laid onto the reference bones.
    """
    turns = local_rotations(joints_m, smooth_heading=False)
    placed = np.empty(joints_m.shape)
    placed[:, 0] = joints_m[:, 0] * retarget_scale(joints_m)
    for chain in CHAINS:
        above = turns[:, 0]
        for parent, joint in zip(chain, chain[1:], strict=False):
            above = quat.multiply(above, turns[:, joint])
            placed[:, joint] = placed[:, parent] + quat.rotate(above, BONES_M[joint])
    return placed


def forward_direction(joints_m: np.ndarray) -> np.ndarray:
    """(T, 3) where the body faces: square to the vertical and to hips and shoulders together.

    It is 1 long when these are level, and left as it is otherwise, because HumanML3D smooths it so.
    """
    across = quat.unit(
        joints_m[:, JOINT["right_hip"]] - joints_m[:, JOINT["left_hip"]]
        + joints_m[:, JOINT["right_shoulder"]] - joints_m[:, JOINT["left_shoulder"]]
    )
    return np.cross([0.0, 1.0, 0.0], across)


def local_rotations(joints_m: np.ndarray, smooth_heading: bool) -> np.ndarray:
    """(T, 22, 4) rotation of each bone against the one before it in its chain; the root's turns its heading to +Z.

    Each bone's rotation is the shortest from its raw direction. As in HumanML3D, the two arm chains start from the
    root's rotation, and the first frame's root rotation is the identity.
    """
    forward = forward_direction(joints_m)
    if smooth_heading:
        from scipy.ndimage import gaussian_filter1d

        forward = gaussian_filter1d(forward, HEADING_SIGMA_FRAMES, axis=0, mode="nearest")
    root = quat.between(quat.unit(forward), np.array([0.0, 0.0, 1.0]))
    root[0] = (1.0, 0.0, 0.0, 0.0)
    raw = quat.unit(BONES_M)
    turns = np.empty((*joints_m.shape[:2], 4), quat.SINGLE)
    turns[:, 0] = root
    for chain in CHAINS:
        above = root
        for parent, joint in zip(chain, chain[1:], strict=False):
            arc = quat.between(raw[joint], quat.unit(joints_m[:, joint] - joints_m[:, parent]))
            turns[:, joint] = quat.multiply(quat.inverse(above), arc)
            above = quat.multiply(above, turns[:, joint])
    return turns
