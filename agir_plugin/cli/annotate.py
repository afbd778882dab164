"""`agir annotate`: a cohort and a writer's name in, rationales.jsonl, failures and a summary of the check out."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agir_plugin.cli.check_texts import check_texts, verdict_line
from agir_plugin.cli.console import check_result_files, progress_bar, say
from agir_plugin.cli.preference_pairs import write_pairs
from agir_plugin.errors import AgirError, CohortError, UsageError

if TYPE_CHECKING:
    from agir_plugin.cohort import Cohort
    from agir_plugin.rationale.writers import Job, Writer, WriterOptions, Written

#: Walks in a row that a server may fail before the rest is left for the next run.
DOWN = 3
#: File of the walks without a text, with the reason of each; gone when there are none.
FAILURES = "rationale_failures.json"
#: Folder of a language model's answers by prompt hash.
ANSWERS = "answers"


@dataclass
class Outcome:
    """What one run brought: texts, reasons for walks without one, and the error that ended it early, if any."""

    written: dict[str, Written] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    ended_by: AgirError | None = None


@dataclass(frozen=True)
class AnswerFolder:
    """Answers as files named by prompt hash, each written whole or not at all."""

    folder: Path

    def get(self, key: str) -> str | None:
        """The stored answer; None when there is none or its file is damaged, so that it is asked again."""
        try:
            answer = json.loads((self.folder / f"{key}.json").read_text(encoding="utf8"))["answer"]
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None
        return answer if isinstance(answer, str) else None

    def put(self, key: str, answer: str) -> None:
        """Write the answer's file."""
        from agir_plugin.cohort.files import write_json

        write_json(self.folder / f"{key}.json", {"answer": answer})


def annotate(
    cohort: Annotated[
        Path | None,
        typer.Argument(metavar="COHORT", help="Cohort folder, from `agir synth` or `agir ingest`.", show_default=False),
    ] = None,
    writer: Annotated[str, typer.Option(help="Registered writer: rules, openai, file.")] = "rules",
    base_url: Annotated[str, typer.Option(metavar="URL", help="openai: address of the server, up to /v1.")] = "",
    model: Annotated[str, typer.Option(metavar="NAME", help="openai: the server's name of the model.")] = "",
    confirm_host: Annotated[
        str, typer.Option(metavar="HOST", help="openai: the host that parameters may be sent to.")
    ] = "",
    per_minute: Annotated[float, typer.Option(help="openai: most requests per minute; 0: no limit.", min=0)] = 60.0,
    timeout: Annotated[float, typer.Option(help="openai: seconds to wait for a response.", min=1)] = 60.0,
    texts: Annotated[
        Path | None, typer.Option(metavar="JSON", help="file: texts by walk name.", show_default=False)
    ] = None,
    replace_reviewed: Annotated[
        bool, typer.Option("--replace-reviewed", help="Write anew what a person has reviewed, too.")
    ] = False,
    check: Annotated[
        Path | None,
        typer.Option(metavar="JSON", help="Write nothing: report on a file's texts. COHORT may be left out.", show_default=False),
    ] = None,
    json_out: Annotated[
        str | None, typer.Option("--json", metavar="OUT", help="--check: the report as JSON (- for stdout).", show_default=False)
    ] = None,
    pairs: Annotated[
        str | None,
        typer.Option(
            metavar="OUT", help="Write no rationale: each one beside a wrong one, as JSON lines for DPO.", show_default=False
        ),
    ] = None,
) -> None:
    """Write a rationale for every labelled walk of a cohort from its measured parameters, and check them all.

    * `agir annotate cohort`: writes Foot, Arm and Overall by rules, without a network, the same each time
    * `agir annotate cohort --writer openai --base-url https://example.org/v1 --model NAME --confirm-host example.org`
    * `agir annotate cohort --writer file --texts CoT_annotation.json`: texts that somebody else wrote
    * `agir annotate --check CoT_annotation.json`: are they usable, do they leak the score, what is understood of them
    * `agir annotate cohort --check CoT_annotation.json`: the same, and how far they agree with the walks
    * `agir annotate cohort --pairs pairs.jsonl`: each text beside another walk's and one for another score, for DPO

    A server gets parameters and scores only, never names; its key is read from AGIR_LLM_API_KEY or OPENAI_API_KEY.
    Rationales are replaced, but for walks that get none now or that a person has reviewed. Run again, it asks only for
    what is missing.
    """
    from agir_plugin.rationale.writers import WriterOptions

    check_result_files({"--json": json_out, "--pairs": pairs})
    options = WriterOptions(
        base_url, model, confirm_host, per_minute, timeout, texts, None if cohort is None else AnswerFolder(cohort / ANSWERS)
    )
    writing = writer != "rules" or options.given() or replace_reviewed
    if (writing and (check is not None or pairs is not None)) or None not in (check, pairs):
        raise UsageError("--check and --pairs write no rationales: give one of them, and leave out --writer and what belongs to it")
    if check is not None:
        check_texts(check, cohort, json_out)
    elif json_out is not None:
        raise UsageError("--json was given without --check TEXTS.json, whose report it is; give both or none")
    elif cohort is None:
        raise UsageError("expected a COHORT to write rationales for, got none; name its folder, or a file with --check")
    elif pairs is not None:
        write_pairs(cohort, pairs)
    else:
        _annotate(cohort, writer, options, replace_reviewed)


