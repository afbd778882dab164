"""Upright marker places and where they lie on a body in neutral posture enter; each frame's heading and first pose leave."""
from __future__ import annotations

import numpy as np
import torch

from agir_plugin.motion.fitting_prior import angles_rad
from agir_plugin.motion.fitting_skin import N_JOINTS, N_UNKNOWNS, MarkerSkin
from agir_plugin.motion.signals import hold_and_interpolate, low_pass

#: Markers that a frame must show for its heading to be measured.
FEWEST_MARKERS = 4
#: Cut-off of the low-pass of the heading, Hz: it follows turns and leaves the steps' rotation of the pelvis to the pose.
HEADING_CUTOFF_HZ = 0.7


def neutral_markers(skin: MarkerSkin, rest: torch.Tensor, joints: torch.Tensor) -> np.ndarray:
    """(M, 3) the skin's markers in the prior's mean pose, facing +z, the pelvis joint in the origin."""
    unknowns = rest.new_zeros(1, N_UNKNOWNS)
    unknowns[0, : 3 * N_JOINTS] = rest.new_tensor(angles_rad()[0])
    ahead = torch.eye(3, dtype=rest.dtype, device=rest.device)[None]
    return skin.place(rest, joints, unknowns, ahead).markers[0].cpu().numpy()


def headings(places_m: np.ndarray, neutral_m: np.ndarray, fps: float) -> np.ndarray:
    """(T, 3, 3) rotations about the vertical that lay the neutral markers (M, 3) onto the seen ones (T, M, 3), smoothed.

    Least squares in the horizontal plane, frame by frame; smoothed as directions, so that turns of any size are followed.
    """
    seen, ours, theirs = _centred(places_m, neutral_m)
    along = (ours[..., 0] * theirs[..., 0] + ours[..., 2] * theirs[..., 2]).sum(axis=1)
    across = (ours[..., 2] * theirs[..., 0] - ours[..., 0] * theirs[..., 2]).sum(axis=1)
    direction = np.stack([along, across], axis=-1)
    direction /= np.maximum(np.linalg.norm(direction, axis=-1, keepdims=True), 1e-12)
    direction[seen.sum(axis=1) < FEWEST_MARKERS] = np.nan
    cosine, sine = np.moveaxis(low_pass(hold_and_interpolate(direction), fps, HEADING_CUTOFF_HZ), -1, 0)
    length = np.maximum(np.hypot(cosine, sine), 1e-12)
    turn = np.zeros((len(places_m), 3, 3))
    turn[:, 0, 0] = turn[:, 2, 2] = cosine / length
    turn[:, 0, 2], turn[:, 1, 1] = sine / length, 1.0
    turn[:, 2, 0] = -turn[:, 0, 2]
    return turn


def first_unknowns(places_m: np.ndarray, neutral_m: np.ndarray, facing: np.ndarray) -> np.ndarray:
    """(T, 69) the neutral pose in each frame, its pelvis where the seen markers' middle asks for it."""
    seen, _, _ = _centred(places_m, neutral_m)
    count = np.maximum(seen.sum(axis=1), 1)[:, None]
    difference = np.where(seen[..., None], places_m - np.einsum("tij,mj->tmi", facing, neutral_m), 0.0)
    root = difference.sum(axis=1) / count
    root[seen.sum(axis=1) < FEWEST_MARKERS] = np.nan
    mean, _ = angles_rad()
    return np.concatenate([np.tile(mean, (len(root), 1)), hold_and_interpolate(root)], axis=1)


def _centred(places_m: np.ndarray, neutral_m: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What is seen (T, M), and both sets of markers about their middle over what is seen, 0 elsewhere."""
    seen = np.isfinite(places_m).all(axis=-1)
    count = np.maximum(seen.sum(axis=1), 1)[:, None, None]
    both = []
    for places in (np.broadcast_to(neutral_m, places_m.shape), places_m):
        kept = np.where(seen[..., None], places, 0.0)
        both.append(np.where(seen[..., None], kept - kept.sum(axis=1, keepdims=True) / count, 0.0))
    return seen, both[0], both[1]
