"""A feature word and a cue in, what they mean together out: `steps` and `short` are a reduced step length."""
from __future__ import annotations

from collections.abc import Mapping

from agir_plugin.rationale.features import Direction

#: Cue family -> the family it becomes under "poor", "lack of" and the like.
OPPOSITE_CUES = {"symmetric": "asymmetric", "regular": "irregular", "even": "uneven"}

Meaning = tuple[str, Direction]

_AMOUNTS = (
    "speed", "cadence", "step_length", "stride_length", "foot_lift", "step_time", "stride_time", "stance",
    "swing_phase", "double_support", "step_width",
)
#: Feature word -> the feature that holds its variability, its asymmetry.
_VARIABILITY = {
    "speed": "speed_variability", "step_length": "step_length_variability", "stride_length": "step_length_variability",
    "step_width": "step_width_variability", "cadence": "rhythm", "rhythm": "rhythm", "step_time": "rhythm",
    "stride_time": "rhythm", "steps": "rhythm", "gait": "rhythm",
}
_ASYMMETRY = {
    "arm": "arm_asymmetry", "step_length": "step_length_asymmetry", "stride_length": "step_length_asymmetry",
    "step_time": "step_time_asymmetry", "rhythm": "step_time_asymmetry", "steps": "step_asymmetry",
    "gait": "step_asymmetry",
}
#: Feature word -> the asymmetry that "the left is more affected" speaks of.
_WEAKER = {
    "arm": "arm_asymmetry", "steps": "step_length_asymmetry", "step_length": "step_length_asymmetry",
    "stride_length": "step_length_asymmetry",
}
#: Cue family -> direction, for the plain amount words.
_AMOUNT_CUES: Mapping[str, Direction] = {
    "less": "reduced", "lack": "reduced", "absent": "reduced", "minimal": "reduced", "small": "reduced",
    "short": "reduced", "more": "increased", "large": "increased", "long": "increased", "normal": "normal",
    "abnormal": "reduced",
}
#: Cue family -> whether what it speaks of is steady.
_STEADY = {"regular": True, "stable": True, "even": True, "irregular": False, "unstable": False, "uneven": False}
#: Cue families that mean the same whatever they speak of: family -> feature, direction.
_SELF_CONTAINED: Mapping[str, Meaning] = {
    "stooped": ("trunk_flexion", "increased"), "upright": ("trunk_flexion", "normal"),
    "shuffling": ("foot_lift", "reduced"), "short_stepped": ("step_length", "reduced"),
    "wide_based": ("step_width", "increased"), "narrow_based": ("step_width", "reduced"),
    "coordinated": ("coordination", "normal"), "uncoordinated": ("coordination", "reduced"),
    "independent": ("independence", "normal"), "unbalanced": ("balance", "reduced"),
}
#: Feature words that are judged rather than measured -> cue family -> direction.
_JUDGED: Mapping[str, Direction] = {
    "normal": "normal", "stable": "normal", "regular": "normal", "even": "normal", "less": "reduced",
    "abnormal": "reduced", "unstable": "reduced", "lack": "reduced", "absent": "reduced", "minimal": "reduced",
    "irregular": "reduced",
}


def meaning(word: str | None, family: str, section: str) -> Meaning | None:
    """What a cue's `family` says of the feature word, or None when the pair says nothing we know.

    `word` None stands for a movement that is not named; the section then decides.
    """
    if word is None or (word == "gait" and section == "arm"):
        word = "arm" if section == "arm" else "gait"
    if word == "joint" or (family == "stooped" and word == "arm"):  # flexed elbows say nothing of the trunk
        return None
    if family in _SELF_CONTAINED:
        return _SELF_CONTAINED[family]
    if family == "weaker":
        return _known(_WEAKER.get(word), "increased")
    if family in ("balanced", "imbalance"):
        return _balanced(word, family == "balanced")
    if word == "arm":
        return _arm(family)
    if word in ("balance", "coordination"):
        return _known(word, _JUDGED.get(family))
    return _pace(word, family) or _shape(word, family) or _spread(word, family) or _amount(word, family)


def _known(feature: str | None, direction: Direction | None) -> Meaning | None:
    return None if feature is None or direction is None else (feature, direction)


def _balanced(word: str, well: bool) -> Meaning:
    """Balanced arms are alike, a balanced rhythm is regular, a balanced gait is stable."""
    if word == "arm":
        return "arm_asymmetry", "normal" if well else "increased"
    if word in _VARIABILITY and word not in ("gait", "steps"):
        return _VARIABILITY[word], "normal" if well else "increased"
    return "balance", "normal" if well else "reduced"


def _arm(family: str) -> Meaning | None:
    if family in ("symmetric", "even"):
        return "arm_asymmetry", "normal"
    if family in ("asymmetric", "uneven"):
        return "arm_asymmetry", "increased"
    if family in _STEADY:
        return "coordination", "normal" if _STEADY[family] else "reduced"
    return _known("arm_swing", {**_AMOUNT_CUES, "wide": "increased", "narrow": "reduced"}.get(family))


def _pace(word: str, family: str) -> Meaning | None:
    """Slow and fast: of the speed, unless the cadence or a duration is named."""
    if family not in ("slow", "fast"):
        return None
    if word in ("step_time", "stride_time"):
        return word, "increased" if family == "slow" else "reduced"
    return ("cadence" if word in ("cadence", "rhythm") else "speed"), "reduced" if family == "slow" else "increased"


def _shape(word: str, family: str) -> Meaning | None:
    """Short, long, narrow and wide steps; posture."""
    if word == "trunk":
        return _known("trunk_flexion", {"normal": "normal", "abnormal": "increased", "more": "increased"}.get(family))
    if family in ("narrow", "wide") and word in ("step_width", "steps", "gait"):
        return "step_width", "reduced" if family == "narrow" else "increased"
    if word == "steps" and family in ("short", "small", "long", "large", "minimal", "less"):
        return "step_length", _AMOUNT_CUES[family]
    return None


def _spread(word: str, family: str) -> Meaning | None:
    """Variability and asymmetry, and steadiness of what has a variability."""
    if family in ("symmetric", "asymmetric"):
        return _known(_ASYMMETRY.get(word), "normal" if family == "symmetric" else "increased")
    if word == "gait" and family in ("stable", "unstable"):
        return "balance", "normal" if _STEADY[family] else "reduced"
    if family in _STEADY:
        return _known(_VARIABILITY.get(word), "normal" if _STEADY[family] else "increased")
    if word == "rhythm":
        verdicts: Mapping[str, Direction] = {
            "normal": "normal", "abnormal": "increased", "less": "increased", "lack": "increased",
            "absent": "increased",
        }
        return _known("rhythm", verdicts.get(family))
    return None


def _amount(word: str, family: str) -> Meaning | None:
    if word in ("gait", "steps"):
        verdicts: Mapping[str, Direction] = {"normal": "normal", "abnormal": "increased"}
        return _known("impairment", verdicts.get(family))
    return _known(word if word in _AMOUNTS else None, _AMOUNT_CUES.get(family))
