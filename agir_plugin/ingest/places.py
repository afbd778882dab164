"""Numbers as a file stores them enter, float64 places with NaN where no point can be leave."""
from __future__ import annotations

import numpy as np

#: Farther from the origin than this is no place in a laboratory but a damaged number, metres.
FARTHEST_M = 1000.0
#: Highest frame rate that is believed, frames per second.
FASTEST_FPS = 10000.0


def doubles(values: np.ndarray) -> np.ndarray:
    """Numbers as float64, without a warning for the signalling NaN that damaged files hold."""
    with np.errstate(invalid="ignore"):
        return values.astype(np.float64)


def gaps_where_absurd(positions_m: np.ndarray, farthest: float = FARTHEST_M) -> np.ndarray:
    """(..., 3) with NaN for points that are not finite or farther than `farthest` from the origin on any axis."""
    with np.errstate(invalid="ignore"):
        good = (np.abs(positions_m) < farthest).all(axis=-1, keepdims=True)
    return np.where(good, positions_m, np.nan)
