"""The walking model: what was asked for is what is walked, whatever the frame rate."""
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agir_plugin.cohort import WalkParameters, walk_joints
from agir_plugin.cohort.steps import plan_steps
from agir_plugin.consts import JOINT, JOINTS, PARENTS
from agir_plugin.errors import UsageError
from agir_plugin.gait import measure
from agir_plugin.records import Motion

HEALTHY = {"cadence_spm": 110.0, "step_length_m": 0.687, "foot_lift_m": 0.12}
SLOW = {
    "cadence_spm": 85.0,
    "step_length_m": 0.32,
    "foot_lift_m": 0.04,
    "arm_swing_left_deg": 8.0,
    "arm_swing_right_deg": 15.0,
    "trunk_flexion_deg": 17.0,
    "step_width_m": 0.13,
}
REGULAR = {"step_time_cv_pct": 0.0, "step_length_cv_pct": 0.0}


def walk(fps: float = 20.0, seconds: float = 8.0, seed: int = 0, **parameters: float) -> np.ndarray:
    return walk_joints(WalkParameters(**parameters), seconds, fps, np.random.default_rng(seed))


def measured(joints: np.ndarray, fps: float = 20.0) -> Motion:
    return measure(Motion(joints, fps, "synthetic walk"))


@pytest.mark.parametrize("cause", [HEALTHY, SLOW], ids=["healthy", "slow"])
@pytest.mark.parametrize("fps", [20.0, 150.0])
def test_measured_parameters_are_the_true_ones(cause: dict, fps: float) -> None:
    parameters = WalkParameters(**cause, **REGULAR)
    gait = measured(walk(fps, **cause, **REGULAR), fps)
    assert gait.value("cadence_spm") == pytest.approx(parameters.cadence_spm, rel=0.02)
    assert gait.value("speed_mps") == pytest.approx(parameters.speed_mps, rel=0.02)
    assert gait.value("step_length_m") == pytest.approx(parameters.step_length_m, rel=0.03)
    assert gait.value("step_width_m") == pytest.approx(parameters.step_width_m, abs=0.012)
    assert gait.value("arm_swing_deg_left") == pytest.approx(parameters.arm_swing_left_deg, abs=2.0)
    assert gait.value("arm_swing_deg_right") == pytest.approx(parameters.arm_swing_right_deg, abs=2.0)
    assert gait.value("trunk_flexion_deg") == pytest.approx(parameters.trunk_flexion_deg, abs=0.5)
    # the joint is the toe base (left_foot, right_foot), over its own height in stance
    assert gait.value("foot_lift_m") == pytest.approx(parameters.foot_lift_m, abs=0.006)


def test_asymmetry_is_seen_with_its_side() -> None:
    joints = walk(100.0, 12.0, **HEALTHY, **REGULAR, step_length_asymmetry_pct=12.0, step_time_asymmetry_pct=-8.0)
    gait = measured(joints, 100.0)
    assert gait.value("step_length_m_left") - gait.value("step_length_m_right") == pytest.approx(0.12 * 0.687, abs=0.01)
    assert gait.value("step_time_s_right") - gait.value("step_time_s_left") == pytest.approx(0.08 * 60 / 110, abs=0.01)


def test_variability_is_the_asked_one() -> None:
    parameters = WalkParameters(**HEALTHY, step_time_cv_pct=6.0, step_length_cv_pct=9.0)
    plan = plan_steps(parameters, 2000.0, np.random.default_rng(0))
    times, lengths = np.diff(plan.strike_s), np.diff(plan.forward_m)
    assert 100 * times.std() / times.mean() == pytest.approx(6.0, abs=0.3)
    assert 100 * lengths.std() / lengths.mean() == pytest.approx(9.0, abs=0.4)


def test_one_continuous_walk_at_every_frame_rate() -> None:
    coarse, fine = walk(20.0, 4.0, 5, **HEALTHY), walk(100.0, 4.0, 5, **HEALTHY)
    assert coarse.shape == (81, len(JOINTS), 3) and fine.shape == (401, len(JOINTS), 3)
    np.testing.assert_allclose(coarse, fine[::5], atol=1e-9)


def test_the_same_state_of_the_generator_gives_the_same_walk() -> None:
    np.testing.assert_array_equal(walk(seed=7, **SLOW), walk(seed=7, **SLOW))
    assert not np.array_equal(walk(seed=7, **SLOW), walk(seed=8, **SLOW))


