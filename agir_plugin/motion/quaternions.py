"""Unit quaternions (w, x, y, z) in single precision over any leading axes: product, rotation, shortest arc, matrix.

Single precision on purpose: HumanML3D's published features come from it, and where a bone points nearly against its raw
direction its rounding shows in the fifth decimal. Double precision would be better numbers and worse agreement.
"""
from __future__ import annotations

import numpy as np

#: The precision of HumanML3D's quaternion arithmetic.
SINGLE = np.float32
#: Smallest length that a direction can be told from.
TINY = 1e-12


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors of length 1 along the last axis, in the precision they came in; a zero vector stays zero."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), TINY)


def multiply(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Hamilton product: the rotation that turns by `second`, then by `first`."""
    a, b, c, d = np.moveaxis(np.asarray(first, SINGLE), -1, 0)
    e, f, g, h = np.moveaxis(np.asarray(second, SINGLE), -1, 0)
    return np.stack(
        [
            a * e - b * f - c * g - d * h,
            b * e + a * f - d * g + c * h,
            c * e + d * f + a * g - b * h,
            d * e - c * f + b * g + a * h,
        ],
        axis=-1,
    )


def inverse(turn: np.ndarray) -> np.ndarray:
    """The opposite rotation of a unit quaternion."""
    return np.asarray(turn, SINGLE) * np.array([1.0, -1.0, -1.0, -1.0], SINGLE)


def rotate(turn: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Vectors (..., 3) turned by unit quaternions (..., 4); leading axes broadcast."""
    vectors = np.asarray(vectors, SINGLE)
    scalar, axis = np.split(np.asarray(turn, SINGLE), [1], axis=-1)
    across = np.cross(axis, vectors)
    return vectors + SINGLE(2.0) * (scalar * across + np.cross(axis, across))


def between(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The shortest rotation from one direction to the other; half a turn about any square axis for opposite ones."""
    first, second = np.broadcast_arrays(np.asarray(first, SINGLE), np.asarray(second, SINGLE))
    lengths = np.sum(first**2, axis=-1, keepdims=True) * np.sum(second**2, axis=-1, keepdims=True)
    scalar = np.sqrt(lengths) + np.sum(first * second, axis=-1, keepdims=True)
    turn = np.concatenate([scalar, np.cross(first, second)], axis=-1)
    opposite = ~(np.linalg.norm(turn, axis=-1, keepdims=True) > 0)
    if opposite.any():
        helper = np.where(np.abs(first[..., :1]) < 0.9, np.eye(3, dtype=SINGLE)[0], np.eye(3, dtype=SINGLE)[1])
        half_turn = np.concatenate([np.zeros_like(scalar), np.cross(first, helper)], axis=-1)
        turn = np.where(opposite, half_turn, turn)
    return turn / np.maximum(np.linalg.norm(turn, axis=-1, keepdims=True), TINY).astype(SINGLE)


def two_columns(turn: np.ndarray) -> np.ndarray:
    """(..., 6) first and second column of the rotation matrix: the continuous form of Zhou et al. 2019."""
    w, x, y, z = np.moveaxis(unit(turn.astype(np.float64)), -1, 0)
    first = [1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y + w * z), 2.0 * (x * z - w * y)]
    second = [2.0 * (x * y - w * z), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z + w * x)]
    return np.stack([*first, *second], axis=-1)
