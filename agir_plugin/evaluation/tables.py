"""The dictionary of `metrics.json` in, tables for the terminal out: the model always beside every control."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

#: Measures of the main table: key in `intervals`, column heading.
COLUMNS = (
    ("accuracy", "accuracy"), ("balanced_accuracy", "balanced\naccuracy"), ("macro_f1", "macro F1"),
    ("quadratic_kappa", "quadratic\nkappa"), ("mae", "mean abs.\nerror"),
)
#: Measures of the table of differences, whose cells are wider.
DIFFERENCES = tuple((key, heading) for key, heading in COLUMNS if key != "balanced_accuracy")
#: How controls and states are called in a table; other names are shown as they are.
NAMES = {"majority": "majority class", "logistic_regression": "gait parameters", "constant_rationale": "constant text"}
#: Shown where a measure is undefined.
NOTHING = "–"


def metrics_tables(metrics: Mapping[str, Any]) -> RenderableType:
    """All tables of one `metrics.json` (the layout of `agir_plugin.evaluation.summary`), fit for 80 columns."""
    parts: list[RenderableType] = [
        *(Text(notice, style="bold yellow") for notice in metrics.get("notices", ())),
        Text(_what(metrics), style="bold"),
        score_table(metrics),
        difference_table(metrics),
        state_table(metrics),
        confusion_table(metrics),
        text_table(metrics),
    ]
    notes = list(_notes(metrics))
    return Group(*parts, *(Text(note, style="dim") for note in notes))


def score_table(metrics: Mapping[str, Any]) -> Table:
    """The model and every control: each measure with its 95 % interval below."""
    table = _table("Scores (95 % interval over subjects)", [heading for _, heading in COLUMNS])
    table.add_row("[bold]model", *(_estimate(metrics["model"]["intervals"][key]) for key, _ in COLUMNS))
    for name, control in metrics["controls"].items():
        if "skipped" not in control:
            table.add_row(_name(name), *(_estimate(control["intervals"][key]) for key, _ in COLUMNS))
    return table


def difference_table(metrics: Mapping[str, Any]) -> Table:
    """The model minus each control, both on the same resamples of the subjects."""
    table = _table("Model minus control (paired, 95 % interval)", [heading for _, heading in DIFFERENCES])
    for name, control in metrics["controls"].items():
        if "skipped" not in control:
            table.add_row(_name(name), *(_estimate(control["difference"][key], signed=True) for key, _ in DIFFERENCES))
    return table


def state_table(metrics: Mapping[str, Any]) -> Table:
    """The model in each medication state apart."""
    table = _table("By medication state", ["subjects", "walks", *(heading for _, heading in COLUMNS[:4])])
    for state, part in metrics["states"].items():
        cells = (_estimate(part["intervals"][key]) for key, _ in COLUMNS[:4])
        table.add_row(_name(state), str(part["subjects"]), str(part["scores"]["n"]), *cells)
    return table


def confusion_table(metrics: Mapping[str, Any]) -> Table:
    """The model's answers by true score, with precision, recall and F1 of each."""
    scores = metrics["model"]["scores"]
    answers = [f"said {label}" for label in scores["labels"]]
    table = _table("True score by answer", [*answers, "no score", "precision", "recall", "F1"])
    for label, counts, lost in zip(scores["labels"], scores["confusion"], scores["unparsable"], strict=True):
        one = scores["per_class"][str(label)]
        figures = (_number(one[key]) for key in ("precision", "recall", "f1"))
        table.add_row(f"true {label}", *map(str, counts), str(lost), *figures)
    return table


def text_table(metrics: Mapping[str, Any]) -> Table:
    """How many statements of the rationales agree with the measurements, beside the constant rationale."""
    headings = ["agreement", "statements", "mean of walks", "not checkable"]
    table = _table("Rationales against the measured gait", headings)
    rows = {"[bold]model": metrics["agreement"]}
    constant = metrics["constant_rationale"]
    if "skipped" not in constant:
        rows[_name("constant_rationale")] = constant["agreement"]
    for name, part in rows.items():
        estimate = _estimate(part["interval"]) if part["interval"] else NOTHING
        counts = (_count(part["statements"]), _number(part["walk_mean"]), _count(part["not_checkable"]))
        table.add_row(name, estimate, *counts)
    if "skipped" not in constant:
        gap = _estimate(constant["difference"], signed=True)
        table.add_row("difference", gap, "", "", "")
    return table


def _what(metrics: Mapping[str, Any]) -> str:
    n, folds, draws = metrics["n"], len(metrics["folds"]), metrics["bootstrap"]
    kind = "all" if draws["exact"] else "random"
    return (
        f"{n['walks']} walks of {n['subjects']} subjects in {folds} fold{'s' * (folds != 1)}; "
        f"{n['excluded']} excluded; {draws['resamples']} {kind} resamples of subjects"
    )


def _notes(metrics: Mapping[str, Any]) -> Iterator[str]:
    skipped = metrics["controls"] | {"constant_rationale": metrics["constant_rationale"]}
    for name, control in skipped.items():
        if "skipped" in control:
            yield f"No control {_name(name)!r}: {control['skipped']}."
    formed = metrics["well_formed"]
    shares = ", ".join(f"{part['share']:.3f} {how} (n = {part['n']})" for how, part in formed.items() if part["n"])
    if shares:
        yield f"Well-formed answers: {shares}."
    if metrics["calibration"]:
        fit = metrics["calibration"]
        yield f"Calibration: Brier score {fit['brier']:.3f} (0 to 2), expected calibration error {fit['ece']:.3f}."
    if metrics["n"]["subjects"] == 1:
        yield "One subject gives no interval."
    gap = metrics["constant_rationale"].get("difference", {}).get("point")
    if gap is not None and gap < 0:
        yield "The model's statements agree less often than one constant text would."
    for item in metrics["excluded"]:
        yield f"Excluded {item['walk']}: {item['reason']}."


def _table(title: str, headings: list[str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _name(name: str) -> str:
    return NAMES.get(name, escape(name))


def _estimate(interval: Mapping[str, Any], signed: bool = False) -> str:
    """`0.78` with `0.58–0.93` on the line below; with signs `+0.12` and `-0.03 to +0.27`."""
    point = _number(interval["point"], signed)
    if interval["low"] is None:
        return point
    between = " to " if signed else "–"
    return f"{point}\n[dim]{_number(interval['low'], signed)}{between}{_number(interval['high'], signed)}[/dim]"


def _number(value: float | None, signed: bool = False) -> str:
    if value is None:
        return NOTHING
    return f"{value:+.2f}" if signed else f"{value:.2f}"


def _count(value: int | None) -> str:
    return NOTHING if value is None else str(value)
