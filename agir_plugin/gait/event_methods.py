"""The name of an event method and a `Walk` in, its `Events` out: the table of all methods."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from agir_plugin.errors import UsageError
from agir_plugin.gait import events, events_published
from agir_plugin.gait.course import Walk
from agir_plugin.gait.events import Events
from agir_plugin.gait.events_labelled import labelled_events
from agir_plugin.gait.signals import CUTOFF_HZ
from agir_plugin.records import LabelledEvent

#: The method of every measurement that names none.
DEFAULT = "landing"
#: The laboratory's own labels in place of a method.
FILE = "file"
#: Name -> heel strikes and toe-offs of a walk by that method.
METHODS: Mapping[str, Callable[[Walk], Events]] = MappingProxyType({
    DEFAULT: events.detect,
    "zeni": events_published.zeni,
    "oconnor": events_published.oconnor,
    "minimum_height": events_published.minimum_height,
})
#: Everything that `measure(motion, events=...)` understands.
NAMES = (*METHODS, FILE)


def check_method(name: str) -> str:
    """The name itself; UsageError when no method has it."""
    if name not in NAMES:
        raise UsageError(f"expected an event method, one of {', '.join(NAMES)}, got {name!r}")
    return name


def cutoff_hz(name: str) -> float:
    """The low-pass that a walk must have for this method, Hz: the method's own where it prescribes one."""
    return events_published.OCONNOR_HZ if name == "oconnor" else CUTOFF_HZ


def find_events(walk: Walk, name: str, labels: Sequence[LabelledEvent] = ()) -> Events:
    """The walk's events by the method `name`; `labels` are those of the recording, which only "file" uses."""
    return labelled_events(walk, labels) if name == FILE else METHODS[check_method(name)](walk)
