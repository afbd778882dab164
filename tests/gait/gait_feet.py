"""Walks whose feet land as patients' feet do (heel first, flat, toes first, on the toes), with known contact times.

Each foot is a rigid rod from heel to toe base that turns about whichever end is on the floor; the other joints stand
upright above the feet. All points pass through the low-pass that marker files get.
"""
from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from gait_walker import STANDING
from scipy.interpolate import PchipInterpolator

from agir_plugin.consts import JOINT, JOINTS, SIDES
from agir_plugin.motion.signals import MARKER_CUTOFF_HZ, low_pass
from agir_plugin.records import Motion

#: Heel to toe base, heights of the markers on both, and the ankle above and before the heel, metres.
ROD_M, MARKER_M, ANKLE_M = 0.17, 0.03, (0.07, 0.05)


@dataclass(frozen=True)
class Feet:
    """How somebody walks; pairs are left, right. `strike_deg` is the foot's pitch at contact, toes up positive."""

    cadence_spm: float = 110.0
    speed_mps: float = 1.2
    seconds: float = 6.0
    strike_deg: tuple[float, float] = (20.0, 20.0)
    toe_off_deg: float = 55.0
    flat_after: float = 0.10
    stance: float = 0.60
    clearance_m: float = 0.03
    landing_share: float = 0.3
    tiptoe: bool = False
    length_ratio: float = 1.0
    time_ratio: float = 1.0
    start_s: float = 0.0
    noise_m: float = 0.0
    seed: int = 0

    @property
    def step_s(self) -> float:
        """Mean step time."""
        return 60 / self.cadence_spm

    @property
    def step_m(self) -> float:
        """Mean step length."""
        return self.speed_mps * self.step_s


def walk_on(feet: Feet, fps: float, markers: bool = True) -> tuple[Motion, dict[str, list[float]], dict[str, list[float]]]:
    """The motion, and the true times of contact and of toe-off by side that lie in the recording."""
    time = feet.start_s + np.arange(round(feet.seconds * fps) + 1) / fps
    plan = _plan(feet)
    joints = np.zeros((len(time), len(JOINTS), 3))
    heel, toe = np.zeros((len(time), 2, 3)), np.zeros((len(time), 2, 3))
    middle = PchipInterpolator([at for at, _, _ in plan], [place for _, _, place in plan])(time) - feet.step_m / 2 + 0.09
    _body(joints, middle)
    strikes, offs = {}, {}
    for side, name in enumerate(SIDES):
        own = [(at, place) for at, which, place in plan if which == side]
        pose, found_offs = _foot(feet, time, own, side)
        _place_foot(joints, heel, toe, pose, side)
        end = feet.start_s + feet.seconds
        strikes[name] = [at - feet.start_s for at, _ in own if feet.start_s <= at <= end]
        offs[name] = [at - feet.start_s for at in found_offs if feet.start_s <= at <= end]
    rng = np.random.default_rng(feet.seed)
    joints, heel, toe = (
        low_pass(points + rng.normal(0, feet.noise_m, points.shape), fps, MARKER_CUTOFF_HZ) for points in (joints, heel, toe)
    )
    motion = Motion(joints, fps, "synthetic", heel, toe, measured=frozenset(JOINTS))
    return (motion if markers else replace(motion, heel_m=None, toe_m=None)), strikes, offs


def _plan(feet: Feet) -> list[tuple[float, int, float]]:
    """(time, side, place of the heel on the flat foot) of each contact, from before the recording to after it."""
    share = {0: 2 * feet.time_ratio / (1 + feet.time_ratio), 1: 2 / (1 + feet.time_ratio)}
    reach = {0: 2 * feet.length_ratio / (1 + feet.length_ratio), 1: 2 / (1 + feet.length_ratio)}
    time, place, found = -4.3 * feet.step_s, 0.0, []
    while time < feet.start_s + feet.seconds + 5 * feet.step_s:
        side = len(found) % 2
        time, place = time + feet.step_s * share[side], place + feet.step_m * reach[side]
        found.append((time, side, place))
    return found


