"""Walks with known events and parameters on the 22-joint skeleton: feet follow explicit stance and swing paths."""
from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy.interpolate import PchipInterpolator

from agir_plugin.consts import JOINT, JOINTS, SIDES
from agir_plugin.records import Motion

#: Heights (m) and sideways places (m, of the left side) of the joints of a standing person of 1.75 m.
STANDING = {
    "pelvis": (0.95, 0.0), "hip": (0.90, 0.09), "knee": (0.50, 0.09), "ankle": (0.09, 0.0), "foot": (0.02, 0.0),
    "spine1": (1.05, 0.0), "spine2": (1.17, 0.0), "spine3": (1.25, 0.0), "neck": (1.45, 0.0), "head": (1.55, 0.0),
    "collar": (1.40, 0.07), "shoulder": (1.40, 0.19), "elbow": (1.12, 0.19), "wrist": (0.87, 0.19),
}
ARM_M = 0.53
FOOT_M = 0.14
HEEL_BEHIND_M = 0.05
#: As real feet do, a foot comes to rest this long after it strikes and stirs this long before it leaves, seconds.
SETTLES_S = 0.025
STIRS_S = 0.045


@dataclass(frozen=True)
class Walker:
    """The causes of a walk; step times and lengths may differ by side and from step to step."""

    cadence_spm: float = 110.0
    speed_mps: float = 1.26
    seconds: float = 6.0
    foot_lift_m: float = 0.12
    arm_deg: tuple[float, float] = (36.0, 28.0)
    step_width_m: float = 0.10
    double_support: float = 0.12
    trunk_deg: float = 4.0
    length_ratio: float = 1.0
    time_ratio: float = 1.0
    time_jitter: tuple[float, ...] = ()
    sway_m: float = 0.02
    noise_m: float = 0.0
    heading_deg: float = 0.0
    start_xz_m: tuple[float, float] = (0.0, 0.0)
    belt: bool = False
    seed: int = 0

    @property
    def step_time_s(self) -> float:
        """Mean step time."""
        return 60 / self.cadence_spm

    @property
    def step_length_m(self) -> float:
        """Mean step length."""
        return self.speed_mps * self.step_time_s


@dataclass(frozen=True)
class Truth:
    """Heel strikes and toe-offs by side (seconds) inside the recording, and all strikes' sides, times and places."""

    heel_strike_s: dict[str, list[float]]
    toe_off_s: dict[str, list[float]]
    strikes: list[tuple[float, int, float]] = field(default_factory=list)


def walk(walker: Walker, fps: float, markers: bool = False) -> tuple[Motion, Truth]:
    """The motion that `walker` makes, sampled at `fps`, and what is true of it."""
    time = np.arange(round(walker.seconds * fps) + 1) / fps
    strikes = _strikes(walker)
    joints = np.zeros((len(time), len(JOINTS), 3))
    ahead = PchipInterpolator([s[0] for s in strikes], [s[2] for s in strikes])(time) - walker.step_length_m / 2
    _trunk(joints, walker, time, ahead)
    heel, toe = np.zeros((len(time), 2, 3)), np.zeros((len(time), 2, 3))
    for side in (0, 1):
        _leg(joints, heel, toe, walker, time, strikes, side)
        _arm(joints, walker, time, strikes, side)
    if walker.belt:
        for points in (joints, heel, toe):
            points[..., 2] -= (walker.speed_mps * time)[:, None]
    motion = Motion(
        joints, fps, "synthetic", heel if markers else None, toe if markers else None, measured=frozenset(JOINTS)
    )
    return _placed(_noisy(motion, walker), walker), _truth(walker, strikes)


def standing(fps: float, seconds: float = 4.0) -> Motion:
    """Someone who stands still."""
    motion, _ = walk(Walker(seconds=seconds), fps)
    return replace(motion, joints_m=np.repeat(motion.joints_m[:1], len(motion.joints_m), axis=0))


def _strikes(walker: Walker) -> list[tuple[float, int, float]]:
    """(time, side, place along the walk) of each strike from well before the recording to well after it."""
    share = {0: 2 * walker.time_ratio / (1 + walker.time_ratio), 1: 2 / (1 + walker.time_ratio)}
    reach = {0: 2 * walker.length_ratio / (1 + walker.length_ratio), 1: 2 / (1 + walker.length_ratio)}
    jitter = walker.time_jitter or (0.0,)
    time, place, found, count = -3.2 * walker.step_time_s, 0.0, [], 0
    while time < walker.seconds + 4 * walker.step_time_s:
        side = count % 2
        time += walker.step_time_s * share[side] * (1 + jitter[count % len(jitter)])
        place += walker.step_length_m * reach[side]
        found.append((time, side, place))
        count += 1
    return found


def _off(strikes: list[tuple[float, int, float]], index: int, walker: Walker) -> float:
    """Toe-off of the foot that struck at `index`: a double support after the other foot's strike."""
    return strikes[index + 1][0] + walker.double_support * (strikes[index + 2][0] - strikes[index][0])


