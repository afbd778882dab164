"""A step plan and times in, the path of one foot out: heel rocker, flat foot, toe-off, swing, soft landing."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from agir_plugin.cohort.steps import StepPlan, WalkParameters

#: Share of the stride at which the model's foot leaves the floor; real phases are stretched onto this axis.
TOE_OFF = 0.62
#: Foot pitch over the stride (0 heel strike, `TOE_OFF`, 1 next strike) as shares of the strike angle and the toe-off
#: angle.
PITCH_PHASE = (0.0, 0.09, 0.32, 0.48, 0.57, 0.66, 0.74, 0.83, 0.93, 1.0)
STRIKE_SHARE = (1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.15, 0.9, 1.0)
TOE_OFF_SHARE = (0.0, 0.0, 0.0, 0.22, 0.58, 1.0, 0.72, 0.15, 0.0, 0.0)
#: Outward turn of the foot while walking, degrees (usual adult range 5 to 10).
TOE_OUT_DEG = 7.0


@dataclass(frozen=True)
class FootPath:
    """One foot over time: ankle, foot joint (toe base) and rear end of the heel (T, 3) in metres, and the pitch
    (T,) in radians, toes up positive.
    """

    ankle_m: np.ndarray
    foot_m: np.ndarray
    heel_m: np.ndarray
    pitch_rad: np.ndarray


def foot_path(plan: StepPlan, left: bool, times_s: np.ndarray) -> FootPath:
    """Path of the left or right foot at `times_s`, seconds.

    The foot is rigid. It turns about the heel after the strike and about the toe base before toe-off; in swing the
    flat print moves on by one stride at a speed of 3v (1 - v) (1 + 2v) strides per swing (v: share of the swing):
    fastest late, yet without ground speed at toe-off and landing.
    """
    parameters = plan.parameters
    phase, swing, stride = _phases(plan, left, times_s)
    own = np.flatnonzero(plan.left == left)
    moved = 1.5 * swing**2 + swing**3 - 1.5 * swing**4
    prints = np.stack([plan.lateral_m[own], np.zeros(len(own)), plan.forward_m[own]], axis=-1)
    flat = prints[stride] + moved[:, None] * (prints[stride + 1] - prints[stride])
    flat[:, 1] = _bump_m(parameters) * plan.lift[own][stride] * _bump(swing)
    pitch = _pitch_rad(parameters)(phase)
    pivot = _toe_pivot_share(phase)[:, None]
    heel, ankle, foot = _shape(parameters)
    turn_point = heel + pivot * (foot - heel)
    azimuth = np.radians(TOE_OUT_DEG) * (1 if left else -1)
    placed = [_place(point - turn_point, pitch) + turn_point for point in (ankle, foot, heel)]
    ankle_m, foot_m, heel_m = (
        flat + np.stack([p[:, 1] * np.sin(azimuth), p[:, 0], p[:, 1] * np.cos(azimuth)], -1) for p in placed
    )
    return FootPath(ankle_m, foot_m, heel_m, pitch)


def strike_angle_deg(parameters: WalkParameters) -> float:
    """Foot pitch at heel strike: about 20 degrees at a healthy lift, flat when shuffling (the slope is ours)."""
    return float(np.clip(190 * parameters.foot_lift_m - 3.0, 0.0, 22.0))


def toe_off_angle_deg(parameters: WalkParameters) -> float:
    """Foot pitch at toe-off: about 60 degrees at a healthy step, 25 when shuffling (the slope is ours)."""
    return float(np.clip(10 + 60 * parameters.step_length_m / parameters.leg_length_m, 14.0, 68.0))


def _phases(plan: StepPlan, left: bool, times_s: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    own = np.flatnonzero(plan.left == left)
    strikes, toe_offs = plan.strike_s[own], plan.toe_off_s[own]
    stride = np.clip(np.searchsorted(strikes, times_s, side="right") - 1, 0, len(own) - 2)
    stance = (times_s - strikes[stride]) / (toe_offs[stride] - strikes[stride])
    swing = np.clip((times_s - toe_offs[stride]) / (strikes[stride + 1] - toe_offs[stride]), 0.0, 1.0)
    phase = np.where(stance < 1, TOE_OFF * stance, TOE_OFF + (1 - TOE_OFF) * swing)
    return phase, swing, stride


def _pitch_rad(parameters: WalkParameters) -> PchipInterpolator:
    strike, toe_off = strike_angle_deg(parameters), toe_off_angle_deg(parameters)
    degrees = strike * np.array(STRIKE_SHARE) - toe_off * np.array(TOE_OFF_SHARE)
    return PchipInterpolator(PITCH_PHASE, np.radians(degrees))


def _toe_pivot_share(phase: np.ndarray) -> np.ndarray:
    # 0: turns about the heel, 1: about the toe base; it changes while the foot is flat, or level in late swing.
    return _smooth((phase - 0.12) / 0.14) - _smooth((phase - 0.76) / 0.14)


def _smooth(share: np.ndarray) -> np.ndarray:
    share = np.clip(share, 0.0, 1.0)
    return share**3 * (10 - 15 * share + 6 * share**2)


def _bump(swing: np.ndarray) -> np.ndarray:
    # highest at 0.43 of the swing, level at both ends
    return swing**1.5 * (1 - swing) ** 2 / (0.43**1.5 * 0.57**2)


def _bump_m(parameters: WalkParameters) -> float:
    # lift of the whole foot that makes the foot joint's highest rise exactly foot_lift_m on top of what the pitch
    # alone gives
    swing = np.linspace(0.02, 0.98, 193)
    phase = TOE_OFF + (1 - TOE_OFF) * swing
    heel, _, foot = _shape(parameters)
    turn_point = heel + _toe_pivot_share(phase)[:, None] * (foot - heel)
    by_pitch = (_place(foot - turn_point, _pitch_rad(parameters)(phase)) + turn_point)[:, 0] - foot[0]
    return float(np.min((parameters.foot_lift_m - by_pitch) / _bump(swing)))


def _shape(parameters: WalkParameters) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    # heel, ankle and toe base of the flat foot as (height, forward) from the floor point under the ankle
    size = parameters.body.length_m
    foot_height = size("foot_height")
    return (
        np.array([foot_height, -size("heel_behind_ankle")]),
        np.array([size("ankle_height"), 0.0]),
        np.array([foot_height, size("ankle_to_foot")]),
    )


def _place(offset: np.ndarray, pitch_rad: np.ndarray) -> np.ndarray:
    # turn (height, forward) by the pitch, toes up positive
    up, ahead = offset[..., 0], offset[..., 1]
    cos, sin = np.cos(pitch_rad), np.sin(pitch_rad)
    return np.stack([up * cos + ahead * sin, ahead * cos - up * sin], axis=-1)
