"""Gait parameters in, ordered findings out: what may be said of a walk, each with its number and norm."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agir_plugin.rationale.features import (
    FEATURES,
    Degree,
    Direction,
    Feature,
    Reading,
    Side,
    classify,
    read,
    weaker_side,
)
from agir_plugin.records import GaitParameters

#: Features that become findings, in order; the others are only understood when a text speaks of them.
FINDING_KEYS = (
    "speed", "step_length", "cadence", "foot_lift", "arm_swing", "arm_asymmetry",
    "rhythm", "step_length_variability", "step_asymmetry", "step_width", "trunk_flexion",
)


@dataclass(frozen=True)
class Finding:
    """One thing that may be said of a walk.

    `deviation` is in standard deviations of the norm (negative below it; see `features.Reading`). `side` is the side
    spoken of, for asymmetries the side that moves less, or None. `evidence` is the number beside its norm.
    """

    section: Literal["foot", "arm", "overall"]
    feature: str
    direction: Direction
    degree: Degree
    side: Side | None
    deviation: float
    evidence: str


def findings_of(gait: GaitParameters) -> tuple[Finding, ...]:
    """All confident findings of a walk in `FINDING_KEYS` order; empty for a refused walk.

    Parameters that are missing, of low confidence, or without a norm give no finding.
    """
    found: list[Finding] = []
    for key in FINDING_KEYS:
        feature = FEATURES[key]
        found += _by_side(feature, gait) if not feature.parameters else _single(feature, gait)
    return tuple(found)


def _single(feature: Feature, gait: GaitParameters) -> list[Finding]:
    reading = read(feature, gait)
    return [] if reading is None else [_finding(feature, weaker_side(feature, gait), reading)]


def _by_side(feature: Feature, gait: GaitParameters) -> list[Finding]:
    """One finding for both sides when direction and degree agree, else one per measured side, the worse side first."""
    readings: dict[Side, Reading] = {}
    for side in ("left", "right"):
        reading = read(feature, gait, side)
        if reading is not None:
            readings[side] = reading
    sided = [_finding(feature, side, reading) for side, reading in readings.items()]
    if len({(one.direction, one.degree) for one in sided}) == 1 and len(sided) == 2:
        return [_finding(feature, "both", *readings.values())]
    # mirrored walks must give mirrored text, so the order may not depend on which side is which
    return sorted(sided, key=lambda one: (-abs(one.deviation), one.deviation))


def _finding(feature: Feature, side: Side | None, *readings: Reading) -> Finding:
    worst = max(readings, key=lambda reading: abs(reading.deviation))
    direction, degree = classify(feature, worst.deviation)
    evidence = "; ".join(reading.text() for reading in readings)
    kept = side if degree != "normal" or feature.kind != "asymmetry" else None
    return Finding(feature.section, feature.key, direction, degree, kept, worst.deviation, evidence)
