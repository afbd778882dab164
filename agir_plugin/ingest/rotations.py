"""Angles enter, rotation matrices leave: the one convention of the skeleton readers."""
from __future__ import annotations

import numpy as np


def about(axis: int, angle_rad: np.ndarray) -> np.ndarray:
    """(T, 3, 3) right-handed rotations about axis 0, 1 or 2 by (T,) angles; they turn column vectors."""
    turn = np.zeros((len(angle_rad), 3, 3))
    turn[:, axis, axis] = 1.0
    first, second = (axis + 1) % 3, (axis + 2) % 3
    turn[:, first, first] = turn[:, second, second] = np.cos(angle_rad)
    turn[:, second, first] = np.sin(angle_rad)
    turn[:, first, second] = -turn[:, second, first]
    return turn
