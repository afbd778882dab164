"""A cohort and its review history in; the texts under review, what each reviewer made of them, and the cohort's new texts out."""
from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from agir_plugin.cohort.files import write_text
from agir_plugin.cohort.manifest import Cohort
from agir_plugin.cohort.rationale_rows import RATIONALES, REJECTED, provenance_of, rationale_of, read_rows, text_hash
from agir_plugin.cohort.reviews import History
from agir_plugin.records import Rationale
from agir_plugin.tasks.sections import SECTIONS

#: Key of a row under which `apply` notes which text was reviewed and which one came of it.
REVIEW = "review"


@dataclass(frozen=True)
class Offered:
    """A text under review: as its writer left it, with its hash, and its row. `left_out` where a review took it out."""

    walk: str
    rationale: Rationale
    hash: str
    row: Mapping[str, Any]
    left_out: bool = False


@dataclass(frozen=True)
class Verdict:
    """What one reviewer made of one text: `text` is None unless every section was accepted or edited."""

    reviewer: str
    state: Literal["accepted", "edited", "rejected", "open"]
    text: Rationale | None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Applied:
    """What `apply` did: walk -> reviewers of the texts taken over; reasons of those left out; walks still open; and walks
    of which reviewers want different things."""

    taken: Mapping[str, str]
    left_out: Mapping[str, str]
    still_open: tuple[str, ...]
    contested: tuple[str, ...]


def offered(cohort: Cohort) -> dict[str, Offered]:
    """Walk -> the text that reviewers see, in the order of walks.csv, with those that a review left out.

    A text that a review changed is offered as it was before, so that its review goes on counting; one that somebody
    changed since is offered as it is now.
    """
    rows = {walk: (row, False) for walk, row in read_rows(cohort.folder / RATIONALES).items()}
    for walk, row in read_rows(cohort.folder / REJECTED).items():
        rows.setdefault(walk, (row, True))
    return {walk.walk: _offered(walk.walk, *rows[walk.walk]) for walk in cohort.kept if walk.walk in rows}


def verdict(history: History, reviewer: str, text: Offered) -> Verdict:
    """What this reviewer made of this text: rejected as soon as one section is, open while one is open."""
    standing = history.standing(reviewer, text.walk, text.hash)
    reasons = tuple(
        f"{section}: {decision.reason or 'no reason given'}"
        for section, decision in standing.items() if decision.action == "reject"
    )
    if reasons:
        return Verdict(reviewer, "rejected", None, reasons)
    if len(standing) < len(SECTIONS):
        return Verdict(reviewer, "open", None)
    final = Rationale(**{section: standing[section].after for section in SECTIONS})
    return Verdict(reviewer, "accepted" if final == text.rationale else "edited", final)


def verdicts(history: History, text: Offered, reviewer: str = "") -> list[Verdict]:
    """The finished verdicts on a text, of everybody or of one reviewer."""
    wanted = [reviewer] if reviewer else history.reviewers()
    return [found for found in (verdict(history, who, text) for who in wanted) if found.state != "open"]


def outdated(history: History, texts: Mapping[str, Offered]) -> list[tuple[str, str]]:
    """(reviewer, walk) of every review of a text that is no longer the cohort's."""
    return [
        (reviewer, walk) for reviewer, walk, reviewed in history.reviewed()
        if walk not in texts or texts[walk].hash != reviewed
    ]


def apply(cohort: Cohort, history: History, reviewer: str = "") -> Applied:
    """Make reviewed texts the cohort's: rationales.jsonl (`reviewed_by` filled, provenance kept) and texts/W.txt.

    Texts with a rejected section go to rationales_rejected.jsonl with the reasons and come back when that is undone. Where
    reviewers want different things nothing changes, unless `reviewer` says whose verdicts count. Each file is written
    whole or not at all, the rejected ones first, so that no text is ever in neither.
    """
    texts = offered(cohort)
    found = {walk: verdicts(history, text, reviewer) for walk, text in texts.items()}
    contested = tuple(walk for walk, each in found.items() if len({one.text for one in each}) > 1)
    settled = {walk: each for walk, each in found.items() if each and walk not in contested}
    kept, rejected = {}, {}
    for walk, text in texts.items():
        row, left_out = _row(text, settled[walk]) if walk in settled else _unsettled(text, history)
        (rejected if left_out else kept)[walk] = row
    _write(cohort, kept, rejected)
    return Applied(
        {walk: _names(each) for walk, each in settled.items() if each[0].text is not None},
        {walk: _reasons(each) for walk, each in settled.items() if each[0].text is None},
        tuple(walk for walk, each in found.items() if not each),
        contested,
    )


def _offered(walk: str, row: Mapping[str, Any], left_out: bool) -> Offered:
    now = rationale_of(row)
    note = row.get(REVIEW)
    if isinstance(note, dict) and note.get("gave") == text_hash(now):
        before = rationale_of(note.get("of", row))
        return Offered(walk, before, text_hash(before), row, left_out)
    return Offered(walk, now, text_hash(now), row, left_out)


def _names(each: list[Verdict]) -> str:
    return ", ".join(found.reviewer for found in each)


def _reasons(each: list[Verdict]) -> str:
    return "; ".join(f"{found.reviewer}: {reason}" for found in each for reason in found.reasons)


def _row(text: Offered, each: list[Verdict]) -> tuple[dict[str, Any], bool]:
    """The row of a reviewed text, and whether it is left out; it notes what was reviewed, so that the review is found."""
    final = each[0].text
    if final is None:
        return {**_plain_row(text, text.rationale), "reviewed_by": _names(each), "rejected": _reasons(each)}, True
    note: dict[str, Any] = {"gave": text_hash(final)}
    if final != text.rationale:
        note["of"] = asdict(text.rationale)
    return {**_plain_row(text, final), "reviewed_by": _names(each), REVIEW: note}, False


def _unsettled(text: Offered, history: History) -> tuple[dict[str, Any], bool]:
    """The row as it stands; when the review that made it was undone, as it was before."""
    if (text.left_out or REVIEW in text.row) and not verdicts(history, text):
        return {**_plain_row(text, text.rationale), "reviewed_by": ""}, False
    return dict(text.row), text.left_out


def _plain_row(text: Offered, rationale: Rationale) -> dict[str, Any]:
    """Words and provenance, without what an earlier review noted."""
    provenance = {name: value for name, value in provenance_of(text.row).items() if name not in (REVIEW, "rejected")}
    return {"walk": text.walk, **asdict(rationale), **provenance}


def _write(cohort: Cohort, kept: Mapping[str, Mapping[str, Any]], rejected: Mapping[str, Mapping[str, Any]]) -> None:
    order = [walk.walk for walk in cohort.kept]
    path = cohort.folder / REJECTED
    lines = [json.dumps(rejected[walk], ensure_ascii=False) + "\n" for walk in order if walk in rejected]
    if lines:
        write_text(path, "".join(lines))
    cohort.save_rationales(
        {walk: rationale_of(row) for walk, row in kept.items()}, writer="",
        provenance={walk: provenance_of(row) for walk, row in kept.items()},
    )
    if not lines:
        path.unlink(missing_ok=True)
    for walk in rejected:
        (cohort.folder / "texts" / f"{walk}.txt").unlink(missing_ok=True)
