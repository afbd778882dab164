"""Points of a recording in; the spans between the places where the person stops and stands go out."""
from __future__ import annotations

import numpy as np

from agir_plugin.gait import signals
from agir_plugin.gait.geometry import Points, horizontal

#: Both feet stand while neither moves faster than this, m/s (sway and tracking noise stay below) ...
STILL_MPS = 0.12
#: ... and the person has stopped when they do so for this long, seconds: longer than the double support of the slowest
#: walks, in which a foot lifts its heel all the same.
STOP_S = 1.0
#: A span is walking when both feet together travel this far in it, metres: two short steps. Others belong to the stop.
WALKED_M = 1.0


def spans_between_stops(points: Points) -> list[tuple[int, int]]:
    """Start and stop of each span of walking that a stop parts from another; the whole where there are not two of them.

    Standing before the first and after the last step is no stop and stays with its span.
    """
    speeds = np.linalg.norm(horizontal(signals.velocity(points.heel_m, points.fps)), axis=-1)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (speeds.max(axis=1) < STILL_MPS).astype(int), [0]])))
    found, first = [], 0
    for start, stop in edges.reshape(-1, 2):
        if start == 0 or stop == len(points) or stop - start < STOP_S * points.fps:
            continue
        found.append((first, int(start)))
        first = int(stop)
    walked = [span for span in (*found, (first, len(points))) if speeds[slice(*span)].sum() / points.fps >= WALKED_M]
    return walked if len(walked) > 1 else [(0, len(points))]
