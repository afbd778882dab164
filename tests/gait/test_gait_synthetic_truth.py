"""Measured parameters against walks whose parameters are known by construction, at three frame rates."""
from __future__ import annotations

import numpy as np
import pytest
from gait_walker import Walker, walk
from hypothesis import given, settings
from hypothesis import strategies as st

from agir_plugin.consts import SIDES
from agir_plugin.gait import measure
from agir_plugin.gait.catalog import UNITS

RATES = [(150.0, True), (100.0, True), (20.0, False)]
WALKERS = {
    "usual": Walker(),
    "slow": Walker(cadence_spm=80, speed_mps=0.6, foot_lift_m=0.07, arm_deg=(20, 12)),
    "shuffling": Walker(
        cadence_spm=46, speed_mps=0.18, seconds=12, foot_lift_m=0.05, double_support=0.2, arm_deg=(8, 5)
    ),
    "hurried": Walker(cadence_spm=140, speed_mps=0.55, foot_lift_m=0.04, arm_deg=(10, 6)),
    "short": Walker(seconds=3.6),
}


@pytest.mark.parametrize(("fps", "markers"), RATES)
@pytest.mark.parametrize("name", WALKERS)
def test_truth_is_measured(name: str, fps: float, markers: bool) -> None:
    walker = WALKERS[name]
    gait = measure(walk(walker, fps, markers)[0])
    assert gait.status == "ok", gait.reasons
    assert set(gait.parameters) == set(UNITS)
    assert gait.value("cadence_spm") == pytest.approx(walker.cadence_spm, rel=0.01)
    assert gait.value("speed_mps") == pytest.approx(walker.speed_mps, rel=0.01)
    assert gait.value("step_length_m") == pytest.approx(walker.step_length_m, rel=0.03)
    assert gait.value("stride_length_m") == pytest.approx(2 * walker.step_length_m, rel=0.03)
    assert gait.value("step_time_s") == pytest.approx(walker.step_time_s, rel=0.01)
    assert gait.value("step_width_m") == pytest.approx(walker.step_width_m, abs=0.003)
    assert gait.value("foot_lift_m") == pytest.approx(walker.foot_lift_m, abs=0.005)
    assert gait.value("arm_swing_deg_left") == pytest.approx(walker.arm_deg[0], abs=2)
    assert gait.value("arm_swing_deg_right") == pytest.approx(walker.arm_deg[1], abs=2)
    assert gait.value("trunk_flexion_deg") == pytest.approx(walker.trunk_deg, abs=0.5)
    assert gait.value("walk_ratio") == pytest.approx(walker.step_length_m / walker.cadence_spm, rel=0.03)


@pytest.mark.parametrize(("fps", "markers"), RATES)
def test_a_regular_walk_has_almost_no_variability(fps: float, markers: bool) -> None:
    gait = measure(walk(Walker(), fps, markers)[0])
    for name in ("stride_time_cv_pct", "step_time_cv_pct", "step_length_cv_pct", "speed_cv_pct"):
        assert gait.value(name) < 0.6, name


@pytest.mark.parametrize(("fps", "markers"), RATES)
def test_noise_of_3_mm_does_not_hide_the_steps(fps: float, markers: bool) -> None:
    for name, cadence_tolerance in (("usual", 1.0), ("shuffling", 1.5)):
        for seed in range(5):
            walker = WALKERS[name]
            noisy = Walker(**{**vars(walker), "noise_m": 0.003, "seed": seed})
            motion, truth = walk(noisy, fps, markers)
            gait = measure(motion)
            assert gait.value("cadence_spm") == pytest.approx(walker.cadence_spm, abs=cadence_tolerance)
            assert gait.value("step_length_m") == pytest.approx(walker.step_length_m, abs=0.005)
            assert [len(gait.events[side].heel_strike_s) for side in SIDES] == pytest.approx(
                [len(truth.heel_strike_s[side]) for side in SIDES], abs=1
            )


def test_uneven_step_times_show_as_variability() -> None:
    jitter = (0.06, -0.08, 0.05, 0.02, -0.06, 0.07, -0.03, -0.02, 0.04, -0.05, 0.01, -0.01)
    motion, truth = walk(Walker(seconds=12, time_jitter=jitter), 20)
    times = [strike[0] for strike in truth.strikes if 0 < strike[0] < 12]
    sides = [strike[1] for strike in truth.strikes if 0 < strike[0] < 12][1:]
    steps = np.diff(times)
    groups = [steps[np.array(sides) == side] for side in (0, 1)]
    squares = sum(((group - group.mean()) ** 2).sum() for group in groups)
    expected = 100 * np.sqrt(squares / (len(steps) - 2)) / steps.mean()
    # soft landings stretch with their swing, which hides some of the variability from any detector
    assert measure(motion).value("step_time_cv_pct") == pytest.approx(expected, rel=0.25)


