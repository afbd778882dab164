"""Vectors of each walk's motion tokens in, scores of a linear probe on their clip means out."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agir_plugin.consts import FRAMES_PER_TOKEN, SCORES
from agir_plugin.errors import CohortError, UsageError
from agir_plugin.evaluation.clips import CLIP_FRAMES, STRIDE_FRAMES, token_count, walk_clips
from agir_plugin.evaluation.votes import Ties, vote

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class ProbeSettings:
    """How the probe is trained. The paper does not say; these are the CARE-PD benchmark's for the same set of walks."""

    epochs: int = 44
    batch: int = 128
    learning_rate: float = 1e-3
    clip_frames: int = CLIP_FRAMES
    stride_frames: int = STRIDE_FRAMES
    ties: Ties = "sum_logits"
    seed: int = 0


@dataclass(frozen=True)
class ProbeAnswers:
    """`predictions` (N,) and `clips` (N,) of the test walks; `short_walks` of all walks were shorter than one clip."""

    predictions: np.ndarray
    clips: np.ndarray
    short_walks: int


#: Trained as in the benchmark.
DEFAULT = ProbeSettings()


def linear_probe(
    train: Sequence[np.ndarray], y_train: Sequence[int], test: Sequence[np.ndarray], settings: ProbeSettings = DEFAULT
) -> ProbeAnswers:
    """Train layer normalisation and one linear layer on clips of the training walks; each test walk's clips vote.

    Each walk is an (n, D) array: one vector per motion token, such as a row of the codebook or the language model's
    embedding of the token. Cross-entropy is weighted by the inverse frequency of a score among the training clips.
    Raises CohortError where training holds fewer than two scores, UsageError for arrays that do not fit together.
    """
    _check(train, y_train, test)
    clips = [clip_means(walk, settings) for walk in (*train, *test)]
    learnt, asked = clips[: len(train)], clips[len(train) :]
    labels = np.repeat(np.asarray(y_train, dtype=int), [len(walk) for walk in learnt])
    model = _fit(np.concatenate(learnt), labels, settings)
    logits = [_logits(model, walk) for walk in asked]
    predictions = [vote(one.argmax(axis=1).tolist(), one, settings.ties) for one in logits]
    short = sum(walk_clips(len(walk) * FRAMES_PER_TOKEN, settings.clip_frames).short for walk in (*train, *test))
    sizes = [len(one) for one in logits]
    return ProbeAnswers(np.asarray(predictions, dtype=int), np.asarray(sizes, dtype=int), short)


def clip_means(vectors: np.ndarray, settings: ProbeSettings = DEFAULT) -> np.ndarray:
    """(C, D) means of the token vectors (n, D) of each clip; it begins with the token of its first frame."""
    windows = walk_clips(len(vectors) * FRAMES_PER_TOKEN, settings.clip_frames, settings.stride_frames).windows
    parts = (vectors[start // FRAMES_PER_TOKEN :][: token_count(stop - start)] for start, stop in windows)
    return np.stack([part.mean(axis=0) for part in parts])


def _fit(x: np.ndarray, y: np.ndarray, settings: ProbeSettings) -> torch.nn.Module:
    import torch

    counts = np.bincount(y, minlength=len(SCORES))
    weights = np.divide(len(y), len(SCORES) * counts, out=np.zeros(len(SCORES)), where=counts > 0)
    loss = torch.nn.CrossEntropyLoss(torch.as_tensor(weights, dtype=torch.float32))
    inputs, labels = torch.as_tensor(x, dtype=torch.float32), torch.as_tensor(y)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        model = torch.nn.Sequential(torch.nn.LayerNorm(x.shape[1]), torch.nn.Linear(x.shape[1], len(SCORES)))
        optimiser = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate)
        for _ in range(settings.epochs):
            for part in torch.randperm(len(y)).split(settings.batch):
                optimiser.zero_grad()
                loss(model(inputs[part]), labels[part]).backward()
                optimiser.step()
    return model.eval()


def _logits(model: torch.nn.Module, clips: np.ndarray) -> np.ndarray:
    import torch

    with torch.no_grad():
        return model(torch.as_tensor(clips, dtype=torch.float32)).numpy()


def _check(train: Sequence[np.ndarray], y_train: Sequence[int], test: Sequence[np.ndarray]) -> None:
    if len(train) != len(y_train):
        raise UsageError(f"expected one score for each training walk, got {len(train)} walks, {len(y_train)} scores")
    if len(set(y_train)) < 2 or not set(y_train) <= set(SCORES):
        raise CohortError(f"expected training walks of at least two of the scores {SCORES}, got {sorted(set(y_train))}")
    wrong = [walk.shape for walk in (*train, *test) if walk.ndim != 2 or walk.shape[1] != train[0].shape[-1]]
    if wrong:
        raise UsageError(f"expected token vectors (n, {train[0].shape[-1]}) of every walk, got a shape {wrong[0]}")
