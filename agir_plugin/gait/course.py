"""`Points` of a whole recording in, a `Walk` out: its longest straight, moving stretch with directions and speed."""
from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from agir_plugin.gait import signals
from agir_plugin.gait.geometry import UP, Points, facing, horizontal, mean_velocity, unit
from agir_plugin.gait.stops import spans_between_stops

#: A stretch is straight while the pelvis faces within this many degrees of one direction.
STRAIGHT_DEG = 20.0
#: Pelvis facing is averaged over this long, seconds: about one stride, so that pelvic rotation drops out.
FACING_WINDOW_S = 1.0
#: A stretch goes on while stepping is at least this share of its usual vigour; below it someone starts or stops.
MOVING_SHARE = 0.5
#: Stepping is averaged over at least this long, seconds.
STEPPING_WINDOW_S = 1.0
#: Slower belts than this, m/s, cannot be told from feet that slip.
MIN_BELT_MPS = 0.15
#: A pelvis that travels slower than this share of the difference of the feet's speeds stays where it is (over ground: 0.7).
ON_THE_SPOT = 0.2
#: Such a person walks on a belt, and not on the spot, when a foot moves backwards in this share of the time.
BACK_SHARE = 0.3


@dataclass(frozen=True)
class Walk:
    """A straight stretch of walking; `forward` and `left` (towards the left hip) are its horizontal unit directions.

    `speed_mps` is the pelvis's mean speed along `forward`, `stepping_mps` the mean difference of the two feet's speeds,
    `turned_deg` the range of facing over the whole recording, `belt_mps` a treadmill's speed (None over ground: with a
    belt the points are those that a camera moving with the belt sees, so that feet in stance rest). `stops` says that the
    person stops within the recording, `cut_at_turn` that it was cut out of a longer one where the person turned.
    """

    points: Points
    forward: np.ndarray
    left: np.ndarray
    speed_mps: float
    stepping_mps: float
    turned_deg: float
    belt_mps: float | None = None
    stops: bool = False
    cut_at_turn: bool = False

    @property
    def ends_walking(self) -> bool:
        """Whether the first and the last sample show somebody who walks straight on, as where a recording is cut off."""
        return not (self.turns or self.cut_at_turn)

    @property
    def turns(self) -> bool:
        """Whether the recording also holds a turn, which the walk leaves out."""
        return self.turned_deg > 2 * STRAIGHT_DEG


def find_walk(points: Points) -> Walk:
    """The longest straight stretch of `points` in which steps are taken, without the standing before and after it."""
    yaw = yaw_deg(points)
    straight = points.cut(*straight_stretch(points, yaw))
    moving = straight.cut(*_moving(straight))
    ahead = unit(facing(moving).mean(axis=0))
    belt = _belt_mps(moving, ahead)
    if belt is not None:
        moving = moving.shifted(belt * ahead)
    travel = horizontal(mean_velocity(moving.joint("pelvis"), moving.fps))
    forward = ahead if belt is not None or travel @ ahead <= 0 else unit(travel)
    left = np.cross(UP, forward)
    across = (moving.joint("left_hip") - moving.joint("right_hip")).mean(axis=0)
    return Walk(
        points=moving, forward=forward, left=left if across @ left >= 0 else -left, speed_mps=float(travel @ forward),
        stepping_mps=float(_stepping(moving, ahead).mean()), turned_deg=float(np.ptp(yaw)), belt_mps=belt,
        stops=len(spans_between_stops(points)) > 1,
    )


def yaw_deg(points: Points) -> np.ndarray:
    """(T,) direction of facing, degrees about the vertical, unwrapped and averaged over about a stride."""
    ahead = signals.moving_mean(facing(points), round(FACING_WINDOW_S / 2 * points.fps))
    return np.degrees(np.unwrap(np.arctan2(ahead[:, 0], ahead[:, 2])))


def straight_stretch(points: Points, yaw: np.ndarray) -> tuple[int, int]:
    """Start and stop of the stretch with facing within `STRAIGHT_DEG` of its middle in which the feet travel farthest."""
    if np.ptp(yaw) <= 2 * STRAIGHT_DEG:
        return 0, len(points)
    feet = horizontal(np.diff(points.heel_m, axis=0))
    travelled = np.concatenate([[0.0], np.cumsum(np.linalg.norm(feet, axis=-1).sum(axis=1))])
    starts = _first_within(yaw, 2 * STRAIGHT_DEG)
    last = int(np.argmax(travelled - travelled[starts]))
    return int(starts[last]), last + 1


def _first_within(values: np.ndarray, width: float) -> np.ndarray:
    """For each sample the earliest one from which on all values, up to this sample, lie within `width` of another."""
    starts, start = np.zeros(len(values), int), 0
    highest, lowest = deque(), deque()
    for at, value in enumerate(values):
        while highest and values[highest[-1]] <= value:
            highest.pop()
        while lowest and values[lowest[-1]] >= value:
            lowest.pop()
        highest.append(at)
        lowest.append(at)
        while values[highest[0]] - values[lowest[0]] > width:
            start = min(highest[0], lowest[0]) + 1
            for queue in (highest, lowest):
                if queue[0] < start:
                    queue.popleft()
        starts[at] = start
    return starts


def _stepping(points: Points, ahead: np.ndarray) -> np.ndarray:
    """How much faster one foot moves than the other along `ahead`, m/s, (T,): the same over ground and on a belt."""
    speed = signals.velocity(points.heel_m, points.fps) @ ahead
    return np.abs(speed[:, 0] - speed[:, 1])


def _moving(points: Points) -> tuple[int, int]:
    """The longest stretch with at least `MOVING_SHARE` of the usual stepping."""
    ahead = unit(facing(points).mean(axis=0))
    apart = (points.heel_m[:, 0] - points.heel_m[:, 1]) @ ahead
    crossings = np.count_nonzero(np.diff(np.sign(apart)))
    step_s = len(points) / points.fps / max(crossings, 1)
    window_s = min(max(STEPPING_WINDOW_S, 2 * step_s), 3 * STEPPING_WINDOW_S)
    stepping = signals.moving_mean(_stepping(points, ahead), round(window_s / 2 * points.fps))
    moves = stepping >= MOVING_SHARE * np.percentile(stepping, 75)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], moves.astype(int), [0]])))
    runs = edges.reshape(-1, 2)
    start, stop = runs[np.argmax(runs[:, 1] - runs[:, 0])]
    return int(start), int(stop)


def _belt_mps(points: Points, ahead: np.ndarray) -> float | None:
    """Speed of a treadmill's belt: feet in stance move backwards while the pelvis stays; None where they rest."""
    slower = (signals.velocity(points.heel_m, points.fps) @ ahead).min(axis=1)
    travel = abs(float(mean_velocity(points.joint("pelvis"), points.fps) @ ahead))
    belt = -float(np.median(slower))
    back = slower < -MIN_BELT_MPS
    if belt <= MIN_BELT_MPS and travel < ON_THE_SPOT * _stepping(points, ahead).mean() and back.mean() > BACK_SHARE:
        belt = -float(np.median(slower[back]))
    return belt if belt > MIN_BELT_MPS and travel < belt / 2 else None
