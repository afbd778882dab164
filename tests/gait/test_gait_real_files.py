"""Real recordings: events against the laboratory's labels, parameters against its results and across formats."""
from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from agir_plugin.consts import JOINTS
from agir_plugin.gait import measure
from agir_plugin.ingest import read
from agir_plugin.motion import resample, to_motion
from agir_plugin.records import GaitParameters, Recording

HC002D06 = "mcgill_biomechzoo_c3d/HC002D/Straight/HC002D06.c3d"
HC038A11 = "mcgill_biomechzoo_c3d/HC038A/Straight/HC038A11.c3d"
PIG_MOTION3 = "btkdata_c3d/PiG_Motion3_noFF.c3d"
SYDNEY = "c3dparser_clinical_labs/Sydney_Gait05.c3d"
LABELLED = (HC002D06, HC038A11, PIG_MOTION3, SYDNEY)
#: Events nearer to a file's end than this, seconds, may be missed.
EDGE_S = 0.3


@cache
def measured(path: Path, fps: float | None = None) -> tuple[Recording, GaitParameters]:
    """The recording of a file and its parameters, at its own rate or resampled."""
    recording = read(path)
    motion = to_motion(recording)
    return recording, measure(motion if fps is None else resample(motion, fps))


def test_heel_strikes_at_20_frames_per_second_are_where_the_laboratories_put_them(shared_data: Path) -> None:
    errors = []
    for name in LABELLED:
        recording, gait = measured(shared_data / name, 20.0)
        last_s = (len(recording.positions_m) - 1) / recording.fps
        for event in (event for event in recording.events if event.kind == "heel_strike"):
            near = [time - event.time_s for time in gait.events[event.side].heel_strike_s if abs(time - event.time_s) < 0.2]
            assert len(near) == 1 or event.time_s < EDGE_S or event.time_s > last_s - EDGE_S, event
            errors += near
    assert len(errors) >= 19
    assert np.median(np.abs(errors)) < 0.020
    assert np.mean(np.abs(errors) < 0.050) >= 0.95


@pytest.mark.parametrize(
    ("name", "speed", "cadence"),
    [
        (HC038A11, 1.26, 113.7), (HC002D06, 1.31, 131), (PIG_MOTION3, 1.24, 110), (SYDNEY, 1.18, 111.8),
        ("btkdata_c3d/Gait.c3d", 1.46, 124), ("opensim_core/walking2.c3d", 1.65, 124.5),
        ("cmu_walks/02_01.c3d", 1.18, 109.6), ("cmu_walks/bvh/02_01.bvh", 1.18, 109.6),
        ("cmu_walks/bvh/35_01.bvh", 1.29, 106.4), ("bandai_namco_styles/dataset-1_walk_normal_001.bvh", 1.26, 110),
        ("bandai_namco_styles/dataset-1_walk_old_001.bvh", 0.66, 101),
        ("bandai_namco_styles/dataset-2_walk_elderly_001.bvh", 0.74, 113),
    ],
)
def test_speed_and_cadence_of_real_walks(shared_data: Path, name: str, speed: float, cadence: float) -> None:
    for fps in (None, 20.0):
        _, gait = measured(shared_data / name, fps)
        assert gait.status == "ok", gait.reasons
        assert gait.value("speed_mps") == pytest.approx(speed, abs=0.03)
        assert gait.value("cadence_spm") == pytest.approx(cadence, rel=0.02)


def test_one_walk_measures_the_same_from_markers_and_from_joints(shared_data: Path) -> None:
    _, markers = measured(shared_data / "cmu_walks/02_01.c3d")
    _, joints = measured(shared_data / "cmu_walks/bvh/02_01.bvh")
    assert joints.value("speed_mps") == pytest.approx(markers.value("speed_mps"), abs=0.03)
    assert joints.value("cadence_spm") == pytest.approx(markers.value("cadence_spm"), abs=2)
    for side in ("left", "right"):
        ours, theirs = (gait.value(f"step_length_m_{side}") for gait in (markers, joints))
        assert ours == pytest.approx(theirs, rel=0.05)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("c3dparser_clinical_labs/RCH.01_static.c3d", "stands"),
        ("btkdata_c3d/PiG_Calibration3_noFF.c3d", "stands"),
        ("mcgill_biomechzoo_c3d/HC002D/Static/HC002D02.c3d", "stands"),
        ("mcgill_biomechzoo_c3d/HC038A/Static/HC038A01.c3d", "stands"),
        ("cmu_walks/bvh/35_20.bvh", "runs"),
    ],
)
def test_what_is_not_walking_is_refused(shared_data: Path, name: str, reason: str) -> None:
    _, gait = measured(shared_data / name)
    assert gait.status == "refused"
    assert reason in gait.reasons[0]


@pytest.mark.parametrize(
    "name",
    [
        "mcgill_biomechzoo_c3d/HC002D/Turn/HC002D25.c3d", "mcgill_biomechzoo_c3d/HC038A/Turn/HC038A27.c3d",
        "cmu_walks/bvh/27_01.bvh",
    ],
)
def test_turns_are_flagged_and_not_measured_from_too_few_straight_steps(shared_data: Path, name: str) -> None:
    _, gait = measured(shared_data / name)
    assert "turning" in gait.flags
    assert gait.status == "refused" and "turns by" in gait.reasons[0]


def test_a_tennis_serve_and_a_circle_are_not_measured_as_straight_walks(shared_data: Path) -> None:
    for name in (
        "humanml3d_repo/hml_012314_new_joints.npy",
        "humanml3d_samples/000021_smplh52_joints_KIT_WalkInCCWCircle02.npy",
    ):
        joints = np.load(shared_data / name)[:, :22]
        gait = measure(to_motion(Recording(name, "joints", "joints", 20.0, JOINTS, joints.astype(float), up="+y")))
        assert gait.status == "refused" and "turning" in gait.flags, name
