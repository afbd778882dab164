"""A rationale and the walk's gait parameters in; each statement supported, contradicted or not checkable out.

A claim is an interval on the scale of deviations from the norm: "slightly reduced" is 1 to 2 SD below. It is supported
when the measured deviation lies in that interval widened by `features.TOLERANCE_SD`, half a degree, on both ends.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from agir_plugin.rationale.features import (
    DEGREES,
    FEATURES,
    TOLERANCE_SD,
    Feature,
    Reading,
    read,
    unreadable,
    weaker_side,
)
from agir_plugin.rationale.parse import Claim, claims
from agir_plugin.records import GaitParameters, Rationale, Statement

Verdict = Literal["supported", "contradicted", "not_checkable"]


def check(rationale: Rationale, gait: GaitParameters) -> tuple[Statement, ...]:
    """Every claim of a rationale with its verdict and the numbers it rests on, in reading order.

    Missing or low-confidence parameters, parameters without a norm, and judgements (balance, coordination, overall
    impairment, independence) are not checkable. A claim on the wrong side is contradicted.
    """
    return tuple(_statement(claim, gait) for claim in claims(rationale))


def agreement(statements: Sequence[Statement]) -> float | None:
    """supported / (supported + contradicted); None when no statement could be checked."""
    supported = sum(statement.verdict == "supported" for statement in statements)
    contradicted = sum(statement.verdict == "contradicted" for statement in statements)
    return supported / (supported + contradicted) if supported + contradicted else None


def interval(claim: Claim) -> tuple[float, float]:
    """The deviations, in SD away from the norm in the claimed direction, that a claim covers, tolerance included."""
    edges = (-math.inf, *FEATURES[claim.feature].cuts, math.inf)
    places = [DEGREES.index(degree) for degree in claim.degrees]
    return edges[min(places)] - TOLERANCE_SD, edges[max(places) + 1] + TOLERANCE_SD


def _statement(claim: Claim, gait: GaitParameters) -> Statement:
    verdict, evidence = _verdict(claim, FEATURES[claim.feature], gait)
    return Statement(claim.section, claim.text, claim.feature, claim.words(), verdict, evidence)


def _verdict(claim: Claim, feature: Feature, gait: GaitParameters) -> tuple[Verdict, str]:
    readings, missing = _readings(claim, feature, gait)
    if missing:
        return "not_checkable", missing
    fits = [_fits(claim, feature, reading) for reading in readings]
    # "the arm swing is reduced" names no side and is true of either; "normal" and "both" speak of each side
    every = claim.direction == "normal" or claim.side == "both"
    agrees = all(fits) if every else any(fits)
    evidence = "; ".join(reading.text() for reading in readings)
    if agrees and feature.kind == "asymmetry" and claim.side in ("left", "right"):
        return _right_side(claim, feature, gait, evidence)
    return ("supported" if agrees else "contradicted"), f"{evidence}; the claim covers {_range(claim)}"


def _readings(claim: Claim, feature: Feature, gait: GaitParameters) -> tuple[list[Reading], str]:
    """The readings a claim is about, or why it cannot be checked."""
    if feature.kind == "judgement":
        return [], unreadable(feature, gait)
    if not feature.sided or (claim.side is None and feature.parameters):
        found = read(feature, gait)
        return ([found], "") if found else ([], unreadable(feature, gait))
    sides = (claim.side,) if claim.side in ("left", "right") else ("left", "right")
    readings = {side: read(feature, gait, side) for side in sides}
    missing = [unreadable(feature, gait, side) for side, reading in readings.items() if reading is None]
    return [reading for reading in readings.values() if reading], "; ".join(missing)


def _fits(claim: Claim, feature: Feature, reading: Reading) -> bool:
    low, high = interval(claim)
    size = reading.deviation
    if claim.direction == "reduced":
        size = -reading.deviation
    elif claim.direction == "normal" and not feature.one_sided:
        size = abs(reading.deviation)
    return low <= size <= high


def _right_side(claim: Claim, feature: Feature, gait: GaitParameters, evidence: str) -> tuple[Verdict, str]:
    weaker = weaker_side(feature, gait)
    if weaker is None:
        return "not_checkable", f"{evidence}; which side moves less was not measured with confidence"
    verdict: Verdict = "supported" if weaker == claim.side else "contradicted"
    return verdict, f"{evidence}; the {weaker} side moves less"


def _range(claim: Claim) -> str:
    low, high = interval(claim)
    where = {"reduced": "below", "increased": "above", "normal": "from"}[claim.direction]
    if math.isinf(low):
        return f"up to {high:.1f} SD {where} the norm"
    return f"{low:.1f} SD {'or more' if math.isinf(high) else f'to {high:.1f} SD'} {where} the norm"
