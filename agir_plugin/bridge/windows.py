"""Motion codes of a whole walk -> windows of codes that the language model reads one at a time."""

from __future__ import annotations

import numpy as np

from agir_plugin.consts import FRAMES_PER_TOKEN, MAX_FRAMES

#: Longest window in tokens: the 196 frames that MotionGPT's tokenizer was trained for.
WINDOW_TOKENS = MAX_FRAMES // FRAMES_PER_TOKEN


def pad_to_tokens(features: np.ndarray, min_frames: int = FRAMES_PER_TOKEN) -> np.ndarray:
    """Repeat the last row until the length is a whole number of tokens and at least `min_frames`; (T, 263) -> (4n, 263)."""
    length = max(len(features), min_frames)
    whole = -(-length // FRAMES_PER_TOKEN) * FRAMES_PER_TOKEN
    missing = whole - len(features)
    return np.concatenate([features, np.repeat(features[-1:], missing, axis=0)]) if missing else features


def window_starts(tokens: int, window: int = WINDOW_TOKENS, stride: int = WINDOW_TOKENS // 2) -> tuple[int, ...]:
    """First token of each window: one window where the walk fits into it, else windows every `stride` that reach the end.

    The last window is moved back so that it ends with the walk: every token is in at least one window, none is padding.
    """
    if tokens <= window:
        return (0,)
    starts = list(range(0, tokens - window, stride))
    return (*starts, tokens - window)


def windows(codes: np.ndarray, window: int = WINDOW_TOKENS, stride: int = WINDOW_TOKENS // 2) -> list[np.ndarray]:
    """The windows of a code row (n,)."""
    return [codes[start : start + window] for start in window_starts(len(codes), window, stride)]
