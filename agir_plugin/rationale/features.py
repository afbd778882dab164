"""What a rationale may speak of: feature -> the gait parameters behind it, and how far a walk lies from the norm.

In: a feature's name and `GaitParameters`. Out: `Reading`s (value, norm, deviation), and the direction and
degree that they mean.
All thresholds stand here. They are heuristics of ours; the clinical item has no numeric limits.
"""
from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from agir_plugin.consts import SIDES
from agir_plugin.gait import Norm, norms, z_score
from agir_plugin.records import GaitParameters, Measure

Direction = Literal["reduced", "normal", "increased"]
Degree = Literal["normal", "slight", "noticeable", "marked"]
Side = Literal["left", "right", "both"]

#: The degrees, mildest first; between two of them lies one cut.
DEGREES: tuple[Degree, ...] = ("normal", "slight", "noticeable", "marked")
#: Deviation from the norm, in standard deviations, at which slight, noticeable and marked begin.
DEGREE_CUTS = (1.0, 2.0, 3.0)
#: The same for asymmetries: worth a word only beyond 2 SD, because some asymmetry is ordinary in healthy walking.
ASYMMETRY_CUTS = (2.0, 3.0, 4.0)
#: Share of the norm's mean whose loss counts as one standard deviation in an amplitude. It keeps wide norms usable:
#: with 35 +/- 12 degrees even an arm that does not swing would lie less than 3 SD from normal.
LOSS_PER_DEGREE = 0.25
#: How far a claim may lie outside its own interval and still be supported, in standard deviations: half a degree step.
TOLERANCE_SD = 0.5
#: Confidence values that may be put into words.
CONFIDENT = ("high", "medium")
#: Asymmetry feature -> the sided amplitude that tells which side moves less.
_AMPLITUDE_BEHIND = {
    "arm_asymmetry": "arm_swing_deg", "step_asymmetry": "step_length_m", "step_length_asymmetry": "step_length_m",
}


@dataclass(frozen=True)
class Feature:
    """One thing a rationale may claim something of.

    `parameters` are read unsided, `sided` get `_left` or `_right` appended; of several the one furthest from its norm
    counts. `one_sided` features (variability, asymmetry, lean) have no "too small". `kind` "amplitude" also counts lost
    shares of the norm, see `LOSS_PER_DEGREE`.
    """

    key: str
    section: Literal["foot", "arm", "overall"]
    label: str
    parameters: tuple[str, ...] = ()
    sided: tuple[str, ...] = ()
    kind: Literal["amplitude", "two_sided", "one_sided", "asymmetry", "judgement"] = "two_sided"

    @property
    def cuts(self) -> tuple[float, float, float]:
        """Deviations at which slight, noticeable and marked begin."""
        return ASYMMETRY_CUTS if self.kind == "asymmetry" else DEGREE_CUTS

    @property
    def one_sided(self) -> bool:
        """True when only an increase is abnormal."""
        return self.kind in ("one_sided", "asymmetry")


@dataclass(frozen=True)
class Reading:
    """One confident parameter beside its norm. `deviation` is in standard deviations, negative below the norm."""

    parameter: str
    value: float
    unit: str
    mean: float
    sd: float
    z: float
    deviation: float

    def text(self) -> str:
        """The number and its norm in one line, such as `speed_mps 0.62 m/s, norm 1.20 +/- 0.20, z -2.9`."""
        share = "" if self.deviation == self.z else f", {100 * self.value / self.mean:.0f} % of the norm"
        places = 3 if self.unit == "m" else 2 if self.unit in ("m/s", "s") else 1
        norm = f"norm {self.mean:.{places}f} +/- {self.sd:.{places}f}"
        return f"{self.parameter} {self.value:.{places}f} {self.unit}, {norm}, z {self.z:+.1f}{share}"


def _table(*features: Feature) -> dict[str, Feature]:
    return {feature.key: feature for feature in features}


#: Every feature the parser knows, in the order in which findings are listed. A "judgement" has no parameter: it is
#: recognised in a text and reported as not checkable.
FEATURES = _table(
    Feature("speed", "foot", "walking speed", ("speed_mps",), kind="amplitude"),
    Feature("step_length", "foot", "step length", ("step_length_m",), ("step_length_m",), "amplitude"),
    Feature("cadence", "foot", "cadence", ("cadence_spm",)),
    Feature("foot_lift", "foot", "foot lift", ("foot_lift_m",), ("foot_lift_m",), "amplitude"),
    Feature("stride_length", "foot", "stride length", ("stride_length_m",), kind="amplitude"),
    Feature("step_time", "foot", "step time", ("step_time_s",), ("step_time_s",)),
    Feature("stride_time", "foot", "stride time", ("stride_time_s",)),
    Feature("stance", "foot", "stance phase", ("stance_pct",)),
    Feature("swing_phase", "foot", "swing phase", ("swing_pct",)),
    Feature("double_support", "foot", "double support", ("double_support_pct",)),
    Feature("arm_swing", "arm", "arm swing", (), ("arm_swing_deg",), "amplitude"),
    Feature("arm_asymmetry", "arm", "arm swing asymmetry", ("arm_swing_asymmetry_pct",), kind="asymmetry"),
    Feature(
        "rhythm", "overall", "step timing variability", ("step_time_cv_pct", "stride_time_cv_pct"), kind="one_sided"
    ),
    Feature("step_length_variability", "overall", "step length variability", ("step_length_cv_pct",), kind="one_sided"),
    Feature("step_width_variability", "overall", "step width variability", ("step_width_cv_pct",), kind="one_sided"),
    Feature("speed_variability", "overall", "speed variability", ("speed_cv_pct",), kind="one_sided"),
    Feature(
        "step_asymmetry", "overall", "step asymmetry", ("step_length_asymmetry_pct", "step_time_asymmetry_pct"),
        kind="asymmetry",
    ),
    Feature(
        "step_length_asymmetry", "overall", "step length asymmetry", ("step_length_asymmetry_pct",), kind="asymmetry"
    ),
    Feature("step_time_asymmetry", "overall", "step time asymmetry", ("step_time_asymmetry_pct",), kind="asymmetry"),
    Feature("step_width", "overall", "step width", ("step_width_m",)),
    Feature("trunk_flexion", "overall", "forward lean of the trunk", ("trunk_flexion_deg",), kind="one_sided"),
    Feature("balance", "overall", "balance", kind="judgement"),
    Feature("coordination", "overall", "coordination", kind="judgement"),
    Feature("impairment", "overall", "overall impairment", kind="judgement"),
    Feature("independence", "overall", "independence", kind="judgement"),
)


