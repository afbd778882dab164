"""Texts to token batches: a list of texts goes in, ids and mask padded to the longest of this batch come out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

#: Label value that no loss counts (PyTorch's default `ignore_index`).
IGNORED = -100


class TextBatch(NamedTuple):
    """ids and mask (B, longest) int64; `truncated` lists the rows that were cut at the maximal length."""

    ids: Tensor
    mask: Tensor
    truncated: tuple[int, ...]

    def labels(self) -> Tensor:
        """ids with padding as IGNORED."""
        return self.ids.masked_fill(self.mask == 0, IGNORED)


def encode(tokenizer: Any, texts: Sequence[str], max_length: int, device: torch.device) -> TextBatch:
    """Tokenise and pad to the longest row, at most `max_length`; a row that is cut still ends with the end token."""
    rows = tokenizer(list(texts), add_special_tokens=True, padding=False, truncation=False, verbose=False)["input_ids"]
    rows = [row if row and row[-1] == tokenizer.eos_token_id else [*row, tokenizer.eos_token_id] for row in rows]
    truncated = tuple(index for index, row in enumerate(rows) if len(row) > max_length)
    kept = [row if len(row) <= max_length else [*row[: max_length - 1], tokenizer.eos_token_id] for row in rows]
    return pad(kept, tokenizer.pad_token_id, device, truncated)


def pad(rows: Sequence[Sequence[int]], pad_id: int, device: torch.device, truncated: tuple[int, ...] = ()) -> TextBatch:
    """Rows of ids to one right-padded batch."""
    longest = max(len(row) for row in rows)
    ids = torch.full((len(rows), longest), pad_id, dtype=torch.long)
    mask = torch.zeros((len(rows), longest), dtype=torch.long)
    for index, row in enumerate(rows):
        ids[index, : len(row)] = torch.as_tensor(row)
        mask[index, : len(row)] = 1
    return TextBatch(ids.to(device), mask.to(device), truncated)
