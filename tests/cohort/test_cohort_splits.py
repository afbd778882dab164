"""Subject-wise folds: nobody in two parts, everybody tested where the scheme says so, classes spread."""
from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agir_plugin.cohort import Fold, draw_trials, subject_folds
from agir_plugin.cohort.splits import read_fold
from agir_plugin.errors import CohortError, UsageError

SCORES = st.dictionaries(
    st.text("ABCDEFGH0123456789", min_size=1, max_size=4),
    st.lists(st.integers(0, 2), min_size=1, max_size=2).map(tuple),
    min_size=3,
    max_size=40,
)


@given(SCORES, st.sampled_from(["holdout", "kfold", "loso"]))
def test_parts_are_disjoint_and_complete(scores: dict[str, tuple[int, ...]], scheme: str) -> None:
    folds = subject_folds(scores, scheme)
    for fold in folds:
        assert fold.train and fold.val and fold.test
        assert sorted([*fold.train, *fold.val, *fold.test]) == sorted(scores)
    tested = sorted(subject for fold in folds for subject in fold.test)
    if scheme != "holdout":
        assert tested == sorted(scores)
    assert folds == subject_folds(dict(reversed(scores.items())), scheme)


def default_scores(seed: int = 0) -> dict[str, tuple[int, ...]]:
    scores: dict[str, tuple[int, ...]] = {}
    for trial in draw_trials(26, seed, 1):
        scores[trial.subject] = (*scores.get(trial.subject, ()), trial.score)
    return scores


@pytest.mark.parametrize("seed", range(8))
def test_default_holdout_sizes_and_classes(seed: int) -> None:
    scores = default_scores(seed)
    fold = subject_folds(scores, "holdout")[0]
    assert (len(fold.train), len(fold.val), len(fold.test)) == (16, 4, 6)
    for part in (fold.train, fold.test):
        own = [score for subject in part for score in scores[subject]]
        assert max(own.count(score) for score in (0, 1, 2)) / len(own) <= 0.5
        assert {max(scores[subject]) for subject in part} == {0, 1, 2}


def test_number_of_folds() -> None:
    scores = default_scores()
    assert len(subject_folds(scores, "kfold")) == 5
    assert [len(fold.test) for fold in subject_folds(scores, "loso")] == [1] * 26


def test_leak_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(CohortError, match="SUB02 would be in both train and test"):
        Fold(train=("SUB01", "SUB02"), val=("SUB03",), test=("SUB02",))
    path = tmp_path / "holdout" / "0.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"train": ["SUB01"], "val": ["SUB01"], "test": ["SUB02"]}))
    with pytest.raises(CohortError, match=r"0\.json: fold: .*SUB01 would be in both train and val"):
        read_fold(path)


def test_bad_requests(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="one of holdout, kfold, loso, got 'random'"):
        subject_folds(default_scores(), "random")
    with pytest.raises(CohortError, match="at least 3 subjects with usable walks, got 2"):
        subject_folds({"A": (0,), "B": (1,)}, "holdout")
    with pytest.raises(CohortError, match="no such fold; this cohort has none"):
        read_fold(tmp_path / "loso" / "3.json")
    broken = tmp_path / "loso" / "0.json"
    broken.parent.mkdir()
    broken.write_text('{"train": ["A"], "val": []}')
    with pytest.raises(CohortError, match="'test'"):
        read_fold(broken)
