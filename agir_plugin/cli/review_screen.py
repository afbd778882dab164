"""A walk, its text and one reviewer's decisions in; what the terminal shows during `agir review` out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from agir_plugin.cohort.review_outcome import Offered
from agir_plugin.cohort.reviews import Decision
from agir_plugin.gait import norms, z_score
from agir_plugin.rationale import agreement, check, forbidden
from agir_plugin.rationale.features import FEATURES
from agir_plugin.records import GaitParameters, Rationale, Statement
from agir_plugin.report.card import VERDICTS
from agir_plugin.report.gait_table import KEY_PARAMETERS, gait_table
from agir_plugin.report.wording import SCORE_WORDS, USUAL_SD, label, number
from agir_plugin.tasks.sections import SECTIONS

#: One line of keys under every walk.
KEYS = "a accept  e edit  r reject  1-3 part  u undo  n p walks  t all  q quit  ? help"
HELP = """a      accept the marked part as it is written
e      edit it: opens $VISUAL or $EDITOR, or the text in one line to change where neither is set
r      reject it, with a reason; a text with a rejected part is left out by --apply
1 2 3  mark the Foot, Arm or Overall part
u      undo your latest decision, as often as you like, also those of earlier days
n p    next and previous walk
t      every number and every statement, however many lines that takes
q      quit; run the same command again to go on
Ctrl-C gives up an edit or a rejection that was begun; elsewhere it quits.
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


def screen(view: View, whole: bool = True) -> RenderableType:
    """Measured parameters beside norms, the three parts with the verdict of every statement, the score, the keys.

    Unless `whole`, the parameters are those that the marked part is about, and the statements of the other parts are
    counted, except for contradicted ones.
    """
    shown = shown_text(view.text.rationale, view.standing)
    statements = check(shown, view.gait)
    share = agreement(statements)
    score = "no score" if view.score is None else f"score {view.score} ({SCORE_WORDS[view.score]})"
    title = f"{view.text.walk}  {score}  walk {view.number} of {view.count}  reviewer {view.reviewer}"
    found = "no statement could be checked" if share is None else f"agreement {share:.2f}"
    return Group(
        Rule(), Text(title, style="bold"),
        gait_table(view.gait, KEY_PARAMETERS) if whole else _numbers(view),
        *_sections(view, shown, statements, whole),
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


def _numbers(view: View) -> RenderableType:
    """The parameters that the marked part is about, one per line: value, norm, z-score, confidence."""
    grid = Table(box=None, padding=(0, 1), header_style="dim")
    grid.add_column("parameter")
    for heading in ("value", "healthy", "z", "confidence"):
        grid.add_column(heading, no_wrap=True)
    for name in KEY_PARAMETERS:
        measure = view.gait.parameters.get(name)
        if _section_of().get(name) != view.marked or measure is None:
            continue
        if measure.value is None:
            grid.add_row(label(name), "not measured")
            continue
        norm, z = norms().get(name), z_score(name, measure.value)
        usual = "" if norm is None else f"{number(norm.mean, norm.unit)}±{number(norm.sd, norm.unit)}"
        grid.add_row(label(name), f"{number(measure.value, measure.unit)} {measure.unit}", usual, _z(z), measure.confidence)
    return grid


def _z(z: float | None) -> Text:
    if z is None:
        return Text("")
    far = abs(round(z, 1)) > USUAL_SD
    return Text(f"{z:+.1f}{(' ▲' if z > 0 else ' ▼') if far else ''}", style="yellow" if far else "")


@cache
def _section_of() -> dict[str, str]:
    """Parameter -> the part of a rationale that it belongs to."""
    found: dict[str, str] = {}
    for feature in FEATURES.values():
        for name in (*feature.parameters, *(f"{stem}_{side}" for stem in feature.sided for side in ("left", "right"))):
            found.setdefault(name, feature.section)
    return found


def _sections(view: View, shown: Rationale, statements: Sequence[Statement], whole: bool) -> Iterator[RenderableType]:
    for place, section in enumerate(SECTIONS, start=1):
        pointer = "▶" if section == view.marked else " "
        own = [one for one in statements if one.section == section]
        yield Text.assemble((f"{pointer} {place} {section.capitalize()}  ", "bold"), _mark(view.standing.get(section)))
        yield Padding(Text(getattr(shown, section)), (0, 0, 0, 4))
        if whole or section == view.marked:
            yield Padding(_verdicts(own), (0, 0, 0, 4))
            continue
        yield Padding(_counts(own), (0, 0, 0, 4))
        wrong = [one for one in own if one.verdict == "contradicted"]
        if wrong:
            yield Padding(_verdicts(wrong), (0, 0, 0, 4))


def _mark(decision: Decision | None) -> tuple[str, str]:
    if decision is None:
        return "open", "dim"
    words, style = MARKS[decision.action]
    return (f"{words}: {decision.reason}" if decision.reason else words), style


def _counts(statements: Sequence[Statement]) -> RenderableType:
    """`✓ 2 supported  ? 1 not checkable` in one line."""
    counts = Counter(statement.verdict for statement in statements)
    if not counts:
        return Text("no statement that the checker understands", style="dim")
    found = {verdict: look for verdict, look in VERDICTS.items() if counts[verdict]}
    return Text.assemble(*((f"{mark} {counts[verdict]} {words}  ", style) for verdict, (mark, style, words) in found.items()))


def _verdicts(statements: Sequence[Statement]) -> RenderableType:
    if not statements:
        return Text("no statement that the checker understands", style="dim")
    grid = Table.grid(padding=(0, 1))
    for statement in statements:
        mark, style, words = VERDICTS[statement.verdict]
        evidence = Text(f"{words}: {statement.evidence}" if statement.evidence else words, style="dim")
        grid.add_row(Text(mark, style=style), Group(Text(statement.claim or statement.text), evidence))
    return grid
