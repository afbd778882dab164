"""Movements that look like walking on a treadmill but have no stance, and rates that cannot be true."""
from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from gait_walker import Walker, standing, walk

from agir_plugin.consts import JOINT
from agir_plugin.gait import measure
from agir_plugin.gait.course import find_walk
from agir_plugin.gait.events import detect
from agir_plugin.gait.geometry import smooth
from agir_plugin.gait.stance_check import double_supports_s, no_double_support, no_stance, resting_mps, support_range_m
from agir_plugin.records import Motion


def pedalling(crank_m: float = 0.17, rpm: float = 80.0, seconds: float = 8.0) -> Motion:
    """Feet on the two ends of a crank, the pelvis on a saddle."""
    motion = standing(100.0, seconds)
    joints = motion.joints_m.copy()
    angle = 2 * np.pi * rpm / 60 * np.arange(len(joints)) / motion.fps
    for side, phase in (("left", 0.0), ("right", np.pi)):
        for name in ("ankle", "foot"):
            track = joints[:, JOINT[f"{side}_{name}"]]
            track[:, 2] += crank_m * np.sin(angle + phase)
            track[:, 1] += crank_m * (1 + np.cos(angle + phase))
    return replace(motion, joints_m=joints)


def at_rate(motion: Motion, fps: float, source: str) -> Motion:
    """The same frames, said to have been taken at another rate."""
    return replace(motion, fps=fps, source=source)


def test_cycling_is_refused_with_what_was_seen() -> None:
    """Cranks of 0.17 m: the lower pedal is between 0 and 0.17 m above the lowest place, 0.16 m without the extremes."""
    gait = measure(pedalling())
    assert gait.status == "refused"
    assert "no foot ever stands on the belt" in gait.reasons[0] and "cycling" in gait.reasons[0]
    assert "rises and falls by 0.16 m" in gait.reasons[0]


@pytest.mark.parametrize("walker", [
    Walker(), Walker(belt=True), Walker(cadence_spm=125, speed_mps=0.25, foot_lift_m=0.02, double_support=0.25),
    Walker(cadence_spm=135, speed_mps=1.9), Walker(noise_m=0.01), Walker(belt=True, noise_m=0.01),
], ids=["floor", "belt", "shuffling", "fast", "noisy", "noisy belt"])
@pytest.mark.parametrize("fps", [20.0, 100.0])
def test_every_walk_has_a_stance(walker: Walker, fps: float) -> None:
    found = find_walk(smooth(walk(walker, fps)[0]))
    assert no_stance(found) == ""
    assert support_range_m(found) < 0.03
    assert resting_mps(found) < 0.17


def test_a_ramp_is_one_floor() -> None:
    """A slope of 10 %: each step is 7 cm higher, but the feet rest."""
    motion, _ = walk(Walker(), 100.0)
    joints = motion.joints_m.copy()
    joints[..., 1] += 0.1 * joints[..., 2]
    assert no_stance(find_walk(smooth(replace(motion, joints_m=joints)))) == ""


@pytest.mark.parametrize("belt", [False, True])
def test_running_without_any_double_support_is_running(belt: bool) -> None:
    """2.7 m/s: below the speed at which nobody can walk, and no cycle has a double support to be measured."""
    gait = measure(walk(Walker(cadence_spm=170, speed_mps=2.7, double_support=-0.15, belt=belt), 100.0)[0])
    assert gait.status == "refused"
    assert "the person runs" in gait.reasons[0]


@pytest.mark.parametrize("speed_mps", [1.3, 1.9])
def test_a_slow_jog_is_running_too(speed_mps: float) -> None:
    """A flight of 12 % of the cycle, 93 ms, at speeds at which people walk."""
    gait = measure(walk(Walker(cadence_spm=155, speed_mps=speed_mps, double_support=-0.12, seconds=8), 100.0, markers=True)[0])
    assert gait.status == "refused"
    assert "the person runs" in gait.reasons[0]


def test_feet_that_slide_over_the_floor_are_not_called_running() -> None:
    """Made motions swing their legs like pendulums: the feet never rest, and the toe-off says nothing."""
    motion, _ = walk(Walker(seconds=8), 100.0)
    joints = motion.joints_m.copy()
    pelvis = joints[:, JOINT["pelvis"], 2]
    swing = 0.35 * np.sin(2 * np.pi * 0.92 * np.arange(len(joints)) / motion.fps)
    for side, sign in (("left", 1), ("right", -1)):
        joints[:, JOINT[f"{side}_ankle"], 2] = pelvis + sign * swing
        joints[:, JOINT[f"{side}_foot"], 2] = pelvis + sign * swing + 0.14
    found = find_walk(smooth(replace(motion, joints_m=joints)))
    assert no_double_support(found, detect(found)) == no_stance(found) == ""


