"""A body height enters, the rest joints of an average person in SMPL's topology leave: no licensed body model is needed.

Every number is ours: parts of body height after the anthropometric table of Drillis & Contini (Technical Report 1166.03,
1966; in Winter, Biomechanics and Motor Control of Human Movement, 4th ed. 2009, table 4.1), in agreement with the neutral
posture of `agir_plugin.motion.posture`. Nothing is taken from a body model.
"""
from __future__ import annotations

import numpy as np

#: Body height that is assumed where none is given, metres.
HEIGHT_M = 1.70
#: Parents of SMPL's 24 joints; the first 22 are `agir_plugin.consts.JOINTS`, then the left and right hand.
PARENTS_24 = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21)
#: Heights over the floor as parts of body height: hip, knee, ankle, shoulder, neck base and ear canal from the table;
#: the pelvis joint lies between the hips and the iliac crests, the toe base at the metatarsal heads.
HEIGHTS = {
    "hip": 0.530, "knee": 0.285, "ankle": 0.039, "toe_base": 0.007,
    "pelvis": 0.584, "neck": 0.870, "ear": 0.936, "shoulder": 0.818,
}
#: Hip joint from the midline: half of 0.145 (distance of the ASIS) less 14 % of it on each side (Bell et al. 1990).
HIP_OUT = 0.052
#: Shoulder joint from the midline, upper arm, forearm, and wrist to the middle of the hand (half of 0.108).
SHOULDER_OUT, UPPER_ARM, FOREARM, HALF_HAND = 0.105, 0.186, 0.146, 0.054
#: Metatarsal heads ahead of the ankle and outward from it; ear canal ahead of the neck.
TOE_AHEAD, TOE_OUT, EAR_AHEAD = 0.076, 0.010, 0.015
#: Spine joints as parts of the way from pelvis to neck base: about the third lumbar, twelfth and ninth thoracic vertebrae.
SPINE_PARTS = (0.25, 0.48, 0.60)
#: The collar joint stands for the middle of the collar bone: (part of the shoulder's distance out, of height).
COLLAR_PART, COLLAR_HEIGHT = 0.40, 0.832


def rest_joints(height_m: float = HEIGHT_M) -> np.ndarray:
    """(24, 3) joints in metres in T-pose: y up, facing +z, left at +x, the pelvis in the origin, left-right symmetric."""
    joints = np.zeros((24, 3))
    joints[:, 1] = HEIGHTS["pelvis"]
    rise = HEIGHTS["neck"] - HEIGHTS["pelvis"]
    joints[[3, 6, 9], 1] += np.multiply(SPINE_PARTS, rise)
    joints[12, 1] = HEIGHTS["neck"]
    joints[15] = (0.0, HEIGHTS["ear"], EAR_AHEAD)
    elbow_out = SHOULDER_OUT + UPPER_ARM
    wrist_out = elbow_out + FOREARM
    left = {
        1: (HIP_OUT, HEIGHTS["hip"], 0.0),
        4: (HIP_OUT, HEIGHTS["knee"], 0.0),
        7: (HIP_OUT, HEIGHTS["ankle"], 0.0),
        10: (HIP_OUT + TOE_OUT, HEIGHTS["toe_base"], TOE_AHEAD),
        13: (COLLAR_PART * SHOULDER_OUT, COLLAR_HEIGHT, 0.0),
        16: (SHOULDER_OUT, HEIGHTS["shoulder"], 0.0),
        18: (elbow_out, HEIGHTS["shoulder"], 0.0),
        20: (wrist_out, HEIGHTS["shoulder"], 0.0),
        22: (wrist_out + HALF_HAND, HEIGHTS["shoulder"], 0.0),
    }
    for joint, place in left.items():
        joints[joint] = place
        joints[joint + 1] = np.multiply(place, (-1.0, 1.0, 1.0))
    return height_m * (joints - [0.0, HEIGHTS["pelvis"], 0.0])
