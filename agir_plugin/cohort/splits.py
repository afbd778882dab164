"""Subjects and their scores in, subject-wise folds out: every walk of a subject, on and off, is in one part only."""
from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from agir_plugin.errors import CohortError, UsageError

#: The parts of a fold, in the order in which they are written.
PARTS = ("train", "val", "test")
#: The schemes that every cohort with enough subjects carries; the first is the default.
SCHEMES = ("holdout", "kfold", "loso")
DEFAULT_SCHEME = "holdout"
#: Folds of the `kfold` scheme.
N_FOLDS = 5
#: Shares of subjects for testing and, of all subjects, for choosing a checkpoint; the others train.
TEST_SHARE, VAL_SHARE = 0.25, 0.15
#: Fewest subjects that can be divided into three parts.
FEWEST_SUBJECTS = 3
#: Seed of the order of subjects with equal scores; fixed, so that a cohort's folds never depend on who builds it.
FOLD_SEED = 0


@dataclass(frozen=True)
class Fold:
    """Subjects of the three parts, sorted; CohortError when one subject stands in two parts (its walks would leak)."""

    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse a leak, naming the subjects."""
        for one, other in combinations(PARTS, 2):
            shared = sorted(set(getattr(self, one)) & set(getattr(self, other)))
            if shared:
                raise CohortError(
                    f"fold: expected each subject in one part only, but {', '.join(shared)} would be in both {one} "
                    f"and {other}; move all walks of a subject, on and off, into one part"
                )

    def as_dict(self) -> dict[str, list[str]]:
        """The three lists, ready for JSON."""
        return {part: list(getattr(self, part)) for part in PARTS}


def subject_folds(scores: Mapping[str, tuple[int, ...]], scheme: str) -> tuple[Fold, ...]:
    """All folds of one scheme over subjects, from subject -> the scores of the subject's sessions (none for an unlabelled one).

    `holdout` is one fold with a quarter of the subjects for testing; `kfold` tests each subject once in five folds;
    `loso` tests one subject per fold. Parts are stratified: subjects are ordered by worst, then mean score (ties by
    a fixed seed), and each part takes them at even distances. UsageError for an unknown scheme, CohortError for
    fewer than 3 subjects.
    """
    if scheme not in SCHEMES:
        raise UsageError(f"fold scheme: expected one of {', '.join(SCHEMES)}, got {scheme!r}; choose one of these")
    if len(scores) < FEWEST_SUBJECTS:
        raise CohortError(
            f"{scheme} folds: expected at least {FEWEST_SUBJECTS} subjects with usable walks, got {len(scores)}; "
            "add recordings of more people"
        )
    ordered = _by_score(scores)
    if scheme == "holdout":
        return (_fold(ordered, _spaced(ordered, TEST_SHARE)),)
    n_folds = min(N_FOLDS, len(ordered)) if scheme == "kfold" else len(ordered)
    # neighbours in score go to different folds
    return tuple(_fold(ordered, ordered[number::n_folds]) for number in range(n_folds))


def read_fold(path: Path) -> Fold:
    """The fold of one JSON file; CohortError when it is missing, malformed, or puts a subject into two parts."""
    if not path.is_file():
        known = sorted(p.relative_to(path.parents[1]).as_posix() for p in path.parents[1].glob("*/*.json"))
        raise CohortError(f"{path}: no such fold; this cohort has {', '.join(known) or 'none'}; choose one of them")
    try:
        parts = json.loads(path.read_text(encoding="utf8"))
        fold = {part: tuple(str(subject) for subject in parts[part]) for part in PARTS}
    except (ValueError, KeyError, TypeError) as error:
        raise CohortError(
            f"{path}: expected a JSON object with the lists {', '.join(PARTS)}, but reading it failed ({error}); "
            "build the cohort again"
        ) from None
    try:
        return Fold(**fold)
    except CohortError as error:
        raise CohortError(f"{path}: {error}") from None


def _by_score(scores: Mapping[str, tuple[int, ...]]) -> list[str]:
    names = sorted(scores)
    chance = dict(zip(names, np.random.default_rng(FOLD_SEED).permutation(len(names)), strict=True))
    none = (-1,)  # subjects without a score stand together, before all others
    return sorted(
        names,
        key=lambda name: (max(scores[name] or none), sum(scores[name] or none) / len(scores[name] or none), chance[name]),
    )


def _spaced(ordered: list[str], share: float, of: int | None = None) -> list[str]:
    # about `share` of `of` subjects (at least one), at even distances along the order
    count = min(max(1, round(share * (of or len(ordered)))), len(ordered) - 1)
    return [ordered[int((index + 0.5) * len(ordered) / count)] for index in range(count)]


def _fold(ordered: list[str], test: list[str]) -> Fold:
    rest = [subject for subject in ordered if subject not in test]
    val = _spaced(rest, VAL_SHARE, of=len(ordered))
    train = [subject for subject in rest if subject not in val]
    return Fold(tuple(sorted(train)), tuple(sorted(val)), tuple(sorted(test)))
