"""Angles about named axes enter, rotation matrices leave; skeleton files say their poses so."""

from __future__ import annotations

import numpy as np


def about(axis: int, angle_rad: np.ndarray) -> np.ndarray:
    """(..., 3, 3) right-handed rotations by (...) angles about axis 0, 1 or 2."""
    turn = np.zeros((*angle_rad.shape, 3, 3))
    turn[..., axis, axis] = 1.0
    first, second = (axis + 1) % 3, (axis + 2) % 3
    turn[..., first, first] = turn[..., second, second] = np.cos(angle_rad)
    turn[..., second, first] = np.sin(angle_rad)
    turn[..., first, second] = -turn[..., second, first]
    return turn


def in_order(angles_rad: np.ndarray, axes: str) -> np.ndarray:
    """(..., 3, 3) rotations by (..., n) angles about the fixed axes that `axes` names ("XYZ"), the first one applied first."""
    turn = np.broadcast_to(np.eye(3), (*angles_rad.shape[:-1], 3, 3))
    for index, axis in enumerate(axes):
        turn = about("XYZ".index(axis), angles_rad[..., index]) @ turn
    return turn
