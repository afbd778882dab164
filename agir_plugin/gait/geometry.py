"""A `Motion` in, `Points` out: smoothed paths at 100 samples a second or more; and the body's own directions."""
from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from agir_plugin.consts import JOINT
from agir_plugin.gait import signals
from agir_plugin.records import Motion

#: Events are sought on signals of at least this rate, samples per second; slower ones are spline-interpolated.
WORKING_FPS = 100.0

UP = np.array([0.0, 1.0, 0.0])
#: Acceleration of gravity, m/s^2.
GRAVITY = 9.81


@dataclass(frozen=True)
class Points:
    """Paths of the body's points: T samples at `fps`, metres, Y up; `first_s` is the file time of sample 0.

    `heel_m` and `toe_m` are (T, 2, 3), left then right; where the recording has no such markers they are the ankle and
    foot joints. `heel_markers` says whether the heels were seen.
    """

    fps: float
    first_s: float
    joints_m: np.ndarray
    heel_m: np.ndarray
    toe_m: np.ndarray
    heel_markers: bool

    def __len__(self) -> int:
        return len(self.joints_m)

    def joint(self, name: str) -> np.ndarray:
        """Path of one joint, (T, 3)."""
        return self.joints_m[:, JOINT[name]]

    def pair(self, name: str) -> np.ndarray:
        """Paths of a left and a right joint, (T, 2, 3); `name` without its side, such as "ankle"."""
        return self.joints_m[:, [JOINT[f"left_{name}"], JOINT[f"right_{name}"]]]

    def cut(self, start: int, stop: int) -> Points:
        """The samples from `start` up to `stop`."""
        part = slice(start, stop)
        return replace(
            self, first_s=self.first_s + start / self.fps, joints_m=self.joints_m[part], heel_m=self.heel_m[part],
            toe_m=self.toe_m[part],
        )

    def shifted(self, velocity_mps: np.ndarray) -> Points:
        """The same paths seen from a floor that moves at `velocity_mps` (3,)."""
        shift = (np.arange(len(self)) / self.fps)[:, None, None] * velocity_mps
        return replace(self, joints_m=self.joints_m + shift, heel_m=self.heel_m + shift, toe_m=self.toe_m + shift)


def smooth(motion: Motion, cutoff_hz: float = signals.CUTOFF_HZ) -> Points:
    """Low-pass a motion's points (zero lag) and interpolate them to at least `WORKING_FPS`.

    A point that is missing in any frame is missing (NaN) throughout.
    """
    factor = max(int(np.ceil(WORKING_FPS / motion.fps - 1e-9)), 1)
    joints = motion.joints_m
    heel = joints[:, [JOINT["left_ankle"], JOINT["right_ankle"]]] if motion.heel_m is None else motion.heel_m
    toe = joints[:, [JOINT["left_foot"], JOINT["right_foot"]]] if motion.toe_m is None else motion.toe_m
    points = np.concatenate([joints, heel, toe], axis=1)
    lost = ~np.isfinite(points).all(axis=0)
    points = signals.densify(signals.low_pass(np.where(lost, 0.0, points), motion.fps, cutoff_hz), factor)
    points[:, lost] = np.nan
    joints, heel, toe = np.split(points, [len(JOINT), len(JOINT) + 2], axis=1)
    return Points(motion.fps * factor, motion.start_s, joints, heel, toe, motion.heel_m is not None)


def facing(points: Points) -> np.ndarray:
    """Horizontal unit direction that the pelvis faces, (T, 3): at right angles to the line of the hips, toes first.

    The toes decide which of the two directions it is, so that exchanged sides in a file do not turn the person round.
    """
    ahead = unit(np.cross(points.joint("left_hip") - points.joint("right_hip"), UP))
    feet = (points.toe_m - points.heel_m).sum(axis=1)
    return ahead if (feet * ahead).sum() >= 0 else -ahead


def leg_length(points: Points) -> float:
    """Mean distance from hip to ankle over both legs, metres."""
    return float(np.linalg.norm(points.pair("hip") - points.pair("ankle"), axis=-1).mean())


def horizontal(vector: np.ndarray) -> np.ndarray:
    """The vectors (..., 3) without their vertical part."""
    return vector * (1.0 - UP)


def unit(vector: np.ndarray) -> np.ndarray:
    """The vectors (..., 3) at length 1; a zero vector stays zero."""
    length = np.linalg.norm(vector, axis=-1, keepdims=True)
    return vector / np.where(length > 0, length, 1.0)


def mean_velocity(path: np.ndarray, fps: float) -> np.ndarray:
    """Slope of the straight line fitted to a path (T, 3) by least squares, per second: sway does not tilt it."""
    time = (np.arange(len(path)) - (len(path) - 1) / 2) / fps
    return time @ (path - path.mean(axis=0)) / (time @ time)
