"""Feature clips in, the mean and the group-averaged standard deviation that normalise them out."""
from __future__ import annotations

from collections.abc import Iterable

import numpy as np

#: HumanML3D's groups of feature columns that share one standard deviation: root yaw velocity, root x/z velocity, root
#: height, joint positions, joint rotations, joint velocities, foot contacts.
GROUPS = ((0, 1), (1, 3), (3, 4), (4, 67), (67, 193), (193, 259), (259, 263))
#: A group that never changes gets this deviation, so that normalising leaves it at zero instead of dividing by zero.
CONSTANT_STD = 1.0


def group_statistics(clips: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean (263,) and standard deviation (263,) float32 over all frames of `clips`, each (T, 263).

    As HumanML3D publishes them: the deviation of each column is replaced by the mean deviation of its group. Added
    up in float64 clip by clip, so that a large cohort needs no large memory.
    """
    count, total, squares = 0, np.zeros(GROUPS[-1][1]), np.zeros(GROUPS[-1][1])
    for clip in clips:
        clip = clip.astype(np.float64)
        count += len(clip)
        total += clip.sum(axis=0)
        squares += (clip**2).sum(axis=0)
    mean = total / count
    std = np.sqrt(np.maximum(squares / count - mean**2, 0.0))
    for start, stop in GROUPS:
        group = float(std[start:stop].mean())
        std[start:stop] = group if group > 1e-8 else CONSTANT_STD
    return mean.astype(np.float32), std.astype(np.float32)
