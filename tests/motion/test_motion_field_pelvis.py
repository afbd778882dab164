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
