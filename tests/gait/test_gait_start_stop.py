"""Somebody who starts or stops within the recording: the slow steps are events, but no part of the walk's parameters."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from gait_feet import Feet, walk_on
from gait_walker import Walker, walk

from agir_plugin.gait import measure, pooled_variations
from agir_plugin.records import LabelledEvent, Motion

FPS = 100.0
WALKER = Walker(seconds=7.0)
RATES = [(100.0, True), (20.0, False)]


def slowed(motion: Motion, from_s: float, rate: float) -> Motion:
    """The motion with everything after `from_s` played at `rate` of its speed; the length in seconds stays."""
    time = np.arange(len(motion.joints_m)) / motion.fps
    source = np.where(time < from_s, time, from_s + rate * (time - from_s)) * motion.fps
    low = np.minimum(source.astype(int), len(time) - 2)
    share = (source - low)[:, None, None]
    tracks = {
        name: (1 - share) * track[low] + share * track[low + 1]
        for name in ("joints_m", "heel_m", "toe_m") if (track := getattr(motion, name)) is not None
    }
    return replace(motion, **tracks)


@pytest.mark.parametrize(("fps", "markers"), RATES)
def test_a_walk_that_stops_is_measured_before_it_stops(fps: float, markers: bool) -> None:
    motion, _ = walk(WALKER, fps, markers)
    gait = measure(slowed(motion, 4.5, 0.6))
    assert "starts_or_stops" in gait.flags
    assert gait.value("speed_mps") == pytest.approx(WALKER.speed_mps, rel=0.02)
    assert gait.value("cadence_spm") == pytest.approx(WALKER.cadence_spm, rel=0.02)
    assert gait.value("step_length_m") == pytest.approx(WALKER.step_length_m, rel=0.03)
    # the slow step is an event, but no step of the walk
    assert max(gait.events["left"].heel_strike_s + gait.events["right"].heel_strike_s) > 4.5
    assert gait.parameters["step_time_s"].n < sum(len(events.heel_strike_s) for events in gait.events.values()) - 1


def test_a_steady_walk_loses_nothing() -> None:
    for fps, markers in RATES:
        gait = measure(walk(WALKER, fps, markers)[0])
        strikes = sum(len(events.heel_strike_s) for events in gait.events.values())
        assert "starts_or_stops" not in gait.flags and gait.parameters["step_time_s"].n == strikes - 1


def test_a_limp_is_no_start() -> None:
    limp = Feet(70, 0.4, 9, strike_deg=(12, -5), toe_off_deg=30, length_ratio=2.2, time_ratio=0.6, stance=0.66)
    for fps, markers in RATES:
        assert "starts_or_stops" not in measure(walk_on(limp, fps, markers)[0]).flags


def test_labelled_events_are_all_used() -> None:
    motion, truth = walk(WALKER, FPS, markers=True)
    labels = [LabelledEvent(side, "heel_strike", time) for side, times in truth.heel_strike_s.items() for time in times]
    assert "starts_or_stops" not in measure(slowed(motion, 4.5, 0.6), "file", labels).flags


def test_sessions_leave_the_same_steps_out() -> None:
    motion = slowed(walk(WALKER, FPS, markers=True)[0], 4.5, 0.6)
    alone = measure(motion).parameters["step_time_cv_pct"]
    pooled = pooled_variations([motion])["step_time_cv_pct"]
    assert (pooled.value, pooled.n) == (alone.value, alone.n) and alone.value < 3
