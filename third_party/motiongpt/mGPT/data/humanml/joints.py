"""HumanML3D features to joints: raw features (..., T, 263) go in, joints (..., T, 22, 3) in metres come out."""

from __future__ import annotations

import torch
from torch import Tensor


def feature_joints(features: Tensor, joints: int = 22) -> Tensor:
    """Joint positions from the root track and the root-local positions (HumanML3D, Guo et al. 2022). The y axis is up.

    Channel 0 is half the yaw step per frame, 1:3 the root's step over the ground in its own heading, 3 its height,
    and 4:4+3(J-1) the other joints with the root's ground position and heading taken out.
    """
    heading = torch.zeros_like(features[..., 0])
    heading[..., 1:] = -2 * features[..., :-1, 0].cumsum(-1)
    steps = torch.zeros_like(features[..., :3])
    steps[..., 1:, 0], steps[..., 1:, 2] = features[..., :-1, 1], features[..., :-1, 2]
    root = _turn(steps, heading).cumsum(-2)
    root = torch.stack([root[..., 0], features[..., 3], root[..., 2]], dim=-1)
    local = features[..., 4 : 4 + 3 * (joints - 1)].unflatten(-1, (joints - 1, 3))
    others = _turn(local, heading[..., None])
    ground = root * root.new_tensor([1.0, 0.0, 1.0])
    return torch.cat([root[..., None, :], others + ground[..., None, :]], dim=-2)


def _turn(points: Tensor, angle: Tensor) -> Tensor:
    """Points turned about the y axis by `angle` (radians, right-handed: from z towards x)."""
    cosine, sine = angle.cos(), angle.sin()
    x, y, z = points.unbind(-1)
    return torch.stack([x * cosine + z * sine, y, z * cosine - x * sine], dim=-1)