def _foot(
    feet: Feet, time: np.ndarray, own: list[tuple[float, float]], side: int
) -> tuple[np.ndarray, list[float]]:
    """Heel place, heel height and pitch (T, 3) of one foot, and its toe-offs."""
    strike = np.radians(feet.strike_deg[side])
    rest = strike if feet.tiptoe else 0.0
    pose = np.tile([own[0][1], 0.0, 0.0], (len(time), 1))
    offs = []
    for (start, place), (end, next_place) in zip(own, own[1:], strict=False):
        stride = end - start
        off = start + feet.stance * stride
        offs.append(off)
        stance = (time >= start) & (time < off)
        pose[stance] = _stance(feet, time[stance] - start, stride, strike, rest, place)
        swing = (time >= off) & (time < end)
        pose[swing] = _swing(feet, time[swing] - off, end - off, _leaving(feet, stride, strike, rest, place),
                             _landing(strike, next_place))
    return pose, offs


def _stance(feet: Feet, after: np.ndarray, stride: float, strike: float, rest: float, place: float) -> np.ndarray:
    """The foot on the floor: it turns to rest about the end that landed, then rolls off about the toe base."""
    flat = np.clip(after / (feet.flat_after * stride), 0, 1)
    rising = np.clip((after / stride - 0.55 * feet.stance) / (0.45 * feet.stance), 0, 1)
    pitch = strike + (rest - strike) * flat * (2 - flat) - (np.radians(feet.toe_off_deg) + rest) * rising**2.5
    toe = np.where((pitch < 0) | (strike < 0), 1.0, 0.0)  # which end is on the floor
    return np.stack([place + toe * ROD_M * (1 - np.cos(pitch)), -toe * ROD_M * np.sin(pitch), pitch], axis=1)


def _leaving(feet: Feet, stride: float, strike: float, rest: float, place: float) -> np.ndarray:
    """Pose at toe-off and its speed, (2, 3)."""
    before = _stance(feet, feet.stance * stride - np.array([0.001, 0.0]), stride, strike, rest, place)
    return np.stack([before[1], (before[1] - before[0]) / 0.001])


def _landing(strike: float, place: float) -> np.ndarray:
    toe = 1.0 if strike < 0 else 0.0
    return np.array([place + toe * ROD_M * (1 - np.cos(strike)), -toe * ROD_M * np.sin(strike), strike])


def _swing(feet: Feet, after: np.ndarray, seconds: float, leaving: np.ndarray, landing: np.ndarray) -> np.ndarray:
    """From the pose and speed of toe-off to the pose of contact, where the foot still has part of the body's speed."""
    share = (after / seconds)[:, None]
    arriving = np.array([feet.landing_share * feet.speed_mps, -0.1, 0.0])
    blend = np.hstack([2 * share**3 - 3 * share**2 + 1, share**3 - 2 * share**2 + share])
    back = np.hstack([-2 * share**3 + 3 * share**2, share**3 - share**2])
    pose = blend @ np.stack([leaving[0], seconds * leaving[1]]) + back @ np.stack([landing, seconds * arriving])
    lowest = np.minimum(pose[:, 1], pose[:, 1] + ROD_M * np.sin(pose[:, 2]))
    floor = feet.clearance_m * np.sin(np.pi * share[:, 0])
    pose[:, 1] += np.maximum(floor - lowest, 0)
    return pose


def _place_foot(joints: np.ndarray, heel: np.ndarray, toe: np.ndarray, pose: np.ndarray, side: int) -> None:
    along, up, pitch = pose.T
    across = np.full_like(along, 0.05 if side == 0 else -0.05)

    def point(ahead: float, above: float) -> np.ndarray:
        return np.stack([
            across, up + ahead * np.sin(pitch) + above * np.cos(pitch), along + ahead * np.cos(pitch) - above * np.sin(pitch)
        ], axis=1)

    heel[:, side], toe[:, side] = point(-0.01, MARKER_M), point(ROD_M, MARKER_M)
    name = SIDES[side]
    joints[:, JOINT[f"{name}_ankle"]] = point(ANKLE_M[1], ANKLE_M[0])
    joints[:, JOINT[f"{name}_foot"]] = point(ROD_M, MARKER_M)
    joints[:, JOINT[f"{name}_knee"]] = (joints[:, JOINT[f"{name}_hip"]] + joints[:, JOINT[f"{name}_ankle"]]) / 2


def _body(joints: np.ndarray, ahead: np.ndarray) -> None:
    for name in JOINTS:
        side = name.partition("_")[0]
        height, out = STANDING.get(name.removeprefix(f"{side}_") if side in SIDES else name, (0.0, 0.0))
        joints[:, JOINT[name], 0] = out * {"left": 1, "right": -1}.get(side, 0)
        joints[:, JOINT[name], 1] = height
        joints[:, JOINT[name], 2] = ahead
