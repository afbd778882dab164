"""A `Motion` in, the walk in it with its events, steps and strides out, or why they cannot be trusted."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agir_plugin.gait import quality
from agir_plugin.gait.course import Walk, find_walk
from agir_plugin.gait.event_methods import DEFAULT, FILE, cutoff_hz, find_events
from agir_plugin.gait.events import Events
from agir_plugin.gait.geometry import smooth
from agir_plugin.gait.passes import TURNING
from agir_plugin.gait.spatiotemporal import Step, Stride, steady_events, steps, strides
from agir_plugin.records import LabelledEvent, Motion


@dataclass(frozen=True)
class Walked:
    """A walk and its events; `steady` are those without starting and stopping steps, of which `steps` and `strides` are.

    Where there are `reasons` not to trust them, nothing was left out.
    """

    walk: Walk
    events: Events
    steady: Events
    steps: list[Step]
    strides: list[Stride]
    reasons: tuple[str, ...]

    @property
    def starts_or_stops(self) -> bool:
        """Whether steps that start or stop the walk were left out."""
        return self.steady is not self.events


def walked(motion: Motion, events: str = DEFAULT, labels: Sequence[LabelledEvent] = ()) -> Walked:
    """The walk in a motion that `quality.unusable` has nothing against, by a method of `event_methods.NAMES`."""
    walk = replace(find_walk(smooth(motion, cutoff_hz(events))), cut_at_turn=TURNING in motion.flags)
    found = find_events(walk, events, labels)
    found_steps, found_strides = steps(walk, found), strides(walk, found)
    reasons = quality.refusals(motion, walk, found, found_steps, found_strides)
    if events == FILE:
        reasons = quality.too_few_labels(walk, found, labels) or reasons
    steady = found if events == FILE or reasons else steady_events(walk, found)
    if steady is not found:
        found_steps, found_strides = steps(walk, steady), strides(walk, steady)
    return Walked(walk, found, steady, found_steps, found_strides, reasons)
