"""Predictions in, checked measures with intervals and controls out; importing it loads numpy and nothing heavier."""
from __future__ import annotations

from agir_plugin.evaluation.baselines import PARAMETERS, constant_rationale, gait_logistic_regression, majority
from agir_plugin.evaluation.calibration import Calibration, calibration
from agir_plugin.evaluation.clips import Clips, clip_starts, token_count, walk_clips
from agir_plugin.evaluation.intervals import Interval, paired_difference, subject_bootstrap
from agir_plugin.evaluation.predictions import Fold, make_fold
from agir_plugin.evaluation.scores import UNPARSABLE, ScoreTable, scores
from agir_plugin.evaluation.summary import SCHEMA, summarise, summarise_folds
from agir_plugin.evaluation.votes import vote

__all__ = [
    "PARAMETERS", "SCHEMA", "UNPARSABLE", "Calibration", "Clips", "Fold", "Interval", "ScoreTable", "calibration",
    "clip_starts", "constant_rationale", "gait_logistic_regression", "majority", "make_fold", "paired_difference",
    "scores", "subject_bootstrap", "summarise", "summarise_folds", "token_count", "vote", "walk_clips",
]
