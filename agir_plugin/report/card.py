"""An assessment, or the measured gait of a file, in; the card that a terminal shows out (fits 80 columns)."""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from agir_plugin.consts import NOT_A_DEVICE, SCORES
from agir_plugin.records import Assessment, GaitParameters, Statement
from agir_plugin.report.gait_table import KEY_PARAMETERS, gait_table
from agir_plugin.report.wording import SCORE_MEANINGS, SCORE_WORDS, notices

#: Length of a bar that stands for probability 1, in characters.
BAR = 30
#: Verdict -> mark, style, words; the words are there for readers without colour.
VERDICTS = {
    "supported": ("✓", "green", "supported"),
    "contradicted": ("✗", "bold red", "contradicted"),
    "not_checkable": ("?", "dim", "not checkable"),
}
#: Characters of a hash that are shown.
HASH_DIGITS = 12


def card(assessment: Assessment) -> RenderableType:
    """Score, probabilities, rationale with each statement's verdict, measured gait, flags and provenance of one walk.

    A refused walk gets a card that says so and why, and no score.
    """
    refused = assessment.gait.status == "refused"
    body = _refusal(assessment.gait) if refused else _answer(assessment)
    return Group(
        _heading(assessment.file, notices(assessment)),
        *body,
        *_flags(assessment.gait),
        _section("Model"),
        _facts(_provenance(assessment)),
    )


def gait_card(file: str, gait: GaitParameters) -> RenderableType:
    """What was measured on one file, with norms, or why the walk was refused."""
    measured = [_section("Measured on this walk"), _measured_from(gait), gait_table(gait)]
    body = _refusal(gait) if gait.status == "refused" else measured
    return Group(_heading(file, (NOT_A_DEVICE,)), *body, *_flags(gait))


def _heading(file: str, notes: Sequence[str]) -> Panel:
    title = Text(Path(file).name, style="bold")
    return Panel(Text("\n".join(notes), style="bold yellow"), title=title, title_align="left")


def _answer(assessment: Assessment) -> list[RenderableType]:
    return [
        _section("Gait score (MDS-UPDRS item 3.10)"),
        _score(assessment),
        _section("Rationale"),
        _rationale(assessment),
        *_statements(assessment.statements),
        _section("Measured on this walk"),
        _measured_from(assessment.gait),
        gait_table(assessment.gait, KEY_PARAMETERS),
    ]


def _refusal(gait: GaitParameters) -> list[RenderableType]:
    reasons = [Text(f"• {reason}") for reason in gait.reasons]
    what = Text("This walk was refused: nothing was measured on it and no score is given.")
    return [Panel(Group(what, *reasons), title="Refused", title_align="left", border_style="red")]


def _section(title: str) -> RenderableType:
    return Rule(Text(title, style="bold"), align="left", style="dim")


def _score(assessment: Assessment) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    for score, p in zip(SCORES, assessment.probabilities, strict=True):
        style = "bold" if score == assessment.score else ""
        full = round(p * BAR)
        bar = Text("█" * full, style="cyan").append("░" * (BAR - full), style="dim")
        grid.add_row(Text(f"{score} {SCORE_WORDS[score]}", style=style), bar, Text(f"{p:.2f}", style=style))
    said = Text.assemble(
        (f"{assessment.score} {SCORE_WORDS[assessment.score]}", "bold"), f": {SCORE_MEANINGS[assessment.score]}"
    )
    windows = "one window" if assessment.windows == 1 else f"{assessment.windows} windows"
    note = Text(f"The model's probabilities, from {windows} of the walk.", style="dim")
    return Padding(Group(said, grid, note), (0, 0, 0, 1))


def _rationale(assessment: Assessment) -> RenderableType:
    parts = asdict(assessment.rationale)
    return _facts({name.capitalize(): text or "(nothing written)" for name, text in parts.items()}, style="bold")


def _statements(statements: Sequence[Statement]) -> Iterator[RenderableType]:
    counts = Counter(statement.verdict for statement in statements)
    totals = ", ".join(f"{counts[verdict]} {words}" for verdict, (_, _, words) in VERDICTS.items())
    yield _section("Its statements against this walk's measurements")
    found = Text(totals if statements else "The rationale makes no statement that could be checked.")
    yield Padding(found, (0, 0, 0, 1))
    grid = Table.grid(padding=(0, 1))
    for statement in statements:
        mark, style, words = VERDICTS[statement.verdict]
        evidence = Text(f"{words}: {statement.evidence}" if statement.evidence else words, style="dim")
        claim = Text(statement.claim or statement.text)
        grid.add_row(Text(mark, style=style), Text(statement.section.capitalize()), Group(claim, evidence))
    yield Padding(grid, (0, 0, 0, 1))


def _measured_from(gait: GaitParameters) -> RenderableType:
    strikes = sum(len(events.heel_strike_s) for events in gait.events.values())
    what = f"{gait.source}, {gait.fps:g} frames per second, {gait.n_strides} strides, {strikes} heel strikes"
    return Padding(Text(what, style="dim"), (0, 0, 0, 1))


def _flags(gait: GaitParameters) -> list[RenderableType]:
    if not gait.flags:
        return []
    return [Text(f"Flags: {', '.join(flag.replace('_', ' ') for flag in gait.flags)}", style="yellow")]


def _provenance(assessment: Assessment) -> dict[str, str]:
    facts = {"file": assessment.file} | dict(assessment.provenance)
    return {name.replace("_", " "): _in_words(name, value) for name, value in facts.items()}


def _in_words(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_in_words(key, item)}" for key, item in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)[:HASH_DIGITS] if name.endswith("hash") else str(value)


def _facts(facts: Mapping[str, str], style: str = "dim") -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    for name, text in facts.items():
        grid.add_row(Text(name, style=style), Text(text, overflow="fold"))
    return Padding(grid, (0, 0, 0, 1))
