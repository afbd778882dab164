"""Folds in, what the simple methods answer for the same test walks out: pooled over folds, in the order of the rows."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from agir_plugin.errors import CohortError
from agir_plugin.evaluation.baselines import PARAMETERS, constant_rationale, gait_logistic_regression, majority
from agir_plugin.evaluation.predictions import Fold
from agir_plugin.records import Rationale


@dataclass(frozen=True)
class Control:
    """`scores` (N,) of one control, or None with the `reason` why it could not be made."""

    scores: np.ndarray | None
    reason: str = ""


def score_controls(
    folds: Sequence[Fold],
    walks: Sequence[str],
    others: Mapping[str, Mapping[str, int]],
    names: Sequence[str] = PARAMETERS,
) -> dict[str, Control]:
    """The majority class, the gait-parameter logistic regression, and `others`: control -> walk -> score.

    Each fold's controls learn from that fold's training walks only. Raises CohortError when one of `others` misses a
    walk.
    """
    reason = _why_no_training(folds)
    if reason:
        learnt = {"majority": Control(None, reason), "logistic_regression": Control(None, reason)}
    else:
        learnt = {"majority": _majority(folds), "logistic_regression": _logistic_regression(folds, names)}
    return learnt | {name: Control(_given(name, scores, walks)) for name, scores in others.items()}


def constant_rationales(folds: Sequence[Fold]) -> list[Rationale] | None:
    """For each test walk the constant rationale of its fold's training walks; None where a fold has no such texts."""
    constants: list[Rationale] = []
    for fold in folds:
        by_text = {walk.rationale.text(): walk.rationale for walk in fold.train if walk.rationale is not None}
        if not by_text:
            return None
        texts = [walk.rationale.text() for walk in fold.train if walk.rationale is not None]
        constants.extend([by_text[constant_rationale(texts)]] * len(fold.rows))
    return constants


def _why_no_training(folds: Sequence[Fold]) -> str:
    return "" if all(fold.train for fold in folds) else "no training walks were given"


def _majority(folds: Sequence[Fold]) -> Control:
    return Control(np.concatenate([majority([walk.score for walk in fold.train], len(fold.rows)) for fold in folds]))


def _logistic_regression(folds: Sequence[Fold], names: Sequence[str]) -> Control:
    if any(len({walk.score for walk in fold.train}) < 2 for fold in folds):
        return Control(None, "the training walks of a fold have fewer than two different scores")
    answers = [
        gait_logistic_regression(
            [walk.gait for walk in fold.train],
            [walk.score for walk in fold.train],
            [fold.gait[row["walk"]] for row in fold.rows],
            names,
        )
        for fold in folds
    ]
    return Control(np.concatenate([answer.predictions for answer in answers]))


def _given(name: str, scores: Mapping[str, int], walks: Sequence[str]) -> np.ndarray:
    missing = [walk for walk in walks if walk not in scores]
    if missing:
        raise CohortError(
            f"expected the control {name!r} to score all {len(walks)} test walks, "
            f"got no score for {', '.join(missing[:3])}; score the same walks with it"
        )
    return np.asarray([scores[walk] for walk in walks])
