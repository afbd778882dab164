"""Recordings of named joints: every naming scheme leads to the same 22 joints."""
from __future__ import annotations

import numpy as np
import pytest

from agir_plugin.consts import JOINT, JOINTS
from agir_plugin.errors import UnusableRecording
from agir_plugin.motion import to_motion
from agir_plugin.records import Recording

#: A standing skeleton, metres: x to the left, y up, z forward.
PLACES = {
    "pelvis": (0, 0.95, 0), "hip": (0.1, 0.87, 0), "knee": (0.1, 0.47, 0.02), "ankle": (0.1, 0.08, -0.02),
    "foot": (0.11, 0.02, 0.12), "neck": (0, 1.45, 0), "head": (0, 1.55, 0.02), "collar": (0.07, 1.38, 0),
    "shoulder": (0.19, 1.38, 0), "elbow": (0.2, 1.1, 0), "wrist": (0.2, 0.85, 0.05),
}
SCHEMES = {
    "cgspeed": {"pelvis": "Hips", "hip": "{Side}UpLeg", "knee": "{Side}Leg", "ankle": "{Side}Foot",
                "foot": "{Side}ToeBase", "neck": "Neck1", "head": "Head", "collar": "{Side}Shoulder",
                "shoulder": "{Side}Arm", "elbow": "{Side}ForeArm", "wrist": "{Side}Hand"},
    "Bandai": {"pelvis": "Hips", "hip": "UpperLeg_{S}", "knee": "LowerLeg_{S}", "ankle": "Foot_{S}", "foot": "Toes_{S}",
               "neck": "Neck", "head": "Head", "collar": "Shoulder_{S}", "shoulder": "UpperArm_{S}",
               "elbow": "LowerArm_{S}", "wrist": "Hand_{S}"},
    "Biovision": {"pelvis": "Hips", "hip": "{Side}Hip", "knee": "{Side}Knee", "ankle": "{Side}Ankle",
                  "foot": "{Side}Ankle End", "neck": "Neck", "head": "Head", "collar": "{Side}Collar",
                  "shoulder": "{Side}Shoulder", "elbow": "{Side}Elbow", "wrist": "{Side}Wrist"},
    "Kinect": {"pelvis": "SpineBase", "hip": "Hip{Side}", "knee": "Knee{Side}", "ankle": "Ankle{Side}",
               "foot": "Foot{Side}", "neck": "Neck", "head": "Head", "shoulder": "Shoulder{Side}",
               "elbow": "Elbow{Side}", "wrist": "Wrist{Side}"},
    "Biped": {"pelvis": "Bip01 Pelvis", "hip": "Bip01 {S} Thigh", "knee": "Bip01 {S} Calf", "ankle": "Bip01 {S} Foot",
              "foot": "Bip01 {S} Toe0", "neck": "Bip01 Neck", "head": "Bip01 Head", "collar": "Bip01 {S} Clavicle",
              "shoulder": "Bip01 {S} UpperArm", "elbow": "Bip01 {S} Forearm", "wrist": "Bip01 {S} Hand"},
    "ours": {joint: joint if joint in ("pelvis", "neck", "head") else "{side}_" + joint for joint in PLACES},
}


def _recording(scheme: dict[str, str], frames: int = 5) -> tuple[Recording, dict[str, np.ndarray]]:
    """A recording named after a scheme, and the places by our names."""
    names, places, ours = [], [], {}
    for joint, name in scheme.items():
        for side in ("left", "right") if "{" in name else ("",):
            place = np.array(PLACES[joint], float) * [-1 if side == "right" else 1, 1, 1]
            names.append(name.format(Side=side.capitalize(), S=side[:1].upper(), side=side))
            places.append(place)
            ours[f"{side}_{joint}" if side else joint] = place
    track = np.tile(np.array(places), (frames, 1, 1))
    return Recording("walk.bvh", "bvh", "joints", 30.0, tuple(names), track), ours


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_naming_scheme_finds_its_joints(scheme: str) -> None:
    recording, ours = _recording(SCHEMES[scheme])
    motion = to_motion(recording)
    for name, place in ours.items():
        found = motion.joints_m[0, JOINT[name]]
        np.testing.assert_allclose(found, place - np.array([0, 0.02, 0]), atol=1e-9, err_msg=name)
    assert set(ours) <= motion.measured
    assert motion.heel_m is None and motion.toe_m is None and motion.source == "bvh joints"


def test_the_spine_lies_between_pelvis_and_neck_through_the_joints_that_are_there() -> None:
    recording, _ = _recording(SCHEMES["cgspeed"])
    spine = np.tile([[[0.0, 1.2, 0.1]]], (5, 1, 1))
    bent = Recording("walk.bvh", "bvh", "joints", 30.0, (*recording.names, "Spine1"),
                     np.concatenate([recording.positions_m, spine], axis=1))
    chain = [JOINT[name] for name in ("pelvis", "spine1", "spine2", "spine3", "neck")]
    places = to_motion(bent).joints_m[0, chain]
    assert (np.diff(places[:, 1]) > 0).all()
    assert places[2, 2] > 0.05
    assert {"spine1", "spine2", "spine3"} <= to_motion(bent).measured
    assert "spine1" not in to_motion(recording).measured


def test_our_own_22_joints_come_through_unchanged_but_for_the_floor() -> None:
    standing = to_motion(_recording(SCHEMES["ours"])[0]).joints_m[:1]
    joints = standing + np.random.default_rng(3).normal(0, 0.01, (9, 22, 3))
    motion = to_motion(Recording("walk.npy", "joints", "joints", 20.0, JOINTS, joints, up="+y"))
    shift = joints - motion.joints_m
    np.testing.assert_allclose(shift, np.broadcast_to([0, shift[0, 0, 1], 0], shift.shape), atol=1e-12)
    assert motion.measured == set(JOINTS) and motion.flags == ()


def test_hips_stand_in_for_a_missing_pelvis() -> None:
    scheme = {joint: name for joint, name in SCHEMES["Bandai"].items() if joint != "pelvis"}
    motion = to_motion(_recording(scheme)[0])
    np.testing.assert_allclose(motion.joints_m[0, 0], [0, 0.87 - 0.02, 0])


def test_a_skeleton_without_knees_gets_bent_ones_that_are_not_measured() -> None:
    scheme = {joint: name for joint, name in SCHEMES["Bandai"].items() if joint != "knee"}
    motion = to_motion(_recording(scheme)[0])
    assert "knees_not_measured" in motion.flags
    assert not {"left_knee", "right_knee"} & motion.measured and "left_ankle" in motion.measured


def test_a_skeleton_without_ankles_is_refused_by_name() -> None:
    scheme = {joint: name for joint, name in SCHEMES["Bandai"].items() if joint not in ("ankle", "foot")}
    with pytest.raises(UnusableRecording, match="walk.bvh: cannot find left ankle, right ankle.*got Hips, UpperLeg_L"):
        to_motion(_recording(scheme)[0])
