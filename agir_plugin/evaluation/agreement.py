"""Rationales and measured gait in, how many of their statements agree with the measurements out."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from agir_plugin.evaluation.intervals import Interval, Resamples, difference, percentile_interval
from agir_plugin.records import GaitParameters, Rationale, Statement

#: Checks each statement of a rationale against the gait measured on the same walk
#: (`agir_plugin.rationale.verify.check`).
Check = Callable[[Rationale, GaitParameters], Iterable[Statement]]
#: Order of the columns of a verdict table.
VERDICTS = ("supported", "contradicted", "not_checkable")


def verdict_counts(check: Check, rationales: Sequence[Rationale | None], gait: Sequence[GaitParameters]) -> np.ndarray:
    """(N, 3) statements of each walk: supported, contradicted, not checkable; zeros where there is no rationale."""
    counts = np.zeros((len(rationales), len(VERDICTS)), dtype=int)
    for row, (rationale, measured) in enumerate(zip(rationales, gait, strict=True)):
        for statement in check(rationale, measured) if rationale is not None else ():
            counts[row, VERDICTS.index(statement.verdict)] += 1
    return counts


def agreement_summary(counts: np.ndarray, resamples: Resamples) -> dict[str, Any]:
    """Pooled agreement of all statements with its interval, the mean over walks, and the counts behind them."""
    checkable = counts[:, 0] + counts[:, 1]
    has_any = checkable > 0
    shares = counts[has_any, 0] / checkable[has_any]
    return {
        "pooled": pooled(counts),
        "interval": _interval(lambda rows: pooled(counts[rows]), resamples, len(counts)).as_dict(),
        "walk_mean": float(shares.mean()) if shares.size else None,
        "walks": int(has_any.sum()),
        "statements": int(checkable.sum()),
        **{verdict: int(total) for verdict, total in zip(VERDICTS, counts.sum(axis=0), strict=True)},
    }


def agreement_difference(counts: np.ndarray, others: np.ndarray, resamples: Resamples) -> Interval:
    """Pooled agreement of `counts` minus that of `others` on the same walks and the same resamples of subjects."""
    return _interval(lambda rows: difference(pooled(counts[rows]), pooled(others[rows])), resamples, len(counts))


def pooled(counts: np.ndarray) -> float | None:
    """Supported statements among the checkable ones; None where nothing can be checked."""
    supported, contradicted = counts[:, 0].sum(), counts[:, 1].sum()
    checkable = supported + contradicted
    return None if checkable == 0 else float(supported / checkable)


def _interval(measure: Callable[[np.ndarray], float | None], resamples: Resamples, n: int) -> Interval:
    return percentile_interval(measure(np.arange(n)), [measure(rows) for rows in resamples.rows], resamples)
