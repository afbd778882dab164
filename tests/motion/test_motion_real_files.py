"""Real recordings: measured speeds, upright bodies, sides in their places, and three formats of one walk that agree."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agir_plugin.consts import JOINT, PARENTS
from agir_plugin.ingest import read
from agir_plugin.motion import resample, to_features, to_motion
from agir_plugin.records import Motion

#: File -> pelvis speed in m/s as measured by hand on the file, from first to last frame in which the walker is seen.
SPEEDS_MPS = {
    "cmu_walks/02_01.c3d": 1.18, "cmu_walks/bvh/02_01.bvh": 1.18, "cmu_walks/bvh/35_01.bvh": 1.29,
    "cmu_walks/bvh/32_01.bvh": 0.63, "cmu_walks/bvh/35_20.bvh": 3.4, "btkdata_c3d/Gait.c3d": 1.46,
    "mcgill_biomechzoo_c3d/HC002D/Straight/HC002D06.c3d": 1.31,
    "mcgill_biomechzoo_c3d/HC038A/Straight/HC038A11.c3d": 1.26,
    "btkdata_c3d/PiG_Motion3_noFF.c3d": 1.24, "c3dparser_clinical_labs/Sydney_Gait05.c3d": 1.17,
    "opensim_core/walking2.c3d": 1.65, "bandai_namco_styles/dataset-1_walk_normal_001.bvh": 1.25,
    "bandai_namco_styles/dataset-2_walk_normal_001.bvh": 1.12, "bandai_namco_styles/dataset-1_walk_old_001.bvh": 0.66,
    "bandai_namco_styles/dataset-2_walk_elderly_001.bvh": 0.74, "misc_bvh/walk01.bvh": 1.34,
}
STATIC = (
    "mcgill_biomechzoo_c3d/HC002D/Static/HC002D02.c3d", "mcgill_biomechzoo_c3d/HC038A/Static/HC038A01.c3d",
    "c3dparser_clinical_labs/RCH.01_static.c3d", "btkdata_c3d/PiG_Calibration3_noFF.c3d",
)
TURNS = ("mcgill_biomechzoo_c3d/HC002D/Turn/HC002D25.c3d", "mcgill_biomechzoo_c3d/HC038A/Turn/HC038A27.c3d")


def _motion(folder: Path, name: str) -> Motion:
    path = folder / name
    if not path.is_file():
        pytest.skip(f"needs {name} in ../shared/data")
    return to_motion(read(path))


def _travel(motion: Motion) -> np.ndarray:
    return (motion.joints_m[-1, 0] - motion.joints_m[0, 0]) * [1.0, 0.0, 1.0]


@pytest.mark.parametrize("name", SPEEDS_MPS)
def test_speed_body_and_sides(shared_data: Path, name: str) -> None:
    motion = _motion(shared_data, name)
    joints, travel = motion.joints_m, _travel(motion)
    assert np.linalg.norm(travel) / motion.seconds == pytest.approx(SPEEDS_MPS[name], rel=0.03)
    to_left = np.cross([0.0, 1.0, 0.0], travel / np.linalg.norm(travel))
    for pair in ("hip", "shoulder"):
        across = joints[:, JOINT[f"left_{pair}"]] - joints[:, JOINT[f"right_{pair}"]]
        assert (across @ to_left > 0.05).all()
    heights = np.median(joints[..., 1], axis=0)
    order = [heights[JOINT[joint]] for joint in ("left_ankle", "left_knee", "pelvis", "neck", "head")]
    assert order == sorted(order) and 1.1 < order[-1] < 1.8
    assert -0.05 < joints[..., 1].min() < 0.05
    for joint in ("left_knee", "right_knee", "left_ankle", "right_ankle"):
        bone = np.linalg.norm(joints[:, JOINT[joint]] - joints[:, PARENTS[JOINT[joint]]], axis=-1)
        assert 0.3 < bone.mean() < 0.52 and bone.std() < 0.015
    assert "sides_swapped?" not in motion.flags


@pytest.mark.parametrize("name", STATIC)
def test_static_trials_stand(shared_data: Path, name: str) -> None:
    motion = _motion(shared_data, name)
    assert np.linalg.norm(_travel(motion)) < 0.02
    assert np.isfinite(motion.joints_m).all()


@pytest.mark.parametrize("name", TURNS)
def test_turns_turn_by_about_ninety_degrees(shared_data: Path, name: str) -> None:
    pelvis = _motion(shared_data, name).joints_m[:, 0, [0, 2]]
    first, last = pelvis[50] - pelvis[0], pelvis[-1] - pelvis[-51]
    cosine = first @ last / np.linalg.norm(first) / np.linalg.norm(last)
    assert 55 < np.degrees(np.arccos(cosine)) < 110


def test_one_walk_as_markers_and_as_joints(shared_data: Path) -> None:
    """CMU 02_01: the BVH was solved from the C3D's markers, so legs agree to a few centimetres, speed to 0.01 m/s."""
    markers, joints = (_motion(shared_data, f"cmu_walks/{name}") for name in ("02_01.c3d", "bvh/02_01.bvh"))
    assert len(markers.joints_m) == len(joints.joints_m)
    speeds = [np.linalg.norm(_travel(motion)) / motion.seconds for motion in (markers, joints)]
    assert speeds[0] == pytest.approx(speeds[1], abs=0.01)
    for first, second in (("left_ankle", "right_ankle"), ("left_knee", "right_ankle"), ("right_knee", "pelvis")):
        apart = [
            np.linalg.norm(motion.joints_m[:, JOINT[first]] - motion.joints_m[:, JOINT[second]], axis=-1)
            for motion in (markers, joints)
        ]
        assert np.median(np.abs(apart[0] - apart[1])) < 0.03, f"{first} to {second}"


def test_hip_knee_and_ankle_lie_where_the_laboratories_put_them(shared_data: Path) -> None:
    """Plug-in-Gait's own model stores femur ends (hip, knee) and tibia end (ankle); regressions differ by 1 to 3 cm."""
    name = "mcgill_biomechzoo_c3d/HC038A/Straight/HC038A11.c3d"
    motion, file = _motion(shared_data, name), read(shared_data / name)
    for joint, label, most_m in (("hip", "FEP", 0.03), ("knee", "FEO", 0.025), ("ankle", "TIO", 0.02)):
        for side in ("left", "right"):
            stored = file.positions_m[:, file.names.index(side[0].upper() + label)]
            stored = np.stack([stored[:, 0], stored[:, 2], -stored[:, 1]], axis=-1)
            apart = stored - motion.joints_m[:, JOINT[f"{side}_{joint}"]]
            level = apart * [1.0, 0.0, 1.0]
            assert np.nanmean(np.linalg.norm(level, axis=-1)) < most_m, f"{side} {joint}"


def test_every_recording_becomes_features(shared_data: Path) -> None:
    for path in sorted([*shared_data.rglob("*.c3d"), *shared_data.rglob("*.bvh")]):
        slow = resample(to_motion(read(path)))
        if len(slow.joints_m) > 1:
            assert np.isfinite(to_features(slow.joints_m)).all(), path
