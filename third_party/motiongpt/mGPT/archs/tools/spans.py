"""T5 span corruption (Raffel et al. 2020, section 3.1.4): ids go in, the row with holes and their content come out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mGPT.errors import CheckpointError


def corrupt(
    row: Sequence[int], sentinels: Sequence[int], density: float, mean_span: float, rng: np.random.Generator
) -> tuple[list[int], list[int]]:
    """Replace random spans by sentinels; returns (input, target), both without the end token.

    About `density` of the places are noise, in spans of `mean_span` places on average; the first place is never
    noise.
    """
    noise = noise_mask(len(row), density, mean_span, rng)
    source: list[int] = []
    target: list[int] = []
    spans = 0
    for index, token in enumerate(row):
        if not noise[index]:
            source.append(token)
            continue
        if index == 0 or not noise[index - 1]:
            source.append(sentinels[spans])
            target.append(sentinels[spans])
            spans += 1
        target.append(token)
    return source, [*target, sentinels[spans]]


def noise_mask(length: int, density: float, mean_span: float, rng: np.random.Generator) -> np.ndarray:
    """(length,) bool with round(length * density) noise places (at least 1) in about noise / mean_span spans."""
    noise = int(np.clip(round(length * density), 1, max(length - 1, 1)))
    spans = int(np.clip(round(noise / mean_span), 1, min(noise, max(length - noise, 1))))
    noise_parts = _parts(noise, spans, rng)
    clean_parts = _parts(length - noise, spans, rng)
    flags = [
        flag for clean, dirty in zip(clean_parts, noise_parts, strict=True) for flag in [False] * clean + [True] * dirty
    ]
    return np.asarray(flags, dtype=bool)


def sentinel_ids(tokenizer: Any, count: int = 100) -> list[int]:
    """Ids of `<extra_id_0>` .. in order; CheckpointError when the tokenizer has none."""
    words = [f"<extra_id_{index}>" for index in range(count)]
    ids = tokenizer.convert_tokens_to_ids(words)
    known = [index for index in ids if index is not None and index != tokenizer.unk_token_id]
    if len(known) < count:
        raise CheckpointError(
            f"span corruption needs <extra_id_0>..<extra_id_{count - 1}> in the tokenizer; it has {len(known)} of them"
        )
    return known


def _parts(total: int, parts: int, rng: np.random.Generator) -> list[int]:
    """`total` as an ordered sum of `parts` positive numbers, all such sums alike likely (zeros when total is 0)."""
    if total < parts:
        return [1] * total + [0] * (parts - total)
    cuts = np.sort(rng.choice(total - 1, size=parts - 1, replace=False)) + 1 if parts > 1 else np.empty(0, dtype=int)
    return np.diff([0, *cuts.tolist(), total]).tolist()
