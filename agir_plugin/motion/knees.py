"""Hip and ankle centres of legs without a knee enter, knees where such a leg bends leave, flagged as not measured."""
from __future__ import annotations

import numpy as np

from agir_plugin.consts import SIDES
from agir_plugin.motion.marks import forward_of_feet
from agir_plugin.motion.vectors import UP, level, square, unit

#: Thigh as a part of thigh plus shank: 0.245 and 0.246 of the body height (Drillis & Contini, in Winter 2009, table 4.1).
THIGH_PART = 0.245 / 0.491
#: The leg is this percentile of the hip's distance from the ankle: once a stride the knee is almost straight ...
STRAIGHT_PERCENTILE = 98.0
#: ... but for about 5 degrees, which shorten the distance by this part.
NEVER_STRAIGHT = 1.001


def add_knees(centres: dict[str, np.ndarray]) -> list[str]:
    """Add knees (T, 3) that were not marked, bent forwards between hip and ankle; flags ("knees_not_measured").

    Nothing is measured at such a knee: the skeleton needs it to be whole.
    """
    lacking = [side for side in SIDES if f"{side}_knee" not in centres]
    for side in lacking:
        hip, ankle = centres[f"{side}_hip"], centres[f"{side}_ankle"]
        centres[f"{side}_knee"] = _between(hip, ankle, _forward(centres))
    return ["knees_not_measured"] if lacking else []


def _forward(centres: dict[str, np.ndarray]) -> np.ndarray:
    """(T, 3) level direction in which knees bend: the feet's, or square to the hips where no foot is marked."""
    feet = forward_of_feet(centres)
    across = unit(level(centres["left_hip"] - centres["right_hip"]))
    hips = np.cross(across, UP)
    return hips if feet is None else np.where(np.isnan(feet), hips, feet)


def _between(hip: np.ndarray, ankle: np.ndarray, forward: np.ndarray) -> np.ndarray:
    """The knee of a leg with two rigid bones, ahead of the line from hip to ankle."""
    down = ankle - hip
    apart = np.linalg.norm(down, axis=-1, keepdims=True)
    if not np.isfinite(apart).any():
        return np.full_like(hip, np.nan)
    leg = NEVER_STRAIGHT * float(np.nanpercentile(apart, STRAIGHT_PERCENTILE))
    thigh, shank = THIGH_PART * leg, (1.0 - THIGH_PART) * leg
    reach = np.minimum(apart, leg)
    along = (thigh**2 - shank**2 + reach**2) / (2.0 * np.maximum(reach, 1e-9))
    ahead = np.sqrt(np.maximum(thigh**2 - along**2, 0.0))
    return hip + along * unit(down) * apart / np.maximum(reach, 1e-9) + ahead * unit(square(forward, down))
