"""A `Walk` in, the heel strikes and toe-offs of both feet out, as fractional sample indices.

Candidates are the extrema of heel and toe relative to the pelvis (Zeni, Richards & Higginson, Gait Posture 27:710,
2008). They come when the foot's speed equals the body's, about 40 ms before the heel lands, so each is refined to the
moment when the foot itself comes to rest or leaves rest (a foot-speed criterion, as in Bonci et al. 2022).

Where the recording has foot markers two more cases are covered: a landing whose extremum lies before the first sample or
a toe-off whose extremum lies behind the last one, and a body that is slower at the extremum than it is on average.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agir_plugin.gait import signals
from agir_plugin.gait.course import Walk

#: An extremum stands out by this share of the signal's peak-to-peak size on its better side ...
RISE = 0.25
#: ... and by this share on its other side, which the recording's end may cut off.
EDGE_RISE = 0.05
#: Two heel strikes of one foot are at least this far apart, seconds (218 steps/min).
MIN_STRIDE_S = 0.55
#: A heel marker has landed when its forward speed falls to this share of the way from its resting to the body's speed.
HEEL_LANDED = 0.35
#: The same for the ankle joint, which still moves forward over the landed heel.
ANKLE_LANDED = 0.5
#: A toe marker or foot joint leaves the floor when its speed rises to this share.
TOE_LEFT = 0.75
#: A foot comes to rest at most this long after, and leaves rest at most this long before, its extremum, seconds.
REST_S = 0.2
#: A foot is far ahead (behind) when it is within this share of the signal's size of its usual extreme.
FAR = 0.3
#: Heel strikes of one foot closer than this share of its usual stride are one strike seen twice.
DOUBLED = 0.6


@dataclass(frozen=True)
class Events:
    """Sample indices (fractional, increasing) of each foot's events, left then right."""

    heel_strikes: tuple[np.ndarray, np.ndarray]
    toe_offs: tuple[np.ndarray, np.ndarray]

    def strikes(self) -> list[tuple[float, int]]:
        """All heel strikes in order, as (index, side) with side 0 left, 1 right."""
        return sorted((float(at), side) for side in (0, 1) for at in self.heel_strikes[side])


def detect(walk: Walk) -> Events:
    """Heel strikes and toe-offs of both feet; a foot's toe-offs lie between its heel strikes, one at most."""
    strikes = tuple(_heel_strikes(walk, side) for side in (0, 1))
    offs = tuple(one_per_stride(_toe_offs(walk, side), strikes[side]) for side in (0, 1))
    return Events(strikes, offs)


def _heel_strikes(walk: Walk, side: int) -> np.ndarray:
    heel = walk.points.heel_m[:, side] @ walk.forward
    relative = heel - walk.points.joint("pelvis") @ walk.forward
    landed = HEEL_LANDED if walk.points.heel_markers else ANKLE_LANDED
    peaks = extrema(relative, walk.points.fps)
    if walk.points.heel_markers and walk.ends_walking:
        peaks = np.append(_extremum_at_start(relative, peaks, walk.points.fps), peaks)
    found = [_landing(walk, heel, peak, landed) for peak in peaks]
    return without_doubles(np.array([at for at in found if at is not None]))


def _toe_offs(walk: Walk, side: int) -> np.ndarray:
    toe = walk.points.toe_m[:, side] @ walk.forward
    relative = walk.points.joint("pelvis") @ walk.forward - toe
    peaks = extrema(relative, walk.points.fps)
    if walk.points.heel_markers and walk.ends_walking:
        last = len(toe) - 1
        peaks = np.append(peaks, last - _extremum_at_start(relative[::-1], last - peaks, walk.points.fps))
    found = [_leaving(walk, toe, peak) for peak in peaks]
    return np.array([at for at in found if at is not None])


def extrema(relative: np.ndarray, fps: float) -> np.ndarray:
    """Indices of the maxima of a foot's distance from the pelvis that stand out, at most one per stride."""
    size = signals.spread(relative)
    return signals.peaks(relative, round(MIN_STRIDE_S * fps), RISE * size, EDGE_RISE * size)


def _landing(walk: Walk, heel: np.ndarray, peak: int, share: float) -> float | None:
    """Index after `peak` at which the heel's forward speed falls to `share` of the body's; None if not seen."""
    fps = walk.points.fps
    stop = min(peak + round(REST_S * fps), len(heel))
    speed = signals.velocity(heel, fps)
    at_extremum = speed[peak] if peak > 0 else np.inf
    return signals.first_below(speed, peak, stop, _level(walk, speed[peak:stop], at_extremum, share))


def _leaving(walk: Walk, toe: np.ndarray, peak: int) -> float | None:
    """Index before `peak` at which the toe's forward speed rises to `TOE_LEFT` of the body's; None if not seen."""
    fps = walk.points.fps
    start = max(peak - round(REST_S * fps), 0)
    speed = signals.velocity(toe, fps)
    at_extremum = speed[peak] if peak < len(toe) - 1 else np.inf
    return signals.last_below(speed, start, peak + 1, _level(walk, speed[start:peak + 1], at_extremum, TOE_LEFT))


def _extremum_at_start(relative: np.ndarray, peaks: np.ndarray, fps: float) -> np.ndarray:
    """The index of an extremum that the first sample cuts off so that it does not stand out on that side; else none."""
    near = round(REST_S * fps)
    at = int(np.argmax(relative[:near]))
    size = signals.spread(relative)
    is_cut_off = at < near - 1 and relative[0] >= relative[at] - EDGE_RISE * size
    is_far = relative[at] >= np.percentile(relative, 95) - FAR * size
    return np.array([at] if is_cut_off and is_far and not np.any(peaks < near) else [], int)


def _level(walk: Walk, speed: np.ndarray, at_extremum: float, share: float) -> float:
    """The speed at `share` of the way from the foot's resting speed (at most half the body's) to the body's.

    The body's speed is its mean. With markers it is the speed at the extremum where the mean would place the event on
    the extremum's other side: the body slows down in double support. (Infinite where the extremum was not seen.)
    """
    rest = float(np.clip(speed.min(), -walk.speed_mps, walk.speed_mps / 2))
    level = rest + share * (walk.speed_mps - rest)
    if walk.points.heel_markers and rest < at_extremum <= level:
        return rest + share * (float(at_extremum) - rest)
    return level


def without_doubles(strikes: np.ndarray) -> np.ndarray:
    """Drop each strike that follows its foot's previous one much sooner than that foot's usual stride."""
    if len(strikes) < 3:
        return strikes
    shortest = DOUBLED * np.median(np.diff(strikes))
    kept = [strikes[0]]
    for at in strikes[1:]:
        if at - kept[-1] >= shortest:
            kept.append(at)
    return np.array(kept)


def one_per_stride(offs: np.ndarray, strikes: np.ndarray) -> np.ndarray:
    """Keep the last toe-off between two heel strikes of a foot, and at most one before the first and after the last."""
    stride = np.searchsorted(strikes, offs)
    last = np.append(stride[1:] != stride[:-1], True) if len(offs) else np.zeros(0, bool)
    return offs[last]
