"""Windows cover every token of a walk, and padding only repeats the last frame."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agir_plugin.bridge.windows import pad_to_tokens, window_starts, windows


@pytest.mark.parametrize(
    ("tokens", "starts"),
    [(1, (0,)), (49, (0,)), (50, (0, 1)), (73, (0, 24)), (74, (0, 24, 25)), (98, (0, 24, 48, 49))],
)
def test_starts_worked_out_by_hand(tokens: int, starts: tuple[int, ...]) -> None:
    assert window_starts(tokens, 49, 24) == starts


@given(st.integers(1, 400), st.integers(1, 60), st.integers(1, 60))
def test_every_token_is_in_a_window_and_none_is_invented(tokens: int, window: int, stride: int) -> None:
    stride = min(stride, window)
    parts = windows(np.arange(tokens), window, stride)
    assert set(np.concatenate(parts).tolist()) == set(range(tokens))
    assert all(len(part) == min(window, tokens) for part in parts)


@pytest.mark.parametrize(("frames", "least", "expected"), [(1, 4, 4), (4, 4, 4), (5, 4, 8), (38, 40, 40), (71, 4, 72)])
def test_padding_repeats_the_last_frame_up_to_whole_tokens(frames: int, least: int, expected: int) -> None:
    clip = np.arange(frames, dtype=float)[:, None]
    padded = pad_to_tokens(clip, least)
    assert len(padded) == expected
    assert (padded[:frames] == clip).all()
    assert (padded[frames:] == clip[-1]).all()
