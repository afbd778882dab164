"""A `Motion` that may hold turns and stops comes in, its straight walks go out, in order of time."""
from __future__ import annotations

import dataclasses
import math

import numpy as np

from agir_plugin.consts import JOINT
from agir_plugin.gait.course import STRAIGHT_DEG, straight_stretch, yaw_deg
from agir_plugin.gait.geometry import Points, horizontal, smooth
from agir_plugin.gait.quality import MIN_FPS
from agir_plugin.gait.stops import spans_between_stops
from agir_plugin.records import Motion

#: A straight stretch beside a longer one is a walk of its own from this length on, seconds: two strides.
SHORTEST_PASS_S = 2.0
#: The flags of a walk that was cut out of a recording with a turn, and with a stop.
TURNING, STOPS = "turning", "stops"


def passes(motion: Motion) -> tuple[Motion, ...]:
    """The straight walks of a motion, flagged "turning" and "stops", or the motion itself where it has no turn or stop.

    A walk to a cone and back is two walks; the turn is part of neither, nor is a pause between two walks. Stretches under
    `SHORTEST_PASS_S` are left out, unless there is no longer one: then the longest stays, for the measurement to judge.
    """
    if motion.fps < MIN_FPS or motion.seconds < SHORTEST_PASS_S or not np.isfinite(motion.joints_m).all():
        return (motion,)
    points = smooth(motion)
    yaw, spans = yaw_deg(points), spans_between_stops(points)
    causes = {TURNING: np.ptp(yaw) > 2 * STRAIGHT_DEG, STOPS: len(spans) > 1}
    flags = tuple(flag for flag, holds in causes.items() if holds)
    if not flags:
        return (motion,)
    stretches = [
        (first + start, first + stop)
        for first, last in spans for start, stop in _stretches(points.cut(first, last), yaw[first:last])
    ]
    longest = max(stop - start for start, stop in stretches)
    shortest = min(longest, SHORTEST_PASS_S * points.fps)
    factor = round(points.fps / motion.fps)
    return tuple(_cut(motion, start, stop, factor, flags) for start, stop in stretches if stop - start >= shortest)


def main_pass(motion: Motion) -> Motion:
    """The straight walk of a motion in which the feet travel farthest: the one that `measure` measures."""
    return max(passes(motion), key=_travelled_m)


def _travelled_m(motion: Motion) -> float:
    """Length of the level paths of both ankles, metres."""
    ankles = motion.joints_m[:, [JOINT["left_ankle"], JOINT["right_ankle"]]]
    return float(np.linalg.norm(horizontal(np.diff(ankles, axis=0)), axis=-1).sum())


def _stretches(points: Points, yaw: np.ndarray) -> list[tuple[int, int]]:
    """Straight stretches in order: the one in which the feet travel farthest, then those left and right of it."""
    found, spans = [], [(0, len(points))]
    while spans:
        first, last = spans.pop()
        start, stop = straight_stretch(points.cut(first, last), yaw[first:last])
        found.append((first + start, first + stop))
        for span in ((first, first + start), (first + stop, last)):
            if span[1] - span[0] >= SHORTEST_PASS_S * points.fps:
                spans.append(span)
    return sorted(found)


def _cut(motion: Motion, start: int, stop: int, factor: int, flags: tuple[str, ...]) -> Motion:
    """The frames of a motion between two samples of its denser points, with the reasons for cutting."""
    part = slice(math.ceil(start / factor), (stop - 1) // factor + 1)
    tracks = {
        name: track[part] for name in ("joints_m", "heel_m", "toe_m") if (track := getattr(motion, name)) is not None
    }
    start_s = motion.start_s + part.start / motion.fps
    return dataclasses.replace(motion, **tracks, start_s=start_s, flags=tuple(dict.fromkeys((*motion.flags, *flags))))