def _truth(walker: Walker, strikes: list[tuple[float, int, float]]) -> Truth:
    landed: dict[str, list[float]] = {side: [] for side in SIDES}
    left: dict[str, list[float]] = {side: [] for side in SIDES}
    for index, (time, side, _) in enumerate(strikes[:-2]):
        if 0 <= time <= walker.seconds:
            landed[SIDES[side]].append(time)
        off = _off(strikes, index, walker)
        if 0 <= off <= walker.seconds:
            left[SIDES[side]].append(off)
    return Truth(landed, left, strikes)


def _phase(time: np.ndarray, strikes: list[tuple[float, int, float]], side: int) -> np.ndarray:
    """Gait cycle of `side` in radians: 0 at each of its strikes."""
    own = [strike[0] for strike in strikes if strike[1] == side]
    return 2 * np.pi * PchipInterpolator(own, np.arange(len(own)))(time)


def _trunk(joints: np.ndarray, walker: Walker, time: np.ndarray, ahead: np.ndarray) -> None:
    for name, (height, _) in STANDING.items():
        if name in JOINT:
            joints[:, JOINT[name], 1] = height
    lean = np.radians(walker.trunk_deg)
    for name in ("spine1", "spine2", "spine3", "neck", "head"):
        above = STANDING[name][0] - STANDING["pelvis"][0]
        joints[:, JOINT[name], 1] = STANDING["pelvis"][0] + above * np.cos(lean)
        joints[:, JOINT[name], 2] = above * np.sin(lean)
    for name in ("hip", "collar", "shoulder"):
        height, out = STANDING[name]
        above = max(height - STANDING["pelvis"][0], 0.0)
        for sign, side in ((1, "left"), (-1, "right")):
            rise = STANDING["pelvis"][0] + above * np.cos(lean) if above else height
            joints[:, JOINT[f"{side}_{name}"]] = (sign * out, rise, above * np.sin(lean))
    sway = walker.sway_m * np.sin(np.pi * (time - 0.1) / walker.step_time_s)
    joints[..., 2] += ahead[:, None]
    joints[..., 0] += sway[:, None]


def _leg(
    joints: np.ndarray, heel: np.ndarray, toe: np.ndarray, walker: Walker, time: np.ndarray,
    strikes: list[tuple[float, int, float]], side: int,
) -> None:
    place, lift = np.zeros(len(time)), np.zeros(len(time))
    own = [index for index, strike in enumerate(strikes[:-2]) if strike[1] == side]
    place[:] = strikes[own[0]][2]
    for index in own:
        start, stop = _off(strikes, index, walker) - STIRS_S, strikes[index + 2][0] + SETTLES_S
        share = np.clip((time - start) / (stop - start), 0, 1)
        smooth = share**3 * (10 - 15 * share + 6 * share**2)
        place += (strikes[index + 2][2] - strikes[index][2]) * smooth
        lift += walker.foot_lift_m * np.sin(np.pi * share) ** 2
    out = (1 if side == 0 else -1) * walker.step_width_m / 2
    name = SIDES[side]
    ankle_up = STANDING["ankle"][0] + lift
    joints[:, JOINT[f"{name}_ankle"]] = np.stack([np.full_like(place, out), ankle_up, place], axis=1)
    joints[:, JOINT[f"{name}_foot"]] = np.stack(
        [np.full_like(place, out), STANDING["foot"][0] + lift, place + FOOT_M], axis=1
    )
    hip = joints[:, JOINT[f"{name}_hip"]]
    joints[:, JOINT[f"{name}_knee"]] = (hip + joints[:, JOINT[f"{name}_ankle"]]) / 2
    heel[:, side] = joints[:, JOINT[f"{name}_ankle"]] - [0, 0.06, HEEL_BEHIND_M]
    toe[:, side] = joints[:, JOINT[f"{name}_foot"]]


def _arm(
    joints: np.ndarray, walker: Walker, time: np.ndarray, strikes: list[tuple[float, int, float]], side: int
) -> None:
    angle = np.radians(-walker.arm_deg[side] / 2 * np.cos(_phase(time, strikes, side)) - walker.trunk_deg)
    down = np.stack([np.zeros_like(angle), -np.cos(angle), np.sin(angle)], axis=1)
    shoulder = joints[:, JOINT[f"{SIDES[side]}_shoulder"]]
    joints[:, JOINT[f"{SIDES[side]}_elbow"]] = shoulder + ARM_M * 0.52 * down
    joints[:, JOINT[f"{SIDES[side]}_wrist"]] = shoulder + ARM_M * down


def _noisy(motion: Motion, walker: Walker) -> Motion:
    if not walker.noise_m:
        return motion
    rng = np.random.default_rng(walker.seed)

    def shake(points: np.ndarray | None) -> np.ndarray | None:
        return None if points is None else points + rng.normal(0, walker.noise_m, points.shape)

    return replace(
        motion, joints_m=shake(motion.joints_m), heel_m=shake(motion.heel_m), toe_m=shake(motion.toe_m)
    )


def _placed(motion: Motion, walker: Walker) -> Motion:
    turn = np.radians(walker.heading_deg)
    rotation = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
    shift = np.array([walker.start_xz_m[0], 0, walker.start_xz_m[1]])

    def place(points: np.ndarray | None) -> np.ndarray | None:
        return None if points is None else points @ rotation.T + shift

    return replace(
        motion, joints_m=place(motion.joints_m), heel_m=place(motion.heel_m), toe_m=place(motion.toe_m)
    )
