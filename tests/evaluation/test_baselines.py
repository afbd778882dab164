"""The simple methods: majority class, gait-parameter logistic regression, constant rationale."""
from __future__ import annotations

import numpy as np
import pytest

from agir_plugin.errors import CohortError, UsageError
from agir_plugin.evaluation import PARAMETERS, constant_rationale, gait_logistic_regression, majority
from agir_plugin.records import GaitParameters


def test_majority_and_its_tie():
    assert majority([0, 1, 1, 2], 3).tolist() == [1, 1, 1]
    assert majority([2, 2, 0, 0], 1).tolist() == [0]
    with pytest.raises(CohortError, match="at least one training walk for the majority class"):
        majority([], 2)


def test_separable_scores_are_learnt(walk_with):
    speeds = np.linspace(0.2, 1.4, 30)
    labels = [2] * 10 + [1] * 10 + [0] * 10
    train = [walk_with(speed_mps=speed) for speed in speeds]
    answers = gait_logistic_regression(train, labels, [walk_with(speed_mps=v) for v in (0.25, 0.8, 1.35)])
    assert answers.predictions.tolist() == [2, 1, 0]
    assert answers.probabilities.shape == (3, 3)
    assert answers.probabilities.sum(axis=1) == pytest.approx([1, 1, 1])


def test_missing_values_are_imputed_from_training_alone(walk_with):
    train = [walk_with(speed_mps=v) for v in (0.2, 0.3, 1.2, 1.3)] + [walk_with(speed_mps=None)] * 2
    labels = [2, 2, 0, 0, 2, 2]
    refused = GaitParameters(status="refused", fps=20.0, source="invented", reasons=("too short",))
    answers = gait_logistic_regression(train, labels, [walk_with(speed_mps=None), refused, walk_with(speed_mps=1.3)])
    assert np.isfinite(answers.probabilities).all()
    assert answers.predictions[0] == 2  # in training a missing speed means score 2: the indicator tells
    assert answers.predictions[2] == 0
    alone = gait_logistic_regression(train, labels, [walk_with(speed_mps=None)])
    assert alone.probabilities[0] == pytest.approx(answers.probabilities[0])  # other test walks have no influence


def test_a_parameter_that_training_never_has_is_harmless(walk_with):
    train = [walk_with(speed_mps=v, arm_swing_deg_left=None) for v in (0.2, 0.3, 1.2, 1.3)]
    answers = gait_logistic_regression(train, [2, 2, 0, 0], [walk_with(speed_mps=1.2, arm_swing_deg_left=400.0)])
    assert answers.predictions.tolist() == [0]


def test_a_score_absent_from_training_has_no_probability(walk_with):
    answers = gait_logistic_regression([walk_with(speed_mps=v) for v in (0.2, 1.2)], [2, 0], [walk_with(speed_mps=0.7)])
    assert answers.probabilities[0, 1] == 0.0


def test_no_test_walks(walk_with):
    answers = gait_logistic_regression([walk_with(speed_mps=v) for v in (0.2, 1.2)], [2, 0], [])
    assert answers.probabilities.shape == (0, 3) and answers.predictions.shape == (0,)


def test_wrong_use_is_refused(walk_with):
    walk = walk_with()
    with pytest.raises(CohortError, match=r"at least two different scores .* got only \[1\]"):
        gait_logistic_regression([walk, walk], [1, 1], [walk])
    with pytest.raises(UsageError, match="did you mean 'speed_mps'"):
        gait_logistic_regression([walk, walk], [0, 1], [walk], names=["speed_mp"])
    with pytest.raises(UsageError, match="one score for each training walk, got 1 walks, 2 scores"):
        gait_logistic_regression([walk], [0, 1], [walk])


def test_parameters_are_named_with_units():
    assert len(set(PARAMETERS)) == len(PARAMETERS) == 12
    units = ("_spm", "_mps", "_m", "_pct", "_deg", "_deg_left", "_deg_right")
    assert all(name.endswith(units) for name in PARAMETERS)


def test_constant_rationale_is_the_most_typical_text():
    texts = ["Steps are slow and short.", "Steps are slow and short today.", "Arms swing freely.", "Steps are slow."]
    assert constant_rationale(texts) == "Steps are slow and short."
    assert constant_rationale(list(reversed(texts))) == "Steps are slow and short."
    assert constant_rationale(["b same", "a same"]) == "a same"
    assert constant_rationale(["only one"]) == "only one"


def test_constant_rationale_needs_a_text():
    with pytest.raises(CohortError, match="at least one training rationale"):
        constant_rationale(["", " - "])
