"""Recordings and a trained run -> Assessments: score, probabilities, rationale, and what the walk itself says of each claim."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agir_plugin.bridge.answers import WalkAnswer, read_answers, walk_answers
from agir_plugin.bridge.rows import Row, Window, motion_text
from agir_plugin.bridge.run import Run, load_run
from agir_plugin.bridge.tokenizer import encode
from agir_plugin.bridge.windows import windows
from agir_plugin.consts import MODEL_FPS
from agir_plugin.gait import main_pass, measure
from agir_plugin.ingest import read
from agir_plugin.motion import resample, to_features, to_motion
from agir_plugin.rationale.verify import check
from agir_plugin.records import Assessment, GaitParameters
from agir_plugin.tasks.render import fill
from agir_plugin.tasks.spec import MOTION

#: Windows answered at once.
BATCH = 32


@dataclass(frozen=True)
class _Walk:
    """One recording on its way: what was measured, and its normalised features where it was not refused."""

    path: str
    gait: GaitParameters
    features: np.ndarray | None


def assess(path: Path | str, run: Path | str | Run, fps: float | None = None) -> Assessment:
    """Assess one recording with a trained run (its folder, or the run itself when there are many recordings).

    A refused walk is a result with its reasons. `fps` is the frame rate of a recording that does not carry one. Raises
    ModelError for a run that cannot answer, and what `read` and `to_motion` raise for a file that holds no walk.
    """
    loaded = run if isinstance(run, Run) else load_run(run, to_assess=True)
    return _assess(loaded, _prepare(Path(path), loaded, fps))


def _prepare(path: Path, run: Run, fps: float | None) -> _Walk:
    motion = to_motion(read(path, fps))
    gait = measure(motion)
    if gait.status == "refused":
        return _Walk(str(path), gait, None)
    features = to_features(resample(main_pass(motion), MODEL_FPS).joints_m)
    return _Walk(str(path), gait, (features - run.mean) / run.std)


def _assess(run: Run, walk: _Walk) -> Assessment:
    shared: dict[str, Any] = {
        "file": walk.path,
        "gait": walk.gait,
        "provenance": _provenance(run),
        "notices": tuple(run.facts["notices"]),
    }
    if walk.features is None:
        return Assessment(score=None, probabilities=None, rationale=None, statements=(), windows=0, **shared)
    answer = _answer(run, encode(run.vae, [walk.features])[0])
    return Assessment(
        score=answer.score,
        probabilities=answer.probabilities,
        rationale=answer.rationale,
        statements=check(answer.rationale, walk.gait),
        windows=answer.windows,
        **shared,
    )


def _answer(run: Run, codes: np.ndarray) -> WalkAnswer:
    parts = windows(codes, run.data.window_tokens, run.data.stride_tokens)
    rows = [_row(run, Window("walk", "", "", number, part)) for number, part in enumerate(parts)]
    answers = [answer for batch in _batches(rows, BATCH) for answer in read_answers(run.lm, batch)]
    return walk_answers(answers)[0]


def _row(run: Run, window: Window) -> Row:
    source = fill(run.facts["instruction"], {MOTION: motion_text(window.codes, run.facts["codebook_size"])})
    return Row("motion_to_answer", source, "", window)


def _batches(rows: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


def _provenance(run: Run) -> dict[str, Any]:
    keys = ("name", "seed", "cohort", "versions", "vae_sha256")
    return {"run": str(run.folder), **{key: run.facts[key] for key in keys}}
