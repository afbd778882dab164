"""Poses enter, the places of skin points that carry markers leave, with their exact derivatives; all frames at once.

Linear blend skinning (Loper et al., SMPL, 2015) of a few points instead of a whole mesh. The derivatives are analytic: when
joint `a` turns by a small vector phi of the room, a point moves by phi x q_a, where q_a sums, over the joints that move with
`a`, the point's weighted lever arms from `a`.
"""
from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from agir_plugin.consts import JOINTS, PARENTS
from agir_plugin.motion.body_model import Body

#: Joints that are fitted; the hands (22, 23) keep SMPL's rest pose.
N_JOINTS = len(JOINTS)
#: Unknowns of one frame: axis-angle of each joint, then the place of the pelvis joint.
N_UNKNOWNS = 3 * N_JOINTS + 3
#: Squared angles below this take the series of the left Jacobian.
_SMALL = 1e-8


class Placed(NamedTuple):
    """A skin in T poses: `markers` (T, M, 3) and `joints` (T, 22, 3) in metres, and what the derivatives need.

    `turns` (T, 22, 3, 3) against the parent; `world` (T, 22, 3, 3); `carriers` (T, 22, 3, 3) turn a joint's own small
    rotation into the room; `rigid` (T, M, 22, 3) where each joint alone would carry the point, times its weight; `blend`
    (T, M, 3, 3) the weighted mean rotation.
    """

    markers: torch.Tensor
    joints: torch.Tensor
    turns: torch.Tensor
    world: torch.Tensor
    carriers: torch.Tensor
    rigid: torch.Tensor
    blend: torch.Tensor