def confident(measure: Measure | None) -> bool:
    """True when a parameter was measured with high or medium confidence, so that words may rest on it."""
    if measure is None or measure.value is None or not math.isfinite(measure.value):
        return False
    return measure.confidence in CONFIDENT


def read(feature: Feature, gait: GaitParameters, side: Literal["left", "right"] | None = None) -> Reading | None:
    """The confident parameter of a feature that lies furthest from its norm, or None when there is none."""
    names = feature.parameters if side is None else tuple(f"{name}_{side}" for name in feature.sided)
    readings = [_reading(feature, name, gait.parameters[name]) for name in names if _usable(gait, name)]
    if not readings:
        return None
    return max(readings, key=lambda reading: reading.deviation if feature.one_sided else abs(reading.deviation))


def lacks_norm(feature: Feature, gait: GaitParameters) -> bool:
    """True when a parameter of the feature, of both sides or of one, is confident but has no norm to compare with."""
    names = (*feature.parameters, *(f"{name}_{side}" for name in feature.sided for side in SIDES))
    return gait.status == "ok" and any(confident(gait.parameters.get(name)) and _norm(name) is None for name in names)


def unreadable(feature: Feature, gait: GaitParameters, side: Literal["left", "right"] | None = None) -> str:
    """Why `read` gives None: what is missing, or measured with too little confidence."""
    if feature.kind == "judgement":
        return f"{feature.label} is a judgement that no measured parameter settles"
    names = feature.parameters if side is None else tuple(f"{name}_{side}" for name in feature.sided)
    if not names:
        return f"{feature.label} is not measured{f' for the {side} side' if side else ''}"
    return "; ".join(_why_not(gait, name) for name in names)


def classify(feature: Feature, deviation: float) -> tuple[Direction, Degree]:
    """Direction and degree of a deviation in standard deviations."""
    size = deviation if feature.one_sided else abs(deviation)
    degree = DEGREES[sum(size >= cut for cut in feature.cuts)]
    if degree == "normal":
        return "normal", degree
    return ("reduced" if deviation < 0 else "increased"), degree


def weaker_side(feature: Feature, gait: GaitParameters) -> Literal["left", "right"] | None:
    """The side with the smaller amplitude behind an asymmetry; None when a side is not confident or they are equal."""
    name = _AMPLITUDE_BEHIND.get(feature.key)
    left, right = (gait.parameters.get(f"{name}_{side}") for side in SIDES)
    if not (confident(left) and confident(right)) or left.value == right.value:
        return None
    return "left" if left.value < right.value else "right"


def _normed(name: str) -> str:
    """The name under which the norms know a parameter: its own, else that of both sides together."""
    return name if name in norms() else name.removesuffix("_left").removesuffix("_right")


def _norm(name: str) -> Norm | None:
    return norms().get(_normed(name))


def _usable(gait: GaitParameters, name: str) -> bool:
    return gait.status == "ok" and confident(gait.parameters.get(name)) and _norm(name) is not None


def _reading(feature: Feature, name: str, measure: Measure) -> Reading:
    norm = _norm(name)
    z = deviation = z_score(_normed(name), measure.value)
    if feature.kind == "amplitude" and z < 0 < norm.mean:
        deviation = min(z, (measure.value / norm.mean - 1.0) / LOSS_PER_DEGREE)
    return Reading(name, measure.value, measure.unit, norm.mean, norm.sd, z, deviation)


def _why_not(gait: GaitParameters, name: str) -> str:
    measure = gait.parameters.get(name)
    if measure is None or measure.value is None:
        reason = measure.reason if measure is not None and measure.reason else "; ".join(gait.reasons)
        return f"{name} was not measured{f' ({reason})' if reason else ''}"
    if gait.status != "ok":
        return f"{name}: the walk was refused ({'; '.join(gait.reasons)})"
    if measure.confidence not in CONFIDENT:
        return f"{name} {measure.value:.3g} {measure.unit} has {measure.confidence} confidence (n {measure.n})"
    return f"{name} {measure.value:.3g} {measure.unit} has no norm to compare with"
