"""A motion, its walk and events in; the reasons to refuse it and the flags to raise out. No result beats a bad one."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agir_plugin.consts import JOINT, SIDES
from agir_plugin.gait import rate_check
from agir_plugin.gait.course import ON_THE_SPOT, Walk
from agir_plugin.gait.events import Events
from agir_plugin.gait.geometry import GRAVITY, horizontal, leg_length
from agir_plugin.gait.spatiotemporal import Step, Stride
from agir_plugin.gait.stance_check import no_double_support, no_stance
from agir_plugin.records import LabelledEvent, Motion

#: Shortest recording that can hold two steps, seconds.
MIN_SECONDS = 1.0
#: A person whose feet both stay within this distance, metres, for this long, seconds, stands.
STANDING_M = 0.10
STANDING_S = 0.3
#: Slowest sampling at which events of walking can be placed, frames per second.
MIN_FPS = 10.0
#: Feet whose speeds differ by less than this on average, m/s, stand (shuffling at 0.18 m/s shows about 0.35).
STANDING_MPS = 0.10
#: Fewest heel strikes of each foot.
MIN_STRIKES = 2
#: Share of the steps that may fail to alternate between the feet.
MAX_OUT_OF_ORDER = 0.2
#: Froude number v^2 / (g l) above which nobody can walk: the body would leave the floor (Alexander 1989) ...
RUNNING_FROUDE = 1.0
#: ... and the one above which people prefer to run, which they do when double support is below this share of the cycle.
MAYBE_RUNNING_FROUDE = 0.5
RUNNING_DOUBLE_SUPPORT_PCT = 5.0
#: A foot that lands this much higher or lower than the other at each step climbs stairs (0.15 m and more; a ramp of
#: 7 degrees gives 0.08 m).
STAIR_M = 0.10
#: A walk with fewer strides (both feet together) is flagged "short".
SHORT_STRIDES = 4
#: Joints without which nothing can be measured.
NEEDED = ("pelvis", "left_hip", "right_hip", "left_ankle", "right_ankle", "left_foot", "right_foot")


def unusable(motion: Motion) -> tuple[str, ...]:
    """Why a motion cannot be measured at all: of no human size, too short, too slowly sampled, or its legs not seen."""
    if "implausible_size" in motion.flags:
        return ("no length unit makes a person of the recording's pelvis and feet; check the labels and the unit",)
    if motion.fps < MIN_FPS:
        wanted = f"expected at least {MIN_FPS:g} frames per second to place gait events"
        return (f"{wanted}, got {motion.fps:g}{rate_check.advice(motion)}",)
    if motion.seconds >= STANDING_S and _stands(motion):
        return (f"the person stands: neither foot moves by more than {STANDING_M:g} m",)
    if motion.seconds < MIN_SECONDS:
        part = " in one straight part" if "turning" in motion.flags else ""
        more = f"{part}{rate_check.hint(motion)}"
        return (f"expected at least {MIN_SECONDS:g} s of walking, the recording has {motion.seconds:.2f} s{more}",)
    lacking = [name for name in NEEDED if motion.measured and name not in motion.measured]
    if lacking:
        return (f"the recording does not show the {', '.join(lacking).replace('_', ' ')}, which every parameter needs",)
    legs = motion.joints_m[:, [JOINT[name] for name in NEEDED]]
    feet = [points for points in (motion.heel_m, motion.toe_m) if points is not None]
    gaps = [~np.isfinite(points).all(axis=(1, 2)) for points in (legs, *feet)]
    lost = int(np.logical_or.reduce(gaps).sum())
    if lost:
        return (f"the pelvis, legs or feet are missing in {lost} of {len(legs)} frames; fill or cut the gaps first",)
    return ()


def refusals(
    motion: Motion, walk: Walk, events: Events, steps: Sequence[Step], strides: Sequence[Stride]
) -> tuple[str, ...]:
    """Why a recording's parameters cannot be trusted; empty when they can."""
    if walk.stepping_mps < STANDING_MPS:
        return ("the person stands: the feet do not step",)
    if abs(walk.speed_mps) < ON_THE_SPOT * walk.stepping_mps:
        return ("the person steps on the spot: the pelvis does not travel, and no belt carries the feet backwards",)
    few = _too_few(motion, walk, events)
    if walk.speed_mps <= 0 or (not few and np.median([step.length_m for step in steps] or [0.0]) < 0):
        return ("the person does not walk forwards: the pelvis travels against the direction that it faces",)
    timing = rate_check.impossible_cadence(walk, steps, motion.fps) if not few else ""
    running = _running(walk, strides) or no_stance(walk) or no_double_support(walk, events)
    one_cause = timing or running or few or _climbing(walk, events)
    if one_cause:
        return (one_cause,)
    disorder = _disorder(events)
    if disorder > MAX_OUT_OF_ORDER:
        return (f"the feet do not alternate: {disorder:.0%} of the heel strikes follow one of the same foot",)
    return ()