def test_left_is_left_and_forward_is_forward() -> None:
    joints = walk(**HEALTHY)
    assert (joints[:, JOINT["left_hip"], 0] > joints[:, JOINT["right_hip"], 0]).all()
    assert (joints[:, JOINT["left_shoulder"], 0] > joints[:, JOINT["right_shoulder"], 0]).all()
    assert (np.diff(joints[:, JOINT["pelvis"], 2]) > 0).all()
    assert (joints[:, JOINT["left_foot"], 2] > joints[:, JOINT["left_ankle"], 2]).all()


def test_arms_swing_against_the_legs() -> None:
    joints = walk(50.0, **HEALTHY)
    pelvis = joints[:, JOINT["pelvis"], 2]
    legs = joints[:, JOINT["left_ankle"], 2] - joints[:, JOINT["right_ankle"], 2]
    left_arm, right_arm = (joints[:, JOINT[name], 2] - pelvis for name in ("left_wrist", "right_wrist"))
    assert np.corrcoef(legs, left_arm)[0, 1] < -0.8
    assert np.corrcoef(legs, right_arm)[0, 1] > 0.8


def test_a_standing_foot_stays_where_it_is() -> None:
    joints = walk(200.0, **HEALTHY, **REGULAR)
    toe = joints[:, JOINT["left_foot"]]
    speed = np.linalg.norm(np.diff(toe, axis=0), axis=-1) * 200.0
    # stance is 61 % of the stride; the toe base rests in all of it but the heel rocker
    assert (speed < 0.02).mean() == pytest.approx(0.52, abs=0.06)


@settings(max_examples=30, deadline=None)
@given(
    cadence=st.floats(60, 130),
    step=st.floats(0.15, 0.75),
    lift=st.floats(0.02, 0.16),
    swing=st.floats(2, 60),
    flexion=st.floats(-3, 35),
    cv=st.floats(0, 10),
    asymmetry=st.floats(-15, 15),
    height=st.floats(1.45, 1.95),
    seed=st.integers(0, 99),
)
def test_every_walk_is_a_body_on_the_floor(
    cadence: float,
    step: float,
    lift: float,
    swing: float,
    flexion: float,
    cv: float,
    asymmetry: float,
    height: float,
    seed: int,
) -> None:
    parameters = WalkParameters(
        cadence_spm=cadence,
        step_length_m=step,
        foot_lift_m=lift,
        arm_swing_left_deg=swing,
        trunk_flexion_deg=flexion,
        step_time_cv_pct=cv,
        step_length_cv_pct=cv,
        step_time_asymmetry_pct=asymmetry,
        step_length_asymmetry_pct=asymmetry,
        height_m=height,
        leg_length_m=0.491 * height,
    )
    joints = walk_joints(parameters, 3.0, 20.0, np.random.default_rng(seed))
    assert np.isfinite(joints).all()
    assert joints[..., 1].min() > -0.005
    bones = np.linalg.norm(joints[:, 1:] - joints[:, list(PARENTS[1:])], axis=-1)
    assert np.ptp(bones, axis=0).max() < 0.004
    knee = _angle(joints, "left_hip", "left_knee", "left_ankle")
    assert knee.max() <= 180.0 and knee.min() > 60.0


def _angle(joints: np.ndarray, *names: str) -> np.ndarray:
    one, middle, other = (joints[:, JOINT[name]] for name in names)
    a, b = one - middle, other - middle
    return np.degrees(
        np.arccos(np.clip((a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1), -1, 1))
    )


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"cadence_spm": 0.0}, "cadence_spm: expected 30.0 to 180.0"),
        ({"step_length_m": 0.99, "leg_length_m": 0.7}, "1.15 leg lengths"),
        ({"foot_lift_m": float("nan")}, "foot_lift_m"),
    ],
)
def test_impossible_walkers_are_refused(change: dict, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        WalkParameters(**{**HEALTHY, **change})


def test_impossible_recordings_are_refused() -> None:
    with pytest.raises(UsageError, match="more than 0 frames per second"):
        walk(fps=0.0, **HEALTHY)
    with pytest.raises(UsageError, match="give the walk a duration"):
        walk(seconds=0.0, **HEALTHY)
