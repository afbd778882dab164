"""Recordings or a seed come in; cohort folders, their walks and subject-wise folds go out.

The names below load when they are first used, so that opening a cohort does not load the readers of recordings.
"""
from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agir_plugin.cohort.build import build_cohort, synthesise
    from agir_plugin.cohort.manifest import Cohort
    from agir_plugin.cohort.markers import add_noise_and_gap, walk_markers
    from agir_plugin.cohort.splits import Fold, subject_folds
    from agir_plugin.cohort.steps import WalkParameters
    from agir_plugin.cohort.synthetic import draw_trials
    from agir_plugin.cohort.walker import walk_joints
    from agir_plugin.cohort.walks import Walk

__all__ = [
    "Cohort",
    "Fold",
    "Walk",
    "WalkParameters",
    "add_noise_and_gap",
    "build_cohort",
    "draw_trials",
    "subject_folds",
    "synthesise",
    "walk_joints",
    "walk_markers",
]

#: Public name -> the module that defines it.
_HOME = {
    "Cohort": "manifest",
    "Walk": "walks",
    "Fold": "splits",
    "subject_folds": "splits",
    "WalkParameters": "steps",
    "build_cohort": "build",
    "synthesise": "build",
    "draw_trials": "synthetic",
    "walk_joints": "walker",
    "walk_markers": "markers",
    "add_noise_and_gap": "markers",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
