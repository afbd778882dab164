"""A `Motion` comes in; its gait events and `GaitParameters` go out, or a refusal with reasons."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from agir_plugin.consts import JOINTS, SIDES
from agir_plugin.gait import quality, signals, statistics
from agir_plugin.gait.arms_trunk import arm_swing_deg, margin_of_stability_m, trunk_flexion_deg
from agir_plugin.gait.catalog import UNITS
from agir_plugin.gait.course import Walk
from agir_plugin.gait.event_methods import DEFAULT, check_method
from agir_plugin.gait.events import Events
from agir_plugin.gait.foot_lift import foot_lift_m
from agir_plugin.gait.spatiotemporal import Step, Stride
from agir_plugin.gait.statistics import Sides
from agir_plugin.gait.variability import variations
from agir_plugin.gait.walked import walked
from agir_plugin.records import Confidence, FootEvents, GaitParameters, LabelledEvent, Measure, Motion

#: Joints that the trunk's frame needs, in which an arm swings.
TRUNK_JOINTS = ("neck", "left_shoulder", "right_shoulder")


def measure(motion: Motion, events: str = DEFAULT, labels: Sequence[LabelledEvent] = ()) -> GaitParameters:
    """Measure one walk at its own frame rate; one that cannot be trusted is refused with reasons, without an exception.

    `events` names the method that places heel strikes and toe-offs (`event_methods.NAMES`); "file" takes the recording's
    own `labels` (`Recording.events`) and refuses a walk that has too few. The result's `source` names every method but
    the default. Steps that start or stop the walk are among the events but not in the parameters (flag
    "starts_or_stops"), unless they are labelled. Every name of `catalog.UNITS` is in the result; a parameter that could
    not be measured has no value but a reason. Raises UsageError for a method that does not exist.
    """
    check_method(events)
    motion = motion if events == DEFAULT else replace(motion, source=f"{motion.source}, events: {events}")
    reasons = quality.unusable(motion)
    if reasons:
        return _refused(motion, reasons, ())
    seen = walked(motion, events, labels)
    arms = any(_arms_reason(motion, side) is None for side in SIDES)
    flags = quality.flags(motion, seen.walk, seen.strides, arms_measured=arms, starts_or_stops=seen.starts_or_stops)
    if seen.reasons:
        return _refused(motion, seen.reasons, flags)
    return GaitParameters(
        status="ok", fps=motion.fps, source=motion.source, n_strides=len(seen.strides), flags=flags,
        events=_in_seconds(seen.walk, seen.events),
        parameters=_parameters(motion, seen.walk, seen.steady, seen.steps, seen.strides),
    )


def _refused(motion: Motion, reasons: tuple[str, ...], flags: tuple[str, ...]) -> GaitParameters:
    why = f"the walk was refused: {'; '.join(reasons)}"
    return GaitParameters(
        status="refused", fps=motion.fps, source=motion.source, reasons=reasons, flags=flags or motion.flags,
        events={side: FootEvents() for side in SIDES},
        parameters={name: statistics.missing(name, why) for name in UNITS},
    )


def _in_seconds(walk: Walk, events: Events) -> dict[str, FootEvents]:
    def seconds(indices: np.ndarray) -> tuple[float, ...]:
        return tuple(float(walk.points.first_s + at / walk.points.fps) for at in indices)

    return {
        side: FootEvents(seconds(events.heel_strikes[i]), seconds(events.toe_offs[i])) for i, side in enumerate(SIDES)
    }


def _parameters(
    motion: Motion, walk: Walk, events: Events, found_steps: Sequence[Step], found_strides: Sequence[Stride]
) -> dict[str, Measure]:
    best: Confidence = "medium" if walk.points.heel_markers else "low"
    lifts = _by_side(lambda side: foot_lift_m(walk, events, side))
    values = {
        **variations(found_steps, found_strides, best),
        **_pace(walk, events, found_steps),
        **_step_values(found_steps, best),
        **_stride_values(found_strides, best),
        **statistics.mean_of_sides("foot_lift_m", lifts, "swing"),
        **_arms(motion, walk, found_strides),
        **_balance(motion, walk, events, found_strides),
    }
    return {name: values[name] for name in UNITS}


def _pace(walk: Walk, events: Events, found: Sequence[Step]) -> dict[str, Measure]:
    cadence = 60 / _step_time_s(walk, found)
    length = np.mean([step.length_m for step in found])
    return {
        "cadence_spm": statistics.known("cadence_spm", cadence, len(found)),
        "speed_mps": statistics.known("speed_mps", _speed_mps(walk, events), len(found)),
        "walk_ratio": statistics.known("walk_ratio", length / cadence, len(found)),
    }


def _speed_mps(walk: Walk, events: Events) -> float:
    """The pelvis's speed from the first to the last heel strike, with foot markers over whole strides (as `_step_time_s`): where
    the first and the last are of different feet, the mean of the spans without the one and without the other.
    """
    strikes, pelvis = events.strikes(), walk.points.joint("pelvis") @ walk.forward
    spans = [(strikes[0], strikes[-1])]
    if walk.points.heel_markers and strikes[0][1] != strikes[-1][1]:
        spans = [(strikes[0], strikes[-2]), (strikes[1], strikes[-1])]
    speeds = [
        (signals.interpolate(pelvis, last) - signals.interpolate(pelvis, first)) * walk.points.fps / (last - first)
        for (first, _), (last, _) in spans
    ]
    return float(np.mean(speeds))


def _step_time_s(walk: Walk, found: Sequence[Step]) -> float:
    """Mean step time: of all steps, or with foot markers of both sides alike, so that one short step more than long ones
    does not make a limping walk faster (laboratories count whole strides).
    """
    sides = [[step.time_s for step in found if step.side == side] for side in (0, 1)]
    if walk.points.heel_markers and all(sides):
        return float(np.mean([np.mean(times) for times in sides]))
    return float(np.mean([step.time_s for step in found]))


def _step_values(found: Sequence[Step], best: Confidence) -> dict[str, Measure]:
    def of(read: Callable[[Step], float]) -> Sides:
        return _by_side(lambda side: [read(step) for step in found if step.side == side])

    lengths, times = of(lambda step: step.length_m), of(lambda step: step.time_s)
    widths = of(lambda step: step.width_m)
    values = {
        **statistics.mean_of_sides("step_length_m", lengths, "step"),
        **statistics.mean_of_sides("step_time_s", times, "step"),
        "step_width_m": statistics.mean("step_width_m", [*widths[0], *widths[1]], "step", best),
    }
    for name, of_what in (("step_length_asymmetry_pct", "step_length_m"), ("step_time_asymmetry_pct", "step_time_s")):
        values[name] = statistics.asymmetry(name, values[f"{of_what}_left"], values[f"{of_what}_right"])
    return values


def _stride_values(found: Sequence[Stride], best: Confidence) -> dict[str, Measure]:
    stance = [stride.stance_pct for stride in found if stride.stance_pct is not None]
    double = [stride.double_support_pct for stride in found if stride.double_support_pct is not None]
    swing = [100 - share for share in stance]
    whole = "gait cycle with its toe-off"
    return {
        "stride_length_m": statistics.mean("stride_length_m", [stride.length_m for stride in found], "stride"),
        "stride_time_s": statistics.mean("stride_time_s", [stride.time_s for stride in found], "stride"),
        "stance_pct": statistics.mean("stance_pct", stance, whole, best),
        "swing_pct": statistics.mean("swing_pct", swing, whole, best),
        "double_support_pct": statistics.mean("double_support_pct", double, "gait cycle with both toe-offs", best),
    }


def _arms(motion: Motion, walk: Walk, found: Sequence[Stride]) -> dict[str, Measure]:
    name = "arm_swing_deg"
    values = {}
    for i, side in enumerate(SIDES):
        one, reason = f"{name}_{side}", _arms_reason(motion, side)
        values[one] = statistics.missing(one, reason) if reason else statistics.mean(
            one, arm_swing_deg(walk, found, i), "whole gait cycle"
        )
    left, right = values[f"{name}_left"], values[f"{name}_right"]
    reason = left.reason or right.reason
    values[name] = statistics.missing(name, reason) if reason else statistics.known(
        name, (left.value + right.value) / 2, left.n
    )
    values["arm_swing_asymmetry_pct"] = statistics.asymmetry("arm_swing_asymmetry_pct", left, right)
    return values


def _balance(motion: Motion, walk: Walk, events: Events, found: Sequence[Stride]) -> dict[str, Measure]:
    flexion = "trunk_flexion_deg"
    reason = _not_measured(motion, ("neck",))
    trunk = statistics.missing(flexion, reason) if reason else statistics.mean(
        flexion, trunk_flexion_deg(walk, found), "whole gait cycle", "medium"
    )
    margin = "margin_of_stability_ml_m"
    return {flexion: trunk, margin: statistics.mean(margin, margin_of_stability_m(walk, events), "heel strike", "low")}


def _by_side(values: Callable[[int], Sequence[float]]) -> Sides:
    return values(0), values(1)


def _arms_reason(motion: Motion, side: str) -> str | None:
    """Why the arm of `side` cannot be measured, or None."""
    return _not_measured(motion, (f"{side}_wrist", *TRUNK_JOINTS))


def _not_measured(motion: Motion, needed: Sequence[str]) -> str | None:
    measured = motion.measured or frozenset(JOINTS)
    lacking = sorted(set(needed) - measured)
    return f"the recording does not show the {', '.join(lacking).replace('_', ' ')}" if lacking else None
