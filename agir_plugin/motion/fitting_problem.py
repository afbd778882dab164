"""The energies of marker fitting: a walk with a known body, and a static trial whose body is sought. Unknowns in, steps out.

A marker's term is Geman-McClure's of its distance in units of `MARKER_SPREAD_M`; pose, shape and marker places have
quadratic priors; a walk's unknowns have small second differences. Nothing here reads files or knows marker names.
"""
from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from agir_plugin.motion.fitting_prior import angles_rad, smoothness
from agir_plugin.motion.fitting_skin import N_JOINTS, N_UNKNOWNS, MarkerSkin, Placed
from agir_plugin.motion.fitting_solve import banded_step, differences_gradient, robust, second_differences

#: Spread of a marker around its place on the fitted skin, metres: noise, soft tissue and what the body cannot follow.
MARKER_SPREAD_M = 0.005
#: Distance of a marker's centre from the skin, metres: what public marker layouts for MoSh++ state.
MARKER_RADIUS_M = 0.0095
#: Spread of a marker's place against its vertex along the skin and along its normal, metres.
ALONG_SKIN_M, OFF_SKIN_M = 0.012, 0.002


class WalkModel(NamedTuple):
    """Quadratic model of a walk's energy: `blocks` (T, 69, 69) and `gradient` (T, 69), half of each."""

    blocks: torch.Tensor
    gradient: torch.Tensor


class ShapeModel(NamedTuple):
    """Quadratic model with frames of their own, (F, 69, ...), shared unknowns (G, ...), and what couples both (F, 69, G)."""

    blocks: torch.Tensor
    gradient: torch.Tensor
    shared: torch.Tensor
    shared_gradient: torch.Tensor
    coupling: torch.Tensor


