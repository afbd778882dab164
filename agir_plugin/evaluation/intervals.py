"""Measures on walks in, 95 % intervals out; walks of one subject stay together (cluster bootstrap)."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations_with_replacement
from math import comb, factorial, prod
from typing import Any

import numpy as np

from agir_plugin.errors import UsageError

#: A measure of true and predicted scores; None where it is undefined.
Statistic = Callable[[np.ndarray, np.ndarray], float | None]
#: Share of the resamples that the interval holds, as in every table of the checklist.
CONFIDENCE = 0.95
#: Random resamples of the subjects.
RESAMPLES = 2000


@dataclass(frozen=True)
class Interval:
    """A percentile interval around `point`; `low` and `high` are None where no interval can be given.

    `resamples` counts the resamples used, `undefined` those on which the measure had no value and which were left out;
    `exact` is True when every possible resample was enumerated.
    """

    low: float | None
    high: float | None
    point: float | None
    resamples: int
    undefined: int
    exact: bool

    def as_dict(self) -> dict[str, Any]:
        """The interval as plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Resamples:
    """`rows[r]` are the row numbers of resample r; `counts[r]` how often it occurs among all resamples."""

    rows: tuple[np.ndarray, ...]
    counts: np.ndarray
    subjects: int
    exact: bool


def subject_resamples(subjects: Sequence[str], n: int = RESAMPLES, seed: int = 0) -> Resamples:
    """Resample subjects with replacement, with all their walks: `subjects` names the subject of each row.

    All S^S ordered resamples are enumerated (as multisets with their multiplicity) when there are no more than `n`
    distinct ones, which holds for up to 7 subjects at n = 2000; otherwise `n` are drawn. The draws depend on `seed`
    and the set of subjects alone, so two measures on the same resamples are paired.
    Raises UsageError when there is no row or n < 1.
    """
    if len(subjects) == 0 or n < 1:
        raise UsageError(f"expected at least one walk and one resample, got {len(subjects)} walks and n = {n}")
    names, member = np.unique(np.asarray(subjects, dtype=str), return_inverse=True)
    rows_of = [np.flatnonzero(member == index) for index in range(len(names))]
    size = len(names)
    exact = comb(2 * size - 1, size) <= n
    if exact:
        draws = list(combinations_with_replacement(range(size), size))
        counts = np.asarray([_orderings(draw) for draw in draws])
    else:
        draws = np.random.default_rng(seed).integers(0, size, (n, size)).tolist()
        counts = np.ones(n, dtype=int)
    rows = tuple(np.concatenate([rows_of[index] for index in draw]) for draw in draws)
    return Resamples(rows, counts, size, exact)


def percentile_interval(point: float | None, values: Sequence[float | None], resamples: Resamples) -> Interval:
    """The 2.5th and 97.5th percentile (numpy's "linear" rule) of a measure's `values`, one for each resample.

    One subject gives no interval: all its resamples are the same walks. Raises UsageError when the lengths differ.
    """
    if len(values) != len(resamples.rows):
        raise UsageError(f"expected {len(resamples.rows)} values, one for each resample, got {len(values)}")
    numbers = np.asarray([np.nan if value is None else value for value in values], dtype=float)
    defined = np.isfinite(numbers)
    counts = resamples.counts[defined]
    used, undefined = int(counts.sum()), int(resamples.counts[~defined].sum())
    if point is None or used == 0 or resamples.subjects == 1:
        return Interval(None, None, point, used, undefined, resamples.exact)
    tail = (1 - CONFIDENCE) / 2
    low, high = (_weighted_quantile(numbers[defined], counts, q) for q in (tail, 1 - tail))
    return Interval(low, high, float(point), used, undefined, resamples.exact)


def subject_bootstrap(
    subjects: Sequence[str],
    y_true: Sequence[int],
    y_pred: Sequence[int],
    statistic: Statistic,
    n: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Interval of `statistic(y_true, y_pred)` over resamples of subjects (all sequences have one entry per walk)."""
    truth, answers = _columns(subjects, y_true, y_pred)
    resamples = subject_resamples(subjects, n, seed)
    values = [statistic(truth[rows], answers[rows]) for rows in resamples.rows]
    return percentile_interval(statistic(truth, answers), values, resamples)


def paired_difference(
    subjects: Sequence[str],
    y_true: Sequence[int],
    y_pred: Sequence[int],
    y_other: Sequence[int],
    statistic: Statistic,
    n: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Interval of `statistic(y_true, y_pred) - statistic(y_true, y_other)`, both on the same resamples of subjects."""
    truth, answers, others = _columns(subjects, y_true, y_pred, y_other)
    resamples = subject_resamples(subjects, n, seed)
    everyone = np.arange(len(truth))
    point, *values = (
        difference(statistic(truth[rows], answers[rows]), statistic(truth[rows], others[rows]))
        for rows in (everyone, *resamples.rows)
    )
    return percentile_interval(point, values, resamples)


def difference(value: float | None, other: float | None) -> float | None:
    """`value - other`, or None when either is undefined."""
    return None if value is None or other is None else value - other


def _columns(subjects: Sequence[str], *columns: Sequence[int]) -> tuple[np.ndarray, ...]:
    lengths = [len(subjects), *(len(column) for column in columns)]
    if len(set(lengths)) > 1:
        raise UsageError(
            f"expected a subject, a true score and a prediction for each walk, got columns of lengths {lengths}"
        )
    return tuple(np.asarray(column) for column in columns)


def _orderings(draw: tuple[int, ...]) -> int:
    """In how many orders the multiset `draw` can be drawn (multinomial coefficient)."""
    return factorial(len(draw)) // prod(factorial(draw.count(index)) for index in set(draw))


def _weighted_quantile(values: np.ndarray, counts: np.ndarray, q: float) -> float:
    """numpy.quantile (linear) of `values` with each repeated `counts` times, without repeating them."""
    order = np.argsort(values, kind="stable")
    last_place = np.cumsum(counts[order])  # places 0 .. last_place - 1 hold the values up to here
    place = q * (last_place[-1] - 1)
    below, above = values[order][np.searchsorted(last_place, [np.floor(place), np.ceil(place)], side="right")]
    return float(below + (above - below) * (place - np.floor(place)))
