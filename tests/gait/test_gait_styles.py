"""Events of walks that land as patients do: shuffling, flat, toes first, on the toes, limping, cut off mid-step."""
from __future__ import annotations

import numpy as np
import pytest
from gait_feet import Feet, walk_on

from agir_plugin.consts import SIDES
from agir_plugin.gait import measure
from agir_plugin.records import GaitParameters

SLOW = {"strike_deg": (3.0, 3.0), "toe_off_deg": 25.0, "stance": 0.72, "clearance_m": 0.015}
STYLES = {
    "heel first": Feet(),
    "slow": Feet(60, 0.3, 9, **SLOW),
    "slow, soft": Feet(60, 0.3, 9, **SLOW, landing_share=0.0),
    "slow, 2 mm of noise": Feet(60, 0.3, 9, **SLOW, noise_m=0.002),
    "shuffling": Feet(46, 0.18, 12, strike_deg=(0, 0), toe_off_deg=15, stance=0.75, clearance_m=0.01),
    "hurried shuffling": Feet(150, 0.4, strike_deg=(0, 0), toe_off_deg=15, stance=0.7, clearance_m=0.01),
    "flat": Feet(90, 0.7, strike_deg=(0, 0), toe_off_deg=35),
    "toes first": Feet(115, 0.9, strike_deg=(-15, -15), toe_off_deg=45),
    "on the toes": Feet(120, 0.8, strike_deg=(-25, -25), toe_off_deg=50, tiptoe=True),
    "limping": Feet(80, 0.5, 8, strike_deg=(-10, 12), toe_off_deg=35, length_ratio=0.6, time_ratio=1.4),
    "limping, long on the other leg": Feet(
        70, 0.4, 9, strike_deg=(12, -5), toe_off_deg=30, length_ratio=2.2, time_ratio=0.6, stance=0.66
    ),
    "child": Feet(160, 1.1, 4, strike_deg=(10, 10)),
    "hard": Feet(landing_share=0.8),
    "drawn back": Feet(landing_share=-0.2),
    "2 mm of noise": Feet(noise_m=0.002),
}
RATES = [(60.0, True), (100.0, True), (250.0, True), (20.0, False)]
#: A true event nearer to the ends of the recording than this, seconds, may be missed.
EDGE_S = 0.3


def errors_s(gait: GaitParameters, true: dict[str, list[float]], kind: str, seconds: float) -> np.ndarray:
    """Detected minus true times; fails where an event is doubled, invented, or missed away from the ends."""
    found = []
    for side in SIDES:
        times = np.array(getattr(gait.events[side], f"{kind}_s"))
        near = [times[abs(times - at) < 0.2] - at for at in true[side]]
        assert all(len(one) <= 1 for one in near), side
        lost = [at for at, one in zip(true[side], near, strict=True) if not len(one)]
        assert all(at <= EDGE_S or at >= seconds - EDGE_S for at in lost), (side, lost)
        found += [one[0] for one in near if len(one)]
        assert len(times) == sum(map(len, near)), side
    return np.array(found)


@pytest.mark.parametrize(("fps", "markers"), RATES)
@pytest.mark.parametrize("name", STYLES)
def test_every_landing_is_found_once_and_near_its_time(name: str, fps: float, markers: bool) -> None:
    feet = STYLES[name]
    motion, strikes, offs = walk_on(feet, fps, markers)
    gait = measure(motion)
    assert gait.status == "ok", gait.reasons
    errors = errors_s(gait, strikes, "heel_strike", feet.seconds)
    assert np.median(abs(errors)) <= (0.021 if markers else 0.03)
    assert abs(errors).max() < 0.05
    if markers:
        assert abs(errors_s(gait, offs, "toe_off", feet.seconds)).max() < 0.05


@pytest.mark.parametrize(("fps", "markers"), RATES)
@pytest.mark.parametrize("name", STYLES)
def test_lengths_and_cadence_are_those_of_the_feet(name: str, fps: float, markers: bool) -> None:
    feet = STYLES[name]
    gait = measure(walk_on(feet, fps, markers)[0])
    # a limping walk is counted by its sides only with markers: by steps, one more of the long or the short ones shows
    assert gait.value("cadence_spm") == pytest.approx(feet.cadence_spm, rel=0.01 if markers else 0.02)
    lengths = {"left": 2 * feet.length_ratio, "right": 2}
    for side, share in lengths.items():
        assert gait.value(f"step_length_m_{side}") == pytest.approx(
            feet.step_m * share / (1 + feet.length_ratio), rel=0.03
        ), side


@pytest.mark.parametrize("start_s", np.arange(0.0, 1.1, 0.1).round(1).tolist())
@pytest.mark.parametrize("name", ["heel first", "limping", "toes first"])
def test_recordings_may_begin_and_end_anywhere(name: str, start_s: float) -> None:
    feet = STYLES[name]
    cut = Feet(**{**vars(feet), "start_s": start_s, "seconds": 5.3 * feet.step_s})
    motion, strikes, _ = walk_on(cut, 100.0)
    gait = measure(motion)
    assert gait.status == "ok", gait.reasons
    errors = errors_s(gait, strikes, "heel_strike", cut.seconds)
    assert np.median(abs(errors)) <= 0.02 and abs(errors).max() < 0.05
    assert gait.value("cadence_spm") == pytest.approx(feet.cadence_spm, rel=0.02)


def test_a_landing_just_after_the_first_frame_is_found_with_markers() -> None:
    for before_s in (0.03, 0.06, 0.09):
        base = Feet(seconds=4.0)
        first = walk_on(base, 100.0)[1]["left"][1]
        cut = Feet(seconds=4.0, start_s=first - before_s)
        found = measure(walk_on(cut, 100.0)[0]).events["left"].heel_strike_s[0]
        assert found == pytest.approx(before_s, abs=0.03)


def test_a_foot_that_stands_ahead_at_the_first_frame_does_not_land() -> None:
    base = Feet(seconds=4.0)
    first = walk_on(base, 100.0)[1]["left"][1]
    cut = Feet(seconds=4.0, start_s=first + 0.05)
    _, strikes, _ = walk_on(cut, 100.0)
    assert measure(walk_on(cut, 100.0)[0]).events["left"].heel_strike_s[0] == pytest.approx(strikes["left"][0], abs=0.03)