class Observed:
    """Marker places (T, M, 3) with NaN where unseen, the heading of each frame, and their robust distance to a skin."""

    def __init__(self, places_m: np.ndarray, facing: np.ndarray, device: str) -> None:
        """`facing` (T, 3, 3) are the headings that the root's axis-angle comes after."""
        places = torch.as_tensor(places_m, dtype=torch.float64, device=device)
        self.seen = torch.isfinite(places).all(dim=-1)
        self.places = torch.where(self.seen[..., None], places, 0.0)
        self.facing = torch.as_tensor(facing, dtype=torch.float64, device=device)
        mean, spread = angles_rad()
        self.mean = torch.zeros(N_UNKNOWNS, dtype=torch.float64, device=device)
        self.mean[: 3 * N_JOINTS] = torch.as_tensor(mean)
        self.precision = torch.zeros_like(self.mean)
        self.precision[: 3 * N_JOINTS] = torch.as_tensor(spread**-2)

    def away(self, markers: torch.Tensor) -> torch.Tensor:
        """(T, M, 3) from the observed to the given places, 0 where unseen."""
        return torch.where(self.seen[..., None], markers - self.places, 0.0)

    def energy(self, markers: torch.Tensor, unknowns: torch.Tensor, reach_m: float) -> torch.Tensor:
        """The markers' terms and the pose prior."""
        terms, _ = robust((self.away(markers) ** 2).sum(dim=-1), reach_m)
        return terms.sum() / MARKER_SPREAD_M**2 + (self.precision * (unknowns - self.mean) ** 2).sum()

    def weighted(self, placed: Placed, reach_m: float) -> tuple[torch.Tensor, torch.Tensor]:
        """Square roots of the markers' weights (T, M, 1), 0 where unseen, and the weighted distances (T, 3 M)."""
        away = self.away(placed.markers)
        _, weights = robust((away**2).sum(dim=-1), reach_m)
        root = (weights.sqrt() * self.seen / MARKER_SPREAD_M)[..., None]
        return root, (root * away).flatten(1)

    def own_model(self, rows: torch.Tensor, distances: torch.Tensor, unknowns: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Blocks and gradient of markers and prior, from weighted derivatives (T, 3 M, 69) and distances (T, 3 M)."""
        gradient = (rows.mT @ distances[..., None])[..., 0] + self.precision * (unknowns - self.mean)
        return rows.mT @ rows + torch.diag(self.precision), gradient


class WalkProblem:
    """Poses of T frames of a known body: unknowns (T, 69)."""

    def __init__(self, skin: MarkerSkin, rest: torch.Tensor, joints: torch.Tensor, observed: Observed, fps: float) -> None:
        """`rest` (M, 3) and `joints` (22, 3) are the subject's own, from `MarkerSkin.shaped`."""
        self.skin, self.rest, self.joints, self.observed = skin, rest, joints, observed
        self.smooth = smoothness(fps)
        self.smooth_weights = torch.as_tensor(self.smooth, device=rest.device)

    def place(self, unknowns: torch.Tensor) -> Placed:
        """The skin in these poses."""
        return self.skin.place(self.rest, self.joints, unknowns, self.observed.facing)

    def energy(self, unknowns: torch.Tensor, reach_m: float) -> float:
        """The whole energy."""
        return float(self.energy_tensor(unknowns, reach_m))

    def energy_tensor(self, unknowns: torch.Tensor, reach_m: float) -> torch.Tensor:
        """The same, for other minimisers to differentiate."""
        smooth = (self.smooth_weights * second_differences(unknowns) ** 2).sum()
        return self.observed.energy(self.place(unknowns).markers, unknowns, reach_m) + smooth

    def linearise(self, unknowns: torch.Tensor, reach_m: float) -> WalkModel:
        """The model at these poses; the smoothness part of its matrix is left to `step`."""
        placed = self.place(unknowns)
        root, distances = self.observed.weighted(placed, reach_m)
        rows = (root[..., None] * self.skin.by_pose(placed)).flatten(1, 2)
        blocks, gradient = self.observed.own_model(rows, distances, unknowns)
        return WalkModel(blocks, gradient + self.smooth_weights * differences_gradient(unknowns))

    def step(self, model: WalkModel, damping: float) -> torch.Tensor:
        """One damped step of all frames together."""
        return banded_step(model.blocks, model.gradient, self.smooth, damping)


class ShapeProblem:
    """Betas, marker places and the poses of F frames: unknowns are B betas, 3 M offsets and F x 69 in one row."""

    def __init__(self, skin: MarkerSkin, normals: np.ndarray, observed: Observed) -> None:
        """`normals` (M, 3) are the skin's at the markers' vertices."""
        self.skin, self.observed = skin, observed
        self.n_betas = skin.shape.shape[-1]
        normal = torch.as_tensor(normals, dtype=torch.float64, device=skin.rest.device)
        self.nominal = MARKER_RADIUS_M * normal
        across = torch.eye(3, dtype=normal.dtype, device=normal.device) - normal[:, :, None] * normal[:, None]
        self.offset_precision = across / ALONG_SKIN_M**2 + normal[:, :, None] * normal[:, None] / OFF_SKIN_M**2

    def split(self, unknowns: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Betas (B,), offsets (M, 3) and poses (F, 69)."""
        shared = self.n_betas + self.nominal.numel()
        offsets = unknowns[self.n_betas : shared].reshape(self.nominal.shape)
        return unknowns[: self.n_betas], offsets, unknowns[shared:].reshape(-1, N_UNKNOWNS)

    def start(self, poses: torch.Tensor) -> torch.Tensor:
        """Unknowns of the average shape with every marker at its nominal place."""
        return torch.cat([poses.new_zeros(self.n_betas), self.nominal.flatten(), poses.flatten()])

    def place(self, unknowns: torch.Tensor) -> Placed:
        """The skin of this shape in these poses."""
        betas, offsets, poses = self.split(unknowns)
        return self.skin.place(*self.skin.shaped(betas, offsets), poses, self.observed.facing)

    def energy(self, unknowns: torch.Tensor, reach_m: float) -> float:
        """The whole energy: markers, poses, betas with unit spread, and offsets."""
        betas, offsets, poses = self.split(unknowns)
        moved = offsets - self.nominal
        placed = torch.einsum("mi,mij,mj->", moved, self.offset_precision, moved)
        return float(self.observed.energy(self.place(unknowns).markers, poses, reach_m) + (betas**2).sum() + placed)

    def linearise(self, unknowns: torch.Tensor, reach_m: float) -> ShapeModel:
        """The model at these unknowns."""
        betas, offsets, poses = self.split(unknowns)
        placed = self.place(unknowns)
        root, distances = self.observed.weighted(placed, reach_m)
        rows = (root[..., None] * self.skin.by_pose(placed)).flatten(1, 2)
        common = (root[..., None] * self._by_shared(placed)).flatten(1, 2)
        blocks, gradient = self.observed.own_model(rows, distances, poses)
        shared = (common.mT @ common).sum(dim=0) + self._shared_precision()
        pull = torch.einsum("mij,mj->mi", self.offset_precision, offsets - self.nominal)
        shared_gradient = (common.mT @ distances[..., None])[..., 0].sum(dim=0) + torch.cat([betas, pull.flatten()])
        return ShapeModel(blocks, gradient, shared, shared_gradient, rows.mT @ common)

    def step(self, model: ShapeModel, damping: float) -> torch.Tensor:
        """One damped step: the frames are eliminated (Schur complement), the shared unknowns solved, the frames put back."""
        factor = torch.linalg.cholesky(_damped(model.blocks, damping))
        solved = torch.cholesky_solve(torch.cat([model.gradient[..., None], model.coupling], dim=-1), factor)
        reduced = _damped(model.shared, damping) - (model.coupling.mT @ solved[..., 1:]).sum(dim=0)
        right = model.shared_gradient - (model.coupling.mT @ solved[..., :1])[..., 0].sum(dim=0)
        shared = -torch.cholesky_solve(right[:, None], torch.linalg.cholesky(reduced))[:, 0]
        frames = -(solved[..., 0] + solved[..., 1:] @ shared)
        return torch.cat([shared, frames.flatten()])

    def _by_shared(self, placed: Placed) -> torch.Tensor:
        """(F, M, 3, B + 3 M) derivatives by betas and offsets; an offset moves its own marker only."""
        frames, markers = placed.markers.shape[:2]
        offsets = placed.markers.new_zeros(frames, markers, 3, markers, 3)
        index = torch.arange(markers, device=offsets.device)
        offsets[:, index, :, index] = placed.blend.transpose(0, 1)
        return torch.cat([self.skin.by_shape(placed), offsets.flatten(3)], dim=-1)

    def _shared_precision(self) -> torch.Tensor:
        one = torch.ones(self.n_betas, dtype=self.nominal.dtype, device=self.nominal.device)
        return torch.block_diag(torch.diag(one), *self.offset_precision)


def _damped(matrix: torch.Tensor, damping: float) -> torch.Tensor:
    return matrix + torch.diag_embed(damping * torch.diagonal(matrix, dim1=-2, dim2=-1))
