"""A cohort in, one row of gait parameters per session (subject and medication state) out, pooled over its walks.

A clinical score belongs to a session, and a single walk has too few strides for a variability.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from agir_plugin.cohort.files import table
from agir_plugin.cohort.manifest import Cohort
from agir_plugin.cohort.summary import COLUMN_NAMES
from agir_plugin.cohort.walks import Walk
from agir_plugin.consts import JOINTS, MODEL_FPS, SIDES
from agir_plugin.gait import pooled_variations
from agir_plugin.gait.catalog import UNITS
from agir_plugin.gait.statistics import asymmetry, known, missing
from agir_plugin.records import GaitParameters, Measure, Motion

#: Columns before the parameters: whose session, its score, and of how many walks, steps and strides the values are.
FACTS = ("subject", "state", "score", "walks", "n_steps", "n_strides")
#: Asymmetry -> the parameter whose two sides it compares.
ASYMMETRIES = {
    "step_length_asymmetry_pct": "step_length_m", "step_time_asymmetry_pct": "step_time_s",
    "arm_swing_asymmetry_pct": "arm_swing_deg",
}


def session_parameters(cohort: Cohort) -> list[dict[str, Any]]:
    """One row per subject and state with kept walks, in the order of walks.csv: `FACTS`, then every gait parameter.

    A mean is the mean of the walks' values weighted by their n (steps, strides, swings); where a parameter has sides it
    is the mean of the two sides' pooled means. Asymmetries compare those. Variability (`_cv_pct`) is that of all steps
    or strides of the session together, measured on the walks' joints at 20 fps, whose number is `n_steps` and
    `n_strides`. A value is None where no walk has it. CohortError for a cohort that lacks a file.
    """
    sessions: dict[tuple[str, str], list[Walk]] = {}
    for walk in cohort.kept:
        sessions.setdefault((walk.subject, walk.state), []).append(walk)
    return [_row(cohort, walks) for walks in sessions.values()]


def session_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows as a CSV table with the column names of parameters.csv."""
    named = [{COLUMN_NAMES.get(name, name): value for name, value in row.items()} for row in rows]
    return table((*FACTS, *(COLUMN_NAMES.get(name, name) for name in UNITS)), named)


def _row(cohort: Cohort, walks: Sequence[Walk]) -> dict[str, Any]:
    measured = [cohort.gait(walk.walk) for walk in walks]
    variability = pooled_variations(_motion(cohort, walk) for walk in walks)
    pooled = {name: _mean(name, measured) for name in UNITS} | variability
    for name in UNITS:
        sides = [pooled.get(f"{name}_{side}") for side in SIDES]
        if None not in sides:
            pooled[name] = _of_sides(name, *sides)
    for name, compared in ASYMMETRIES.items():
        pooled[name] = asymmetry(name, *(pooled[f"{compared}_{side}"] for side in SIDES))
    return {
        "subject": walks[0].subject, "state": walks[0].state, "score": walks[0].score, "walks": len(walks),
        "n_steps": variability["step_time_cv_pct"].n, "n_strides": variability["stride_time_cv_pct"].n,
        **{name: pooled[name].value for name in UNITS},
    }


def _mean(name: str, measured: Sequence[GaitParameters]) -> Measure:
    """The mean of the walks' values, weighted by their n."""
    seen = [gait.parameters[name] for gait in measured if gait.value(name) is not None]
    n = sum(measure.n for measure in seen)
    if not n:
        return missing(name, "no walk of the session has it")
    return known(name, float(np.average([measure.value for measure in seen], weights=[measure.n for measure in seen])), n)


def _of_sides(name: str, left: Measure, right: Measure) -> Measure:
    if left.value is None or right.value is None:
        return missing(name, left.reason or right.reason, left.n + right.n)
    return known(name, (left.value + right.value) / 2, left.n + right.n)


def _motion(cohort: Cohort, walk: Walk) -> Motion:
    return Motion(cohort.joints(walk.walk).astype(np.float64), MODEL_FPS, walk.walk, measured=frozenset(JOINTS))
