"""Small inputs whose answers a reader can work out by hand: signals, statistics, steps and strides."""
from __future__ import annotations

import numpy as np
import pytest

from agir_plugin.consts import JOINT, JOINTS
from agir_plugin.gait import signals, statistics
from agir_plugin.gait.course import Walk
from agir_plugin.gait.events import Events
from agir_plugin.gait.geometry import Points, mean_velocity
from agir_plugin.gait.spatiotemporal import steps, strides


def test_crossings_lie_between_the_samples() -> None:
    falling = np.array([4.0, 3.0, 1.0, 0.0, 0.0])
    assert signals.first_below(falling, 0, 5, 2.0) == pytest.approx(1.5)
    assert signals.first_below(falling, 0, 5, -1.0) is None
    assert signals.last_below(falling[::-1], 0, 5, 2.0) == pytest.approx(2.5)
    assert signals.last_below(falling, 0, 5, 2.0) is None


def test_a_peak_needs_its_full_height_on_one_side_only() -> None:
    cut_off = np.array([0.0, 4.0, 8.0, 10.0, 9.0, 8.5])
    assert list(signals.peaks(cut_off, distance=1, rise=5, edge_rise=1)) == [3]
    assert list(signals.peaks(cut_off, distance=1, rise=5, edge_rise=2)) == []
    assert list(signals.peaks(np.array([0.0, 2.0, 4.0, 3.0]), distance=1, rise=5, edge_rise=1)) == []


def test_a_spline_keeps_the_samples_and_a_filter_keeps_slow_signals() -> None:
    time = np.arange(40) / 20
    slow = np.sin(2 * np.pi * time)[:, None]
    assert signals.densify(slow, 5)[::5] == pytest.approx(slow)
    assert signals.densify(slow, 5)[17, 0] == pytest.approx(np.sin(2 * np.pi * 17 / 100), abs=1e-3)
    assert signals.low_pass(slow, 20.0)[10:30] == pytest.approx(slow[10:30], abs=0.01)


def test_sway_does_not_tilt_the_direction_of_travel() -> None:
    time = np.arange(201) / 100
    path = np.stack([0.03 * np.cos(2 * np.pi * time), 0 * time, 1.2 * time], axis=1)
    assert mean_velocity(path, 100.0) == pytest.approx([0, 0, 1.2], abs=1e-9)


def test_variation_ignores_a_constant_difference_between_the_sides() -> None:
    uneven = statistics.variation("step_time_cv_pct", ([0.5, 0.5, 0.5], [0.6, 0.6, 0.6]), "step")
    assert uneven.value == pytest.approx(0) and uneven.n == 6 and uneven.confidence == "medium"
    # squares 2 * 0.01^2 on either side over 6 - 2 degrees of freedom: SD 0.01, mean 0.5
    varied = statistics.variation("step_time_cv_pct", ([0.49, 0.50, 0.51], [0.49, 0.50, 0.51]), "step")
    assert varied.value == pytest.approx(2.0)


def test_variation_of_three_steps_is_missing_and_says_why() -> None:
    few = statistics.variation("step_time_cv_pct", ([0.5, 0.5], [0.6]), "step")
    assert few.value is None and few.n == 3
    assert few.reason == "variability needs at least 4 steps, 3 were seen"


def test_asymmetry_of_arms_that_do_not_swing_is_missing() -> None:
    still = statistics.known("arm_swing_deg_left", 0.0, 3)
    assert statistics.asymmetry("arm_swing_asymmetry_pct", still, still).value is None
    swinging = statistics.known("arm_swing_deg_right", 10.0, 2)
    assert statistics.asymmetry("arm_swing_asymmetry_pct", still, swinging).value == pytest.approx(200)


def footprints(places: list[tuple[float, float]]) -> Points:
    """Ten seconds at 10 samples a second; each foot stands on its places (x, z) for two seconds each."""
    heel = np.zeros((100, 2, 3))
    for side in (0, 1):
        own = places[side::2]
        for start, (x, z) in enumerate(own):
            heel[start * 20 + side * 10:, side] = [x, 0, z]
    joints = np.zeros((100, len(JOINTS), 3))
    joints[:, JOINT["left_hip"], 0], joints[:, JOINT["right_hip"], 0] = 0.1, -0.1
    return Points(10.0, 0.0, joints, heel, heel, True)


def test_steps_and_strides_are_read_from_footprints() -> None:
    points = footprints([(0.05, 0.0), (-0.05, 0.4), (0.05, 1.0), (-0.05, 1.4), (0.05, 2.0)])
    walk = Walk(points, np.array([0, 0, 1.0]), np.array([1.0, 0, 0]), 0.5, 1.0, 0.0)
    left, right = np.array([0.0, 20.0, 40.0]), np.array([10.0, 30.0])
    events = Events((left, right), (np.array([12.0, 32.0]), np.array([22.0, 42.0])))
    found = steps(walk, events)
    assert [step.side for step in found] == [1, 0, 1, 0]
    assert [step.length_m for step in found] == pytest.approx([0.4, 0.6, 0.4, 0.6])
    assert [step.width_m for step in found] == pytest.approx([0.1] * 4)
    assert [step.time_s for step in found] == pytest.approx([1.0] * 4)
    first = strides(walk, events)[0]
    assert (first.time_s, first.length_m) == pytest.approx((2.0, 1.0))
    # left stance 0 to 12 of 20 samples; the right foot is down to 2 more samples after the left one strikes
    assert first.stance_pct == pytest.approx(60)
    assert first.double_support_pct is None
    assert strides(walk, events)[1].double_support_pct == pytest.approx(20)


def test_steps_across_an_unseen_strike_are_left_out() -> None:
    points = footprints([(0.05, 0.5 * i) for i in range(8)])
    walk = Walk(points, np.array([0, 0, 1.0]), np.array([1.0, 0, 0]), 0.5, 1.0, 0.0)
    nothing = (np.zeros(0), np.zeros(0))
    events = Events((np.array([0.0, 20.0, 40.0, 60.0]), np.array([10.0, 50.0, 70.0])), nothing)
    assert len(steps(walk, events)) == 5
    assert [(stride.side, stride.start) for stride in strides(walk, events)] == [(0, 0.0), (0, 40.0), (1, 50.0)]
