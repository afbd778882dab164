"""Pelvis markers that arms and clothes hide: two that are seen and the vertical keep the walk whole."""
from __future__ import annotations

import numpy as np
import pytest
from motion_walker import BODY, recording, walk

from agir_plugin.motion import to_motion, to_motions
from agir_plugin.records import Motion

NAMES = (*(name for name in BODY if name not in ("LPSI", "RPSI")), "SACR")


def helen_hayes(hidden: dict[str, slice], names: tuple[str, ...] = NAMES) -> tuple[Motion, ...]:
    """A walk of 5 s with ASIS and sacrum, some markers hidden for some frames."""
    places = walk(seconds=5.0)
    own = {name: places[:, column] for column, name in enumerate(BODY)}
    own["SACR"] = 0.5 * (own["LPSI"] + own["RPSI"])
    stack = np.stack([own[name] for name in names], axis=1)
    for name, frames in hidden.items():
        stack[frames, names.index(name)] = np.nan
    return to_motions(recording(stack, names))


@pytest.mark.parametrize("hidden", [
    {"LASI": slice(200, 330)}, {"SACR": slice(150, 400)}, {"LASI": slice(100, 200), "SACR": slice(300, 400)},
], ids=["one asis", "sacrum", "one after the other"])
def test_one_of_three_may_be_hidden_for_long(hidden: dict[str, slice]) -> None:
    """The stiff walker's pelvis does not tilt, so what is put back lies where it was."""
    (motion,), (whole,) = helen_hayes(hidden), helen_hayes({})
    assert "gaps_filled:pelvis" in motion.flags and motion.seconds == whole.seconds
    np.testing.assert_allclose(motion.joints_m, whole.joints_m, atol=2e-3)


def test_one_pelvis_marker_alone_does_not_show_the_pelvis() -> None:
    first, second = helen_hayes({"LASI": slice(240, 280), "SACR": slice(240, 280)})
    assert first.seconds == pytest.approx(2.39, abs=0.02) and second.start_s == pytest.approx(2.80, abs=0.02)


def test_the_flag_is_only_on_the_walk_that_it_concerns() -> None:
    first, second = helen_hayes({"LASI": slice(50, 120), "LANK": slice(240, 270), "LHEE": slice(240, 270), "LKNE": slice(240, 270)})
    assert "gaps_filled:pelvis" in first.flags and "gaps_filled:pelvis" not in second.flags


def test_an_end_without_the_marker_is_cut_off() -> None:
    """What was never seen before the walk's first frame is not carried backwards."""
    (motion,) = helen_hayes({"RASI": slice(0, 250)})
    assert motion.start_s == 2.5 and "gaps_filled:pelvis" not in motion.flags


def test_a_landmark_that_is_hardly_ever_seen_is_not_guessed() -> None:
    motion = to_motion(recording(walk(tuple(BODY)[:12]), tuple(BODY)[:12]))
    assert "gaps_filled:pelvis" not in motion.flags
    assert all(one.seconds < 0.1 for one in helen_hayes({"SACR": slice(5, None)}))


def test_a_runner_s_feet_that_point_backwards_do_not_exchange_the_knees() -> None:
    """In swing the foot hangs with its toes behind the heel: two thirds of the time, both feet together, toes are behind."""
    places = walk(seconds=3.0)
    column = {name: index for index, name in enumerate(BODY)}
    times = np.arange(len(places)) / 100
    for side, phase in (("L", 0.0), ("R", np.pi)):
        swings = np.sin(2 * np.pi * 1.4 * times + phase) > -0.3
        heel, toe = places[:, column[f"{side}HEE"]].copy(), places[:, column[f"{side}TOE"]].copy()
        places[swings, column[f"{side}TOE"]] = heel[swings] - [0.0, 0.1, 0.1]
        places[swings, column[f"{side}HEE"]] = toe[swings] + [0.0, 0.2, -0.2]
    motion = to_motion(recording(places))
    assert not any("knee" in flag for flag in motion.flags)
    swapped = places.copy()
    swapped[:, [column["LKNE"], column["RKNE"]]] = places[:, [column["RKNE"], column["LKNE"]]]
