"""A `Motion` enters, the same walk at another frame rate or seen in a mirror leaves."""
from __future__ import annotations

import dataclasses
import math

import numpy as np

from agir_plugin.consts import JOINTS, LEFT_JOINTS, MODEL_FPS, RIGHT_JOINTS
from agir_plugin.errors import UsageError
from agir_plugin.motion.signals import at_rate
from agir_plugin.records import Motion


def resample(motion: Motion, fps: float = MODEL_FPS) -> Motion:
    """The walk at another frame rate, by time: frames at 0, 1/fps, 2/fps, ... up to the last frame's time.

    Going down, a zero-lag low-pass at 0.4 of the new rate comes first, so that nothing folds back; values between the
    old frames come from a cubic spline. Never a stride: 150 to 20 frames per second is a factor of 7.5.
    Raises UsageError when `fps` is not a positive number.
    """
    if not (math.isfinite(fps) and fps > 0):
        raise UsageError(f"expected a frame rate above 0 frames per second to resample to, got {fps!r}")
    if fps == motion.fps:
        return motion
    parts = {
        name: at_rate(values, motion.fps, fps)
        for name in ("joints_m", "heel_m", "toe_m")
        if (values := getattr(motion, name)) is not None
    }
    return dataclasses.replace(motion, fps=float(fps), **parts)


def mirror(motion: Motion) -> Motion:
    """The walk in a mirror: x becomes -x and left and right change names; twice gives the walk back."""
    order = np.arange(len(JOINTS))
    order[list(LEFT_JOINTS)], order[list(RIGHT_JOINTS)] = RIGHT_JOINTS, LEFT_JOINTS
    flip = np.array([-1.0, 1.0, 1.0])
    parts = {
        name: values[:, ::-1] * flip for name in ("heel_m", "toe_m") if (values := getattr(motion, name)) is not None
    }
    return dataclasses.replace(
        motion, joints_m=motion.joints_m[:, order] * flip, measured=frozenset(map(_other_side, motion.measured)),
        flags=tuple(map(_other_side, motion.flags)), **parts,
    )


def _other_side(name: str) -> str:
    """The same name with left and right exchanged."""
    return name.replace("left", "\0").replace("right", "left").replace("\0", "right")
