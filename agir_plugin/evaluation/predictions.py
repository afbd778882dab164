"""Prediction rows, training walks and measured gait of one or more folds in, checked columns and folds out."""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agir_plugin.errors import CohortError, LabelError
from agir_plugin.evaluation.scores import UNPARSABLE
from agir_plugin.records import GaitParameters, Rationale

#: Keys that every prediction row must have; the others may be absent or None.
REQUIRED = ("walk", "subject", "score_true", "score")


@dataclass(frozen=True)
class TrainingWalk:
    """One walk that the model and the controls of a fold were trained on."""

    subject: str
    score: int
    gait: GaitParameters
    rationale: Rationale | None = None


@dataclass(frozen=True)
class Fold:
    """One trained model: the walks it learnt from, its prediction rows, and what was measured on each such walk."""

    train: tuple[TrainingWalk, ...]
    rows: tuple[Mapping[str, Any], ...]
    gait: Mapping[str, GaitParameters]


@dataclass(frozen=True)
class Columns:
    """Prediction rows side by side; each is (N,). `score` is -1 where the answer had no readable score."""

    walk: np.ndarray
    subject: np.ndarray
    state: np.ndarray
    score_true: np.ndarray
    score: np.ndarray

    def where(self, rows: np.ndarray) -> Columns:
        """The same columns for some of the rows only."""
        return Columns(*(getattr(self, name)[rows] for name in ("walk", "subject", "state", "score_true", "score")))


def make_fold(
    rows: Iterable[Mapping[str, Any]], train: Iterable[Mapping[str, Any]], gait: Mapping[str, GaitParameters]
) -> Fold:
    """A checked fold. Keys of `rows` and `train`: see `agir_plugin.evaluation.summary`.

    Raises CohortError when a row lacks a key or its measured gait, or when a subject is in both `rows` and `train`.
    """
    fold = Fold(tuple(_training_walk(item) for item in train), tuple(rows), gait)
    for row in fold.rows:
        _check_row(row, gait)
    shared = {walk.subject for walk in fold.train} & {str(row["subject"]) for row in fold.rows}
    if shared:
        raise CohortError(
            f"expected no subject in both training and test, got {', '.join(sorted(shared))}; "
            "make the folds by subject, or the figures say nothing about new people"
        )
    return fold


def columns(folds: Sequence[Fold]) -> Columns:
    """The pooled rows of all folds, in their order.

    Raises CohortError when there is no row or a walk was predicted twice.
    """
    rows = [row for fold in folds for row in fold.rows]
    walks = [str(row["walk"]) for row in rows]
    if not rows:
        raise CohortError("expected the predictions of at least one walk, got none; check the test fold")
    twice = sorted(walk for walk, count in Counter(walks).items() if count > 1)
    if twice:
        raise CohortError(
            f"expected each walk once among the predictions, got more than one for {', '.join(twice)}; "
            "remove the rows of the older run"
        )
    return Columns(
        walk=np.asarray(walks),
        subject=np.asarray([str(row["subject"]) for row in rows]),
        state=np.asarray([str(row.get("state") or "unknown").lower() for row in rows]),
        score_true=np.asarray([row["score_true"] for row in rows]),
        score=np.asarray([UNPARSABLE if row["score"] is None else row["score"] for row in rows]),
    )


def rationale_of(row: Mapping[str, Any]) -> Rationale | None:
    """The rationale that a prediction row holds, or None where a part is missing."""
    parts = [row.get(name) for name in ("foot", "arm", "overall")]
    return None if any(part is None for part in parts) else Rationale(*map(str, parts))


def _check_row(row: Mapping[str, Any], gait: Mapping[str, GaitParameters]) -> None:
    missing = [key for key in REQUIRED if key not in row]
    if missing:
        raise CohortError(
            f"expected the keys {', '.join(REQUIRED)} in each prediction, "
            f"got one without {', '.join(missing)}: {dict(row)}"
        )
    if row["score_true"] is None:
        raise LabelError(f"expected a true score for the walk {row['walk']}, got none; list it as excluded instead")
    if row["walk"] not in gait:
        raise CohortError(
            f"expected the measured gait of every predicted walk, got none for {row['walk']}; "
            "measure it, a refused walk too"
        )


def _training_walk(item: Mapping[str, Any]) -> TrainingWalk:
    missing = [key for key in ("subject", "score", "gait") if item.get(key) is None]
    if missing:
        raise CohortError(
            "expected subject, score and gait for each training walk, "
            f"got {item.get('walk', 'one')} without {', '.join(missing)}"
        )
    return TrainingWalk(str(item["subject"]), int(item["score"]), item["gait"], item.get("rationale"))
