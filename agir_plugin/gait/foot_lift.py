"""A `Walk` and its `Events` in; how high each foot is lifted in each of its swings out."""
from __future__ import annotations

import numpy as np

from agir_plugin.gait.course import Walk
from agir_plugin.gait.events import Events
from agir_plugin.gait.geometry import UP

#: Percentile of the foot's height that counts as its height on the floor.
FLOOR_PERCENTILE = 2


def foot_lift_m(walk: Walk, events: Events, side: int) -> list[float]:
    """Highest point of the foot joint (base of the toes) in each swing, metres above its own height in stance.

    A swing runs from a toe-off to the foot's next heel strike. The floor is the 2nd percentile of the joint's height
    over the walk, so that a joint inside the foot rests at zero.
    """
    height = walk.points.pair("foot")[:, side] @ UP
    floor = float(np.percentile(height, FLOOR_PERCENTILE))
    lifts = []
    for strike in events.heel_strikes[side]:
        before = events.toe_offs[side][events.toe_offs[side] < strike]
        earlier = events.heel_strikes[side][events.heel_strikes[side] < strike]
        if len(before) and not (len(earlier) and earlier[-1] > before[-1]):
            lifts.append(float(height[int(np.ceil(before[-1])):int(strike) + 1].max()) - floor)
    return lifts
