"""A `Walk` and its `Events` in; steps, strides and phases of the gait cycle out.

A step belongs to the foot that ends it: the left step runs from the right foot's heel strike to the left foot's.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from agir_plugin.gait import signals
from agir_plugin.gait.course import Walk
from agir_plugin.gait.events import Events

#: A heel strike: sample index and side (0 left, 1 right).
Strike = tuple[float, int]
#: A foot's place is read between these shares of its stance, away from landing and heel rise.
PLATEAU = (0.1, 0.9)
#: Share of the stride after which stance ends where the toe-off was not seen (normal stance is about 60 %).
STANCE_SHARE = 0.6
#: Longest step and stride relative to the median: a step across a pair of unseen strikes takes three times as long, a
#: stride twice, while hesitations of an irregular walk stay below.
LONGEST_STEP = 2.2
LONGEST_STRIDE = 1.7
#: Steps at either end of a walk in which the pelvis is slower than this share of its usual speed in steps of that side start
#: or stop the walk.
STEADY_SHARE = 0.75
#: Fewest heel strikes of each foot that a walk keeps without them.
FEWEST_STRIKES = 2


@dataclass(frozen=True)
class Step:
    """One step of `side` (0 left, 1 right): its end (a sample index), duration, length and width."""

    side: int
    end: float
    time_s: float
    length_m: float
    width_m: float

    @property
    def speed_mps(self) -> float:
        """Step length over step time."""
        return self.length_m / self.time_s


@dataclass(frozen=True)
class Stride:
    """One gait cycle of `side`: first and last heel strike (sample indices), duration, length, and its phases.

    `stance_pct` and `double_support_pct` are None where a toe-off of the cycle was not seen.
    """

    side: int
    start: float
    end: float
    time_s: float
    length_m: float
    stance_pct: float | None
    double_support_pct: float | None


def steps(walk: Walk, events: Events) -> list[Step]:
    """Every step between successive heel strikes of opposite feet; a gap where a strike was missed makes no step."""
    strikes = events.strikes()
    pairs = [(a, b) for a, b in pairwise(strikes) if a[1] != b[1]]
    if not pairs:
        return []
    longest = LONGEST_STEP * np.median([b[0] - a[0] for a, b in pairs])
    places = {strike: _place(walk, events, *strike) for strike in strikes}
    return [_step(walk, places, a, b) for a, b in pairs if b[0] - a[0] <= longest]


def steady_events(walk: Walk, events: Events) -> Events:
    """The events without the heel strikes before a walk has got going and after it has begun to stop.

    Laboratories take cycles from the middle of a walk, where its pace is even. The very same events when all steps are
    steady or too few of them would be left.
    """
    found = sorted(steps(walk, events), key=lambda step: step.end)
    pelvis = walk.points.joint("pelvis") @ walk.forward
    spans = [(step.end - step.time_s * walk.points.fps, step.end) for step in found]
    speeds = [(signals.interpolate(pelvis, end) - signals.interpolate(pelvis, start)) / (end - start) for start, end in spans]
    sides = [step.side for step in found]
    usual = {side: np.median([speed for speed, own in zip(speeds, sides, strict=True) if own == side]) for side in set(sides)}
    steady = [at for at, side in enumerate(sides) if speeds[at] >= STEADY_SHARE * usual[side]]
    if not steady or (steady[0] == 0 and steady[-1] == len(found) - 1):
        return events
    first, last = spans[steady[0]][0] - 0.5, spans[steady[-1]][1] + 0.5
    kept = tuple(strikes[(strikes > first) & (strikes < last)] for strikes in events.heel_strikes)
    return Events(kept, events.toe_offs) if min(map(len, kept)) >= FEWEST_STRIKES else events


def strides(walk: Walk, events: Events) -> list[Stride]:
    """Every gait cycle: two successive heel strikes of one foot with exactly one of the other foot between them."""
    cycles = [
        (side, float(start), between, float(end))
        for side in (0, 1)
        for start, end in pairwise(events.heel_strikes[side])
        if (between := _only_between(events.heel_strikes[1 - side], start, end)) is not None
    ]
    if not cycles:
        return []
    longest = LONGEST_STRIDE * np.median([end - start for _, start, _, end in cycles])
    return [_stride(walk, events, *cycle) for cycle in cycles if cycle[3] - cycle[1] <= longest]


def _step(walk: Walk, places: Mapping[Strike, np.ndarray], before: Strike, after: Strike) -> Step:
    side = after[1]
    apart = places[after] - places[before]
    outward = 1 if side == 0 else -1
    return Step(
        side=side, end=after[0], time_s=(after[0] - before[0]) / walk.points.fps,
        length_m=float(apart[0]), width_m=float(outward * apart[1]),
    )


def _stride(walk: Walk, events: Events, side: int, start: float, other: float, end: float) -> Stride:
    own_off = _only_between(events.toe_offs[side], other, end)
    other_off = _only_between(events.toe_offs[1 - side], start, other)
    length = _place(walk, events, end, side)[0] - _place(walk, events, start, side)[0]
    stance = double = None
    if own_off is not None:
        stance = 100 * (own_off - start) / (end - start)
    if own_off is not None and other_off is not None:
        double = 100 * (other_off - start + own_off - other) / (end - start)
    return Stride(side, start, end, (end - start) / walk.points.fps, float(length), stance, double)


def _only_between(times: np.ndarray, low: float, high: float) -> float | None:
    inside = times[(times > low) & (times < high)]
    return float(inside[0]) if len(inside) == 1 else None


def _place(walk: Walk, events: Events, strike: float, side: int) -> np.ndarray:
    """Where the foot stands after `strike`, (ahead, left) in metres: the median of its heel over the middle of the stance.

    Unlike the heel's place at the strike itself it does not depend on the strike's timing.
    """
    own = events.heel_strikes[side]
    stride = float(np.median(np.diff(own))) if len(own) > 1 else walk.points.fps
    later = events.toe_offs[side][events.toe_offs[side] > strike]
    off = strike + STANCE_SHARE * stride
    if len(later) and later[0] - strike < stride:
        off = later[0]
    first, last = (strike + share * (off - strike) for share in PLATEAU)
    heel = walk.points.heel_m[:, side]
    start = min(int(np.ceil(first)), len(heel) - 1)
    ahead_left = np.stack([walk.forward, walk.left])  # the middle along the file's axes would depend on the heading
    return np.median(heel[start:max(int(last) + 1, start + 1)] @ ahead_left.T, axis=0)
