"""A `Walk` and its strides in; arm swing per side, trunk flexion and the lateral margin of stability out."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agir_plugin.gait import signals
from agir_plugin.gait.course import Walk
from agir_plugin.gait.events import Events
from agir_plugin.gait.geometry import GRAVITY, UP, leg_length, unit
from agir_plugin.gait.spatiotemporal import Stride

#: Factor on the leg's length in the inverted pendulum; 1 takes the leg itself (Hof's own 1.2 is for trochanter height).
LEG_FACTOR = 1.0


def arm_swing_deg(walk: Walk, strides: Sequence[Stride], side: int) -> list[float]:
    """Range of one arm's sagittal angle in each gait cycle, degrees.

    The angle is that of the line from shoulder to wrist in the trunk's own sagittal plane, so that leaning or turning
    the trunk is not counted as swing.
    """
    angle = _arm_angle_deg(walk, side)
    return [float(np.ptp(angle[int(np.ceil(s.start)):int(s.end) + 1])) for s in strides]


def trunk_flexion_deg(walk: Walk, strides: Sequence[Stride]) -> list[float]:
    """Mean forward lean of the line from pelvis to neck in each gait cycle, degrees from the vertical."""
    trunk = walk.points.joint("neck") - walk.points.joint("pelvis")
    lean = np.degrees(np.arctan2(trunk @ walk.forward, trunk @ UP))
    return [float(lean[int(np.ceil(s.start)):int(s.end) + 1].mean()) for s in strides]


def margin_of_stability_m(walk: Walk, events: Events) -> list[float]:
    """Lateral margin of stability at each heel strike, metres, positive when the body is inside its base.

    Hof, Gazendam & Sinke, J Biomech 38:1 (2005): distance from the extrapolated centre of mass, x + v / sqrt(g / l), to
    the landing foot's ankle. The pelvis stands for the centre of mass, the mean hip-to-ankle distance for l.
    """
    ankles, pelvis = walk.points.pair("ankle"), walk.points.joint("pelvis")
    sway = pelvis @ walk.left
    frequency = np.sqrt(GRAVITY / (LEG_FACTOR * leg_length(walk.points)))
    extrapolated = sway + signals.velocity(sway, walk.points.fps) / frequency
    margins = []
    for at, side in events.strikes():
        ankle = signals.interpolate(ankles[:, side], at) @ walk.left
        outward = 1 if side == 0 else -1
        margins.append(float(outward * (ankle - signals.interpolate(extrapolated, at))))
    return margins


def _arm_angle_deg(walk: Walk, side: int) -> np.ndarray:
    shoulders, wrists = walk.points.pair("shoulder"), walk.points.pair("wrist")
    trunk_up = unit(walk.points.joint("neck") - walk.points.joint("pelvis"))
    trunk_forward = unit(np.cross(shoulders[:, 0] - shoulders[:, 1], trunk_up))
    arm = wrists[:, side] - shoulders[:, side]
    ahead, down = (arm * trunk_forward).sum(axis=1), -(arm * trunk_up).sum(axis=1)
    return np.degrees(np.unwrap(np.arctan2(ahead, down)))
