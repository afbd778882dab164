"""A `Walk` in; heel strikes and toe-offs by three published methods out, as they were published: nothing is refined.

They stand beside the default method for comparison; docs/gait-parameters.md gives the error of each.
"""
from __future__ import annotations

from itertools import pairwise

import numpy as np

from agir_plugin.gait import signals
from agir_plugin.gait.course import Walk
from agir_plugin.gait.events import EDGE_RISE, MIN_STRIDE_S, REST_S, RISE, Events, extrema, one_per_stride, without_doubles
from agir_plugin.gait.geometry import UP

#: Cut-off of the low-pass that O'Connor et al. prescribe, Hz.
OCONNOR_HZ = 7.0
#: They look for heel strikes only while the foot's centre is below this share of its range of heights.
LOW_FOOT = 0.35
#: That range is taken over this long on either side, seconds: about a stride, so that a sloping floor does no harm.
STRIDE_S = 1.2
#: A heel or toe is down when it is within this share of its range of heights above its lowest point.
DOWN = 0.05


def zeni(walk: Walk) -> Events:
    """Heel strikes and toe-offs where the heel is farthest ahead of, the toe farthest behind the pelvis.

    Zeni, Richards & Higginson, Gait Posture 27:710 (2008), coordinate-based method. The extremum is placed between
    samples by a parabola.
    """
    pelvis = walk.points.joint("pelvis") @ walk.forward

    def strikes(side: int) -> np.ndarray:
        ahead = walk.points.heel_m[:, side] @ walk.forward - pelvis
        return _between_samples(ahead, extrema(ahead, walk.points.fps))

    def offs(side: int) -> np.ndarray:
        behind = pelvis - walk.points.toe_m[:, side] @ walk.forward
        return _between_samples(behind, extrema(behind, walk.points.fps))

    return _events([strikes(0), strikes(1)], [offs(0), offs(1)])


def oconnor(walk: Walk) -> Events:
    """Heel strikes at the minima, toe-offs at the maxima of the vertical velocity of the foot's centre.

    O'Connor, Thorpe, O'Malley & Vaughan, Gait Posture 25:469 (2007): the centre is half-way between heel and toe, heel
    strikes are sought while it is low. The walk must have been smoothed at `OCONNOR_HZ`. A foot that comes down flat
    has no minimum there: its strike is the moment at which it becomes low.
    """
    fps = walk.points.fps
    heights = ((walk.points.heel_m + walk.points.toe_m) / 2) @ UP
    strikes, offs = [], []
    for height in heights.T:
        rising = signals.velocity(height, fps)
        size = signals.spread(rising)
        leaving = signals.peaks(rising, round(MIN_STRIDE_S * fps), RISE * size, EDGE_RISE * size)
        falling = signals.peaks(-rising, 1, RISE * size, EDGE_RISE * size)
        low = height < _low_level(height, round(STRIDE_S * fps))
        bounds = pairwise([0, *(int(at) for at in leaving), len(height)])
        landing = [_landing(low, falling, start, stop, round(REST_S * fps)) for start, stop in bounds]
        strikes.append(_between_samples(-rising, np.array([at for at in landing if at is not None], int)))
        offs.append(_between_samples(rising, leaving))
    return _events(strikes, offs)


def minimum_height(walk: Walk) -> Events:
    """Heel strikes where the heel reaches its lowest point after a swing, toe-offs where the toe rises from its own.

    The simplest kinematic rule, in use in many variants. The lowest point is the first minimum within `DOWN` of the
    range of heights from the lowest, because a heel at rest has its lowest sample anywhere.
    """
    fps = walk.points.fps
    strikes, offs = [], []
    for side in (0, 1):
        heel, toe = walk.points.heel_m[:, side] @ UP, walk.points.toe_m[:, side] @ UP
        size = signals.spread(heel)
        swings = signals.peaks(heel, round(MIN_STRIDE_S * fps), RISE * size, EDGE_RISE * size)
        bounds = [0, *(int(peak) for peak in swings), len(heel) - 1]
        strikes.append(_found([_came_down(heel, start, stop) for start, stop in pairwise(bounds)]))
        offs.append(_found([_rose(toe, start, stop) for start, stop in pairwise(bounds[:-1])]))
    return _events(strikes, offs)


def _events(strikes: list[np.ndarray], offs: list[np.ndarray]) -> Events:
    kept = [without_doubles(found) for found in strikes]
    left, right = (one_per_stride(found, own) for found, own in zip(offs, kept, strict=True))
    return Events((kept[0], kept[1]), (left, right))


def _between_samples(signal: np.ndarray, peaks: np.ndarray) -> np.ndarray:
    """The tops of parabolas through each maximum and its two neighbours, as fractional indices."""
    before, here, after = (signal[peaks + shift] for shift in (-1, 0, 1))
    bend = before - 2 * here + after
    return peaks + np.where(bend < 0, (before - after) / (2 * np.where(bend < 0, bend, -1.0)), 0.0)


def _landing(low: np.ndarray, falling: np.ndarray, start: int, stop: int, shortest: int) -> int | None:
    """The strike between two toe-offs: the last `low` sample of `falling`, else the beginning of the longest low stretch
    of at least `shortest` samples; None when the foot does not come down.
    """
    inside = falling[(falling >= start) & (falling < stop)]
    inside = inside[low[inside]]
    if len(inside):
        return int(inside[-1])
    edges = np.flatnonzero(np.diff(np.concatenate([[0], low[start:stop].astype(int), [0]]))).reshape(-1, 2)
    begins = [(end - begin, start + begin) for begin, end in edges if begin > 0 and end - begin >= shortest]
    return int(max(begins)[1]) if begins else None


def _low_level(height: np.ndarray, half: int) -> np.ndarray:
    """Height below which a foot is low, (T,): `LOW_FOOT` of its range over `half` samples on either side."""
    from scipy.ndimage import maximum_filter1d, minimum_filter1d

    lowest, highest = (reduce(height, 2 * half + 1) for reduce in (minimum_filter1d, maximum_filter1d))
    return lowest + LOW_FOOT * (highest - lowest)


def _came_down(height: np.ndarray, start: int, stop: int) -> float | None:
    """Index of the first minimum between two swings that is as low as the lowest; None when there is none."""
    part = height[start:stop + 1]
    level = part.min() + DOWN * np.ptp(part)
    if part[0] <= level:  # the recording begins in a stance, whose landing it does not show
        return None
    lows = signals.peaks(-part, 1, 0.0, 0.0)
    lows = lows[part[lows] <= level]
    return float(_between_samples(-height, lows[:1] + start)[0]) if len(lows) else None


def _rose(height: np.ndarray, start: int, stop: int) -> float | None:
    """Index between two swings at which the point is down for the last time; None when it stays down."""
    part = height[start:stop + 1]
    return signals.last_below(height, start, stop + 1, float(part.min()) + DOWN * float(np.ptp(height)))


def _found(events: list[float | None]) -> np.ndarray:
    return np.array([at for at in events if at is not None])
