"""Steps and strides of one walk, or of all walks of a session, in; the variability of each gait parameter out."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from agir_plugin.gait import quality, statistics
from agir_plugin.gait.spatiotemporal import Step, Stride
from agir_plugin.gait.statistics import Sides
from agir_plugin.gait.walked import walked
from agir_plugin.records import Confidence, Measure, Motion


def variations(found: Sequence[Step], cycles: Sequence[Stride], best_width: Confidence) -> dict[str, Measure]:
    """Every `_cv_pct`, by name; `best_width` is the best confidence that the variation of step width can have."""

    def of(read: Callable[[Step], float]) -> Sides:
        return tuple([read(step) for step in found if step.side == side] for side in (0, 1))

    cycle_times = tuple([cycle.time_s for cycle in cycles if cycle.side == side] for side in (0, 1))
    return {
        "speed_cv_pct": statistics.variation("speed_cv_pct", of(lambda step: step.speed_mps), "step"),
        "step_length_cv_pct": statistics.variation("step_length_cv_pct", of(lambda step: step.length_m), "step"),
        "step_time_cv_pct": statistics.variation("step_time_cv_pct", of(lambda step: step.time_s), "step"),
        "step_width_cv_pct": statistics.variation("step_width_cv_pct", of(lambda step: step.width_m), "step", best_width),
        "stride_time_cv_pct": statistics.variation("stride_time_cv_pct", cycle_times, "stride"),
    }


def pooled_variations(motions: Iterable[Motion]) -> dict[str, Measure]:
    """Every `_cv_pct` over the steps and strides of several walks of one person together.

    The deviations are from the means of all walks, so a walk that is slower than the others adds to the variability.
    Walks that cannot be measured (`measure` would refuse them) give no steps.
    """
    all_steps, all_strides = [], []
    for motion in motions:
        seen = None if quality.unusable(motion) else walked(motion)
        if seen is not None and not seen.reasons:
            all_steps += seen.steps
            all_strides += seen.strides
    return variations(all_steps, all_strides, "low")