@pytest.mark.parametrize("fps", [20.0, 30.0, 100.0])
@pytest.mark.parametrize("walker", [Walker(), Walker(cadence_spm=140, speed_mps=1.9, double_support=0.08), Walker(noise_m=0.005)])
def test_walking_has_double_support(walker: Walker, fps: float) -> None:
    found = find_walk(smooth(walk(replace(walker, seconds=10), fps)[0]))
    assert no_double_support(found, detect(found)) == ""
    assert np.median(double_supports_s(found, detect(found))) > 0.02


@pytest.mark.parametrize(("true_fps", "said_fps", "cadence"), [(100.0, 25.0, 28), (100.0, 200.0, 220)])
def test_a_cadence_that_nobody_has_names_the_frame_rate(true_fps: float, said_fps: float, cadence: int) -> None:
    motion = at_rate(walk(Walker(cadence_spm=110, speed_mps=1.1, seconds=12), true_fps)[0], said_fps, "bvh joints")
    gait = measure(motion)
    assert gait.status == "refused"
    said = re.match(rf"nobody takes (\d+) steps per minute of 0.6\d m: the frame rate of {said_fps:g}", gait.reasons[0])
    assert said and int(said[1]) == pytest.approx(cadence, abs=3)


def test_a_small_child_may_step_faster() -> None:
    """Half the size, 210 steps per minute: with legs of 0.4 m that is an adult's 140."""
    motion, _ = walk(Walker(cadence_spm=210, speed_mps=1.8), 100.0)
    child = replace(motion, joints_m=motion.joints_m / 2)
    assert measure(child).status == "ok"


@pytest.mark.parametrize(("source", "flagged"), [("bvh joints", True), ("csv joints", True), ("c3d markers", False)])
def test_half_the_true_rate_is_flagged_where_the_file_may_be_wrong(source: str, flagged: bool) -> None:
    """110 steps per minute of 0.69 m at half the rate: 55 of 0.69 m, a walk ratio of 0.0125."""
    gait = measure(at_rate(walk(Walker(seconds=10), 100.0)[0], 50.0, source))
    assert gait.status == "ok"
    assert ("frame_rate_in_doubt" in gait.flags) == flagged


@pytest.mark.parametrize("walker", [
    Walker(), Walker(cadence_spm=60, speed_mps=0.45), Walker(cadence_spm=125, speed_mps=0.3, double_support=0.25),
], ids=["usual", "very slow", "shuffling"])
def test_true_rates_are_not_doubted(walker: Walker) -> None:
    gait = measure(replace(walk(replace(walker, seconds=10), 100.0)[0], source="bvh joints"))
    assert gait.status == "ok" and "frame_rate_in_doubt" not in gait.flags


def test_a_walk_that_is_over_too_soon_names_the_rate() -> None:
    """58 frames of a walk at 30 frames per second, read at 120: half a second at five metres per second."""
    motion = at_rate(walk(Walker(seconds=57 / 30), 30.0)[0], 120.0, "amc joints")
    assert "pelvis moves at 5.0 m/s: if 120 frames per second is wrong, give --fps" in measure(motion).reasons[0]
    assert "--fps" not in measure(replace(motion, source="c3d markers")).reasons[0]


def test_a_person_who_steps_into_place_and_stands_is_not_walking_backwards() -> None:
    """One short step back with each foot, then standing: too few heel strikes, whatever way they went."""
    still = standing(100.0, 10.0)
    joints = still.joints_m.copy()
    for side, at in (("left", 100), ("right", 170)):
        ramp = np.clip((np.arange(len(joints)) - at) / 40, 0, 1)
        for name in ("ankle", "foot", "hip", "knee"):
            joints[:, JOINT[f"{side}_{name}"], 2] += 0.25 * ramp
    joints[:, JOINT["pelvis"], 2] += 0.25 * np.clip((np.arange(len(joints)) - 100) / 110, 0, 1)
    gait = measure(replace(still, joints_m=joints))
    assert gait.status == "refused"
    assert "heel strikes of each foot" in gait.reasons[0] or "stands" in gait.reasons[0]


def test_two_fast_steps_are_too_few_to_call_running() -> None:
    """2.2 m/s could be either; without one whole cycle nothing is known of double support."""
    gait = measure(walk(Walker(cadence_spm=140, speed_mps=2.2, seconds=1.0), 100.0)[0])
    assert "heel strikes of each foot" in gait.reasons[0]
