"""Lists of per-step or per-stride values in, `Measure`s with unit, count, confidence and reason out."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agir_plugin.consts import SIDES
from agir_plugin.gait.catalog import UNITS
from agir_plugin.records import Confidence, Measure

#: Means over this many values are trusted highly, over the smaller number moderately.
MEAN_COUNTS = (4, 2)
#: Variability: about 20 strides give a stable value (PMC6348278); under 5 it is a guess.
VARIABILITY_COUNTS = (20, 5)
#: Fewest degrees of freedom of a standard deviation.
MIN_FREEDOM = 2

ORDER: tuple[Confidence, ...] = ("low", "medium", "high")

#: Values of the left and of the right side.
Sides = tuple[Sequence[float], Sequence[float]]


def known(name: str, value: float, n: int, counts: tuple[int, int] = MEAN_COUNTS, best: Confidence = "high") -> Measure:
    """A measured parameter; its confidence follows from `n` and is never above `best`."""
    high, medium = counts
    grade = 2 if n >= high else 1 if n >= medium else 0
    return Measure(float(value), UNITS[name], n, ORDER[min(grade, ORDER.index(best))])


def missing(name: str, reason: str, n: int = 0) -> Measure:
    """A parameter that could not be measured, and why."""
    return Measure(None, UNITS[name], n, "low", reason)


def mean(name: str, values: Sequence[float], what: str, best: Confidence = "high") -> Measure:
    """The mean of the finite `values`; missing when there is none (`what` names what was not seen)."""
    seen = [value for value in values if np.isfinite(value)]
    return known(name, np.mean(seen), len(seen), best=best) if seen else missing(name, f"no {what} was seen")


def mean_of_sides(name: str, sides: Sides, what: str, best: Confidence = "high") -> dict[str, Measure]:
    """`name` as the mean of the left and right means, and `name_left`, `name_right`."""
    found = {
        f"{name}_{side}": mean(f"{name}_{side}", values, f"{side} {what}", best)
        for side, values in zip(SIDES, sides, strict=True)
    }
    left, right = found.values()
    if left.value is None or right.value is None:
        return {name: missing(name, left.reason or right.reason, left.n + right.n), **found}
    return {name: known(name, (left.value + right.value) / 2, left.n + right.n, best=best), **found}


def variation(name: str, sides: Sides, what: str, best: Confidence = "high") -> Measure:
    """Coefficient of variation, %: 100 SD / mean, where each side's own mean is removed before the SD is taken.

    So a constant difference between left and right is asymmetry, not variability. The SD has n - (number of sides)
    degrees of freedom.
    """
    groups = [np.asarray(values, float) for values in sides if len(values)]
    n = sum(map(len, groups))
    freedom = n - len(groups)
    if freedom < MIN_FREEDOM:
        return missing(name, f"variability needs at least {MIN_FREEDOM + 2} {what}s, {n} were seen", n)
    squares = sum(((group - group.mean()) ** 2).sum() for group in groups)
    average = np.concatenate(groups).mean()
    if average <= 0:
        return missing(name, f"the mean over the {what}s is not positive, so a share of it means nothing", n)
    return known(name, 100 * np.sqrt(squares / freedom) / average, n, VARIABILITY_COUNTS, best)


def asymmetry(name: str, left: Measure, right: Measure, best: Confidence = "medium") -> Measure:
    """200 |L - R| / (L + R), %, always positive: which side is larger stands in the sides' own values."""
    n = min(left.n, right.n)
    if left.value is None or right.value is None:
        return missing(name, left.reason or right.reason, n)
    if left.value + right.value <= 0:
        return missing(name, "the sum of left and right is not positive, so a share of it means nothing", n)
    value = 200 * abs(left.value - right.value) / (left.value + right.value)
    return known(name, value, n, best=best)
