"""Prediction rows, training walks and measured gait in, the one dictionary of `metrics.json` out.

A prediction row is a mapping with the keys
    walk, subject, score_true (0..2), score (0..2; None or -1: no readable score), and, where known,
    state            "on", "off" or blank
    probabilities    p(score 0), p(1), p(2)
    foot, arm, overall                           the parts of the rationale
    well_formed_constrained, well_formed_free    true where the answer followed the grammar in that way of decoding
    agreement        share of the walk's checkable statements that are supported
    windows          windows the walk was read in
A training walk is a mapping with the keys
    subject, score, gait (GaitParameters) and, where known, walk, rationale (Rationale).

The dictionary (every number is a plain int or float, None where undefined):
    schema          "agir-metrics/1"; changes when a key changes its meaning
    n               subjects, walks, windows, excluded: counts of what the figures rest on
    excluded        list of {walk, reason}
    folds           per fold: train_subjects, train_walks, train_scores {score: walks}, test_subjects, test_walks,
                    shared_subjects (always 0: a leaking fold is refused)
    bootstrap       unit "subject", confidence, resamples, seed, exact
    model           scores (`ScoreTable.as_dict`), intervals {measure: `Interval.as_dict`}, measures as in `MEASURES`
    states          {on, off, unknown: as model, with subjects}
    calibration     brier, ece, bins, n; None when no row has probabilities
    well_formed     constrained, free: {share, n}; share None when not recorded
    agreement       of the model's statements: pooled, interval, walk_mean, walks, statements, supported, contradicted,
                    not_checkable; without a checker all but walk_mean and walks are None
    controls        {name: scores, intervals, difference {measure: interval of model minus control, same resamples}},
                    or {name: {skipped: reason}}; always majority and logistic_regression, then any others given
    constant_rationale   text (the first fold's), agreement (as above), difference (interval of model minus constant);
                    or {skipped: reason}
"""
from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from agir_plugin.evaluation.agreement import VERDICTS, Check, agreement_difference, agreement_summary, verdict_counts
from agir_plugin.evaluation.calibration import calibration
from agir_plugin.evaluation.controls import Control, constant_rationales, score_controls
from agir_plugin.evaluation.intervals import (
    CONFIDENCE,
    RESAMPLES,
    Resamples,
    difference,
    percentile_interval,
    subject_resamples,
)
from agir_plugin.evaluation.predictions import Columns, Fold, columns, make_fold, rationale_of
from agir_plugin.evaluation.scores import ScoreTable, scores
from agir_plugin.records import GaitParameters

#: Version of the dictionary's layout.
SCHEMA = "agir-metrics/1"
#: Measures that get an interval and a paired difference. Weighted recall is left out: it equals accuracy.
MEASURES: dict[str, Callable[[ScoreTable], float | None]] = {
    "accuracy": lambda table: table.accuracy,
    "balanced_accuracy": lambda table: table.balanced_accuracy,
    "macro_precision": lambda table: table.macro.precision,
    "macro_recall": lambda table: table.macro.recall,
    "macro_f1": lambda table: table.macro.f1,
    "weighted_precision": lambda table: table.weighted.precision,
    "weighted_f1": lambda table: table.weighted.f1,
    "quadratic_kappa": lambda table: table.quadratic_kappa,
    "mae": lambda table: table.mae,
}


