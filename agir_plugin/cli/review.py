"""`agir review`: a cohort's rationales and a reviewer in; decisions, a summary, the cohort's new texts or preference pairs out."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agir_plugin.cli.console import check_result_files, say, show, write_result
from agir_plugin.cli.keyboard import Keyboard
from agir_plugin.errors import CohortError, UsageError

if TYPE_CHECKING:
    from agir_plugin.cohort import Cohort
    from agir_plugin.cohort.review_outcome import Offered
    from agir_plugin.cohort.reviews import History

#: Most walks that a message names one by one.
NAMED = 5


class Only(StrEnum):
    """Which walks are shown."""

    UNREVIEWED = "unreviewed"
    CONTRADICTED = "contradicted"
    ALL = "all"


def review(
    cohort: Annotated[Path, typer.Argument(metavar="COHORT", help="Cohort folder with rationales.", show_default=False)],
    reviewer: Annotated[
        str, typer.Option(metavar="ID", help="Who reviews: initials or a code, never a patient's name. Remembered.")
    ] = "",
    walks: Annotated[
        str, typer.Option(metavar="NAMES", help="Only these walks: names or patterns (SUB01_*), with commas between.")
    ] = "",
    only: Annotated[Only, typer.Option(help="Walks that you have not finished, that contradict their numbers, or all.")] = (
        Only.UNREVIEWED
    ),
    summary: Annotated[bool, typer.Option("--summary", help="Print counts, agreement between reviewers and what is open.")] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Make accepted and edited texts the cohort's.")] = False,
    export: Annotated[
        str | None,
        typer.Option(metavar="OUT", help="Write preference pairs: prompt, chosen, rejected (JSON lines).", show_default=False),
    ] = None,
    export_texts: Annotated[
        str | None,
        typer.Option(metavar="OUT", help="Write accepted and edited texts: prompt, completion (JSON lines).", show_default=False),
    ] = None,
) -> None:
    """Review the rationales of a cohort in the terminal: accept, edit or reject every part beside its numbers.

    * `agir review cohort --reviewer AB`: shows walk after walk and goes on where you stopped; `?` explains the keys
    * `agir review cohort --only contradicted --walks 'SUB01_*'`: texts with a statement that the numbers contradict
    * `agir review cohort --summary`: counts, agreement between reviewers, open texts
    * `agir review cohort --apply`: reviewed texts become the cohort's; with --reviewer those of one person
    * `agir review cohort --export pairs.jsonl`: prompt, chosen, rejected of every edited text, for preference training
    * `agir review cohort --export-texts texts.jsonl`: prompt, completion of every accepted or edited text

    Every decision is on disk at once (reviews.jsonl) and stays there; undoing is a line of its own.
    """
    from agir_plugin.cohort import Cohort
    from agir_plugin.cohort.review_outcome import offered
    from agir_plugin.cohort.reviews import checked_reviewer, cut_off, read_history

    exporting = export is not None or export_texts is not None
    if summary + apply + exporting > 1:
        raise UsageError("expected one of --summary, --apply and --export, got several; run them one after the other")
    check_result_files({"--export": export, "--export-texts": export_texts})
    opened = Cohort.open(cohort)
    texts, history = offered(opened), read_history(cohort)
    if not texts:
        raise CohortError(f"{cohort}: has no rationales to review; write them with `agir annotate {cohort}`")
    if cut_off(cohort):
        say(f"{cohort}: the last line of reviews.jsonl was cut off and does not count; decide that part again")
    who = checked_reviewer(opened, reviewer) if reviewer else ""
    if summary:
        _summarise(history, texts)
    elif apply:
        _apply(opened, history, who)
    elif exporting:
        _export(opened, history, texts, who, export, export_texts)
    else:
        _review(opened, history, texts, who, walks, only)


def _review(
    cohort: Cohort, history: History, texts: Mapping[str, Offered], reviewer: str, walks: str, only: Only
) -> None:
    from agir_plugin.cli.review_loop import Review
    from agir_plugin.cohort.review_outcome import outdated

    if not sys.stdin.isatty():
        raise UsageError(
            "expected a terminal to review in, but the input is none; --summary, --apply and --export work without one"
        )
    chosen = _chosen(texts, walks)
    who = _reviewer(cohort, history, reviewer)
    gone = [walk for owner, walk in outdated(history, texts) if owner == who]
    if gone:
        say(f"your reviews of {_listed(gone)} are of texts that were replaced since, and do not count any more")
    queue = [walk for walk in chosen if _wanted(cohort, history, texts[walk], who, only)]
    if not queue:
        say(f"{cohort.folder}: nothing to show ({only.value}, {len(chosen)} texts); --only all shows every text")
        return
    session = Review(cohort, history, texts, queue, who, Keyboard(), place=_where_it_stopped(history, who, texts, queue))
    try:
        session.run()
    finally:
        left = sum(_wanted(cohort, history, texts[walk], who, Only.UNREVIEWED) for walk in texts)
        say(f"{cohort.folder}: {left} of {len(texts)} texts are open for {who}")


def _reviewer(cohort: Cohort, history: History, given: str) -> str:
    """The id given, else the one remembered, else the one asked for; it is remembered.

    Where several people review a cohort the remembered id is only a proposal.
    """
    from agir_plugin.cohort.reviews import checked_reviewer, remember_reviewer, remembered_reviewer

    known = remembered_reviewer(cohort.folder)
    asked = given or known
    if not given and (not known or set(history.reviewers()) - {known}):
        proposal = f" [{known}]" if known else ""
        asked = Keyboard().line(f"Your reviewer id (initials or a code, never a patient's name){proposal}: ").strip() or known
    who = checked_reviewer(cohort, asked)
    if who != known:
        remember_reviewer(cohort.folder, who)
    return who


def _chosen(texts: Mapping[str, Offered], patterns: str) -> list[str]:
    wanted = [pattern.strip() for pattern in patterns.split(",") if pattern.strip()]
    for pattern in wanted:
        if not any(fnmatchcase(walk, pattern) for walk in texts):
            raise UsageError(f"--walks: expected names or patterns of walks with a text, but none fits {pattern!r}; see walks.csv")
    return [walk for walk in texts if not wanted or any(fnmatchcase(walk, pattern) for pattern in wanted)]


def _wanted(cohort: Cohort, history: History, text: Offered, who: str, only: Only) -> bool:
    from agir_plugin.cohort.review_outcome import verdict
    from agir_plugin.rationale import check

    if only is Only.UNREVIEWED:
        return verdict(history, who, text).state == "open"
    if only is Only.CONTRADICTED:
        return any(found.verdict == "contradicted" for found in check(text.rationale, cohort.gait(text.walk)))
    return True


def _where_it_stopped(history: History, who: str, texts: Mapping[str, Offered], queue: list[str]) -> int:
    """Place in the queue of the walk that this reviewer decided on last, or of the next one after it; else 0."""
    order = {walk: number for number, walk in enumerate(texts)}
    latest = next((one.walk for one in reversed(history.decisions) if one.reviewer == who), "")
    from_here = order.get(latest, 0)
    return next((place for place, walk in enumerate(queue) if order[walk] >= from_here), 0)


def _summarise(history: History, texts: Mapping[str, Offered]) -> None:
    from agir_plugin.cohort.review_agreement import agreements, open_texts, tallies
    from agir_plugin.cohort.review_outcome import outdated

    for one in tallies(history, texts):
        counts = ", ".join(f"{one.sections.get(action, 0)} {word}" for action, word in (
            ("accept", "accepted"), ("edit", "edited"), ("reject", "rejected")
        ))
        show(f"{one.reviewer}: {counts} sections; {one.finished} texts finished, {one.still_open} open, {one.outdated} outdated")
    for pair in agreements(history, texts):
        figures = {"alike": pair.share, "kappa": pair.kappa}
        values = ", ".join(f"{name} {'none' if value is None else f'{value:.2f}'}" for name, value in figures.items())
        show(f"{' and '.join(pair.reviewers)}, {pair.section}: {values}, n {pair.n}")
    gone = [f"{walk} ({reviewer})" for reviewer, walk in outdated(history, texts)]
    if gone:
        show(f"outdated, the text was replaced since: {', '.join(gone)}")
    show(f"{len(open_texts(history, texts))} of {len(texts)} texts are open")


def _apply(cohort: Cohort, history: History, who: str) -> None:
    from agir_plugin.cohort.review_outcome import apply

    done = apply(cohort, history, who)
    say(f"{cohort.folder}: {len(done.taken)} reviewed texts are the cohort's, {len(done.still_open)} texts are not reviewed")
    for walk, reasons in done.left_out.items():
        say(f"left out: {walk} ({reasons})")
    if done.contested:
        say(f"reviewers differ on {_listed(list(done.contested))}; nothing changed there, name whose counts with --reviewer")


def _export(
    cohort: Cohort, history: History, texts: Mapping[str, Offered], who: str, pairs: str | None, finished: str | None
) -> None:
    """Preference pairs, reviewed texts or both, each once per walk and text, as JSON lines."""
    from agir_plugin.cohort.review_outcome import verdicts
    from agir_plugin.rationale.edited import completion, preference

    edited: dict[tuple[str, str], dict[str, Any]] = {}
    final: dict[tuple[str, str], dict[str, Any]] = {}
    for walk, text in texts.items():
        score = cohort.walk(walk).score
        for found in verdicts(history, text, who):
            if found.text is None or score is None:
                continue
            source = {"walk": walk, "reviewed_by": found.reviewer}
            key = (walk, found.text.text())
            final.setdefault(key, {**completion(cohort.gait(walk), score, found.text), **source})
            if found.text != text.rationale:
                edited.setdefault(key, {**preference(cohort.gait(walk), score, text.rationale, found.text), **source})
    for rows, out in ((edited, pairs), (final, finished)):
        if out is not None:
            write_result("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows.values()), out)
    say(f"{len(edited)} preference pairs, {len(final)} reviewed texts, {len(final) - len(edited)} of them accepted as written")


def _listed(walks: list[str]) -> str:
    more = f" and {len(walks) - NAMED} more" if len(walks) > NAMED else ""
    return f"{', '.join(walks[:NAMED])}{more}"
