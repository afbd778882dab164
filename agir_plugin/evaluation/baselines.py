"""Training walks in, the answers of the simple methods that every model is printed beside out."""
from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agir_plugin.consts import SCORES
from agir_plugin.errors import CohortError, UsageError
from agir_plugin.records import GaitParameters
from agir_plugin.registry import did_you_mean

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

#: Gait parameters that the logistic regression reads: the signs of MDS-UPDRS item 3.10 that a straight walk shows
#: (amplitude, speed, foot lift, arm swing), with rhythm, base of support and posture.
PARAMETERS = (
    "cadence_spm", "speed_mps", "step_length_m", "step_width_m", "foot_lift_m", "arm_swing_deg_left",
    "arm_swing_deg_right", "arm_swing_asymmetry_pct", "step_time_asymmetry_pct", "step_length_asymmetry_pct",
    "step_time_cv_pct", "trunk_flexion_deg",
)
#: Inverse strength of the L2 penalty of the logistic regression; fixed, so that no control is tuned on test walks.
INVERSE_PENALTY = 1.0
#: Iterations the solver may take; standardised inputs need far fewer.
MAX_ITERATIONS = 2000


class Answers(NamedTuple):
    """`predictions` (N,) scores; `probabilities` (N, 3) of the scores 0, 1, 2."""

    predictions: np.ndarray
    probabilities: np.ndarray


def majority(y_train: Sequence[int], n_test: int) -> np.ndarray:
    """The most frequent training score (the lowest where several are), for each of `n_test` walks.

    Raises CohortError when there is no training walk.
    """
    if len(y_train) == 0:
        raise CohortError("expected at least one training walk for the majority class, got none; check the fold")
    counts = Counter(int(score) for score in y_train)
    most = max(counts.values())
    return np.full(n_test, min(score for score, count in counts.items() if count == most))


def gait_logistic_regression(
    x_train: Sequence[GaitParameters],
    y_train: Sequence[int],
    x_test: Sequence[GaitParameters],
    names: Sequence[str] = PARAMETERS,
) -> Answers:
    """Predict scores from measured gait parameters with multinomial logistic regression.

    A parameter that was not measured is replaced by the training median, with an indicator column where training walks
    lack it; then all columns are standardised. Everything is fitted on the training walks alone, with fixed settings.
    A score that does not occur in training gets probability 0.
    Raises CohortError when training holds fewer than two scores, UsageError for lengths that differ or an unknown
    parameter.
    """
    if len(x_train) != len(y_train):
        raise UsageError(f"expected one score for each training walk, got {len(x_train)} walks, {len(y_train)} scores")
    if len(set(y_train)) < 2:
        raise CohortError(
            "expected training walks of at least two different scores for the logistic regression, "
            f"got only {sorted(set(y_train))}; choose other folds"
        )
    _check_names(names, [*x_train, *x_test])
    model = _pipeline().fit(parameter_matrix(x_train, names), np.asarray(y_train))
    probabilities = np.zeros((len(x_test), len(SCORES)))
    if len(x_test):
        columns = [SCORES.index(int(score)) for score in model.classes_]
        probabilities[:, columns] = model.predict_proba(parameter_matrix(x_test, names))
    return Answers(np.asarray(SCORES)[probabilities.argmax(axis=1)], probabilities)


def parameter_matrix(walks: Sequence[GaitParameters], names: Sequence[str] = PARAMETERS) -> np.ndarray:
    """(N, P) values of the named parameters in their own units, NaN where a walk lacks one."""
    values = [[walk.value(name) for name in names] for walk in walks]
    return np.asarray(values, dtype=float).reshape(len(walks), len(names))


def constant_rationale(train_texts: Sequence[str]) -> str:
    """The one training text that is most like all others: what a model could say of every walk without looking at it.

    Likeness is the mean cosine to the other texts' TF-IDF vectors (words and pairs of words, unit length); of equal
    texts the first in alphabetical order is taken. Raises CohortError when there is no text with a word in it.
    """
    texts = sorted(text for text in train_texts if any(letter.isalnum() for letter in text))
    if not texts:
        raise CohortError(
            "expected at least one training rationale for the constant-rationale control, got none; "
            "write them with agir annotate"
        )
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectors = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\b\w+\b").fit_transform(texts)
    to_all = vectors @ np.asarray(vectors.sum(axis=0)).ravel()  # each text adds 1 for itself: the order stays the same
    return texts[int(np.flatnonzero(to_all >= to_all.max() - 1e-9)[0])]


def _pipeline() -> Pipeline:
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
        StandardScaler(),
        LogisticRegression(C=INVERSE_PENALTY, max_iter=MAX_ITERATIONS),
    )


def _check_names(names: Sequence[str], walks: Sequence[GaitParameters]) -> None:
    known = {name for walk in walks for name in walk.parameters}
    unknown = [name for name in names if known and name not in known]
    if unknown:
        raise UsageError(
            f"expected gait parameters that were measured (agir gait lists them), got {', '.join(unknown)}"
            f"{did_you_mean(unknown[0], sorted(known))}"
        )
