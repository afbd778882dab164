"""A `Walk` and its events in; why its feet do not stand as walking feet do out: pedals, rowing machines and runners."""
from __future__ import annotations

import numpy as np

from agir_plugin.gait import signals
from agir_plugin.gait.course import Walk
from agir_plugin.gait.events import Events
from agir_plugin.gait.geometry import horizontal

#: In walking one foot is always down: the lower foot keeps its height within this range (5th to 95th percentile, a steady
#: slope taken out), metres. Our medians over 120 public walks of 40 laboratories: 0.015 m, at most 0.047 m; pedals 0.15 m.
LEVEL_M = 0.05
#: ... and the slower foot rests on the floor or the belt. It does not where its median speed is above this, m/s, and above
#: this share of the difference of the two feet's speeds (the same walks: at most 0.06; pedals and runners 0.15 to 0.19).
RESTING_MPS = 0.20
RESTING_SHARE = 0.12
#: Runners' feet do rest for a quarter of the time: this percentile of their speed is at most 0.08 of the difference of the
#: feet's speeds. Those of made motions that slide over the floor never do (0.12 and more), and nothing is said of them.
STANCE_PERCENTILE = 25.0
SLIDING_SHARE = 0.10
#: A toe-off belongs to the other foot's heel strike when they are this near, seconds ...
SAME_STEP_S = 0.35
#: ... and of so many pairs the median decides. It was 0.02 s or more in all of those walks, and below 0 in all runs.
FEWEST_STEPS = 4


def no_double_support(walk: Walk, events: Events) -> str:
    """Why these feet run, at whatever speed: the one leaves the floor before the other lands. Empty when they walk."""
    both_s = double_supports_s(walk, events)
    slides = resting_mps(walk, STANCE_PERCENTILE) > SLIDING_SHARE * walk.stepping_mps
    if slides or len(both_s) < FEWEST_STEPS or np.median(both_s) >= 0:
        return ""
    return (
        f"the person runs: each foot leaves the floor {-1000 * np.median(both_s):.0f} ms before the other lands, this measures "
        "walking only"
    )


def no_stance(walk: Walk) -> str:
    """Why the feet of a person who stays where he is do not walk on a belt, with what was seen; empty when they do.

    Who pedals, rows or jumps on the spot has a pelvis that does not travel and feet that go to and fro, as on a treadmill.
    """
    if walk.belt_mps is None:
        return ""
    moves, rises = resting_mps(walk), support_range_m(walk)
    if rises <= LEVEL_M or moves <= max(RESTING_MPS, RESTING_SHARE * walk.stepping_mps):
        return ""
    return (
        f"no foot ever stands on the belt: the slower foot moves at {moves:.1f} m/s and the lower one rises and falls by "
        f"{rises:.2f} m; cycling, rowing, stepping and running are not measured"
    )


def double_supports_s(walk: Walk, events: Events) -> np.ndarray:
    """Seconds from each heel strike to the other foot's nearest toe-off: double support, or below 0 a flight."""
    found = []
    for side in (0, 1):
        for strike in events.heel_strikes[side]:
            apart = (events.toe_offs[1 - side] - strike) / walk.points.fps
            found += [float(apart[np.argmin(np.abs(apart))])] if len(apart) else []
    return np.array([seconds for seconds in found if abs(seconds) <= SAME_STEP_S])


def support_range_m(walk: Walk) -> float:
    """Range of the lower foot's height over the walk (5th to 95th percentile, its straight line taken out), metres."""
    low = np.minimum(walk.points.heel_m[..., 1], walk.points.toe_m[..., 1]).min(axis=1)
    time = np.arange(len(low))
    level = low - np.polyval(np.polyfit(time, low, 1), time) if len(low) > 1 else low - low
    return float(np.ptp(np.percentile(level, [5, 95])))


def resting_mps(walk: Walk, percentile: float = 50.0) -> float:
    """Horizontal speed, m/s, of whatever part of the feet (heel or toe, left or right) is the slowest: its median over time."""
    speeds = [
        np.linalg.norm(horizontal(signals.velocity(parts, walk.points.fps)), axis=-1)
        for parts in (walk.points.heel_m, walk.points.toe_m)
    ]
    return float(np.percentile(np.minimum(*speeds).min(axis=1), percentile))
