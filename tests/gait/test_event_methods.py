"""Events by name: the published methods on walks with known events, the file's own labels, and what is refused."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from gait_walker import Truth, Walker, standing, walk

from agir_plugin.consts import SIDES
from agir_plugin.errors import UsageError
from agir_plugin.gait import measure
from agir_plugin.gait.event_methods import DEFAULT, METHODS
from agir_plugin.records import LabelledEvent, Motion

WALKERS = {"usual": Walker(), "slow": Walker(cadence_spm=80, speed_mps=0.6, foot_lift_m=0.07)}
#: Largest error of a method's heel strikes on the synthetic walker, seconds: published methods are not refined.
LARGEST_S = {"landing": 0.05, "zeni": 0.11, "oconnor": 0.17, "minimum_height": 0.11}


def labels(truth: Truth) -> list[LabelledEvent]:
    """The true events as a laboratory would have stored them."""
    kinds = (("heel_strike", truth.heel_strike_s), ("toe_off", truth.toe_off_s))
    return [LabelledEvent(side, kind, time) for kind, found in kinds for side in SIDES for time in found[side]]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", WALKERS)
@pytest.mark.parametrize(("fps", "markers"), [(150.0, True), (100.0, True), (20.0, False)])
def test_every_method_finds_every_step_once(method: str, name: str, fps: float, markers: bool) -> None:
    motion, truth = walk(WALKERS[name], fps, markers)
    gait = measure(motion, method)
    assert gait.status == "ok", gait.reasons
    assert gait.value("cadence_spm") == pytest.approx(WALKERS[name].cadence_spm, rel=0.02)
    assert gait.value("step_length_m") == pytest.approx(WALKERS[name].step_length_m, rel=0.05)
    for side in SIDES:
        found = np.array(gait.events[side].heel_strike_s)
        inner = [time for time in truth.heel_strike_s[side] if 0.3 < time < motion.seconds - 0.3]
        near = [np.count_nonzero(abs(found - time) <= LARGEST_S[method]) for time in inner]
        assert near == [1] * len(inner), (side, found, inner)


def test_zeni_places_the_strike_where_the_heel_is_farthest_ahead() -> None:
    motion, _ = walk(Walker(sway_m=0.0), 200.0, markers=True)
    found = measure(motion, "zeni").events["left"].heel_strike_s[1]
    # the pelvis moves at the walking speed, so there the heel is as fast as the body and not yet at rest
    ahead = motion.heel_m[:, 0, 2] - motion.joints_m[:, 0, 2]
    nearby = slice(round(200 * (found - 0.2)), round(200 * (found + 0.2)))
    assert found == pytest.approx((nearby.start + np.argmax(ahead[nearby])) / 200, abs=0.01)


def test_the_default_has_a_name_and_source_names_the_others() -> None:
    motion, _ = walk(Walker(), 100.0, markers=True)
    assert measure(motion) == measure(motion, DEFAULT)
    assert measure(motion).source == "synthetic"
    assert measure(motion, "oconnor").source == "synthetic, events: oconnor"


def test_an_unknown_method_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="one of landing, zeni, oconnor, minimum_height, file, got 'Zeni'"):
        measure(standing(100.0), "Zeni")


def test_labels_of_the_file_are_used_as_they_are() -> None:
    motion, truth = walk(Walker(), 100.0, markers=True)
    gait = measure(motion, "file", labels(truth))
    assert (gait.status, gait.source) == ("ok", "synthetic, events: file")
    for side in SIDES:
        assert gait.events[side].heel_strike_s == pytest.approx(truth.heel_strike_s[side], abs=1e-9)
        assert gait.events[side].toe_off_s == pytest.approx(truth.toe_off_s[side], abs=1e-9)
    assert gait.value("double_support_pct") == pytest.approx(24.0, abs=1e-6)


def test_labels_count_from_the_files_first_frame_where_its_start_was_cut_off() -> None:
    motion, truth = walk(Walker(), 100.0, markers=True)
    cut = replace(
        motion, joints_m=motion.joints_m[100:], heel_m=motion.heel_m[100:], toe_m=motion.toe_m[100:], start_s=1.0
    )
    gait = measure(cut, "file", labels(truth))
    expected = [time for time in truth.heel_strike_s["left"] if time >= 1.0]
    assert gait.events["left"].heel_strike_s == pytest.approx(expected, abs=1e-9)
    assert gait.value("step_length_m") == pytest.approx(Walker().step_length_m, rel=0.01)


def test_a_label_that_stands_twice_in_the_file_is_one_event() -> None:
    motion, truth = walk(Walker(), 100.0, markers=True)
    stored = labels(truth)
    twice = [*stored, *(replace(label, time_s=label.time_s + 0.001) for label in stored)]
    assert measure(motion, "file", twice).n_strides == measure(motion, "file", stored).n_strides


def one_sided(truth: Truth) -> list[LabelledEvent]:
    return [label for label in labels(truth) if label.side == "left"]


@pytest.mark.parametrize(("left_only", "found"), [(True, "left and 0 right"), (False, "found 0 left and 0 right of the 0")])
def test_too_few_labels_are_refused_and_never_replaced(left_only: bool, found: str) -> None:
    motion, truth = walk(Walker(), 100.0, markers=True)
    gait = measure(motion, "file", one_sided(truth) if left_only else ())
    assert gait.status == "refused" and gait.events["left"].heel_strike_s == ()
    assert "at least 2 labelled heel strikes of each foot" in gait.reasons[0] and found in gait.reasons[0]


def test_labels_do_not_make_a_walk_of_standing() -> None:
    still: Motion = standing(100.0)
    stored = [LabelledEvent(side, "heel_strike", time) for side, time in zip(SIDES * 2, (1.0, 1.5, 2.0, 2.5), strict=True)]
    assert "the person stands" in measure(still, "file", stored).reasons[0]
