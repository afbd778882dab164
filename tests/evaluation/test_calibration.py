"""Brier score and calibration error on cases worked out by hand."""
from __future__ import annotations

import pytest

from agir_plugin.errors import LabelError, UsageError
from agir_plugin.evaluation import calibration


def test_certain_answers():
    assert calibration([0, 2], [[1, 0, 0], [0, 0, 1]]).as_dict() == {"brier": 0.0, "ece": 0.0, "bins": 10, "n": 2}
    wrong = calibration([0], [[0, 1, 0]])
    assert wrong.brier == 2.0 and wrong.ece == 1.0


def test_uniform_answer_by_hand():
    result = calibration([0], [[1 / 3, 1 / 3, 1 / 3]])
    assert result.brier == pytest.approx(4 / 9 + 1 / 9 + 1 / 9)


def test_error_is_the_gap_of_each_bin_weighted_by_its_walks():
    p = [[0.75, 0.25, 0.0]] * 4 + [[0.55, 0.45, 0.0]] * 2
    truth = [0, 0, 0, 1, 1, 1]  # bin (0.7, 0.8]: 3 of 4 right at 0.75; bin (0.5, 0.6]: 0 of 2 right at 0.55
    assert calibration(truth, p).ece == pytest.approx((4 * 0.0 + 2 * 0.55) / 6)


def test_rows_must_be_probabilities_of_three_scores():
    with pytest.raises(LabelError, match=r"sum to 1, got \[0.5, 0.2, 0.2\] in row 1"):
        calibration([0, 1], [[1, 0, 0], [0.5, 0.2, 0.2]])
    with pytest.raises(LabelError, match="row 0"):
        calibration([0], [[1.5, -0.5, 0]])
    with pytest.raises(UsageError, match=r"shape \(1, 3\) for at least one walk, got \(1, 2\)"):
        calibration([0], [[0.5, 0.5]])
