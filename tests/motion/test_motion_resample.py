"""Frame rates change by time: a sine keeps its frequency, nothing folds back, NaN stays where it was."""
from __future__ import annotations

import numpy as np
import pytest

from agir_plugin.consts import JOINT, JOINTS
from agir_plugin.errors import UsageError
from agir_plugin.motion import mirror, resample
from agir_plugin.records import Motion


def _motion(signal: np.ndarray, fps: float, **more: object) -> Motion:
    """A motion whose every joint coordinate is the same signal."""
    return Motion(np.tile(signal[:, None, None], (1, 22, 3)), fps, "test", **more)


def _peak_hz(signal: np.ndarray, fps: float) -> float:
    spectrum = np.abs(np.fft.rfft((signal - signal.mean()) * np.hanning(len(signal)), n=1 << 16))
    return float(np.argmax(spectrum) * fps / (1 << 16))


@pytest.mark.parametrize("fps", [100.0, 120.0, 150.0])
def test_one_hertz_stays_one_hertz(fps: float) -> None:
    times = np.arange(int(20 * fps) + 1) / fps
    slow = resample(_motion(np.sin(2 * np.pi * times), fps), 20.0)
    signal = slow.joints_m[:, 0, 0]
    assert slow.fps == 20.0
    assert _peak_hz(signal, 20.0) == pytest.approx(1.0, abs=0.02)
    assert abs(slow.seconds - 20.0) < 1 / 20
    np.testing.assert_allclose(signal[20:-20], np.sin(2 * np.pi * np.arange(len(signal)) / 20)[20:-20], atol=2e-3)


def test_nothing_above_the_new_nyquist_folds_back() -> None:
    """17 Hz sampled at 20 Hz would look like 3 Hz."""
    times = np.arange(1501) / 150
    signal = resample(_motion(np.sin(2 * np.pi * 17 * times), 150.0)).joints_m[20:-20, 0, 0]
    assert np.abs(signal).max() < 0.06


def test_every_second_is_twenty_frames_at_any_rate() -> None:
    for fps in (24.0, 59.94, 100.0, 250.0):
        motion = resample(_motion(np.linspace(0, 1, int(3 * fps) + 1), fps))
        assert abs(motion.seconds - int(3 * fps) / fps) < 1 / 20


def test_a_straight_line_and_an_upward_rate() -> None:
    motion = resample(_motion(np.arange(11) / 10, 10.0), 40.0)
    np.testing.assert_allclose(motion.joints_m[:, 5, 1], np.arange(41) / 40, atol=1e-12)


def test_missing_heels_stay_missing_at_their_times() -> None:
    heel = np.ones((151, 2, 3))
    heel[60:90, 0] = np.nan
    motion = resample(_motion(np.zeros(151), 150.0, heel_m=heel, toe_m=np.ones((151, 2, 3))))
    times = np.arange(len(motion.joints_m)) / 20
    gone = np.isnan(motion.heel_m[:, 0, 0])
    assert gone[(times > 0.4) & (times < 0.59)].all() and not gone[(times < 0.38) | (times > 0.61)].any()
    np.testing.assert_allclose(motion.heel_m[~gone, 0], 1.0, atol=1e-9)
    assert np.isfinite(motion.heel_m[:, 1]).all() and np.isfinite(motion.toe_m).all()


def test_other_fields_stay_and_the_same_rate_changes_nothing() -> None:
    motion = _motion(np.zeros(31), 30.0, flags=("head_not_measured",), measured=frozenset({"pelvis"}), start_s=0.7)
    slow = resample(motion)
    assert (slow.flags, slow.measured, slow.start_s, slow.source) == (motion.flags, motion.measured, 0.7, "test")
    assert resample(motion, 30.0) is motion
    assert resample(_motion(np.zeros(1), 100.0)).joints_m.shape == (1, 22, 3)


@pytest.mark.parametrize("fps", [0.0, -20.0, float("nan")])
def test_a_rate_that_is_none_is_refused(fps: float) -> None:
    with pytest.raises(UsageError, match="frame rate above 0"):
        resample(_motion(np.zeros(5), 100.0), fps)


def test_mirrored_twice_is_the_walk_itself_and_once_swaps_the_sides() -> None:
    rng = np.random.default_rng(0)
    motion = Motion(
        rng.normal(size=(6, 22, 3)), 20.0, "test", rng.normal(size=(6, 2, 3)), rng.normal(size=(6, 2, 3)),
        frozenset({"left_wrist", "pelvis"}), ("right_arm_not_measured",),
    )
    once, twice = mirror(motion), mirror(mirror(motion))
    for part in ("joints_m", "heel_m", "toe_m", "measured", "flags"):
        assert np.all(getattr(twice, part) == getattr(motion, part))
    for name in JOINTS:
        other = name.replace("left", "?").replace("right", "left").replace("?", "right")
        np.testing.assert_array_equal(once.joints_m[:, JOINT[name]], motion.joints_m[:, JOINT[other]] * [-1, 1, 1])
    np.testing.assert_array_equal(once.heel_m[:, 0], motion.heel_m[:, 1] * [-1, 1, 1])
    assert once.measured == {"right_wrist", "pelvis"} and once.flags == ("left_arm_not_measured",)
