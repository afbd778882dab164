"""A `Walk` and the events that a laboratory stored in the file in; the same events as sample indices out."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agir_plugin.consts import SIDES
from agir_plugin.gait.course import Walk
from agir_plugin.gait.events import Events
from agir_plugin.records import LabelledEvent

#: Labels of one event of a foot that are closer than this, seconds, are one label written twice.
SAME_LABEL_S = 0.02


def labelled_events(walk: Walk, labels: Sequence[LabelledEvent]) -> Events:
    """The labelled events that lie in the walk; nothing is added to them and nothing is moved."""
    heel_strikes = tuple(_indices(walk, labels, side, "heel_strike") for side in SIDES)
    return Events(heel_strikes, tuple(_indices(walk, labels, side, "toe_off") for side in SIDES))


def _indices(walk: Walk, labels: Sequence[LabelledEvent], side: str, kind: str) -> np.ndarray:
    points = walk.points
    times = np.unique([label.time_s for label in labels if (label.side, label.kind) == (side, kind)])
    times = times[np.diff(times, prepend=-np.inf) > SAME_LABEL_S]
    indices = (times - points.first_s) * points.fps
    return indices[(indices > -0.5) & (indices < len(points) - 0.5)]
