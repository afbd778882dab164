"""A walk, its text and one reviewer's decisions in; what the terminal shows during `agir review` out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from agir_plugin.cohort.review_outcome import Offered
from agir_plugin.cohort.reviews import Decision
from agir_plugin.rationale import agreement, check, forbidden
from agir_plugin.records import GaitParameters, Rationale, Statement
from agir_plugin.report.card import VERDICTS
from agir_plugin.report.gait_table import KEY_PARAMETERS, gait_table
from agir_plugin.report.wording import SCORE_WORDS
from agir_plugin.tasks.sections import SECTIONS

#: One line of keys under every walk.
KEYS = "a accept  e edit  r reject  1-3 part  u undo  n next  p previous  q quit  ? help"
HELP = """a      accept the marked part as it is written
e      edit it: opens $VISUAL or $EDITOR, or asks for one line where neither is set
r      reject it, with a reason; a text with a rejected part is left out by --apply
1 2 3  mark the Foot, Arm or Overall part
u      undo your latest decision, as often as you like, also those of earlier days
n p    next and previous walk
q      quit; run the same command again to go on
Every decision is on disk before the next key is read. A part that is decided again takes the new decision."""
#: Action -> how a decided part is marked.
MARKS = {"accept": ("accepted", "green"), "edit": ("edited", "cyan"), "reject": ("rejected", "bold red")}


@dataclass(frozen=True)
class View:
    """What is shown: the walk as the `number`-th of `count`, its score, the decisions that stand, the marked section."""

    text: Offered
    gait: GaitParameters
    score: int | None
    standing: Mapping[str, Decision]
    marked: str
    number: int
    count: int
    reviewer: str


def screen(view: View) -> RenderableType:
    """Measured parameters beside norms, the three parts with the verdict of every statement, the score, the keys."""
    shown = shown_text(view.text.rationale, view.standing)
    statements = check(shown, view.gait)
    share = agreement(statements)
    score = "no score" if view.score is None else f"score {view.score} ({SCORE_WORDS[view.score]})"
    title = f"{view.text.walk}  {score}  walk {view.number} of {view.count}  reviewer {view.reviewer}"
    found = "no statement could be checked" if share is None else f"agreement {share:.2f}"
    return Group(
        Rule(Text(title, style="bold"), align="left"),
        gait_table(view.gait, KEY_PARAMETERS),
        *_sections(view, shown, statements),
        *(Text(line, style="yellow") for line in forbidden(shown)),
        Text(f"written by {view.text.row.get('writer') or 'somebody'}; {found}", style="dim"),
        Text(KEYS, style="bold"),
    )


def shown_text(rationale: Rationale, standing: Mapping[str, Decision]) -> Rationale:
    """The text with this reviewer's edits in it; a rejected part is shown as it was offered."""
    parts = {
        section: standing[section].after if section in standing and standing[section].action == "edit" else
        getattr(rationale, section)
        for section in SECTIONS
    }
    return Rationale(**parts)


def _sections(view: View, shown: Rationale, statements: Sequence[Statement]) -> Iterator[RenderableType]:
    for number, section in enumerate(SECTIONS, start=1):
        pointer = "▶" if section == view.marked else " "
        yield Text.assemble((f"{pointer} {number} {section.capitalize()}  ", "bold"), _mark(view.standing.get(section)))
        yield Padding(Text(getattr(shown, section)), (0, 0, 0, 4))
        yield Padding(_verdicts([one for one in statements if one.section == section]), (0, 0, 0, 4))


def _mark(decision: Decision | None) -> tuple[str, str]:
    if decision is None:
        return "open", "dim"
    words, style = MARKS[decision.action]
    return (f"{words}: {decision.reason}" if decision.reason else words), style


def _verdicts(statements: Sequence[Statement]) -> RenderableType:
    if not statements:
        return Text("no statement that the checker understands", style="dim")
    grid = Table.grid(padding=(0, 1))
    for statement in statements:
        mark, style, words = VERDICTS[statement.verdict]
        evidence = Text(f"{words}: {statement.evidence}" if statement.evidence else words, style="dim")
        grid.add_row(Text(mark, style=style), Group(Text(statement.claim or statement.text), evidence))
    return grid
