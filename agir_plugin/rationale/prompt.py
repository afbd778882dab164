"""Gait parameters and a score in, the few-shot prompt of the AGIR paper (Instruction, Exemplars, Input) out.

Parameters alone leave the machine in such a prompt: no names, files or dates. Values of low confidence are left out.
"""
from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml

from agir_plugin.consts import SCORES
from agir_plugin.errors import LabelError
from agir_plugin.gait import norms, norms_people
from agir_plugin.gait.reference import SHIPPED, norms_file
from agir_plugin.rationale.criteria import criteria_block
from agir_plugin.rationale.features import confident
from agir_plugin.records import GaitParameters, Rationale

#: The four parameters of the paper's printed questions, in its order.
PRINTED = ("cadence_spm", "speed_mps", "speed_cv_pct", "foot_lift_m")
#: Further parameters that a question may hold: name -> wording and number format. The paper gives no complete list.
FURTHER = {
    "step_length_m": ("Mean step length", "{:.2f}m"),
    "step_time_cv_pct": ("Coefficient of variation of step time", "{:.1f}%"),
    "step_width_m": ("Mean step width", "{:.2f}m"),
    "arm_swing_deg_left": ("Swing angle of the left arm", "{:.0f} degrees"),
    "arm_swing_deg_right": ("Swing angle of the right arm", "{:.0f} degrees"),
    "trunk_flexion_deg": ("Forward lean of the trunk", "{:.0f} degrees"),
}
_INSTRUCTION = """You explain gait scores. From the gait parameters of one walk and the score that an examiner gave, \
write the qualitative reasons for that score. Compare with the criteria and with the normal values below.
Answer in one line of the form `Foot: ... Arm: ... Overall: ...`, with about thirteen words in each part.
Write plain words without numbers. Do not name the score or the scale. Speak only of what the parameters show: not \
of turning, freezing, medication or diagnosis. Name the side where left and right differ. Where a parameter is not \
given, say that it was not measured. If the parameters look better or worse than the score suggests, say so ("despite \
near-normal ...")."""


def question_line(
    score: int, cadence_spm: float | None, speed_mps: float | None, speed_cv_pct: float | None,
    foot_lift_m: float | None, *, role: Literal["exemplar", "input"] = "exemplar",
) -> str:
    """The paper's printed question, character for character except for its doubled comma.

    Units are steps/min, m/s, % and m; None is written as "not measured". The paper prints `1.26m/s` in its exemplars
    and `0.18 m/s`, with a blank, in its input question; `role` tells which is wanted. Raises LabelError for a score
    outside 0, 1, 2.
    """
    if score not in SCORES:
        raise LabelError(f"expected a gait score of {SCORES} in the question, got {score!r}; leave this walk out")
    blank = " " if role == "input" else ""
    return (
        f"The MDS-UPDRS Gait score is {score}. Cadence: {_number(cadence_spm, '{:.1f}')}, "
        f"Speed: {_number(speed_mps, '{:.2f}' + blank + 'm/s')}, "
        f"Coefficient of variation of speed: {_number(speed_cv_pct, '{:.1f}%')}, "
        f"Maximal vertical height of the foot from the ground in swing phase: {_number(foot_lift_m, '{:.2f}m')}."
    )


def build_prompt(gait: GaitParameters, score: int) -> str:
    """The whole prompt for one walk: instruction, criteria, normal values, nine exemplars, the walk's own question."""
    values = {name: measure.value for name, measure in gait.parameters.items() if confident(measure)}
    parts = [
        f"Instruction. {_INSTRUCTION}",
        f"Criteria of the gait score:\n{criteria_block()}",
        f"Normal values of {_people()} (mean +/- SD):\n{_reference_block()}",
        "Exemplars.",
        *(_exemplar_text(values, score, answer) for values, score, answer in exemplars()),
        f"Input question. {_question(values if gait.status == 'ok' else {}, score, 'input')}",
    ]
    return "\n\n".join(parts) + "\n"


@cache
def exemplars() -> tuple[tuple[Mapping[str, float], int, Rationale], ...]:
    """The nine shipped exemplars as (parameters, score, answer), three per score."""
    text = (files("agir_plugin.rationale") / "exemplars.yaml").read_text(encoding="utf8")
    rows: list[dict[str, Any]] = yaml.safe_load(text)["exemplars"]
    return tuple((row["parameters"], row["score"], Rationale(row["foot"], row["arm"], row["overall"])) for row in rows)


def _exemplar_text(values: Mapping[str, float], score: int, answer: Rationale) -> str:
    return f"Question. {_question(values, score, 'exemplar')}\nAnswer. {answer.text()}"


def _question(values: Mapping[str, float | None], score: int, role: Literal["exemplar", "input"]) -> str:
    printed = question_line(score, *(values.get(name) for name in PRINTED), role=role)
    further = [f"{label}: {form.format(values[name])}" for name, (label, form) in FURTHER.items() if name in values]
    return f"{printed} {', '.join(further)}." if further else printed


def _people() -> str:
    """Whose norms they are; of a table of the user's own its words and its file's name stay on this machine."""
    return norms_people() if norms_file() == SHIPPED else "healthy people"


def _number(value: float | None, form: str) -> str:
    return "not measured" if value is None else form.format(value)


def _reference_block() -> str:
    names = [name for name in (*PRINTED, *FURTHER) if name in norms()]
    return "\n".join(f"{name}: {norms()[name].mean:g} +/- {norms()[name].sd:g} {norms()[name].unit}" for name in names)
