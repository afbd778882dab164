"""Numbers as a file stores them enter, float64 places with NaN where no point can be leave."""
from __future__ import annotations

from pathlib import Path

import numpy as np

from agir_plugin.errors import UnusableRecording

#: Farther from the origin than this is no place in a laboratory but a damaged number, metres.
FARTHEST_M = 1000.0
#: A walk has no more places (frames times points); a guard, so that reading stays below 1 GB of memory.
MOST_PLACES = 8_000_000
#: ... and no more frames: 83 minutes at 100 frames per second.
MOST_FRAMES = 500_000
#: Highest frame rate that is believed, frames per second.
FASTEST_FPS = 10000.0
#: Names of length units (lower case) -> metres.
METRES = {
    "mm": 0.001, "millimeters": 0.001, "millimetres": 0.001, "cm": 0.01, "centimeters": 0.01, "centimetres": 0.01,
    "dm": 0.1, "m": 1.0, "meters": 1.0, "metres": 1.0, "in": 0.0254, "inch": 0.0254, "inches": 0.0254, "ft": 0.3048,
}


def doubles(values: np.ndarray) -> np.ndarray:
    """Numbers as float64, without a warning for the signalling NaN that damaged files hold."""
    with np.errstate(invalid="ignore"):
        return values.astype(np.float64)


def gaps_where_absurd(positions_m: np.ndarray, farthest: float = FARTHEST_M) -> np.ndarray:
    """(..., 3) with NaN for points that are not finite or farther than `farthest` from the origin on any axis."""
    with np.errstate(invalid="ignore"):
        good = ((positions_m < farthest) & (positions_m > -farthest)).all(axis=-1, keepdims=True)
    return np.where(good, positions_m, np.nan)


def gaps_where_lost(positions_m: np.ndarray) -> np.ndarray:
    """(..., 3) with NaN also for exact (0, 0, 0), which many systems write for a marker that was not seen."""
    lost = (positions_m == 0).all(axis=-1)
    places = gaps_where_absurd(positions_m)
    places[lost] = np.nan
    return places


def refuse_too_many(path: Path, frames: int, points: int = 0, most: int = MOST_PLACES) -> None:
    """Raise UnusableRecording for more frames or places than a walk has, before memory is taken for them."""
    if frames > MOST_FRAMES or frames * points > most:
        raise UnusableRecording(
            f"{path}: expected one walk of at most {MOST_FRAMES:,} frames and {most:,} places, got {frames:,} frames"
            f"{f' of {points:,} points' if points else ''}; cut it into single walks"
        )
