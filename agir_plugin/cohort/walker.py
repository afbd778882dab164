"""A step plan and times in, a whole walking body out: 22 joints (T, 22, 3) in metres, Y up, walking along +Z."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from agir_plugin.cohort.feet import FootPath, foot_path
from agir_plugin.cohort.steps import StepPlan, WalkParameters, plan_steps
from agir_plugin.consts import JOINT, JOINTS
from agir_plugin.errors import UsageError

#: Longest hip-to-ankle distance as a share of the leg: a knee never quite straightens in walking.
LEG_REACH = 0.997
#: Points per second of the inner time grid on which the pelvis height is chosen, so that it does not depend on the
#: frame rate.
HEIGHT_GRID_HZ = 100.0
#: Pelvis yaw and thorax counter-yaw (half ranges) at a step of 0.7 m, pelvis list and trunk roll, degrees; textbook
#: sizes.
PELVIS_YAW_DEG, THORAX_YAW_DEG, PELVIS_LIST_DEG, TRUNK_ROLL_DEG = 4.5, 4.0, 3.0, 1.2
#: Abduction of the hanging arm, degrees.
ARM_OUT_DEG = 9.0


@dataclass(frozen=True)
class WalkingBody:
    """The body over time: `joints_m` (T, 22, 3), turned frames (T, 3, 3) of pelvis and thorax whose columns are
    left, up and forward, and both feet (left, right).
    """

    joints_m: np.ndarray
    pelvis: np.ndarray
    thorax: np.ndarray
    feet: tuple[FootPath, FootPath]


def walk_joints(parameters: WalkParameters, seconds: float, fps: float, rng: np.random.Generator) -> np.ndarray:
    """Joints (T, 22, 3) float64 of a walk, metres, Y up, along +Z, floor at 0; T = floor(seconds * fps) + 1.

    The same parameters, seconds and generator state give the same continuous walk at every `fps`. UsageError for a
    frame rate or a duration that is not positive.
    """
    return body_at(plan_steps(parameters, seconds, rng), frame_times_s(seconds, fps)).joints_m


def frame_times_s(seconds: float, fps: float) -> np.ndarray:
    """Times (T,) of the frames of a walk, from 0 s to at most `seconds`. UsageError when `fps` is not positive."""
    if not fps > 0:
        raise UsageError(
            f"frame rate of a walk: expected more than 0 frames per second, got {fps}; give a positive rate"
        )
    return np.arange(int(np.floor(seconds * fps + 1e-9)) + 1) / fps


def body_at(plan: StepPlan, times_s: np.ndarray) -> WalkingBody:
    """The walking body of a plan at `times_s` (T,), seconds from the walk's first frame."""
    grid_s = np.arange(int(plan.seconds * HEIGHT_GRID_HZ) + 2) / HEIGHT_GRID_HZ
    height_m = _pelvis_height_m(plan, grid_s)
    feet = (foot_path(plan, True, times_s), foot_path(plan, False, times_s))
    phase = _step_phase(plan, times_s)
    root = _pelvis_path(plan, times_s, phase)
    root[:, 1] = height_m + _bob_m(plan.parameters, phase)
    pelvis = _pelvis_frame(plan.parameters, phase)
    thorax = _thorax_frame(plan, times_s, phase)
    joints = np.empty((len(times_s), len(JOINTS), 3))
    joints[:, JOINT["pelvis"]] = root
    _put_trunk(joints, plan.parameters, thorax)
    _put_legs(joints, plan.parameters, pelvis, feet)
    _put_arms(joints, plan, times_s, phase, thorax)
    return WalkingBody(joints, pelvis, thorax, feet)


def trunk_frames(thorax: np.ndarray, parameters: WalkParameters) -> np.ndarray:
    """Frames (T, 3, 3) of the flexed trunk (columns left, up to the neck, forward) from the upright thorax frames."""
    return thorax @ _lean(parameters)


def _step_phase(plan: StepPlan, times_s: np.ndarray) -> np.ndarray:
    # pi per step, a multiple of 2 pi at left heel strikes
    knots = np.pi * (np.arange(len(plan.strike_s)) + (not plan.left[0]))
    return CubicSpline(plan.strike_s, knots)(times_s)


