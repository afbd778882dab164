"""Windows' written answers -> one answer per walk: probabilities averaged over windows, one rationale, what was well-formed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from torch import distributed

from agir_plugin.bridge.language import GaitLM, Written
from agir_plugin.bridge.rows import Row, Window
from agir_plugin.consts import SCORES
from agir_plugin.records import Rationale
from agir_plugin.tasks.structure import Parsed, parse


@dataclass(frozen=True)
class Answer:
    """What the model wrote for one window: under the grammar, and freely where that was asked for."""

    window: Window
    constrained: Written
    parsed: Parsed
    free: Written | None = None
    free_parsed: Parsed | None = None


@dataclass(frozen=True)
class WalkAnswer:
    """The answer for a whole walk.

    `probabilities` are the windows' log-probabilities averaged and normalised; `score` is their argmax (the lowest where they
    tie). The rationale is that of the window that
    was surest of this score, among those that wrote it if there are any. `well_formed_free` is None when not tried.
    """

    walk: str
    subject: str
    state: str
    score_true: int | None
    score: int
    probabilities: tuple[float, float, float]
    rationale: Rationale
    windows: int
    well_formed_constrained: bool
    well_formed_free: bool | None


def read_answers(lm: GaitLM, rows: Sequence[Row], free: bool = False) -> list[Answer]:
    """Let the model answer each row under the grammar, and once more freely when `free` is set."""
    sources = [row.source for row in rows]
    constrained = lm.write(sources, constrained=True)
    loose = lm.write(sources, constrained=False) if free else [None] * len(rows)
    return [
        Answer(row.window, one, parse(one.text), other, parse(other.text) if other is not None else None)
        for row, one, other in zip(rows, constrained, loose, strict=True)
    ]


def gathered(answers: Sequence[Answer]) -> list[Answer]:
    """The answers of all processes, each window once (a distributed sampler repeats some to fill up)."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return list(answers)
    parts: list[Sequence[Answer]] = [()] * distributed.get_world_size()
    distributed.all_gather_object(parts, list(answers))
    return list({(a.window.walk, a.window.number): a for part in parts for a in part}.values())


def walk_answers(answers: Iterable[Answer]) -> list[WalkAnswer]:
    """Join the windows of each walk; walks come in the order of their names."""
    ordered = sorted(answers, key=lambda a: (a.window.walk, a.window.number))
    return [_join(list(group)) for _, group in groupby(ordered, key=lambda a: a.window.walk)]


def figures(answers: Iterable[Answer]) -> dict[str, float]:
    """The validation figures of labelled walks: `accuracy`, and `score_nll`, the mean -log p of the true score (natural log)."""
    walks = [walk for walk in walk_answers(answers) if walk.score_true is not None]
    if not walks:
        return {}
    right = [walk.score == walk.score_true for walk in walks]
    nll = [-math.log(max(walk.probabilities[walk.score_true], 1e-12)) for walk in walks]
    return {"accuracy": float(np.mean(right)), "score_nll": float(np.mean(nll))}


def _join(answers: list[Answer]) -> WalkAnswer:
    log_p = np.array([answer.constrained.score_log_probs for answer in answers]).mean(axis=0)
    p = np.exp(log_p - np.logaddexp.reduce(log_p))
    score = SCORES[int(p.argmax())]
    surest = max(
        answers,
        key=lambda a: (a.parsed.rationale is not None, a.parsed.score == score, a.constrained.score_log_probs[score]),
    )
    window = answers[0].window
    free = [a.free_parsed.well_formed for a in answers if a.free_parsed is not None]
    return WalkAnswer(
        walk=window.walk,
        subject=window.subject,
        state=window.state,
        score_true=window.score,
        score=score,
        probabilities=(float(p[0]), float(p[1]), float(p[2])),
        rationale=surest.parsed.rationale or Rationale("", "", ""),
        windows=len(answers),
        well_formed_constrained=all(a.parsed.well_formed for a in answers),
        well_formed_free=all(free) if free else None,
    )
