"""The values that travel between packages: what each holds, its shape, its unit. Frozen; no behaviour beyond shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

Confidence = Literal["high", "medium", "low"]


@dataclass(frozen=True)
class LabelledEvent:
    """A gait event that the laboratory stored in the file; `time_s` counts from the file's first frame."""

    side: Literal["left", "right"]
    kind: Literal["heel_strike", "toe_off"]
    time_s: float


@dataclass(frozen=True)
class Recording:
    """What one file holds, in the file's own axes, lengths already in metres.

    `positions_m` is (T, P, 3) float64 with NaN where a point was not seen; `names` are the P labels as they stand in the
    file (stripped); `format` is the name of the reader that understood it. `up` is the file's vertical axis as "x", "y", "z" with
    a sign ("+z"), or None when only the data can tell.
    """

    path: str
    format: str
    kind: Literal["markers", "joints"]
    fps: float
    names: tuple[str, ...]
    positions_m: np.ndarray
    up: str | None = None
    events: tuple[LabelledEvent, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Motion:
    """A walk on the 22-joint skeleton: `joints_m` (T, 22, 3) float64, metres, Y up, floor near 0, true body size.

    `heel_m` and `toe_m` are (T, 2, 3), left then right, where the recording has such points, else None.
    `measured` names the joints that come from the recording (others were filled in and must not be measured).
    `start_s` is the time of the first frame here, counted from the recording's first frame: above 0 where the start was
    cut off, so that event times of the file compare as `time_s - start_s`.
    """

    joints_m: np.ndarray
    fps: float
    source: str
    heel_m: np.ndarray | None = None
    toe_m: np.ndarray | None = None
    measured: frozenset[str] = frozenset()
    flags: tuple[str, ...] = ()
    start_s: float = 0.0

    @property
    def seconds(self) -> float:
        """Duration from the first to the last frame, in seconds."""
        return (len(self.joints_m) - 1) / self.fps


@dataclass(frozen=True)
class FootEvents:
    """Events of one foot, seconds from the recording's first frame, increasing."""

    heel_strike_s: tuple[float, ...] = ()
    toe_off_s: tuple[float, ...] = ()


@dataclass(frozen=True)
class Measure:
    """One gait parameter: `value` is None when it could not be measured, and `reason` then says why."""

    value: float | None
    unit: str
    n: int
    confidence: Confidence
    reason: str = ""


@dataclass(frozen=True)
class GaitParameters:
    """What was measured on one walk. `status` is "refused" when no parameter can be trusted; `reasons` then say why."""

    status: Literal["ok", "refused"]
    fps: float
    source: str
    n_strides: int = 0
    reasons: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    events: Mapping[str, FootEvents] = field(default_factory=dict)
    parameters: Mapping[str, Measure] = field(default_factory=dict)

    def value(self, name: str) -> float | None:
        """The number of one parameter, or None where it was not measured."""
        measure = self.parameters.get(name)
        return None if measure is None else measure.value


@dataclass(frozen=True)
class Rationale:
    """The three-part explanation of a score; each part is one or two plain sentences."""

    foot: str
    arm: str
    overall: str

    def text(self) -> str:
        """The paper's one-line form: `Foot: ... Arm: ... Overall: ...`."""
        return f"Foot: {self.foot} Arm: {self.arm} Overall: {self.overall}"


@dataclass(frozen=True)
class Statement:
    """One checkable claim of a rationale and what the walk's own parameters say of it."""

    section: Literal["foot", "arm", "overall"]
    text: str
    feature: str
    claim: str
    verdict: Literal["supported", "contradicted", "not_checkable"]
    evidence: str


@dataclass(frozen=True)
class Assessment:
    """A model's answer for one walk; score, probabilities and rationale are None when the walk was refused (see `gait`).

    `probabilities` are p(score 0), p(1), p(2) and sum to 1.
    """

    file: str
    score: int | None
    probabilities: tuple[float, float, float] | None
    rationale: Rationale | None
    statements: tuple[Statement, ...]
    gait: GaitParameters
    windows: int
    provenance: Mapping[str, Any]
    notices: tuple[str, ...]
