"""Clip votes: the reference vectors and the properties of each tie rule."""
from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agir_plugin.errors import UsageError
from agir_plugin.evaluation import vote

CASES = json.loads((Path(__file__).parents[1] / "vectors" / "majority_vote.json").read_text())["vectors"]
RULES = [(case, ties) for case in CASES for ties in case["expect"]]


@pytest.mark.parametrize(("case", "ties"), RULES, ids=lambda value: value if isinstance(value, str) else value["id"])
def test_reference_vectors(case, ties):
    assert vote(case["preds"], case.get("logits"), ties=ties) == case["expect"][ties]


def test_equal_sums_go_to_the_lowest_class():
    assert vote([2, 1], [[0, 1, 1], [0, 1, 1]]) == 1


def test_only_tied_classes_can_win_a_tie():
    assert vote([0, 0, 2, 2, 1], [[0, 99, 0]] * 4 + [[0, 99, 3]]) == 2


def test_unreadable_clips_do_not_vote():
    assert vote([-1, -1, 2], ties="lowest") == 2
    assert vote([-1, -1], [[0, 0, 0]] * 2) == -1


@given(st.lists(st.sampled_from([0, 1, 2]), min_size=1, max_size=15), st.randoms(use_true_random=False))
def test_the_default_rules_do_not_depend_on_the_order_of_clips(clips, random):
    logits = [[clip * 0.25, 0.5, 0.125] for clip in clips]
    order = random.sample(range(len(clips)), len(clips))
    shuffled = [clips[i] for i in order]
    assert vote(clips, logits) == vote(shuffled, [logits[i] for i in order])
    assert vote(clips, ties="lowest") == vote(shuffled, ties="lowest")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 1], None), 'expected logits of each clip for ties="sum_logits", got none'),
        (([1, 2], [[0, 1, 2]]), r"2 clips by at least 3 classes, got the shape \(1, 3\)"),
        (([1, 2], [[0, 1], [0, 1]]), r"got the shape \(2, 2\)"),
        (([], None), "at least one clip of the walk, got none"),
    ],
)
def test_wrong_use_is_refused(arguments, message):
    with pytest.raises(UsageError, match=message):
        vote(*arguments)


def test_an_unknown_rule_is_refused():
    with pytest.raises(UsageError, match="expected a tie rule among sum_logits, lowest, first_seen, got 'random'"):
        vote([1], ties="random")