def test_asymmetry_is_two_hundred_times_the_difference_over_the_sum() -> None:
    walker = Walker(length_ratio=0.8, time_ratio=1.1, seconds=8)
    gait = measure(walk(walker, 100, markers=True)[0])
    # left : right = 0.8 : 1 gives 200 * 0.2 / 1.8, and 1.1 : 1 gives 200 * 0.1 / 2.1
    assert gait.value("step_length_asymmetry_pct") == pytest.approx(200 * 0.2 / 1.8, abs=1.0)
    assert gait.value("step_time_asymmetry_pct") == pytest.approx(200 * 0.1 / 2.1, abs=3)
    assert gait.value("arm_swing_asymmetry_pct") == pytest.approx(200 * 8 / 64, abs=0.5)
    assert gait.value("step_length_m_left") < gait.value("step_length_m_right")
    assert gait.value("step_time_s_left") > gait.value("step_time_s_right")


@pytest.mark.parametrize("time_ratio", [0.8, 1.25])
@pytest.mark.parametrize("seconds", [3.6, 4.1, 5.0, 6.0])
def test_one_short_step_more_does_not_make_a_limping_walk_faster(seconds: float, time_ratio: float) -> None:
    walker = Walker(seconds=seconds, time_ratio=time_ratio)
    gait = measure(walk(walker, 100, markers=True)[0])
    assert gait.value("speed_mps") == pytest.approx(walker.speed_mps, rel=0.01)
    assert gait.value("cadence_spm") == pytest.approx(walker.cadence_spm, rel=0.01)


def test_events_come_in_the_order_of_walking_and_near_the_truth() -> None:
    motion, truth = walk(Walker(), 150, markers=True)
    gait = measure(motion)
    for side in SIDES:
        strikes = np.array(gait.events[side].heel_strike_s)
        assert np.abs(strikes - truth.heel_strike_s[side]).max() < 0.02
        for off in gait.events[side].toe_off_s:
            assert np.abs(off - np.array(truth.toe_off_s[side])).min() < 0.03
    in_order = sorted(
        (time, side, kind)
        for side in SIDES
        for kind, times in (("strike", gait.events[side].heel_strike_s), ("off", gait.events[side].toe_off_s))
        for time in times
    )
    cycle = [("left", "strike"), ("right", "off"), ("right", "strike"), ("left", "off")]
    first = cycle.index(in_order[0][1:])
    assert [event[1:] for event in in_order] == [cycle[(first + i) % 4] for i in range(len(in_order))]


def test_the_same_walk_measures_the_same_at_150_and_20_frames_per_second() -> None:
    fast, slow = (measure(walk(Walker(), fps)[0]) for fps in (150.0, 20.0))
    for name in ("cadence_spm", "speed_mps", "step_length_m", "arm_swing_deg", "foot_lift_m"):
        assert slow.value(name) == pytest.approx(fast.value(name), rel=0.01), name


@settings(max_examples=25, deadline=None)
@given(
    cadence=st.floats(50, 145), step_m=st.floats(0.3, 0.8), seconds=st.floats(6, 10), lift_m=st.floats(0.05, 0.15),
    arms=st.tuples(st.floats(5, 60), st.floats(5, 60)), rate=st.sampled_from(RATES),
)
def test_any_even_walk_is_measured_within_the_limits(
    cadence: float, step_m: float, seconds: float, lift_m: float, arms: tuple[float, float], rate: tuple[float, bool]
) -> None:
    speed = step_m * cadence / 60
    gait = measure(walk(Walker(cadence, speed, seconds, lift_m, arms), *rate)[0])
    assert gait.status == "ok", gait.reasons
    assert gait.value("cadence_spm") == pytest.approx(cadence, rel=0.01)
    assert gait.value("speed_mps") == pytest.approx(speed, rel=0.01)
    assert gait.value("step_length_m") == pytest.approx(step_m, rel=0.03)
    assert gait.value("foot_lift_m") == pytest.approx(lift_m, abs=0.005)
    for side, degrees in zip(SIDES, arms, strict=True):
        assert gait.value(f"arm_swing_deg_{side}") == pytest.approx(degrees, abs=2)
    assert (gait.value("stride_time_cv_pct") or 0.0) < 0.6