def summarise(
    rows: Iterable[Mapping[str, Any]],
    train: Iterable[Mapping[str, Any]],
    gait: Mapping[str, GaitParameters],
    *,
    check: Check | None = None,
    excluded: Iterable[Mapping[str, str]] = (),
    others: Mapping[str, Mapping[str, int]] | None = None,
    n: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """The metrics of one trained model; see the module's text for rows, training walks and the result.

    `gait` maps each predicted walk to what was measured on it. `check` verifies a rationale against it; without it the
    agreement of statements is taken from the rows. `excluded` lists {walk, reason}. `others` are further controls:
    name -> walk -> score, for instance the untuned model. `n` resamples of the subjects are drawn with `seed`.
    Raises CohortError for rows that do not fit together or a subject in training and test, LabelError for a score
    outside 0..2.
    """
    fold = make_fold(rows, train, gait)
    return summarise_folds([fold], check=check, excluded=excluded, others=others, n=n, seed=seed)


def summarise_folds(
    folds: Sequence[Fold],
    *,
    check: Check | None = None,
    excluded: Iterable[Mapping[str, str]] = (),
    others: Mapping[str, Mapping[str, int]] | None = None,
    n: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """The metrics of a cross-validation: predictions of all folds pooled, each fold's controls trained on that fold."""
    table = columns(folds)
    rows = [row for fold in folds for row in fold.rows]
    left_out = [{"walk": str(item["walk"]), "reason": str(item["reason"])} for item in excluded]
    resamples = subject_resamples(table.subject, n, seed)
    model = _measured(table.score_true, table.score, resamples)
    controls = score_controls(folds, table.walk.tolist(), others or {})
    return {
        "schema": SCHEMA,
        "n": _sizes(table, rows, len(left_out)),
        "excluded": left_out,
        "folds": [_fold_sizes(fold) for fold in folds],
        "bootstrap": _bootstrap_facts(resamples, seed),
        "model": _public(model),
        "states": _by_state(table, n, seed),
        "calibration": _calibration(rows),
        "well_formed": {name: _share(rows, f"well_formed_{name}") for name in ("constrained", "free")},
        "controls": {name: _control(control, table, model, resamples) for name, control in controls.items()},
        **_statements(folds, rows, check, resamples),
    }


def _measured(y_true: np.ndarray, y_pred: np.ndarray, resamples: Resamples) -> dict[str, Any]:
    """The table of one set of answers, its intervals, and under "values" each measure on each resample."""
    table = scores(y_true, y_pred)
    tables = [scores(y_true[rows], y_pred[rows]) for rows in resamples.rows]
    values = {name: [measure(one) for one in tables] for name, measure in MEASURES.items()}
    points = {name: measure(table) for name, measure in MEASURES.items()}
    intervals = {name: percentile_interval(points[name], values[name], resamples).as_dict() for name in MEASURES}
    return {"scores": table.as_dict(), "intervals": intervals, "points": points, "values": values}


def _public(measured: Mapping[str, Any]) -> dict[str, Any]:
    return {"scores": measured["scores"], "intervals": measured["intervals"]}


def _control(control: Control, table: Columns, model: Mapping[str, Any], resamples: Resamples) -> dict[str, Any]:
    if control.scores is None:
        return {"skipped": control.reason}
    own = _measured(table.score_true, control.scores, resamples)
    gaps = {
        name: percentile_interval(
            difference(model["points"][name], own["points"][name]),
            [difference(*pair) for pair in zip(model["values"][name], own["values"][name], strict=True)],
            resamples,
        ).as_dict()
        for name in MEASURES
    }
    return {**_public(own), "difference": gaps}


def _by_state(table: Columns, n: int, seed: int) -> dict[str, Any]:
    states = {}
    for state in sorted(set(table.state.tolist())):
        part = table.where(table.state == state)
        resamples = subject_resamples(part.subject, n, seed)
        states[state] = {"subjects": resamples.subjects, **_public(_measured(part.score_true, part.score, resamples))}
    return states


def _statements(
    folds: Sequence[Fold], rows: Sequence[Mapping[str, Any]], check: Check | None, resamples: Resamples
) -> dict[str, Any]:
    if check is None:
        shares = [float(row["agreement"]) for row in rows if row.get("agreement") is not None]
        own = dict.fromkeys(("pooled", "interval", "statements", *VERDICTS))
        own |= {"walk_mean": float(np.mean(shares)) if shares else None, "walks": len(shares)}
        return {"agreement": own, "constant_rationale": {"skipped": "no checker of statements was given"}}
    gait = [fold.gait[row["walk"]] for fold in folds for row in fold.rows]
    counts = verdict_counts(check, [rationale_of(row) for row in rows], gait)
    agreement = agreement_summary(counts, resamples)
    constants = constant_rationales(folds)
    if constants is None:
        return {"agreement": agreement, "constant_rationale": {"skipped": "the training walks have no rationales"}}
    others = verdict_counts(check, constants, gait)
    constant = {
        "text": constants[0].text(),
        "agreement": agreement_summary(others, resamples),
        "difference": agreement_difference(counts, others, resamples).as_dict(),
    }
    return {"agreement": agreement, "constant_rationale": constant}


def _sizes(table: Columns, rows: Sequence[Mapping[str, Any]], excluded: int) -> dict[str, int]:
    windows = sum(int(row.get("windows") or 0) for row in rows)
    return {"subjects": len(set(table.subject.tolist())), "walks": len(rows), "windows": windows, "excluded": excluded}


def _fold_sizes(fold: Fold) -> dict[str, Any]:
    train, test = {walk.subject for walk in fold.train}, {str(row["subject"]) for row in fold.rows}
    counts = Counter(walk.score for walk in fold.train)
    return {
        "train_subjects": len(train),
        "train_walks": len(fold.train),
        "train_scores": {str(score): counts[score] for score in sorted(counts)},
        "test_subjects": len(test),
        "test_walks": len(fold.rows),
        "shared_subjects": len(train & test),
    }


def _bootstrap_facts(resamples: Resamples, seed: int) -> dict[str, Any]:
    drawn = int(resamples.counts.sum())
    return {"unit": "subject", "confidence": CONFIDENCE, "resamples": drawn, "seed": seed, "exact": resamples.exact}


def _calibration(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    known = [(int(row["score_true"]), row["probabilities"]) for row in rows if row.get("probabilities") is not None]
    return calibration(*zip(*known, strict=True)).as_dict() if known else None


def _share(rows: Sequence[Mapping[str, Any]], key: str) -> dict[str, Any]:
    known = [bool(row[key]) for row in rows if row.get(key) is not None]
    return {"share": sum(known) / len(known) if known else None, "n": len(known)}
