"""A cohort that was just made in, what became of every file of its recordings out, on the terminal."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from agir_plugin.cli.console import say, show

if TYPE_CHECKING:
    from agir_plugin.cohort import Cohort

#: Refused walks that are named one by one; all of them stand in walks.csv.
NAMED = 20


def tell(cohort: Cohort, labels: Path | None) -> None:
    """Refusals and what may be wrong with the recordings as messages, then the account of all files on stdout."""
    _say_refused(cohort)
    _say_doubts(cohort, labels)
    _say_account(cohort)
    scored = any(walk.score is not None for walk in cohort.kept)
    say(f"{cohort.folder}: {counted(cohort)}{f'; next: `agir annotate {cohort.folder}`' if scored else ''}")
    if not cohort.facts["default_fold"]:
        say(f"{cohort.folder}: too few subjects to train, test and choose on: a training needs at least 3 with usable walks")


def counted(cohort: Cohort) -> str:
    """`16 of 16 walks kept, of 4 subjects (score 0: 8, 1: 6, 2: 2)`."""
    counts = cohort.facts["counts"]
    scores = ", ".join(f"{score}: {n}" for score, n in counts["walks_by_score"].items())
    told = [f"score {scores}"] if scores else []
    told += [f"without a score: {counts['unlabelled']}"] if "unlabelled" in counts else []
    return f"{counts['kept']} of {counts['walks']} walks kept, of {counts['subjects']} subjects ({'; '.join(told)})"


def _say_doubts(cohort: Cohort, labels: Path | None) -> None:
    """Labels without recordings, folders that were not looked into, and copies."""
    unused = cohort.facts.get("labels_without_walks") or []
    if unused:
        say(f"{labels}: no recording was found for {_some(unused)}")
    closed = cohort.facts.get("folders_not_opened") or []
    if closed:
        say(f"these folders could not be opened, what is in them is not in the cohort: {_some(closed)}; check their permissions")
    copies = [" = ".join(places) for places in cohort.facts.get("same_recording") or []]
    if copies:
        say(f"the same recording more than once, which tests a model on what it was trained on: {_some(copies)}; remove the copies")


def _say_refused(cohort: Cohort) -> None:
    refused = [walk for walk in cohort.walks if walk.status == "refused"]
    for walk in refused[:NAMED]:
        say(f"{walk.walk}: refused: {walk.reason}")
    if len(refused) > NAMED:
        say(f"and {len(refused) - NAMED} more, each with its reason in {cohort.folder / 'walks.csv'}")


def _say_account(cohort: Cohort) -> None:
    """What became of every file: read, kept, refused and flagged by kind, and those that are no recordings."""
    others = cohort.facts.get("other_files") or {}
    recordings = cohort.facts.get("recordings", len(cohort.walks))
    refused = [walk for walk in cohort.walks if walk.status == "refused"]
    kinds = Counter(_kind(walk.reason) for walk in refused)
    flags = Counter(_flag(flag) for walk in cohort.kept for flag in cohort.gait(walk.walk).flags)
    lines = [("files", recordings + sum(others.values()), ""), ("recordings", recordings, "")]
    lines += [("walks", len(cohort.walks), "")] if len(cohort.walks) != recordings else []
    lines += [("kept", len(cohort.kept), "")]
    lines += [("refused", n, kind) for kind, n in kinds.most_common()]
    lines += [("flagged", n, flag) for flag, n in flags.most_common()]
    lines += [("no recording", n, ending or "without an ending") for ending, n in others.items()]
    for what, n, which in lines:
        show(f"{what:<14}{n:>5}  {which}".rstrip())


def _kind(reason: str) -> str:
    """A reason without the file's name and figures, so that alike ones count together."""
    words = re.sub(r"^(/|\w:)?\S*: ", "", reason)
    return re.split(r"[;,(]| got | found ", re.sub(r"\d+(\.\d+)?", "N", words))[0].strip()[:100]


def _flag(flag: str) -> str:
    """A flag without its figures and parts: `trimmed: 0.50 to 3.20 s of 4.00 s` and others of its kind are `trimmed`."""
    return flag.partition(":")[0]


def _some(names: Sequence[str], most: int = 5) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more (cohort.json has the list)" if rest > 0 else "")
