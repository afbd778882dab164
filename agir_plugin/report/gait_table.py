"""Gait parameters in, a terminal table out: value, unit, the norm of healthy adults, z-score, confidence, count."""
from __future__ import annotations

from collections.abc import Iterable

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from agir_plugin.gait import norms, norms_people, z_score
from agir_plugin.records import GaitParameters, Measure
from agir_plugin.report.wording import USUAL_SD, label, not_measured, number

#: The parameters of an assessment's card: those that the parts of a rationale speak of.
KEY_PARAMETERS = (
    "speed_mps", "cadence_spm", "step_length_m", "step_width_m", "foot_lift_m", "double_support_pct",
    "step_time_cv_pct", "step_time_asymmetry_pct", "step_length_asymmetry_pct", "arm_swing_deg_left",
    "arm_swing_deg_right", "arm_swing_asymmetry_pct", "trunk_flexion_deg",
)
#: Style of each confidence.
CONFIDENCE_STYLES = {"high": "", "medium": "", "low": "dim"}


def gait_table(gait: GaitParameters, names: Iterable[str] | None = None) -> RenderableType:
    """The measured values among `names` (all by default), then what could not be measured and why."""
    chosen = list(gait.parameters if names is None else names)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1), collapse_padding=True)
    table.add_column("parameter")
    for heading in ("value", "unit", "healthy", "z"):
        table.add_column(heading, justify="left" if heading == "unit" else "right", no_wrap=True)
    table.add_column("conf.", no_wrap=True)
    table.add_column("n", justify="right")
    measured = {name: gait.parameters[name] for name in chosen if gait.value(name) is not None}
    for name, measure in measured.items():
        table.add_row(*_row(name, measure), style=CONFIDENCE_STYLES[measure.confidence])
    return Group(table, *_footnotes(gait, measured))


def _row(name: str, measure: Measure) -> tuple[str | Text, ...]:
    norm, z = norms().get(name), z_score(name, measure.value)
    usual = "" if norm is None else f"{number(norm.mean, norm.unit)}±{number(norm.sd, norm.unit)}"
    value = number(measure.value, measure.unit)
    return label(name), value, measure.unit, usual, _z_text(z), measure.confidence, str(measure.n)


def _z_text(z: float | None) -> Text:
    """`-3.2 ▼` below, `+2.4 ▲` above the usual range: readable without colour."""
    if z is None:
        return Text("")
    shown = round(z, 1)  # as printed, so that a mark never stands beside a number inside the range
    mark = "  " if abs(shown) <= USUAL_SD else " ▲" if shown > 0 else " ▼"
    return Text(f"{shown:+.1f}{mark}", style="yellow" if mark.strip() else "")


def _footnotes(gait: GaitParameters, measured: dict[str, Measure]) -> list[Text]:
    lacking = not_measured(gait).items()
    notes = [Text(f"Not measured ({reason}): {', '.join(names)}.", style="dim") for reason, names in lacking]
    hidden = sum(measure.value is not None and name not in measured for name, measure in gait.parameters.items())
    if hidden:
        notes.append(Text(f"{hidden} more parameters: agir gait FILE.", style="dim"))
    if any(norms().get(name) for name in measured):
        what = f"healthy: mean±SD of {norms_people()}; ▼ ▲: more than {USUAL_SD:g} SD away."
        notes.append(Text(what, style="dim"))
    return notes
