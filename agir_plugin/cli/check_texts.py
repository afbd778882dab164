"""`agir annotate --check`: a JSON of texts in, how usable they are and how they fit their walks out; nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from agir_plugin.cli.console import show, write_json_result

if TYPE_CHECKING:
    from agir_plugin.cohort import Cohort
    from agir_plugin.rationale.survey import Survey
    from agir_plugin.records import Statement

#: Most texts that a line names one by one.
NAMED = 5


def check_texts(path: Path, cohort: Path | None, json_out: str | None) -> None:
    """Survey the texts of a file, compared with their walks where a cohort is given; print it and write it as JSON.

    Raises UnreadableFile for a file that holds no texts, CohortError for a folder that is no cohort.
    """
    from agir_plugin.cohort import Cohort
    from agir_plugin.rationale.survey import survey
    from agir_plugin.rationale.text_file import read_texts

    texts = read_texts(path)
    opened = Cohort.open(cohort) if cohort is not None else None
    known = {walk.walk for walk in opened.kept} if opened is not None else set()
    found = survey(texts, {walk: opened.gait(walk) for walk in texts if walk in known} if opened is not None else None)
    if json_out != "-":
        _print(path, found)
        if opened is not None:
            _print_agreement(opened, found, known)
    if json_out is not None:
        write_json_result({"file": path.name, **found.as_json()}, json_out)


def verdict_line(statements: Sequence[Statement]) -> str:
    """`statements: 12 supported, 1 contradicted, 4 not checkable; agreement 0.92`."""
    from agir_plugin.rationale import agreement

    verdicts, share = Counter(statement.verdict for statement in statements), agreement(statements)
    return (
        f"statements: {verdicts['supported']} supported, {verdicts['contradicted']} contradicted, "
        f"{verdicts['not_checkable']} not checkable; agreement {'none' if share is None else f'{share:.2f}'}"
    )


def _print(path: Path, found: Survey) -> None:
    from agir_plugin.rationale.normalise import LEAK

    show(f"{path}: {len(found.texts)} texts, {len(found.usable)} in three parts, {len(found.unusable)} unusable")
    for key, problem in list(found.unusable.items())[:NAMED]:
        show(f"  {key}: {problem}")
    if len(found.unusable) > NAMED:
        show(f"  and {len(found.unusable) - NAMED} more; --json OUT lists them all")
    show(f"score leaks: {len(found.leaking)}{_named(found.leaking)}")
    for kind, count in found.deviations.items():
        if kind != LEAK:
            show(f"{kind}: {count} texts")
    if found.usable:
        show(
            f"sections with an understood statement: {_share(found.share())}; with one about a measured parameter: "
            f"{_share(found.share(checkable=True))}"
        )


def _print_agreement(cohort: Cohort, found: Survey, known: set[str]) -> None:
    strangers = [key for key in found.texts if key not in known]
    if strangers:
        show(f"{len(strangers)} texts belong to no walk of {cohort.folder}{_named(strangers)}")
    show(verdict_line(found.statements))


def _share(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"


def _named(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - NAMED} more" if len(keys) > NAMED else ""
    return f" ({', '.join(keys[:NAMED])}{more})" if keys else ""
