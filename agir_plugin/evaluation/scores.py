"""True and predicted gait scores in, one table of classification measures out, checked against its own identities."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from agir_plugin.consts import SCORES
from agir_plugin.errors import LabelError, UsageError

#: Prediction that stands for an answer without a readable score: it is wrong, and it is no class.
UNPARSABLE = -1
#: Largest rounding error that the identities may show, in units of the measures (0 to 1).
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Averages:
    """Precision, recall and F1 of one way to average over classes; an undefined ratio counts as 0."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class ClassScores:
    """Precision, recall and F1 of one class; `support` is the number of walks whose true score it is."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class ScoreTable:
    """The classification measures of one set of walks.

    `macro` averages over all labels, `macro_present` over those with at least one walk, `weighted` by support.
    `quadratic_kappa` and `mae` use the walks with a readable score only; None where they are undefined (for kappa: one
    and the same class on both sides). `confusion[i][j]` counts walks of label i that were given label j;
    `unparsable[i]` those of label i without a readable score.
    """

    n: int
    labels: tuple[int, ...]
    accuracy: float
    balanced_accuracy: float
    macro: Averages
    macro_present: Averages
    weighted: Averages
    per_class: dict[int, ClassScores]
    quadratic_kappa: float | None
    mae: float | None
    confusion: tuple[tuple[int, ...], ...]
    unparsable: tuple[int, ...]
    parse_failure_rate: float

    def as_dict(self) -> dict[str, Any]:
        """The table as plain values for JSON: classes as text keys, the confusion matrix as nested lists."""
        table = asdict(self)
        table["labels"] = list(self.labels)
        table["per_class"] = {str(label): asdict(scores) for label, scores in self.per_class.items()}
        table["confusion"] = [list(row) for row in self.confusion]
        table["unparsable"] = list(self.unparsable)
        return table


def scores(y_true: Iterable[int], y_pred: Iterable[int], labels: Sequence[int] = SCORES) -> ScoreTable:
    """Compare predicted with true scores, walk by walk.

    `y_true` and `y_pred` hold one integer per walk; -1 in `y_pred` is an answer without a readable score and counts as
    wrong. Definitions follow scikit-learn's `precision_recall_fscore_support` (zero_division=0),
    `balanced_accuracy_score` and `cohen_kappa_score(weights="quadratic")`.

    Raises UsageError when there is no walk or the lengths differ, LabelError for a score outside `labels`, and
    AssertionError when the result breaks an identity that holds for every such table (a fault of this module).
    """
    truth, answers = _checked(y_true, y_pred, labels)
    counts = _counts(truth, answers, labels)
    table = _table(counts, tuple(int(label) for label in labels))
    check_identities(table)
    return table


def check_identities(table: ScoreTable) -> None:
    """Raise AssertionError unless F1 <= 2PR/(P+R) for each average and weighted recall equals accuracy.

    The harmonic mean is concave, so by Jensen's inequality a mean of F1 values never exceeds the harmonic mean of the
    averaged precision and recall.
    """
    for name in ("macro", "macro_present", "weighted"):
        mean: Averages = getattr(table, name)
        bound = _ratio(2 * mean.precision * mean.recall, mean.precision + mean.recall)
        if mean.f1 > bound + TOLERANCE:
            raise AssertionError(f"internal error: {name} F1 {mean.f1:.6f} is above its bound 2PR/(P+R) = {bound:.6f}")
    if abs(table.weighted.recall - table.accuracy) > TOLERANCE:
        raise AssertionError(
            f"internal error: weighted recall {table.weighted.recall:.6f} differs from accuracy {table.accuracy:.6f}"
        )


def _checked(y_true: Iterable[int], y_pred: Iterable[int], labels: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    truth, answers = np.asarray(list(y_true)), np.asarray(list(y_pred))
    if truth.shape != answers.shape or truth.size == 0:
        raise UsageError(
            "expected one prediction for each of at least one walk, "
            f"got {truth.size} true scores and {answers.size} predictions"
        )
    for name, values, allowed in (("true", truth, list(labels)), ("predicted", answers, [*labels, UNPARSABLE])):
        outside = sorted({str(value) for value in values[~np.isin(values, allowed)]})
        if outside:
            raise LabelError(
                f"expected {name} scores among {allowed}, got {', '.join(outside)}; "
                "leave such walks out and list them as excluded"
            )
    return truth.astype(int), answers.astype(int)


def _counts(truth: np.ndarray, answers: np.ndarray, labels: Sequence[int]) -> np.ndarray:
    """(K, K + 1) counts, true label by prediction; the last column counts unreadable answers."""
    order = np.asarray([*labels, UNPARSABLE])
    rank = np.argsort(order)
    rows, columns = (rank[np.searchsorted(order, values, sorter=rank)] for values in (truth, answers))
    counts = np.zeros((len(labels), len(order)), dtype=int)
    np.add.at(counts, (rows, columns), 1)
    return counts


def _table(counts: np.ndarray, labels: tuple[int, ...]) -> ScoreTable:
    confusion, unparsable = counts[:, :-1], counts[:, -1]
    support, hits, n = counts.sum(axis=1), np.diag(confusion), int(counts.sum())
    precision = _ratios(hits, confusion.sum(axis=0))
    recall = _ratios(hits, support)
    f1 = _ratios(2 * precision * recall, precision + recall)
    present = (support > 0).astype(float)
    by_class = zip(precision.tolist(), recall.tolist(), f1.tolist(), support.tolist(), strict=True)
    return ScoreTable(
        n=n,
        labels=labels,
        accuracy=float(hits.sum() / n),
        balanced_accuracy=float(np.average(recall, weights=present)),
        macro=_averages(precision, recall, f1, np.ones(len(labels))),
        macro_present=_averages(precision, recall, f1, present),
        weighted=_averages(precision, recall, f1, support),
        per_class={label: ClassScores(*values) for label, values in zip(labels, by_class, strict=True)},
        quadratic_kappa=_quadratic_kappa(confusion, labels),
        mae=_mean_absolute_error(confusion, labels),
        confusion=tuple(tuple(row) for row in confusion.tolist()),
        unparsable=tuple(unparsable.tolist()),
        parse_failure_rate=float(unparsable.sum() / n),
    )


def _averages(precision: np.ndarray, recall: np.ndarray, f1: np.ndarray, weights: np.ndarray) -> Averages:
    return Averages(*(float(np.average(values, weights=weights)) for values in (precision, recall, f1)))


def _quadratic_kappa(confusion: np.ndarray, labels: tuple[int, ...]) -> float | None:
    """1 - sum(w O) / sum(w E) with w = (i - j)^2 (Cohen 1968); None when no disagreement is possible by chance."""
    n = confusion.sum()
    expected = np.outer(confusion.sum(axis=1), confusion.sum(axis=0)) / max(n, 1)
    weights = np.subtract.outer(labels, labels) ** 2
    by_chance = float((weights * expected).sum())
    return None if by_chance == 0 else 1.0 - float((weights * confusion).sum()) / by_chance


def _mean_absolute_error(confusion: np.ndarray, labels: tuple[int, ...]) -> float | None:
    n = confusion.sum()
    distances = np.abs(np.subtract.outer(labels, labels))
    return None if n == 0 else float((distances * confusion).sum() / n)


def _ratios(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.zeros(len(above)), where=below > 0)


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0 else 0.0