def _pelvis_path(plan: StepPlan, times_s: np.ndarray, phase: np.ndarray) -> np.ndarray:
    # midway between the feet at each heel strike, over the standing foot between them; the height is set by the caller
    middle = 0.5 * (plan.forward_m[1:] + plan.forward_m[:-1]) + 0.02
    path = np.zeros((len(times_s), 3))
    path[:, 2] = CubicSpline(plan.strike_s[1:], middle)(times_s)
    sway = 0.012 + 0.12 * plan.parameters.step_width_m
    path[:, 0] = sway * np.sin(phase) + 0.008 * _drift(plan, 0, times_s)
    return path


def _drift(plan: StepPlan, row: int, times_s: np.ndarray) -> np.ndarray:
    # slow smooth wandering within -1 to 1, three sinusoids between 0.13 and 0.61 Hz with the plan's own phases
    waves = np.sin(2 * np.pi * np.array([0.13, 0.31, 0.61]) * times_s[:, None] + plan.wobble[row])
    return waves.mean(axis=1)


def _bob_m(parameters: WalkParameters, phase: np.ndarray) -> np.ndarray:
    leg, half_step = parameters.leg_length_m, 0.5 * parameters.step_length_m
    rise = leg - np.sqrt(leg**2 - min(half_step, 0.6 * leg) ** 2)
    return -0.30 * rise * np.cos(2 * (phase - np.pi * parameters.double_support_share))


def _pelvis_height_m(plan: StepPlan, grid_s: np.ndarray) -> float:
    # highest mean height at which neither leg is ever stretched past its reach
    phase = _step_phase(plan, grid_s)
    root = _pelvis_path(plan, grid_s, phase)
    frame = _pelvis_frame(plan.parameters, phase)
    body, bob = plan.parameters.body, _bob_m(plan.parameters, phase)
    reach = LEG_REACH * body.leg_length_m
    highest = np.inf
    for side in (1, -1):
        ankle = foot_path(plan, side == 1, grid_s).ankle_m
        hip = root + frame @ body.hip_offset_m(side)
        apart = np.hypot(hip[:, 0] - ankle[:, 0], hip[:, 2] - ankle[:, 2])
        room = np.sqrt(np.maximum(reach**2 - apart**2, (0.5 * reach) ** 2))
        highest = min(highest, float((ankle[:, 1] + room - (hip[:, 1] - root[:, 1]) - bob).min()))
    return highest - 0.0004 * max(plan.parameters.trunk_flexion_deg, 0.0)


def _pelvis_frame(parameters: WalkParameters, phase: np.ndarray) -> np.ndarray:
    # the side of the leading foot is turned forward; the side of the swinging leg drops
    reach = parameters.step_length_m / 0.7
    return _turn(
        -np.radians(PELVIS_YAW_DEG) * reach * np.cos(phase),
        np.radians(PELVIS_LIST_DEG) * reach * np.sin(phase),
        np.zeros_like(phase),
    )


def _thorax_frame(plan: StepPlan, times_s: np.ndarray, phase: np.ndarray) -> np.ndarray:
    # turned against the pelvis, leaning over the standing foot; the forward lean is in the spine's own curve
    yaw = np.radians(THORAX_YAW_DEG) * plan.parameters.step_length_m / 0.7 * np.cos(phase)
    roll = -np.radians(TRUNK_ROLL_DEG) * np.sin(phase) + np.radians(1.0) * _drift(plan, 1, times_s)
    return _turn(yaw, roll, np.radians(0.8) * np.cos(2 * phase))


def _turn(yaw: np.ndarray, roll: np.ndarray, pitch: np.ndarray) -> np.ndarray:
    # (T, 3, 3): about y (positive: left side back), then z (positive: left side up), then x (positive: forward lean)
    zero, one = np.zeros_like(yaw), np.ones_like(yaw)
    about_y = _matrix([[np.cos(yaw), zero, np.sin(yaw)], [zero, one, zero], [-np.sin(yaw), zero, np.cos(yaw)]])
    about_z = _matrix([[np.cos(roll), -np.sin(roll), zero], [np.sin(roll), np.cos(roll), zero], [zero, zero, one]])
    about_x = _matrix([[one, zero, zero], [zero, np.cos(pitch), -np.sin(pitch)], [zero, np.sin(pitch), np.cos(pitch)]])
    return about_y @ about_z @ about_x


