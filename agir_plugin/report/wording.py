"""Names, numbers and scores as the program keeps them in, the words and digits a reader sees out."""
from __future__ import annotations

import re

from agir_plugin.consts import NOT_A_DEVICE, TRAINED_ON_SYNTHETIC
from agir_plugin.records import Assessment, GaitParameters

#: One neutral word for each score of MDS-UPDRS item 3.10.
SCORE_WORDS = {0: "normal", 1: "slight", 2: "mild"}
#: What each score of item 3.10 means, in our own words.
SCORE_MEANINGS = {
    0: "no impairment of walking seen",
    1: "walks without help, minor impairment",
    2: "walks without help, clear impairment",
}
#: Decimals shown for a value of each unit; other units get `OTHER_DECIMALS`.
DECIMALS = {"steps/min": 0, "m/s": 2, "m": 3, "s": 3, "%": 1, "deg": 1, "m/(steps/min)": 4}
OTHER_DECIMALS = 2
#: Beyond so many standard deviations a value is marked as unusual: the 95 % range of healthy people.
USUAL_SD = 2.0

_UNIT_IN_NAME = re.compile(r"_(?:spm|mps|m|s|pct|deg)(?=_left$|_right$|$)")
_ABBREVIATIONS = {"cv": "CV", "ml": "ML"}


def label(name: str) -> str:
    """`step_length_m_left` -> `step length, left`: a parameter's name without its unit."""
    stem, _, side = _UNIT_IN_NAME.sub("", name).rpartition("_")
    words = (stem if side in ("left", "right") else f"{stem}_{side}").split("_")
    text = " ".join(_ABBREVIATIONS.get(word, word) for word in words if word)
    return f"{text}, {side}" if side in ("left", "right") else text


def number(value: float, unit: str) -> str:
    """A value with the decimals that its unit deserves."""
    return f"{value:.{DECIMALS.get(unit, OTHER_DECIMALS)}f}"


def not_measured(gait: GaitParameters) -> dict[str, list[str]]:
    """Reason -> labels of the parameters that were not measured for it."""
    reasons: dict[str, list[str]] = {}
    for name, measure in gait.parameters.items():
        if measure.value is None:
            reasons.setdefault(measure.reason or "no reason given", []).append(label(name))
    return reasons


def notices(assessment: Assessment) -> tuple[str, ...]:
    """The assessment's notices; those that must never be missing are added when they are."""
    cohort = assessment.provenance.get("cohort")
    synthetic = isinstance(cohort, dict) and bool(cohort.get("synthetic"))
    needed = (NOT_A_DEVICE, *((TRAINED_ON_SYNTHETIC,) if synthetic else ()))
    return (*(notice for notice in needed if notice not in assessment.notices), *assessment.notices)
