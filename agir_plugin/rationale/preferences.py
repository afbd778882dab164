"""Labelled walks with their rationales in, preference pairs out: each text beside one that does not fit its walk.

AGIR's preference loss takes triplets of a motion, its rationale and a rejected one that is irrelevant or counterfactual; the
paper does not say how those are made. Here the irrelevant one is that of another walk of another score, and the counterfactual
one explains another score by the same measurements.
"""
from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agir_plugin.consts import SCORES
from agir_plugin.rationale.rules import write
from agir_plugin.records import GaitParameters, Rationale

IRRELEVANT, COUNTERFACTUAL = "irrelevant", "counterfactual"
#: Both kinds, in the order of the rows of one walk.
KINDS = (IRRELEVANT, COUNTERFACTUAL)


@dataclass(frozen=True)
class Example:
    """A walk with its rationale. `part` is that of the fold (train, val, test), so that no text changes sides; or empty."""

    walk: str
    subject: str
    part: str
    score: int
    gait: GaitParameters
    rationale: Rationale


@dataclass(frozen=True)
class Pair:
    """A walk's rationale and a rejected one: that of `rejected_walk`, or one for `rejected_score` on the same walk."""

    walk: str
    kind: str
    chosen: Rationale
    rejected: Rationale
    rejected_walk: str
    rejected_score: int

    @property
    def edit_distance(self) -> float:
        """Words to insert, delete or replace, as a share of the longer text's words; 0 for equal texts, at most 1."""
        return edit_distance(self.chosen.text().split(), self.rejected.text().split())


def preference_pairs(examples: Sequence[Example]) -> Iterator[tuple[Example, str, Pair | None]]:
    """Each example and kind with its pair, None where there is none: the same for the same examples, in their order.

    A pair's two texts are never equal. The irrelevant text is another subject's where one of the same part has another score,
    else that of another session of the subject; there is none where the part has one score alone. There is no counterfactual
    text where the rules say the same for every score.
    """
    parts: dict[str, list[Example]] = {}
    for example in sorted(examples, key=lambda one: one.walk):
        parts.setdefault(example.part, []).append(example)
    for example in examples:
        yield example, IRRELEVANT, _irrelevant(example, parts[example.part])
        yield example, COUNTERFACTUAL, _counterfactual(example)


def edit_distance(one: Sequence[str], other: Sequence[str]) -> float:
    """Levenshtein's distance between two lists of words over the length of the longer one; 0 for two empty ones."""
    if not one and not other:
        return 0.0
    above = list(range(len(other) + 1))
    for row, word in enumerate(one, start=1):
        here = [row]
        for column, against in enumerate(other, start=1):
            here.append(min(here[-1] + 1, above[column] + 1, above[column - 1] + (word != against)))
        above = here
    return above[-1] / max(len(one), len(other))


def _irrelevant(example: Example, candidates: Sequence[Example]) -> Pair | None:
    first = _drawn(example.walk, len(candidates))
    fitting = [
        other for other in (*candidates[first:], *candidates[:first])
        if other.score != example.score and other.rationale != example.rationale
    ]
    other = next((other for other in fitting if other.subject != example.subject), fitting[0] if fitting else None)
    return None if other is None else Pair(example.walk, IRRELEVANT, example.rationale, other.rationale, other.walk, other.score)


def _counterfactual(example: Example) -> Pair | None:
    others = [score for score in SCORES if score != example.score]
    first = _drawn(example.walk, len(others))
    for score in (*others[first:], *others[:first]):
        text = write(example.gait, score, example.walk)
        if text != example.rationale:
            return Pair(example.walk, COUNTERFACTUAL, example.rationale, text, example.walk, score)
    return None


def _drawn(walk: str, count: int) -> int:
    """A number below `count` that depends on the walk's name alone."""
    return int(hashlib.sha256(walk.encode("utf8")).hexdigest(), 16) % count