def too_few_labels(walk: Walk, events: Events, labels: Sequence[LabelledEvent]) -> tuple[str, ...]:
    """Why the labelled events of a file do not make a walk: too few of them, or not where somebody walks."""
    counts = [len(strikes) for strikes in events.heel_strikes]
    if min(counts) >= MIN_STRIKES:
        return ()
    first, last = walk.points.first_s, walk.points.first_s + (len(walk.points) - 1) / walk.points.fps
    stored = sum(label.kind == "heel_strike" for label in labels)
    return (
        f"expected at least {MIN_STRIKES} labelled heel strikes of each foot on a straight stretch ({first:.2f} to "
        f"{last:.2f} s), found {counts[0]} left and {counts[1]} right of the {stored} that the file has; name a method "
        "that finds its own events",
    )


def flags(
    motion: Motion, walk: Walk, strides: Sequence[Stride], arms_measured: bool, starts_or_stops: bool
) -> tuple[str, ...]:
    """The motion's own flags, then "treadmill", "turning", "starts_or_stops", "short", ... where they apply."""
    raised = {
        "treadmill": walk.belt_mps is not None,
        "turning": walk.turns,
        "starts_or_stops": starts_or_stops,
        "short": len(strides) < SHORT_STRIDES,
        "stops": walk.stops,
        "frame_rate_in_doubt": rate_check.in_doubt(motion, strides),
        "arms_not_measured": not arms_measured,
    }
    own = [name for name, is_raised in raised.items() if is_raised and name not in motion.flags]
    return (*motion.flags, *own)


def _stands(motion: Motion) -> bool:
    feet = motion.joints_m[:, [JOINT["left_ankle"], JOINT["right_ankle"]]]
    return bool(np.linalg.norm(horizontal(np.ptp(feet, axis=0)), axis=-1).max() < STANDING_M)


def _too_few(motion: Motion, walk: Walk, events: Events) -> str:
    counts = [len(strikes) for strikes in events.heel_strikes]
    if min(counts) >= MIN_STRIKES:
        return ""
    seen = " and ".join(f"{count} {side}" for count, side in zip(counts, SIDES, strict=True))
    turning = f"; the person turns by {walk.turned_deg:.0f} degrees" if walk.turns else ""
    turning = "; the rest is a turn" if "turning" in motion.flags else turning
    return f"expected at least {MIN_STRIKES} heel strikes of each foot on a straight stretch, found {seen}{turning}"


def _climbing(walk: Walk, events: Events) -> str:
    strikes = events.strikes()
    heights = np.array([np.interp(at, np.arange(len(walk.points)), walk.points.heel_m[:, side, 1]) for at, side in strikes])
    rise = float(np.median(np.diff(heights)))
    if abs(rise) < STAIR_M:
        return ""
    way = "higher" if rise > 0 else "lower"
    return f"the person climbs: each foot lands {abs(rise):.2f} m {way} than the other, this measures walking on the level"


def _disorder(events: Events) -> float:
    sides = [side for _, side in events.strikes()]
    return float(np.mean([a == b for a, b in zip(sides, sides[1:], strict=False)]))


def _running(walk: Walk, strides: Sequence[Stride]) -> str:
    froude = walk.speed_mps**2 / (GRAVITY * leg_length(walk.points))
    double = [stride.double_support_pct for stride in strides if stride.double_support_pct is not None]
    flies = bool(strides) and (not double or np.median(double) < RUNNING_DOUBLE_SUPPORT_PCT)
    if froude <= MAYBE_RUNNING_FROUDE or (froude <= RUNNING_FROUDE and not flies):
        return ""
    return f"the person runs: {walk.speed_mps:.2f} m/s without double support, this measures walking only"
