"""Constants that more than one package needs: the skeleton, the frame rate, the feature layout, the answer's tokens.

Axes everywhere inside the package: right-handed, metres, Y up. A walker who faces +Z has the left side at +X.
"""
from __future__ import annotations

#: Frame rate of HumanML3D and of MotionGPT's tokenizer, frames per second.
MODEL_FPS = 20.0
#: Frames that one motion token covers (two stride-2 convolutions in MotionGPT's VQ-VAE).
FRAMES_PER_TOKEN = 4
#: Shortest clip MotionGPT's own loaders keep, in frames; shorter walks are padded by us, never skipped.
MIN_FRAMES = 40
#: Longest clip of the tokenizer's training, in frames; longer walks are cut into windows.
MAX_FRAMES = 196
#: Length of one HumanML3D feature row.
N_FEATURES = 263

#: The 22 joints of SMPL's body that HumanML3D keeps, in its order (left before right within a pair).
JOINTS = (
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle", "right_ankle",
    "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head", "left_shoulder",
    "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
)
#: Joint name -> index in `JOINTS`.
JOINT = {name: index for index, name in enumerate(JOINTS)}
#: Parent of each joint; -1 for the root.
PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19)
#: HumanML3D's five kinematic chains, in the order its inverse kinematics uses.
CHAINS = ((0, 2, 5, 8, 11), (0, 1, 4, 7, 10), (0, 3, 6, 9, 12, 15), (9, 14, 17, 19, 21), (9, 13, 16, 18, 20))
#: Left and right joints that change places in a mirrored motion.
LEFT_JOINTS = (1, 4, 7, 10, 13, 16, 18, 20)
RIGHT_JOINTS = (2, 5, 8, 11, 14, 17, 19, 21)
SIDES = ("left", "right")

#: MDS-UPDRS gait scores that AGIR assesses (item 3.10; 3 and 4 do not occur in its data).
SCORES = (0, 1, 2)

REASONING_START = "<reasoning_start>"
REASONING_END = "<reasoning_end>"
SCORE_START = "<score_start>"
SCORE_END = "<score_end>"
SCORE_TOKENS = tuple(f"<score_{score}>" for score in SCORES)
#: AGIR's seven added tokens, in the order in which they are added to the vocabulary.
SPECIAL_TOKENS = (REASONING_START, REASONING_END, SCORE_START, SCORE_END, *SCORE_TOKENS)

#: Printed on every result.
NOT_A_DEVICE = "Research software, not a medical device."
#: Printed on every result of a model that was trained on the synthetic cohort.
TRAINED_ON_SYNTHETIC = "Trained on synthetic data."
