"""A person who stops and walks on: two walks, neither of which counts the standing."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from gait_walker import Walker, walk

from agir_plugin.gait import main_pass, measure
from agir_plugin.gait.passes import passes
from agir_plugin.records import Motion


def with_a_stop(first_s: float, stop_s: float, then_s: float, fps: float = 100.0, markers: bool = True) -> Motion:
    """A walk whose frame at `first_s` is held for `stop_s`: the feet rest where they are, mid-step or not."""
    motion, _ = walk(Walker(seconds=first_s + then_s), fps, markers)
    at, count = round(first_s * fps), round(stop_s * fps)
    order = np.concatenate([np.arange(at), np.full(count, at), np.arange(at, len(motion.joints_m))])
    tracks = {name: track[order] for name in ("joints_m", "heel_m", "toe_m") if (track := getattr(motion, name)) is not None}
    return replace(motion, **tracks)


@pytest.mark.parametrize("fps", [30.0, 100.0])
def test_a_stop_makes_two_walks(fps: float) -> None:
    first, second = passes(with_a_stop(5.0, 3.0, 7.0, fps))
    assert first.flags == second.flags == ("stops",)
    assert first.seconds == pytest.approx(5.0, abs=0.3)
    assert second.seconds == pytest.approx(7.0, abs=0.3)
    assert second.start_s == pytest.approx(8.0, abs=0.3)


@pytest.mark.parametrize("stop_s", [1.2, 3.0, 20.0])
@pytest.mark.parametrize("whole", [False, True])
def test_cadence_and_speed_are_those_of_walking(stop_s: float, whole: bool) -> None:
    """Whether the passes are measured or the whole recording at once."""
    motion = with_a_stop(5.0, stop_s, 8.0)
    gait = measure(motion if whole else main_pass(motion))
    assert gait.status == "ok" and "stops" in gait.flags
    assert gait.value("cadence_spm") == pytest.approx(110, rel=0.02)
    assert gait.value("speed_mps") == pytest.approx(1.26, rel=0.03)


def test_a_short_hesitation_and_the_ends_are_no_stops() -> None:
    assert len(passes(with_a_stop(5.0, 0.5, 5.0))) == 1
    at_the_end = with_a_stop(6.0, 3.0, 0.0)
    assert passes(at_the_end) == (at_the_end,)


@pytest.mark.parametrize("walker", [
    Walker(cadence_spm=50, speed_mps=0.25, double_support=0.3, foot_lift_m=0.03, seconds=14),
    Walker(belt=True, cadence_spm=70, speed_mps=0.5), Walker(noise_m=0.005),
], ids=["very slow", "belt", "noisy"])
def test_slow_walks_are_not_cut(walker: Walker) -> None:
    motion, _ = walk(walker, 100.0, markers=True)
    assert passes(motion) == (motion,)
