"""Motion metrics: generated and reference joints in metres with true lengths go in, mean errors come out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

#: Millimetres in a metre.
MM_PER_M = 1000.0


class _MotionMetric(Metric):
    """Sums over clips of per-clip values, each worked out on the clip's true frames."""

    full_state_update = False
    names: Sequence[str] = ()

    def __init__(
        self, cfg: Any = None, njoints: int | None = None, dist_sync_on_step: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(dist_sync_on_step=dist_sync_on_step)
        self.add_state("clips", torch.tensor(0.0), dist_reduce_fx="sum")
        for name in self.names:
            self.add_state(name, torch.tensor(0.0), dist_reduce_fx="sum")

    def update(self, joints_rst: Tensor, joints_ref: Tensor, lengths: Sequence[int], **kwargs: Any) -> None:
        """Add clips: joints (N, T, J, 3) in metres, `lengths` true frames; frames beyond are never looked at."""
        for made, meant, length in zip(joints_rst, joints_ref, lengths, strict=True):
            values = self.values(made[:length].float(), meant[:length].float())
            for name, value in values.items():
                setattr(self, name, getattr(self, name) + value)
            self.clips += 1

    def compute(self, sanity_flag: bool = False) -> dict[str, Tensor]:
        """Mean over clips of each value; NaN when no clip came."""
        return {name: getattr(self, name) / self.clips for name in self.names}

    def values(self, made: Tensor, meant: Tensor) -> dict[str, Tensor]:
        """Values of one clip, joints (T, J, 3)."""
        raise NotImplementedError


class MRMetrics(_MotionMetric):
    """Reconstruction: MPJPE and its aligned form PAMPJPE in mm, acceleration error ACCEL in mm per frame squared."""

    names = ("MPJPE", "PAMPJPE", "ACCEL")

    def values(self, made: Tensor, meant: Tensor) -> dict[str, Tensor]:
        """MPJPE is root-relative (joint 0 of every frame at the origin), as MotionGPT reports it."""
        made_local, meant_local = made - made[:, :1], meant - meant[:, :1]
        return {
            "MPJPE": MM_PER_M * (made_local - meant_local).norm(dim=-1).mean(),
            "PAMPJPE": MM_PER_M * (aligned(made, meant) - meant).norm(dim=-1).mean(),
            "ACCEL": MM_PER_M * acceleration_error(made, meant),
        }


class PredMetrics(_MotionMetric):
    """Prediction: mean (ADE) and last-frame (FDE) distance in metres over all joints of a clip."""

    names = ("ADE", "FDE")

    def values(self, made: Tensor, meant: Tensor) -> dict[str, Tensor]:
        """Distances as in Yuan and Kitani 2020 (DLow), on the clip's own last frame."""
        distance = (made - meant).flatten(1).norm(dim=-1)
        return {"ADE": distance.mean(), "FDE": distance[-1]}


def acceleration_error(made: Tensor, meant: Tensor) -> Tensor:
    """Mean distance of second differences, per frame squared; 0 for clips of fewer than three frames."""
    if len(made) < 3:
        return made.new_zeros(())
    second = [part[:-2] - 2 * part[1:-1] + part[2:] for part in (made, meant)]
    return (second[0] - second[1]).norm(dim=-1).mean()


def aligned(made: Tensor, meant: Tensor) -> Tensor:
    """`made` (T, J, 3) moved, turned and scaled onto `meant` frame by frame with least squared error (Umeyama 1991)."""
    mean_made, mean_meant = made.mean(1, keepdim=True), meant.mean(1, keepdim=True)
    left, right = made - mean_made, meant - mean_meant
    u, singular, vt = torch.linalg.svd(left.transpose(1, 2) @ right)
    sign = torch.linalg.det(u @ vt).sign()
    flip = torch.ones_like(singular)
    flip[:, -1] = sign
    rotation = (u * flip[:, None]) @ vt
    scale = (singular * flip).sum(-1) / left.pow(2).sum((1, 2)).clamp_min(1e-12)
    return scale[:, None, None] * left @ rotation + mean_meant