class MarkerSkin:
    """M points of a body's skin, each moved with the weights of its vertex."""

    def __init__(self, body: Body, vertices: np.ndarray, device: str = "cpu") -> None:
        """`vertices` (M,) are the points' vertex numbers; the arithmetic is float64 on `device`."""
        weights = body.weights[vertices]
        folded = weights[:, :N_JOINTS].copy()
        folded[:, 20:22] += weights[:, 22:24]
        self.weights = _tensor(folded, device)
        self.rest = _tensor(body.template_m[vertices], device)
        self.shape = _tensor(body.shape_m[vertices], device)
        self.bend = _tensor(body.pose_m[vertices][..., : 9 * (N_JOINTS - 1)], device)
        self.joints = _tensor(body.joints_m[:N_JOINTS], device)
        self.joint_shape = _tensor(body.joint_shape_m[:N_JOINTS], device)
        self.below = _tensor(_below(), device)

    def shaped(self, betas: torch.Tensor, offsets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Rest points (M, 3) with their `offsets` (M, 3) from the skin, and rest joints (22, 3), of shape `betas` (B,)."""
        return self.rest + self.shape @ betas + offsets, self.joints + self.joint_shape @ betas

    def place(self, rest: torch.Tensor, joints: torch.Tensor, unknowns: torch.Tensor, facing: torch.Tensor) -> Placed:
        """The skin in poses `unknowns` (T, 69); `facing` (T, 3, 3) turns each frame's body in the room after its root."""
        pose = unknowns[:, : 3 * N_JOINTS].reshape(-1, N_JOINTS, 3)
        turns, left = exponential(pose)
        world, places, carriers = [facing @ turns[:, 0]], [unknowns[:, 3 * N_JOINTS :]], [facing @ left[:, 0]]
        for joint in range(1, N_JOINTS):
            parent = PARENTS[joint]
            world.append(world[parent] @ turns[:, joint])
            places.append(places[parent] + world[parent] @ (joints[joint] - joints[parent]))
            carriers.append(world[parent] @ left[:, joint])
        world, places = torch.stack(world, dim=1), torch.stack(places, dim=1)
        change = (turns[:, 1:] - torch.eye(3, dtype=turns.dtype, device=turns.device)).flatten(1)
        bent = rest + torch.einsum("mcp,tp->tmc", self.bend, change)
        blend = torch.einsum("mk,tkij->tmij", self.weights, world)
        base = places - (world @ joints[..., None])[..., 0]
        rigid = self.weights[..., None] * (torch.einsum("tkij,tmj->tmki", world, bent) + base[:, None])
        return Placed(rigid.sum(dim=2), places, turns, world, torch.stack(carriers, dim=1), rigid, blend)

    def by_pose(self, placed: Placed) -> torch.Tensor:
        """(T, M, 3, 69) derivatives of the markers by the unknowns of their own frame."""
        lever = self.below @ placed.rigid
        mass = self.weights @ self.below.T
        lever = lever - mass[None, :, :, None] * placed.joints[:, None]
        columns = torch.zeros(*placed.markers.shape, N_UNKNOWNS, dtype=lever.dtype, device=lever.device)
        turned = columns[..., : 3 * N_JOINTS].unflatten(-1, (N_JOINTS, 3))  # (T, M, row, joint, unit)
        carriers = placed.carriers[:, None]
        for row in range(3):
            after, last = (row + 1) % 3, (row + 2) % 3
            turned[:, :, row] = carriers[..., after, :] * lever[..., last, None] - carriers[..., last, :] * lever[..., after, None]
        columns[..., 3 : 3 * N_JOINTS] += self._by_bending(placed)
        columns[..., 3 * N_JOINTS :] = torch.eye(3, dtype=lever.dtype, device=lever.device)
        return columns

    def by_shape(self, placed: Placed) -> torch.Tensor:
        """(T, M, 3, B) derivatives of the markers by the betas, joints included."""
        moved = [self.joint_shape[0].expand(len(placed.world), -1, -1) * 0.0]
        for joint in range(1, N_JOINTS):
            parent = PARENTS[joint]
            moved.append(moved[parent] + placed.world[:, parent] @ (self.joint_shape[joint] - self.joint_shape[parent]))
        joints = torch.stack(moved, dim=1) - placed.world @ self.joint_shape
        return placed.blend @ self.shape + torch.einsum("mk,tkcb->tmcb", self.weights, joints)

    def _by_bending(self, placed: Placed) -> torch.Tensor:
        """(T, M, 3, 63) derivatives through the pose blend shapes of joints 1 to 21, by their axis-angles."""
        left = placed.world[:, list(PARENTS[1:])].mT @ placed.carriers[:, 1:]
        units = torch.linalg.cross(left.mT[..., None, :], placed.turns[:, 1:].mT[:, :, None], dim=-1)  # (T, 21, unit, column, row)
        entries = units.permute(0, 1, 4, 3, 2).reshape(len(left), N_JOINTS - 1, 9, 3)
        bend = self.bend.reshape(len(self.bend), 3, N_JOINTS - 1, 9)
        moved = torch.einsum("mcan,tanu->tmcau", bend, entries)
        return placed.blend @ moved.flatten(3)


def exponential(axis_angle: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(..., 3, 3) rotations of axis-angle vectors and their left Jacobians (Sola et al. 2018, eqs. 132, 145)."""
    square = (axis_angle**2).sum(dim=-1)
    near = square < _SMALL
    safe = torch.where(near, torch.ones_like(square), square)
    angle = safe.sqrt()
    first = torch.where(near, 1 - square / 6, angle.sin() / angle)
    second = torch.where(near, 0.5 - square / 24, (1 - angle.cos()) / safe)
    third = torch.where(near, 1 / 6 - square / 120, (angle - angle.sin()) / (safe * angle))
    cross = _cross_matrix(axis_angle)
    twice = cross @ cross
    one = torch.eye(3, dtype=cross.dtype, device=cross.device)
    first, second, third = (factor[..., None, None] for factor in (first, second, third))
    return one + first * cross + second * twice, one + second * cross + third * twice


def _cross_matrix(vectors: torch.Tensor) -> torch.Tensor:
    x, y, z = vectors.unbind(dim=-1)
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).reshape(*x.shape, 3, 3)


def _below() -> np.ndarray:
    """(22, 22) 1 where the column's joint moves with the row's."""
    below = np.eye(N_JOINTS)
    for joint in range(N_JOINTS - 1, 0, -1):
        below[PARENTS[joint]] += below[joint]
    return below


def _tensor(values: np.ndarray, device: str) -> torch.Tensor:
    return torch.as_tensor(np.ascontiguousarray(values), dtype=torch.float64, device=device)
