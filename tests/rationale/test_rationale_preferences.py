"""Preference pairs: another walk's text or another score's beside each text, never equal, never across the parts of a fold."""
from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agir_plugin.gait.catalog import UNITS
from agir_plugin.rationale.preferences import (
    COUNTERFACTUAL,
    IRRELEVANT,
    Example,
    edit_distance,
    preference_pairs,
)
from agir_plugin.rationale.rules import write
from agir_plugin.records import GaitParameters, Measure, Rationale

WORDS = st.lists(st.sampled_from("slow steps are short and even".split()), max_size=12)


def gait_of(speed_mps: float) -> GaitParameters:
    measures = {name: Measure(None, unit, 0, "low", "not measured") for name, unit in UNITS.items()}
    measures["speed_mps"] = Measure(speed_mps, "m/s", 8, "high")
    return GaitParameters("ok", 20.0, "test", n_strides=6, parameters=measures)


def example(walk: str, score: int, part: str = "train", subject: str = "") -> Example:
    gait = gait_of(1.2 - 0.4 * score)
    return Example(walk, subject or walk[:5], part, score, gait, write(gait, score, walk))


def pairs(examples: list[Example]):
    return {(one.walk, kind): pair for one, kind, pair in preference_pairs(examples)}


def test_three_walks_by_hand():
    zero, one, two = (example(f"SUB0{score}_off_walk_1", score) for score in (0, 1, 2))
    found = pairs([zero, one, two])
    assert len(found) == 6
    for made in (zero, one, two):
        irrelevant, counterfactual = found[made.walk, IRRELEVANT], found[made.walk, COUNTERFACTUAL]
        assert irrelevant.chosen == counterfactual.chosen == made.rationale
        assert irrelevant.rejected_walk in {zero.walk, one.walk, two.walk} - {made.walk}
        assert irrelevant.rejected_score != made.score != counterfactual.rejected_score
        assert counterfactual.rejected == write(made.gait, counterfactual.rejected_score, made.walk)
        assert counterfactual.rejected_walk == made.walk


def test_no_text_changes_its_part_and_one_score_alone_has_no_other():
    found = pairs([example("SUB01_on_walk_1", 0), example("SUB02_on_walk_1", 1, "test"), example("SUB03_on_walk_1", 0)])
    assert [found[walk, IRRELEVANT] for walk in ("SUB01_on_walk_1", "SUB02_on_walk_1")] == [None, None]


def test_another_subject_comes_before_another_session_of_the_same():
    own = [example("SUB01_off_walk_1", 2), example("SUB01_on_walk_1", 1)]
    assert pairs(own)["SUB01_off_walk_1", IRRELEVANT].rejected_walk == "SUB01_on_walk_1"
    assert pairs([*own, example("SUB02_on_walk_1", 0)])["SUB01_off_walk_1", IRRELEVANT].rejected_walk == "SUB02_on_walk_1"


def test_equal_texts_make_no_pair():
    same = Rationale("Steps are even.", "Both arms swing.", "The rhythm is regular.")
    one, other = (
        Example(f"SUB0{score}_on_walk_1", f"SUB0{score}", "train", score, gait_of(1.2), same) for score in (0, 1)
    )
    assert pairs([one, other])[one.walk, IRRELEVANT] is None
    assert pairs([one, other])[one.walk, COUNTERFACTUAL].rejected != same


def test_the_order_of_the_examples_changes_nothing():
    examples = [example(f"SUB{n:02d}_{state}_walk_1", score, subject=f"S{n}") for (n, state), score in zip(
        product(range(6), ("on", "off")), [0, 1, 2] * 4, strict=True)]
    assert pairs(examples) == pairs(examples[::-1])


@pytest.mark.parametrize("one, other, expected", [
    ("", "", 0.0), ("a b", "a b", 0.0), ("a b c", "a c", 1 / 3), ("a b", "c d", 1.0), ("", "a", 1.0), ("a b c d", "b c d e", 0.5),
])
def test_edit_distance_by_hand(one: str, other: str, expected: float):
    assert edit_distance(one.split(), other.split()) == pytest.approx(expected)


@given(WORDS, WORDS)
def test_edit_distance_is_symmetric_and_a_share(one: list[str], other: list[str]):
    assert edit_distance(one, other) == edit_distance(other, one)
    assert 0 <= edit_distance(one, other) <= 1 and (edit_distance(one, other) == 0) == (one == other)
