"""Offered texts and a review history in; counts per reviewer and the agreement between two reviewers out."""
from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from agir_plugin.cohort.review_outcome import Offered, outdated, verdict
from agir_plugin.cohort.reviews import History
from agir_plugin.tasks.sections import SECTIONS


@dataclass(frozen=True)
class Tally:
    """One reviewer: sections by standing action, texts that are finished and open, and reviews of texts now replaced."""

    reviewer: str
    sections: Mapping[str, int]
    finished: int
    still_open: int
    outdated: int


@dataclass(frozen=True)
class Agreement:
    """Two reviewers on one section: `n` texts that both decided on, share decided alike, Cohen's kappa.

    Each decision is "accepted as written" or not (edited or rejected). `share` is None where n is 0, `kappa` is None also
    where chance alone would agree always (both gave only one and the same answer).
    """

    reviewers: tuple[str, str]
    section: str
    n: int
    share: float | None
    kappa: float | None


def tallies(history: History, texts: Mapping[str, Offered]) -> list[Tally]:
    """One row per reviewer, in order of their first decision."""
    gone = Counter(reviewer for reviewer, _ in outdated(history, texts))
    return [_tally(history, reviewer, texts, gone[reviewer]) for reviewer in history.reviewers()]


def agreements(history: History, texts: Mapping[str, Offered]) -> list[Agreement]:
    """Every pair of reviewers on every section."""
    return [
        _agreement(history, pair, section, texts)
        for pair in combinations(history.reviewers(), 2) for section in SECTIONS
    ]


def open_texts(history: History, texts: Mapping[str, Offered]) -> list[str]:
    """Walks whose text no reviewer has finished."""
    return [
        walk for walk, text in texts.items()
        if all(verdict(history, reviewer, text).state == "open" for reviewer in history.reviewers())
    ]


def cohens_kappa(first: Sequence[bool], second: Sequence[bool]) -> float | None:
    """Agreement beyond chance of two raters on the same items, (po - pe) / (1 - pe), 1 at most; None when pe is 1 or
    nothing was rated.

    Source: Cohen J (1960), A coefficient of agreement for nominal scales, Educ Psychol Meas 20:37-46.
    """
    n = len(first)
    if n == 0:
        return None
    observed = sum(one == other for one, other in zip(first, second, strict=True)) / n
    yes = sum(first) / n, sum(second) / n
    by_chance = yes[0] * yes[1] + (1 - yes[0]) * (1 - yes[1])
    return None if by_chance == 1.0 else (observed - by_chance) / (1 - by_chance)


def _tally(history: History, reviewer: str, texts: Mapping[str, Offered], gone: int) -> Tally:
    actions: Counter[str] = Counter()
    finished = 0
    for text in texts.values():
        actions.update(decision.action for decision in history.standing(reviewer, text.walk, text.hash).values())
        finished += verdict(history, reviewer, text).state != "open"
    return Tally(reviewer, actions, finished, len(texts) - finished, gone)


def _agreement(history: History, pair: tuple[str, str], section: str, texts: Mapping[str, Offered]) -> Agreement:
    rated: list[tuple[bool, bool]] = []
    for text in texts.values():
        both = [history.standing(reviewer, text.walk, text.hash).get(section) for reviewer in pair]
        if both[0] is not None and both[1] is not None:
            rated.append((both[0].action == "accept", both[1].action == "accept"))
    first, second = [one for one, _ in rated], [other for _, other in rated]
    share = sum(one == other for one, other in rated) / len(rated) if rated else None
    return Agreement(pair, section, len(rated), share, cohens_kappa(first, second))
