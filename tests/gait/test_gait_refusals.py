"""Recordings that must not be measured, or only with a flag: refused in plain words, never an exception."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from gait_walker import Walker, standing, walk

from agir_plugin.consts import JOINT, JOINTS
from agir_plugin.gait import measure
from agir_plugin.gait.catalog import UNITS
from agir_plugin.records import Motion


def concatenated(*motions: Motion) -> Motion:
    """Motions of one person one after another, each starting where the one before it ended."""
    parts, place = [], np.zeros(3)
    for motion in motions:
        joints = motion.joints_m
        step = place - joints[0, 0] * [1, 0, 1]
        parts.append(joints + step * [1, 0, 1])
        place = parts[-1][-1, 0]
    return replace(motions[0], joints_m=np.concatenate(parts))


def test_standing_is_refused() -> None:
    gait = measure(standing(100.0))
    assert gait.status == "refused"
    assert gait.reasons == ("the person stands: neither foot moves by more than 0.1 m",)
    assert set(gait.parameters) == set(UNITS)
    assert all(found.value is None and "stands" in found.reason for found in gait.parameters.values())


def test_standing_with_sway_and_noise_is_refused() -> None:
    motion = standing(100.0)
    rng = np.random.default_rng(0)
    swaying = motion.joints_m + rng.normal(0, 0.003, motion.joints_m.shape)
    assert "stands" in measure(replace(motion, joints_m=swaying)).reasons[0]


def test_shifting_weight_from_foot_to_foot_is_refused() -> None:
    motion = standing(50.0)
    joints = motion.joints_m.copy()
    shift = 0.08 * np.sin(2 * np.pi * 0.4 * np.arange(len(joints)) / 50)
    joints[:, [JOINT["left_ankle"], JOINT["left_foot"]], 0] += shift[:, None]
    assert "stands" in measure(replace(motion, joints_m=joints)).reasons[0]


@pytest.mark.parametrize("seconds", [0.0, 0.1, 0.8, 1.3])
def test_a_glimpse_of_a_walk_is_refused(seconds: float) -> None:
    gait = measure(walk(Walker(seconds=seconds), 100.0)[0])
    assert gait.status == "refused"
    assert "at least" in gait.reasons[0]


def test_one_step_is_refused_with_the_strikes_that_were_found() -> None:
    gait = measure(walk(Walker(seconds=1.6), 100.0)[0])
    assert gait.status == "refused"
    assert "expected at least 2 heel strikes of each foot" in gait.reasons[0]


def test_missing_frames_are_refused_with_their_number() -> None:
    motion, _ = walk(Walker(), 20.0)
    joints = motion.joints_m.copy()
    joints[30:37, JOINT["left_ankle"]] = np.nan
    assert "missing in 7 of 121 frames" in measure(replace(motion, joints_m=joints)).reasons[0]


def test_legs_that_were_filled_in_are_refused() -> None:
    motion, _ = walk(Walker(), 20.0)
    upper = frozenset(JOINTS) - {"left_ankle", "left_foot"}
    assert "left ankle, left foot" in measure(replace(motion, measured=upper)).reasons[0]


def test_arms_that_were_filled_in_are_missing_with_that_reason() -> None:
    motion, _ = walk(Walker(), 20.0)
    gait = measure(replace(motion, measured=frozenset(JOINTS) - {"left_wrist", "right_wrist"}))
    assert gait.status == "ok" and "arms_not_measured" in gait.flags
    for name in ("arm_swing_deg", "arm_swing_deg_left", "arm_swing_deg_right", "arm_swing_asymmetry_pct"):
        assert gait.value(name) is None
        assert "does not show" in gait.parameters[name].reason and "wrist" in gait.parameters[name].reason
    assert gait.value("trunk_flexion_deg") is not None


def test_wrists_that_were_lost_are_missing_and_the_rest_is_measured() -> None:
    motion, _ = walk(Walker(), 20.0)
    joints = motion.joints_m.copy()
    joints[50, JOINT["left_wrist"]] = np.nan
    gait = measure(replace(motion, joints_m=joints))
    assert gait.value("arm_swing_deg_left") is None and gait.value("arm_swing_deg_right") is not None
    assert gait.parameters["arm_swing_deg_left"].reason


def test_running_is_refused() -> None:
    gait = measure(walk(Walker(cadence_spm=165, speed_mps=3.0, double_support=-0.08, seconds=4), 120.0)[0])
    assert gait.status == "refused"
    assert "runs" in gait.reasons[0]


def test_walking_backwards_is_refused() -> None:
    motion, _ = walk(Walker(), 50.0)
    gait = measure(replace(motion, joints_m=motion.joints_m[::-1].copy()))
    assert gait.status == "refused"
    assert "does not walk forwards" in gait.reasons[0]


def test_standing_before_and_after_a_walk_is_left_out() -> None:
    steps, _ = walk(Walker(), 50.0)
    before = replace(steps, joints_m=np.repeat(steps.joints_m[:1], 150, axis=0))
    after = replace(steps, joints_m=np.repeat(steps.joints_m[-1:], 150, axis=0))
    gait = measure(concatenated(before, steps, after))
    assert gait.status == "ok", gait.reasons
    assert gait.value("speed_mps") == pytest.approx(1.26, rel=0.02)
    assert gait.value("cadence_spm") == pytest.approx(110, rel=0.02)
    assert min(gait.events["left"].heel_strike_s) > 3.0
    assert max(gait.events["right"].heel_strike_s) < 9.2


def test_a_turn_is_flagged_and_the_straight_part_measured() -> None:
    first, _ = walk(Walker(seconds=6), 50.0)
    second, _ = walk(Walker(seconds=2, heading_deg=90), 50.0)
    gait = measure(concatenated(first, second))
    assert gait.status == "ok" and "turning" in gait.flags
    assert gait.value("speed_mps") == pytest.approx(1.26, rel=0.03)


def test_turning_all_the_time_is_refused() -> None:
    parts = [walk(Walker(seconds=0.6, heading_deg=heading), 50.0)[0] for heading in range(0, 360, 40)]
    gait = measure(concatenated(*parts))
    assert gait.status == "refused" and "turning" in gait.flags
    assert "turns by" in gait.reasons[0]


def test_flags_of_the_motion_are_passed_on_and_short_walks_flagged() -> None:
    motion, _ = walk(Walker(seconds=2.6), 100.0)
    gait = measure(replace(motion, flags=("gaps_filled",)))
    assert gait.flags == ("gaps_filled", "short")


def test_confidence_grows_with_the_number_of_steps() -> None:
    short, long = (measure(walk(Walker(seconds=seconds), 100.0, True)[0]) for seconds in (3.0, 30.0))
    assert short.parameters["stride_time_cv_pct"].confidence == "low" or short.value("stride_time_cv_pct") is None
    assert long.parameters["stride_time_cv_pct"].confidence == "high"
    assert long.parameters["cadence_spm"].confidence == "high"
    assert long.parameters["double_support_pct"].confidence == "medium"
    assert long.parameters["margin_of_stability_ml_m"].confidence == "low"
    assert long.n_strides == long.parameters["stride_time_s"].n
