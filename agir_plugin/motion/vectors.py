"""Tracks of vectors (T, 3) enter, their unit, level and square parts and their usual lengths leave."""
from __future__ import annotations

import numpy as np

#: The vertical inside the package.
UP = np.array([0.0, 1.0, 0.0])


def unit(vectors: np.ndarray) -> np.ndarray:
    """The vectors at length 1; NaN where they have none."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def level(vectors: np.ndarray) -> np.ndarray:
    """The vectors without their vertical part."""
    return vectors * (1.0 - UP)


def square(direction: np.ndarray, limb: np.ndarray) -> np.ndarray:
    """The part of a direction at right angles to a limb."""
    along = unit(limb)
    return direction - np.sum(direction * along, axis=-1, keepdims=True) * along


def median_length(vectors: np.ndarray) -> float:
    """Median length over the frames that have one; NaN when none has."""
    return median_size(np.linalg.norm(vectors, axis=-1))


def median_size(values: np.ndarray) -> float:
    """Median of the finite values; NaN when there is none."""
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if len(finite) else float("nan")
