"""Cluster bootstrap: the enumerated three-subject case, random draws against it, pairing, and the limits."""
from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agir_plugin.errors import UsageError
from agir_plugin.evaluation import paired_difference, scores, subject_bootstrap
from agir_plugin.evaluation.intervals import percentile_interval, subject_resamples

FILE = json.loads((Path(__file__).parents[1] / "vectors" / "cluster_bootstrap.json").read_text())
WALKS = (FILE["subjects"], FILE["y_true"], FILE["y_pred"])


def accuracy(truth, answers):
    return float((truth == answers).mean())


def test_three_subjects_are_enumerated_exactly():
    resamples = subject_resamples(FILE["subjects"])
    truth, answers = np.asarray(FILE["y_true"]), np.asarray(FILE["y_pred"])
    values = [accuracy(truth[rows], answers[rows]) for rows in resamples.rows]
    assert resamples.exact and sorted(np.repeat(values, resamples.counts)) == FILE["exact_all_27_resamples"]
    assert np.average(values, weights=resamples.counts) == pytest.approx(FILE["expect"]["mean"], abs=1e-9)


def test_exact_interval_of_the_reference_vector():
    interval = subject_bootstrap(*WALKS, accuracy)
    assert interval.point == pytest.approx(FILE["point_accuracy"], abs=1e-9)
    assert interval.low == pytest.approx(FILE["expect"]["lo_2_5"], abs=1e-9)
    assert interval.high == pytest.approx(FILE["expect"]["hi_97_5"], abs=1e-9)
    assert interval.exact and interval.resamples == 27 and interval.undefined == 0


def test_random_resamples_come_near_the_exact_interval():
    many = [f"{subject}{copy}" for copy in range(4) for subject in FILE["subjects"]]  # 12: too many to enumerate
    interval = subject_bootstrap(many, FILE["y_true"] * 4, FILE["y_pred"] * 4, accuracy, n=2000, seed=3)
    assert not interval.exact and interval.resamples == 2000
    assert FILE["expect"]["lo_2_5"] < interval.low < interval.point < interval.high < FILE["expect"]["hi_97_5"]


def test_drawing_instead_of_enumerating_agrees_to_the_stated_tolerance():
    names = [f"S{index}" for index in range(8)]  # 6435 distinct resamples: drawn at n = 2000, enumerated at n = 6435
    truth, answers = [1] * 8, [1, 1, 1, 1, 1, 0, 0, 0]
    drawn, exact = (subject_bootstrap(names, truth, answers, accuracy, n=n) for n in (2000, 6435))
    assert not drawn.exact and exact.exact and exact.resamples == 8**8
    assert (drawn.low, drawn.high) == pytest.approx((exact.low, exact.high), abs=0.03)


def test_same_seed_same_interval_and_row_order_does_not_matter():
    subjects = [f"S{index % 9}" for index in range(40)]
    truth = np.arange(40) % 3
    answers = np.where(np.arange(40) % 4 == 0, (truth + 1) % 3, truth)
    first = subject_bootstrap(subjects, truth, answers, accuracy, seed=5)
    order = np.random.default_rng(0).permutation(40)
    again = subject_bootstrap([subjects[i] for i in order], truth[order], answers[order], accuracy, seed=5)
    assert first == again
    assert subject_bootstrap(subjects, truth, answers, accuracy, seed=6) != first


def test_paired_difference_is_narrower_than_the_difference_of_two_intervals():
    subjects = [f"S{index % 10}" for index in range(100)]
    truth = np.asarray([index % 3 for index in range(100)])
    answers = np.where(np.asarray([int(s[1:]) < 5 for s in subjects]), truth, (truth + 1) % 3)  # 5 always wrong
    others = answers.copy()
    others[:2] = (truth[:2] + 1) % 3  # two more mistakes
    gap = paired_difference(subjects, truth, answers, others, accuracy)
    alone = subject_bootstrap(subjects, truth, answers, accuracy)
    assert gap.point == pytest.approx(0.02)
    assert 0 <= gap.low < gap.high < 0.1 < alone.high - alone.low


def test_a_method_does_not_differ_from_itself():
    gap = paired_difference(*WALKS, FILE["y_pred"], accuracy)
    assert (gap.low, gap.point, gap.high) == (0.0, 0.0, 0.0)


def test_one_subject_gives_no_interval():
    interval = subject_bootstrap(["A"] * 3, [0, 1, 2], [0, 1, 1], accuracy)
    assert interval.low is None and interval.high is None and interval.point == pytest.approx(2 / 3)


def test_resamples_without_a_value_are_counted_not_hidden():
    kappa = lambda truth, answers: scores(truth, answers).quadratic_kappa  # noqa: E731
    interval = subject_bootstrap(["A", "B", "C"], [0, 1, 1], [0, 1, 2], kappa)
    assert interval.undefined == 2  # AAA and BBB have one class on both sides; CCC has 1 and 2
    assert interval.resamples == 25 and interval.as_dict()["undefined"] == 2


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=2, max_size=4))
def test_weighted_percentiles_equal_numpy_on_the_full_list(values):
    names = [str(index) for index in range(len(values))]
    resamples = subject_resamples(names)
    means = [float(np.mean([values[i] for i in rows])) for rows in resamples.rows]
    interval = percentile_interval(float(np.mean(values)), means, resamples)
    everything = [np.mean(draw) for draw in itertools.product(values, repeat=len(values))]
    assert (interval.low, interval.high) == pytest.approx(tuple(np.quantile(everything, [0.025, 0.975])), abs=1e-12)


def test_columns_must_fit():
    with pytest.raises(UsageError, match=r"columns of lengths \[2, 3, 3\]"):
        subject_bootstrap(["A", "B"], [0, 1, 2], [0, 1, 2], accuracy)
    with pytest.raises(UsageError, match="got 0 walks and n = 2000"):
        subject_resamples([])
