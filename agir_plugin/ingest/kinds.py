"""Labels enter; whether they name skin markers or joints of a body leaves."""
from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

#: Joints that every keypoint scheme of whole bodies has (COCO, Body25, Halpe, MediaPipe), as `_plain` writes them.
KEYPOINT_LEGS = frozenset({"LHIP", "RHIP", "LKNEE", "RKNEE", "LANKLE", "RANKLE"})
#: ... and points that only such schemes have, which no marker is glued to.
KEYPOINT_SIGNS = frozenset({"NOSE", "LEYE", "REYE", "LBIGTOE", "RBIGTOE", "LFOOTINDEX", "RFOOTINDEX", "MIDHIP"})

#: Joints of a skeleton's legs in marker files (Autodesk, Vicon, Perception Neuron): alternatives of one joint each.
SKELETON_LEGS = tuple(
    frozenset(side + name for name in names)
    for side in "LR" for names in (("UPLEG", "THIGH", "UPPERLEG"), ("LEG", "SHIN"), ("FOOT",))
)
SKELETON_ROOTS = frozenset({"HIPS", "PELVIS"})

_MARKER = re.compile(r"[LR](ASI|PSI|IAS|IPS|KNE|ANK|HEE|TOE|[HKA]JC|MT\d)S?|SACR|SACRUM|VSACRAL|.*[AP]SIS.*")


def kind_of(names: Sequence[str], otherwise: Literal["markers", "joints"]) -> Literal["markers", "joints"]:
    """"markers" where a label is one that only skin markers have (LASI, R.PSIS, LHEE), "joints" for a keypoint scheme.

    The hip of a keypoint scheme is the joint's centre, while a marker of that name lies on the trochanter. So are "joints"
    the segments of a skeleton (Hips, LeftUpLeg, LeftLeg, LeftFoot).
    """
    plain = {_plain(name) for name in names}
    if plain & SKELETON_ROOTS and all(plain & names for names in SKELETON_LEGS):
        return "joints"
    if any(_MARKER.fullmatch(name) for name in plain):
        return "markers"
    return "joints" if plain >= KEYPOINT_LEGS and plain & KEYPOINT_SIGNS else otherwise


def _plain(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", name.upper()).replace("LEFT", "L").replace("RIGHT", "R")
