"""Loss terms of batches -> their means by logged name, over all processes of a run."""

from __future__ import annotations

import torch
from torch import Tensor, distributed, nn

#: The loss terms, by the names under which they are logged (`loss/lm/train`, ...).
TERMS = ("lm", "fmt", "cls", "hidden", "total")


class TermMeans(nn.Module):
    """Mean of each loss term over the rows since the last `compute`; stands where MotionGPT keeps its `_losses`."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("sums", torch.zeros(len(TERMS)), persistent=False)
        self.register_buffer("rows", torch.zeros(()), persistent=False)

    def update(self, terms: dict[str, Tensor], rows: int) -> None:
        """Add the terms of one batch of so many rows."""
        self.sums += rows * torch.stack([terms[name].detach().float() for name in TERMS])
        self.rows += rows

    def reset(self) -> None:
        """Forget what was added."""
        self.sums, self.rows = torch.zeros_like(self.sums), torch.zeros_like(self.rows)

    def names(self, split: str) -> list[str]:
        """The names that `compute` logs."""
        return [f"loss/{name}/{split}" for name in TERMS]

    def compute(self, split: str) -> dict[str, Tensor]:
        """Means by logged name over all processes, and start anew; empty when nothing was added."""
        sums, rows = self.sums, self.rows
        if distributed.is_available() and distributed.is_initialized():
            together = torch.cat([sums, rows[None]])
            distributed.all_reduce(together)
            sums, rows = together[:-1], together[-1]
        self.reset()
        return dict(zip(self.names(split), sums / rows, strict=True)) if rows else {}