def _annotate(cohort: Path, writer: str, options: WriterOptions, replace_reviewed: bool) -> None:
    from agir_plugin.cohort import Cohort
    from agir_plugin.cohort.rationale_rows import RATIONALES, read_rows
    from agir_plugin.rationale.writers import open_writer

    opened = Cohort.open(cohort)
    ready = open_writer(writer, options)
    earlier = read_rows(cohort / RATIONALES)
    kept = set() if replace_reviewed else {walk for walk, row in earlier.items() if row.get("reviewed_by")}
    jobs = [
        (opened.gait(walk.walk), walk.score, walk.walk)
        for walk in opened.kept if walk.score is not None and walk.walk not in kept
    ]
    for line in ready.notices(jobs):
        say(line)
    _confirm(ready)
    outcome = _write(ready, jobs)
    _save(opened, writer, outcome, earlier)
    _report(opened, writer, outcome, kept)
    if outcome.ended_by is not None:
        raise outcome.ended_by


def _confirm(writer: Writer) -> None:
    """Ask on a terminal whether the writer's host may be used; elsewhere the writer itself refuses."""
    server = getattr(writer, "server", None)
    if server is None or server.confirmed_host or not sys.stdin.isatty():
        return
    if typer.confirm(f"Send gait parameters and scores to {server.host}?", err=True):
        server.confirmed_host = server.host


def _write(writer: Writer, jobs: Sequence[Job]) -> Outcome:
    """Every walk's text; a server that fails walk after walk is left alone, an error of the whole run ends it."""
    from agir_plugin.rationale.writers import ServerDown, WriterFailure

    outcome, down = Outcome(), 0
    with progress_bar("rationales") as update:
        for number, (gait, score, walk) in enumerate(jobs, start=1):
            try:
                if down < DOWN:
                    outcome.written[walk] = writer.write(gait, score, walk)
                    down = 0
                else:
                    outcome.failures[walk] = "not asked: the server had failed for the walks before"
            except WriterFailure as failure:
                down = down + 1 if isinstance(failure, ServerDown) else 0
                outcome.failures[walk] = str(failure)
            except OSError as error:
                outcome.ended_by = CohortError(_disk_trouble(error))
            except AgirError as error:
                outcome.ended_by = error
            if outcome.ended_by is not None:
                return outcome
            update(number, len(jobs))
    return outcome


def _save(cohort: Cohort, writer: str, outcome: Outcome, earlier: Mapping[str, Mapping[str, Any]]) -> None:
    """rationales.jsonl with the new texts and the earlier ones of all other walks, and the list of failures."""
    from agir_plugin.cohort.files import write_json
    from agir_plugin.cohort.rationale_rows import provenance_of, rationale_of

    if outcome.written:
        texts = {walk: rationale_of(row) for walk, row in earlier.items()}
        texts |= {walk: written.rationale for walk, written in outcome.written.items()}
        provenance = {walk: provenance_of(row) for walk, row in earlier.items()}
        provenance |= {walk: _row(written) for walk, written in outcome.written.items()}
        known = {walk.walk for walk in cohort.kept}
        try:
            cohort.save_rationales(
                {walk: text for walk, text in texts.items() if walk in known}, writer=writer, provenance=provenance
            )
        except OSError as error:
            raise CohortError(f"{cohort.folder}: {_disk_trouble(error)}") from error
    path = cohort.folder / FAILURES
    if outcome.failures:
        write_json(path, outcome.failures)
    elif outcome.ended_by is None:
        path.unlink(missing_ok=True)


def _report(cohort: Cohort, writer: str, outcome: Outcome, kept: set[str]) -> None:
    """Texts, what the check says of them, leaks and deviations; then what is missing."""
    from agir_plugin.rationale import check
    from agir_plugin.rationale.normalise import LEAK, kind_of

    statements = [
        statement for walk, written in outcome.written.items()
        for statement in check(written.rationale, cohort.gait(walk))
    ]
    notes = [note for written in outcome.written.values() for note in written.deviations]
    leaked = sum(kind_of(note) == LEAK for note in notes)
    say(f"{cohort.folder}: {len(outcome.written)} rationales by {writer}")
    say(verdict_line(statements))
    say(f"score leaks: {leaked}; other deviations: {len(notes) - leaked}{_kinds(notes)}")
    if kept:
        say(f"{len(kept)} reviewed rationales were kept; --replace-reviewed writes them anew")
    if outcome.failures:
        say(
            f"{len(outcome.failures)} walks got no text and keep the one they had, if any; the reasons stand in "
            f"{cohort.folder / FAILURES}; run the same command again to go on"
        )


def _kinds(notes: Sequence[str]) -> str:
    """` (missing blank: 25, ...)`: deviations other than score leaks, counted by their kind."""
    from agir_plugin.rationale.normalise import LEAK, kind_of

    kinds = Counter(kind for kind in map(kind_of, notes) if kind != LEAK)
    return f" ({', '.join(f'{kind}: {count}' for kind, count in kinds.most_common())})" if kinds else ""


def _row(written: Written) -> dict[str, Any]:
    """What a row of rationales.jsonl holds of one text beyond its words; plain writers add nothing to it."""
    row: dict[str, Any] = {"prompt_hash": written.prompt_hash} if written.prompt_hash else {}
    row |= {"model": written.model} if written.model else {}
    return row | ({"deviations": list(written.deviations)} if written.deviations else {})


def _disk_trouble(error: OSError) -> str:
    return (
        f"writing failed ({error.strerror or error}); what was there before is unharmed and answers so far are kept; make "
        "room, then run the same command again"
    )
