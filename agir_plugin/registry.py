"""The one door for additions from outside: readers, task templates, writers and metrics, found by entry point.

agir-plugin registers its own through the same entry points (see setup.cfg), so that the door is used on every run.
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from agir_plugin.errors import UsageError

#: Entry-point group of recording readers: name -> object with `sniff(head, path)` and `read(path)`.
READERS = "agir_plugin.readers"
#: Entry-point group of task templates: name -> a YAML file's path or a function that returns one.
TASKS = "agir_plugin.tasks"
#: Entry-point group of rationale writers: name -> `write(parameters, score, key) -> Rationale`.
WRITERS = "agir_plugin.writers"


@cache
def _points(group: str) -> dict[str, EntryPoint]:
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=group):
        other = found.get(point.name)
        if other is not None and other.value != point.value:
            raise UsageError(
                f"two packages register {point.name!r} in {group}: {other.value} and {point.value}; uninstall one of them"
            )
        found[point.name] = point
    return found


def names(group: str) -> tuple[str, ...]:
    """The registered names of a group, sorted."""
    return tuple(sorted(_points(group)))


def get(group: str, name: str) -> Any:
    """The object registered under `name`; raises UsageError with the nearest names when there is none."""
    points = _points(group)
    if name not in points:
        raise UsageError(
            f"expected one of {group.rpartition('.')[2]} {sorted(points)}, got {name!r}{did_you_mean(name, points)}"
        )
    return points[name].load()


def did_you_mean(name: str, known: Any) -> str:
    """`; did you mean 'x'?` when one of the known names is close, else an empty string."""
    close = get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
