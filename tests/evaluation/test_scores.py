"""Classification measures: the reference vectors, scikit-learn as a second opinion, and the identities."""
from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agir_plugin.errors import LabelError, UsageError
from agir_plugin.evaluation import scores
from agir_plugin.evaluation.scores import check_identities

CASES = json.loads((Path(__file__).parents[1] / "vectors" / "classification.json").read_text())["vectors"]
PAIRS = st.lists(st.tuples(st.sampled_from([0, 1, 2]), st.sampled_from([-1, 0, 1, 2])), min_size=1, max_size=40)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_reference_vectors(case):
    table = scores(case["y_true"], case["y_pred"], case["labels"]).as_dict()
    expect = case["expect"]
    assert table["accuracy"] == pytest.approx(expect["accuracy"], abs=1e-9)
    for average in ("macro", "weighted"):
        assert table[average] == pytest.approx(expect[average], abs=1e-9)
    for label, values in expect["per_class"].items():
        assert table["per_class"][label] == pytest.approx(values, abs=1e-9)
    for key, name in (
        ("expect_qwk", "quadratic_kappa"),
        ("expect_mae", "mae"),
        ("expect_parse_failure_rate", "parse_failure_rate"),
        ("expect_macro_present_only", "macro_present"),
    ):
        if key in case:
            assert table[name] == pytest.approx(case[key], abs=1e-9)


def test_small_table_by_hand():
    table = scores([0, 0, 1, 2], [0, 1, 1, -1])
    assert table.accuracy == 0.5
    assert table.balanced_accuracy == pytest.approx((0.5 + 1 + 0) / 3)
    assert table.confusion == ((1, 1, 0), (0, 1, 0), (0, 0, 0))
    assert table.unparsable == (0, 0, 1)
    assert table.parse_failure_rate == 0.25
    assert table.mae == pytest.approx(1 / 3)  # over the three walks with a readable score


def test_measures_without_a_value_are_none():
    assert scores([1, 1], [1, 1]).quadratic_kappa is None
    nothing_readable = scores([0, 1], [-1, -1])
    assert nothing_readable.mae is None and nothing_readable.quadratic_kappa is None
    assert nothing_readable.accuracy == 0.0


def test_as_dict_is_plain_json():
    table = scores(np.asarray([0, 1, 2]), np.asarray([0, 2, 2])).as_dict()
    assert json.loads(json.dumps(table)) == table
    assert table["confusion"] == [[1, 0, 0], [0, 0, 1], [0, 0, 1]]


@settings(max_examples=60, deadline=None)
@given(PAIRS)
def test_scikit_learn_agrees(pairs):
    from sklearn import metrics

    truth, answers = map(list, zip(*pairs, strict=True))
    table = scores(truth, answers)
    for average in ("macro", "weighted"):
        ours = dataclasses.astuple(getattr(table, average))
        theirs = metrics.precision_recall_fscore_support(
            truth, answers, labels=[0, 1, 2], average=average, zero_division=0
        )
        assert ours == pytest.approx(theirs[:3], abs=1e-12)
    assert table.accuracy == pytest.approx(metrics.accuracy_score(truth, answers))
    readable = [(t, a) for t, a in pairs if a != -1]
    if table.quadratic_kappa is not None:
        kappa = metrics.cohen_kappa_score(*zip(*readable, strict=True), labels=[0, 1, 2], weights="quadratic")
        assert table.quadratic_kappa == pytest.approx(kappa, abs=1e-12)


@given(PAIRS)
def test_identities_hold_for_every_table(pairs):
    truth, answers = zip(*pairs, strict=True)
    table = scores(truth, answers)
    assert table.weighted.recall == pytest.approx(table.accuracy)
    for mean in (table.macro, table.macro_present, table.weighted):
        bound = 2 * mean.precision * mean.recall / max(mean.precision + mean.recall, 1e-300)
        assert mean.f1 <= bound + 1e-9
    assert sum(map(sum, table.confusion)) + sum(table.unparsable) == table.n == len(pairs)


@given(PAIRS, st.randoms(use_true_random=False))
def test_the_order_of_walks_does_not_matter(pairs, random):
    shuffled = random.sample(pairs, len(pairs))
    assert scores(*zip(*pairs, strict=True)) == scores(*zip(*shuffled, strict=True))


def test_a_table_that_breaks_an_identity_is_an_internal_error():
    table = scores([0, 0, 1, 2], [0, 1, 1, 2])
    too_good = dataclasses.replace(table.macro, f1=0.99)
    with pytest.raises(AssertionError, match=r"internal error: macro F1 0\.99.* is above its bound"):
        check_identities(dataclasses.replace(table, macro=too_good))
    with pytest.raises(AssertionError, match="differs from accuracy"):
        check_identities(dataclasses.replace(table, accuracy=0.1))


@pytest.mark.parametrize(("truth", "answers"), [([], []), ([0, 1], [0])])
def test_columns_must_fit(truth, answers):
    with pytest.raises(UsageError, match=f"got {len(truth)} true scores and {len(answers)} predictions"):
        scores(truth, answers)


def test_scores_outside_the_labels_are_refused():
    with pytest.raises(LabelError, match=r"true scores among \[0, 1, 2\], got 3"):
        scores([0, 3], [0, 1])
    with pytest.raises(LabelError, match=r"predicted scores among \[0, 1, 2, -1\], got 4"):
        scores([0, 1], [0, 4])
    with pytest.raises(LabelError, match="got -1"):
        scores([-1], [0])
    with pytest.raises(LabelError, match=r"got 0\.5"):
        scores([0, 1], [0.5, 1])
