"""The linear probe: separable tokens are told apart, clips are those of the paper, the result is reproducible."""
from __future__ import annotations

import numpy as np
import pytest

from agir_plugin.errors import CohortError, UsageError
from agir_plugin.evaluation.probe import ProbeSettings, clip_means, linear_probe

WIDTH = 12


def walks(n: int, seed: int, shift: float = 3.0) -> tuple[list[np.ndarray], list[int]]:
    """Walks of 10 to 49 random token vectors; those of score k are shifted along axis k."""
    rng = np.random.default_rng(seed)
    scores = [index % 3 for index in range(n)]
    vectors = [rng.normal(size=(rng.integers(10, 50), WIDTH)) for _ in scores]
    return [walk + shift * np.eye(WIDTH)[score] for walk, score in zip(vectors, scores, strict=True)], scores


def test_clips_are_means_over_the_tokens_of_54_frames():
    tokens = np.arange(27, dtype=float)[:, None]  # 108 frames: clips start at the frames 0, 27, 54, the tokens 0, 6, 13
    assert clip_means(tokens).ravel().tolist() == [6.0, 12.0, 19.0]
    assert clip_means(tokens[:10]).ravel().tolist() == [4.5]  # shorter than a clip: the whole walk


def test_separable_tokens_are_told_apart_on_other_walks():
    answers = linear_probe(*walks(300, seed=1), walks(60, seed=2)[0])
    accuracy = np.mean(answers.predictions == walks(60, seed=2)[1])
    assert accuracy >= 0.95
    assert answers.clips.min() == 1 and answers.clips.max() == 6  # 49 tokens are 196 frames
    assert 0 < answers.short_walks < 360


def test_tokens_without_information_stay_near_chance():
    answers = linear_probe(*walks(90, seed=1, shift=0.0), walks(150, seed=2, shift=0.0)[0])
    assert np.mean(answers.predictions == walks(150, seed=2)[1]) < 0.5


def test_same_seed_same_answers_and_torch_keeps_its_own_state():
    import torch

    before = torch.random.get_rng_state()
    first, again = (linear_probe(*walks(12, 1), walks(6, 2)[0], ProbeSettings(epochs=2)) for _ in range(2))
    assert np.array_equal(first.predictions, again.predictions)
    assert torch.equal(before, torch.random.get_rng_state())


def test_wrong_use_is_refused():
    train, scores = walks(6, seed=1)
    with pytest.raises(CohortError, match=r"at least two of the scores \(0, 1, 2\), got \[1\]"):
        linear_probe(train, [1] * 6, train)
    with pytest.raises(UsageError, match="got 6 walks, 5 scores"):
        linear_probe(train, scores[:5], train)
    with pytest.raises(UsageError, match=r"token vectors \(n, 12\) of every walk, got a shape \(20, 3\)"):
        linear_probe(train, scores, [np.zeros((20, 3))])
