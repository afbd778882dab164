"""`agir annotate --pairs`: a cohort with rationales in, preference pairs as JSON lines and how far apart their texts are out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from agir_plugin.cli.console import say, write_result
from agir_plugin.errors import CohortError

if TYPE_CHECKING:
    from agir_plugin.cohort import Cohort
    from agir_plugin.rationale.preferences import Example


def write_pairs(folder: Path, out: str) -> None:
    """An irrelevant and a counterfactual pair for every labelled walk with a rationale; CohortError where no pair can be made."""
    from agir_plugin.cohort import Cohort
    from agir_plugin.rationale.edited import preference
    from agir_plugin.rationale.preferences import KINDS, preference_pairs

    cohort = Cohort.open(folder)
    lines: list[str] = []
    apart: dict[str, list[float]] = {kind: [] for kind in KINDS}
    without: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for example, kind, pair in preference_pairs(_examples(cohort)):
        if pair is None:
            without[kind].append(example.walk)
            continue
        distance = pair.edit_distance
        apart[kind].append(distance)
        row = {
            **preference(example.gait, example.score, offered=pair.rejected, chosen=pair.chosen), "kind": kind, "walk": pair.walk,
            "score": example.score, "rejected_walk": pair.rejected_walk, "rejected_score": pair.rejected_score,
            "edit_distance": round(distance, 6),
        }
        lines.append(json.dumps(row, ensure_ascii=False) + "\n")
    if not lines:
        raise CohortError(
            f"{folder}: expected rationales of walks with a score to pair, found none; run `agir annotate {folder}` first"
        )
    write_result("".join(lines), out)
    for kind in KINDS:
        far = f", mean edit distance {sum(apart[kind]) / len(apart[kind]):.2f} of the words" if apart[kind] else ""
        none = f"; none for {len(without[kind])} walks, such as {without[kind][0]}" if without[kind] else ""
        say(f"{kind}: {len(apart[kind])} pairs{far}{none}")


def _examples(cohort: Cohort) -> list[Example]:
    from agir_plugin.rationale.preferences import Example

    texts = cohort.rationales()
    fold = cohort.fold().as_dict() if cohort.facts.get("default_fold") else {}
    part = {subject: name for name, subjects in fold.items() for subject in subjects}
    return [
        Example(walk.walk, walk.subject, part.get(walk.subject, ""), walk.score, cohort.gait(walk.walk), texts[walk.walk])
        for walk in cohort.kept if walk.score is not None and walk.walk in texts
    ]
