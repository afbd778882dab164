"""The words and digits a reader sees."""
from __future__ import annotations

import pytest

from agir_plugin.gait.catalog import UNITS
from agir_plugin.report.wording import DECIMALS, SCORE_MEANINGS, SCORE_WORDS, label, number


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("speed_mps", "speed"), ("step_length_m_left", "step length, left"), ("step_time_cv_pct", "step time CV"),
        ("arm_swing_asymmetry_pct", "arm swing asymmetry"), ("walk_ratio", "walk ratio"), ("stance_pct", "stance"),
        ("margin_of_stability_ml_m", "margin of stability ML"), ("arm_swing_deg_right", "arm swing, right"),
        ("stride_time_s", "stride time"),
    ],
)
def test_labels_have_no_unit(name, words):
    assert label(name) == words


def test_every_parameter_has_its_own_label_and_its_unit_has_decimals():
    assert len({label(name) for name in UNITS}) == len(UNITS)
    assert set(UNITS.values()) <= set(DECIMALS)


def test_numbers_have_the_decimals_of_their_unit():
    assert number(109.6, "steps/min") == "110"
    assert number(0.6349, "m") == "0.635" and number(0.0057, "m/(steps/min)") == "0.0057"
    assert number(1.005, "furlong") == "1.00"


def test_scores_are_named():
    assert SCORE_WORDS == {0: "normal", 1: "slight", 2: "mild"} and set(SCORE_MEANINGS) == set(SCORE_WORDS)