def _matrix(rows: list[list[np.ndarray]]) -> np.ndarray:
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def _put_trunk(joints: np.ndarray, parameters: WalkParameters, thorax: np.ndarray) -> None:
    body, root = parameters.body, joints[:, JOINT["pelvis"]]
    spine = body.spine_m(parameters.trunk_flexion_deg)
    for name, offset in zip(("spine1", "spine2", "spine3", "neck", "head"), spine, strict=True):
        joints[:, JOINT[name]] = root + thorax @ offset
    up = _lean(parameters)[:, 1]
    for side, name in ((1, "left"), (-1, "right")):
        across = np.array([side, 0.0, 0.0])
        collar = spine[2] + across * body.length_m("collar_half_width") + up * body.length_m("collar_rise")
        shoulder = spine[2] + across * body.length_m("shoulder_half_width") + up * body.length_m("shoulder_rise")
        joints[:, JOINT[f"{name}_collar"]] = root + thorax @ collar
        joints[:, JOINT[f"{name}_shoulder"]] = root + thorax @ shoulder


def _put_legs(
    joints: np.ndarray, parameters: WalkParameters, pelvis: np.ndarray, feet: tuple[FootPath, FootPath]
) -> None:
    body, root = parameters.body, joints[:, JOINT["pelvis"]]
    for side, name, foot in ((1, "left", feet[0]), (-1, "right", feet[1])):
        hip = root + pelvis @ body.hip_offset_m(side)
        joints[:, JOINT[f"{name}_hip"]] = hip
        joints[:, JOINT[f"{name}_ankle"]] = foot.ankle_m
        joints[:, JOINT[f"{name}_foot"]] = foot.foot_m
        joints[:, JOINT[f"{name}_knee"]] = _knee_m(hip, foot.ankle_m, body.thigh_m, body.shank_m, side)


def _knee_m(hip: np.ndarray, ankle: np.ndarray, thigh_m: float, shank_m: float, side: int) -> np.ndarray:
    # two-link chain by the law of cosines; the knee bends forward and, as the foot does, a little outward
    line = ankle - hip
    length = np.linalg.norm(line, axis=-1, keepdims=True)
    axis = line / length
    ahead = np.array([side * np.sin(np.radians(4.0)), 0.0, np.cos(np.radians(4.0))])
    bend = ahead - (axis @ ahead)[:, None] * axis
    bend /= np.linalg.norm(bend, axis=-1, keepdims=True)
    along = (thigh_m**2 - shank_m**2 + length**2) / (2 * length)
    out = np.sqrt(np.maximum(thigh_m**2 - along**2, 0.0))
    return hip + along * axis + out * bend


def _put_arms(joints: np.ndarray, plan: StepPlan, times_s: np.ndarray, phase: np.ndarray, thorax: np.ndarray) -> None:
    # angles are those of the trunk's own sagittal plane, in which arm swing is measured
    parameters, size = plan.parameters, plan.parameters.body.length_m
    upper, fore = size("upper_arm"), size("forearm")
    stoop = max(parameters.trunk_flexion_deg, 0.0)
    trunk = trunk_frames(thorax, parameters)
    for side, name, swing_deg in (
        (1, "left", parameters.arm_swing_left_deg),
        (-1, "right", parameters.arm_swing_right_deg),
    ):
        swing = -side * np.cos(phase)  # forward when the other side's heel strikes
        wander = 0.15 * _drift(plan, 2 if side == 1 else 3, times_s)
        bend = np.radians(22 + 0.9 * stoop) + np.radians(0.16 * swing_deg) * (swing + wander)
        angle = np.radians(7 - 0.5 * stoop) + 0.5 * np.radians(swing_deg) * swing
        reach = np.sqrt(upper**2 + fore**2 + 2 * upper * fore * np.cos(bend))
        behind = np.arctan2(fore * np.sin(bend), upper + fore * np.cos(bend))
        shoulder = joints[:, JOINT[f"{name}_shoulder"]]
        joints[:, JOINT[f"{name}_elbow"]] = shoulder + upper * _hanging(trunk, angle - behind, side)
        joints[:, JOINT[f"{name}_wrist"]] = shoulder + reach[:, None] * _hanging(trunk, angle, side)


def _lean(parameters: WalkParameters) -> np.ndarray:
    zero = np.zeros(1)
    return _turn(zero, zero, zero + np.radians(parameters.trunk_flexion_deg))[0]


def _hanging(trunk: np.ndarray, angle_rad: np.ndarray, side: int) -> np.ndarray:
    # direction of an arm that hangs along the trunk at angle 0, forward positive, a little away from the body
    out = np.radians(ARM_OUT_DEG)
    own = np.stack(
        [
            np.full_like(angle_rad, side * np.sin(out)),
            -np.cos(out) * np.cos(angle_rad),
            np.cos(out) * np.sin(angle_rad),
        ],
        -1,
    )
    return np.einsum("tij,tj->ti", trunk, own)
