"""A fold file of CARE-PD in, checked subject-wise folds out."""
from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from agir_plugin import unpickle
from agir_plugin.cohort.names import natural_key, plain_subject, subject_key
from agir_plugin.cohort.sources import Source
from agir_plugin.cohort.splits import FEWEST_SUBJECTS, Fold, subject_folds
from agir_plugin.errors import CohortError, UnreadableFile

#: The two parts of a published fold.
FOLD_PARTS = ("train", "eval")


def read_carepd_folds(path: Path | str) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """The subjects of training and evaluation of each fold, in the order of the folds' names, from a fold pickle of CARE-PD,
    `{fold: {"train": [subjects], "eval": [subjects]}}`.

    UnreadableFile for a file of another kind; CohortError when a fold has no subjects or one subject in both parts.
    """
    path = Path(path)
    stored = unpickle.load(path)
    if not isinstance(stored, dict) or not stored:
        raise UnreadableFile(f"{path}: expected folds {{fold: {{train: [...], eval: [...]}}}}, got a {type(stored).__name__}")
    return [_read_fold(path, key, stored[key]) for key in sorted(stored, key=lambda key: natural_key(str(key)))]


def published_folds(path: Path, sources: Sequence[Source]) -> tuple[dict[str, tuple[Fold, ...]], dict[str, Any]]:
    """The folds of a file as `carepd_<file name>`, and for cohort.json the subjects in them that have no usable walk.

    Published folds have no part for choosing a checkpoint: `val` is one fifth of the training subjects, stratified by score
    (the first fold of `splits.subject_folds` with five), and empty with fewer than 3 of them. Subjects without a usable walk
    are left out, and folds that are then without training or evaluation. CohortError when a subject is not in the cohort.
    """
    scores: dict[str, list[int]] = defaultdict(list)
    for source in sources:
        if not source.refusal:
            scores[source.subject] += [source.score] if source.score is not None else []
    known = {source.subject for source in sources}
    spelled = _spellings(known)
    folds, absent, dropped = [], set(), []
    for number, parts in enumerate(read_carepd_folds(path)):
        train, test = ([one if one in known else spelled.get(subject_key(one), one) for one in part] for part in parts)
        unknown = sorted({*train, *test} - known)
        if unknown:
            raise CohortError(
                f"{path}: expected the folds of this cohort, but {', '.join(unknown[:5])} {'is' if len(unknown) == 1 else 'are'} "
                "not in it; name the fold file of the same data set"
            )
        absent |= {*train, *test} - set(scores)
        train, test = ([subject for subject in part if subject in scores] for part in (train, test))
        if train and test:
            folds.append(_with_val(train, test, scores))
        else:
            dropped.append(number)
    if not folds:
        raise CohortError(f"{path}: expected folds with usable walks to train and to test on, found none; see the walks' refusals")
    notes = {"published_folds": path.name, "fold_subjects_without_walks": sorted(absent), "folds_left_out": dropped}
    return {f"carepd_{re.sub(r'[^0-9A-Za-z_-]+', '_', path.stem)}": tuple(folds)}, notes


def _spellings(known: Iterable[str]) -> dict[str, str]:
    """How the data spell a subject whose number the folds write with other zeros (7 here, `007` there)."""
    found = defaultdict(list)
    for subject in known:
        found[subject_key(subject)].append(subject)
    return {key: subjects[0] for key, subjects in found.items() if len(subjects) == 1}


def _with_val(train: Sequence[str], test: Sequence[str], scores: dict[str, list[int]]) -> Fold:
    val: tuple[str, ...] = ()
    if len(train) >= FEWEST_SUBJECTS:
        val = subject_folds({subject: tuple(scores[subject]) for subject in train}, "kfold")[0].test
    rest = [subject for subject in train if subject not in val]
    return Fold(tuple(sorted(rest)), tuple(sorted(val)), tuple(sorted(test)))


def _read_fold(path: Path, key: Any, fold: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    parts = [fold.get(part) for part in FOLD_PARTS] if isinstance(fold, dict) else [None]
    if any(not isinstance(part, (list, tuple, set, frozenset, np.ndarray)) for part in parts):
        raise UnreadableFile(
            f"{path}: expected lists of subjects train and eval in fold {str(key)[:40]}; it is a file of another kind"
        )
    train, test = (_subjects(path, part) for part in parts)
    shared = sorted(set(train) & set(test))
    if shared or not train or not test:
        found = f"{', '.join(shared)} in both" if shared else "an empty part"
        raise CohortError(f"{path}: expected each subject in one part of fold {str(key)[:40]}, got {found}; do not use this file")
    return train, test


def _subjects(path: Path, part: Iterable[Any]) -> tuple[str, ...]:
    part = list(part)
    if not all(isinstance(subject, (str, int, np.integer)) for subject in part):
        raise UnreadableFile(f"{path}: expected names of subjects in folds, got something else; it is a file of another kind")
    return tuple(sorted({plain_subject(subject) for subject in part}))
