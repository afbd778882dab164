"""The predictions of a walk's clips in, one prediction for the walk out."""
from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np

from agir_plugin.errors import UsageError
from agir_plugin.evaluation.scores import UNPARSABLE

Ties = Literal["sum_logits", "lowest", "first_seen"]


def vote(predictions: Sequence[int], logits: Sequence[Sequence[float]] | None = None, ties: Ties = "sum_logits") -> int:
    """The majority class over the clips of one walk.

    `predictions` (C,) are classes in clip order; `logits` (C, K) belong to them, column k to class k. A tie goes to
    the class with the largest summed logit, and then to the lowest class ("sum_logits"); to the lowest class
    ("lowest"); or to the class met first ("first_seen", the rule of the CARE-PD benchmark, which depends on the clips'
    order). Clips without a readable score (-1) do not vote; the walk is -1 when none has one.

    Raises UsageError for no clip, an unknown rule, or logits that are missing or do not fit.
    """
    if ties not in get_args(Ties):
        raise UsageError(f"expected a tie rule among {', '.join(get_args(Ties))}, got {ties!r}")
    if not predictions:
        raise UsageError("expected a prediction of at least one clip of the walk, got none; cut the walk into clips")
    sums = _summed_logits(predictions, logits) if ties == "sum_logits" else None
    votes = Counter(int(prediction) for prediction in predictions if prediction != UNPARSABLE)
    if not votes:
        return UNPARSABLE
    most = max(votes.values())
    tied = [label for label, count in votes.items() if count == most]  # in the order in which they were met
    if ties == "first_seen":
        return tied[0]
    return min(tied, key=lambda label: (0.0 if sums is None else -sums[label], label))


def _summed_logits(predictions: Sequence[int], logits: Sequence[Sequence[float]] | None) -> np.ndarray:
    if logits is None:
        raise UsageError('expected logits of each clip for ties="sum_logits", got none; pass them or use ties="lowest"')
    values = np.asarray(logits, dtype=float)
    wanted = (len(predictions), max(predictions) + 1)
    if values.ndim != 2 or len(values) != wanted[0] or values.shape[1] < wanted[1]:
        raise UsageError(
            f"expected logits of {wanted[0]} clips by at least {wanted[1]} classes, got the shape {values.shape}"
        )
    return values.sum(axis=0)
