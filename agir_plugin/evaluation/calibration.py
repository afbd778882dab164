"""Predicted probabilities and true scores in, how far the probabilities can be believed out."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from agir_plugin.consts import SCORES
from agir_plugin.errors import LabelError, UsageError

#: Equal-width bins of confidence for the expected calibration error (Guo et al. 2017 use 15; fewer walks want fewer
#: bins).
BINS = 10


@dataclass(frozen=True)
class Calibration:
    """`brier`: 0 (certain and right) to 2 (certain and wrong). `ece`: 0 to 1. `n`: walks with probabilities."""

    brier: float
    ece: float
    bins: int
    n: int

    def as_dict(self) -> dict[str, Any]:
        """The figures as plain values for JSON."""
        return asdict(self)


def calibration(y_true: Sequence[int], probabilities: Sequence[Sequence[float]], bins: int = BINS) -> Calibration:
    """Brier score and expected calibration error of `probabilities` (N, 3): p(score 0), p(1), p(2) of each walk.

    Brier (1950): mean over walks of sum_k (p_k - [k is the true score])^2. Expected calibration error (Guo et al.
    2017): the mean over walks of |accuracy - mean confidence| of the bin that the walk's largest probability falls in.
    Raises UsageError when there is no walk or the shape is wrong, LabelError when a row does not sum to 1.
    """
    truth, p = np.asarray(y_true), np.asarray(probabilities, dtype=float)
    if truth.size == 0 or p.shape != (truth.size, len(SCORES)):
        raise UsageError(
            f"expected probabilities of shape ({truth.size}, {len(SCORES)}) for at least one walk, got {p.shape}"
        )
    bad = np.flatnonzero(~(np.isclose(p.sum(axis=1), 1.0, atol=1e-3) & (p >= 0).all(axis=1)))
    if bad.size:
        raise LabelError(
            f"expected probabilities that sum to 1, got {p[bad[0]].tolist()} in row {bad[0]}; check the predictions"
        )
    truth_matrix = truth[:, None] == np.asarray(SCORES)
    brier = float(((p - truth_matrix) ** 2).sum(axis=1).mean())
    return Calibration(brier, _expected_calibration_error(truth, p, bins), bins, int(truth.size))


def _expected_calibration_error(truth: np.ndarray, p: np.ndarray, bins: int) -> float:
    confidence = p.max(axis=1)
    hit = np.asarray(SCORES)[p.argmax(axis=1)] == truth
    # bin b holds (b/bins, (b+1)/bins], as in the paper
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = [abs(float((hit[place == b] - confidence[place == b]).sum())) for b in range(bins)]
    return sum(gaps) / len(truth)
