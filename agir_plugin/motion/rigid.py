"""Landmarks with gaps enter, landmarks put back from others on the same rigid part of the body leave."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from agir_plugin.motion.signals import hold_and_interpolate

#: Points that fix a rigid body in space.
NEEDED = 3
#: Frames that are averaged to a part's shape; more do not make it better.
SHAPE_FRAMES = 200


def fill_from_clusters(marks: Mapping[str, np.ndarray], clusters: Sequence[Sequence[str]]) -> dict[str, np.ndarray]:
    """Landmarks (T, 3) with gaps filled wherever at least three others of one cluster are seen in the same frame.

    The cluster's mean shape is laid onto what is seen (least squares, Kabsch 1976); what remains between shape and
    landmark before and after the gap is carried across it, so the track has no step at the gap's ends.
    """
    filled = dict(marks)
    for cluster in clusters:
        members = _seen_together([name for name in cluster if name in filled], filled)
        if len(members) <= NEEDED:
            continue
        stack = np.stack([filled[name] for name in members], axis=1)
        for index, name in enumerate(members):
            if np.isnan(stack[:, index]).any():
                filled[name] = _fill_one(stack, index)
    return filled


def fit(shape: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rotation (N, 3, 3) and translation (N, 3) that lay a shape (P, 3) onto places (N, P, 3) best (Kabsch 1976)."""
    middle, centre = shape.mean(axis=0), places.mean(axis=1)
    covariance = np.einsum("pi,npj->nij", shape - middle, places - centre[:, None])
    left, _, right = np.linalg.svd(covariance)
    turn = np.swapaxes(left @ right, -1, -2)
    right[:, 2] *= np.sign(np.linalg.det(turn))[:, None]
    turn = np.swapaxes(left @ right, -1, -2)
    return turn, centre - np.einsum("nij,j->ni", turn, middle)


def _seen_together(names: Sequence[str], marks: Mapping[str, np.ndarray]) -> list[str]:
    """The most landmarks of a cluster that are all seen in at least one frame, the rarest given up first."""
    members = sorted(names, key=lambda name: -np.isfinite(marks[name]).all(axis=-1).sum())
    while len(members) > NEEDED:
        if np.isfinite(np.stack([marks[name] for name in members], axis=1)).all(axis=(1, 2)).any():
            return members
        members.pop()
    return members


def _fill_one(stack: np.ndarray, index: int) -> np.ndarray:
    """(T, 3) track of one member with its gaps filled from the others; frames with fewer than three others stay NaN."""
    track = stack[:, index]
    shape = _mean_shape(stack)
    seen = np.isfinite(stack).all(axis=-1)
    others = seen.copy()
    others[:, index] = False
    predicted = np.full_like(track, np.nan)
    patterns, inverse = np.unique(others, axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        if pattern.sum() < NEEDED:
            continue
        frames = np.flatnonzero(inverse.reshape(-1) == number)
        turn, shift = fit(shape[pattern], stack[frames][:, pattern])
        predicted[frames] = np.einsum("nij,j->ni", turn, shape[index]) + shift
    rest = hold_and_interpolate(track - predicted)
    return np.where(seen[:, index, None], track, predicted + rest)


def _mean_shape(stack: np.ndarray) -> np.ndarray:
    """(P, 3) mean shape of a cluster over the frames in which all of it is seen."""
    whole = np.flatnonzero(np.isfinite(stack).all(axis=(1, 2)))
    whole = whole[:: max(1, len(whole) // SHAPE_FRAMES)]
    first = stack[whole[0]]
    turn, shift = fit(first, stack[whole])
    return np.einsum("nji,npj->npi", turn, stack[whole] - shift[:, None]).mean(axis=0)
