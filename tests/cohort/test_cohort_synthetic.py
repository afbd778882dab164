"""The synthetic cohort's people, labels and classes: shares, order, overlap, and how well parameters tell the
classes.
"""
from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from agir_plugin.cohort import draw_trials, subject_folds, walk_joints
from agir_plugin.cohort.synthetic import Trial
from agir_plugin.errors import UsageError
from agir_plugin.gait import measure
from agir_plugin.records import Motion

SIGNS = (
    "speed_mps",
    "cadence_spm",
    "step_length_m",
    "foot_lift_m",
    "arm_swing_deg",
    "arm_swing_asymmetry_pct",
    "step_width_m",
    "trunk_flexion_deg",
)


def sessions(trials: tuple[Trial, ...]) -> dict[tuple[str, str], int]:
    return {(trial.subject, trial.state): trial.score for trial in trials}


def test_default_cohort_has_the_shares_of_the_public_recordings() -> None:
    trials = draw_trials()
    assert len(trials) == 26 * 2 * 12 and len({trial.walk for trial in trials}) == len(trials)
    assert Counter(sessions(trials).values()) == {0: 20, 1: 18, 2: 14}
    assert trials[0].walk == "SUB01_off_walk_1" and trials[-1].walk == "SUB26_on_walk_12"


@pytest.mark.parametrize("subjects", [1, 5, 11, 40])
def test_every_size_has_two_sessions_each_and_off_is_never_better(subjects: int) -> None:
    scores = sessions(draw_trials(subjects, seed=2, walks_per_session=1))
    assert len(scores) == 2 * subjects
    assert all(scores[name, "off"] >= scores[name, "on"] for name, state in scores if state == "on")


def test_durations_exercise_windows_and_padding() -> None:
    trials = draw_trials()
    frames = np.array([int(trial.seconds * 20) for trial in trials])
    assert 5 <= (frames >= 196).sum() <= 40 and 3 <= (frames < 40).sum() <= 20
    assert {trial.score for trial in trials if trial.seconds > 10} == {2}
    usual = (frames >= 70) & (frames <= 130)
    assert usual.mean() > 0.9


def test_traits_are_the_persons_and_walks_differ() -> None:
    trials = draw_trials(3, walks_per_session=4)
    for subject in {trial.subject for trial in trials}:
        own = [trial for trial in trials if trial.subject == subject]
        assert len({(trial.parameters.height_m, trial.parameters.leg_length_m) for trial in own}) == 1
        assert len({trial.parameters.cadence_spm for trial in own}) == len(own)


def test_one_walk_does_not_depend_on_the_others() -> None:
    few, many = draw_trials(26, 5, 2), draw_trials(26, 5, 6)
    by_name = {trial.walk: trial for trial in many}
    assert all(by_name[trial.walk] == trial for trial in few)
    assert draw_trials(26, 6, 2) != few


def test_causes_fall_with_the_score_and_overlap() -> None:
    trials = draw_trials()
    for name in ("speed_mps", "foot_lift_m", "arm_swing_left_deg", "step_length_m"):
        values = [
            np.array([getattr(trial.parameters, name) for trial in trials if trial.score == score])
            for score in (0, 1, 2)
        ]
        assert values[0].mean() > values[1].mean() > values[2].mean()
        for milder, worse in zip(values, values[1:], strict=False):
            spread = np.hypot(milder.std(), worse.std()) / np.sqrt(2)
            assert (
                milder.mean() - worse.mean()
            ) / spread < 3.0  # Cohen's d: one sign alone does not tell neighbours apart
            assert worse.max() > np.percentile(milder, 10)


def test_parameters_tell_the_classes_well_but_not_too_well() -> None:
    found = [_accuracy(seed) for seed in (0, 1, 2)]
    accuracies, majorities = (np.array(column) for column in zip(*found, strict=True))
    assert 0.80 <= accuracies.mean() <= 0.92
    assert accuracies.max() < 0.95
    assert majorities.max() <= 0.50


def _accuracy(seed: int) -> tuple[float, float]:
    """Accuracy of a logistic regression on measured parameters, and the share of the largest class, on held-out
    subjects.
    """
    rows = [(trial, _signs(trial)) for trial in draw_trials(26, seed, 4)]
    rows = [(trial, signs) for trial, signs in rows if signs is not None]
    scores: dict[str, dict[str, int]] = {}
    for trial, _ in rows:
        scores.setdefault(trial.subject, {})[trial.state] = trial.score
    fold = subject_folds({name: tuple(states.values()) for name, states in scores.items()}, "holdout")[0]
    train, test = ([row for row in rows if row[0].subject in part] for part in (fold.train, fold.test))
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    model.fit([signs for _, signs in train], [trial.score for trial, _ in train])
    truth = [trial.score for trial, _ in test]
    share = max(Counter(truth).values()) / len(truth)
    return model.score([signs for _, signs in test], truth), share


def _signs(trial: Trial) -> list[float] | None:
    joints = walk_joints(trial.parameters, trial.seconds, 20.0, trial.generator())
    gait = measure(Motion(joints, 20.0, "synthetic walk"))
    return None if gait.status != "ok" else [gait.value(name) for name in SIGNS]


def test_numbers_below_one_are_refused() -> None:
    with pytest.raises(UsageError, match="subjects of at least 1, got 0"):
        draw_trials(0)
    with pytest.raises(UsageError, match="walks_per_session of at least 1"):
        draw_trials(2, walks_per_session=0)
