"""walks.csv in, one checked `Walk` per row out."""
from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agir_plugin.cohort.files import read_table
from agir_plugin.consts import SCORES
from agir_plugin.errors import CohortError, LabelError

#: Status of a walk that is in the cohort, and of one that was left out with a reason.
KEPT, REFUSED = "kept", "refused"
#: Columns of walks.csv.
COLUMNS = ("walk", "subject", "state", "score", "seconds", "frames", "source", "sha256", "status", "reason")


@dataclass(frozen=True)
class Walk:
    """One row of walks.csv: `state` is "on", "off" or ""; `score` is None for a walk without a label.

    `frames` counts joint frames at 20 fps (features have one less), 0 when nothing could be read; `seconds` is the
    duration of the recording. `source` is the recording's path as it was given, `sha256` its hash (of its recipe
    when synthetic).
    """

    walk: str
    subject: str
    state: str
    score: int | None
    frames: int = 0
    seconds: float = 0.0
    status: str = KEPT
    reason: str = ""
    source: str = ""
    sha256: str = ""


def read_walks(path: Path) -> tuple[Walk, ...]:
    """The rows of walks.csv. CohortError for missing columns or a walk named twice, LabelError for a score outside
    0 to 2.
    """
    if not path.is_file():
        raise CohortError(f"{path}: missing; a cohort folder needs it; make one with `agir synth` or `agir ingest`")
    try:
        rows = read_table(path)
    except (UnicodeDecodeError, csv.Error) as error:
        raise CohortError(
            f"{path}: expected a CSV table in UTF-8, but reading it failed ({error}); another program changed it, build the cohort "
            "again"
        ) from None
    lacking = [name for name in COLUMNS if rows and name not in rows[0]]
    if lacking:
        raise CohortError(
            f"{path}: expected the columns {', '.join(COLUMNS)}; {', '.join(lacking)} is missing; build the cohort "
            "again"
        )
    walks = tuple(_read_walk(path, {name: row[name] or "" for name in COLUMNS}) for row in rows)
    seen: set[str] = set()
    for walk in walks:
        if walk.walk in seen:
            raise CohortError(f"{path}: expected one row per walk, but {walk.walk} has two; remove one of them")
        seen.add(walk.walk)
    return walks


def check_score(value: Any, subject: str, state: str, where: str) -> int:
    """A gait score as int; LabelError naming subject and state when it is not 0, 1 or 2 (3 and 4 are never
    clipped).
    """
    text = re.sub(r"[.,]0+$", "", str(value).strip())  # 1.0, and 1,0 of a German spreadsheet
    if text not in {str(score) for score in SCORES}:
        raise LabelError(
            f"{where}: expected a gait score of 0, 1 or 2 for {subject}{' ' + state if state else ''}, got "
            f"{value!r}; AGIR has no classes for other scores: leave the session out or correct its label"
        )
    return int(text)


def _read_walk(path: Path, row: dict[str, str]) -> Walk:
    score = check_score(row["score"], row["subject"], row["state"], str(path)) if row["score"] else None
    try:
        numbers = {"frames": int(row["frames"]), "seconds": float(row["seconds"])}
    except ValueError:
        raise CohortError(
            f"{path}: expected numbers of frames and seconds for {row['walk']}, got {row['frames']!r} and "
            f"{row['seconds']!r}; build the cohort again"
        ) from None
    walk = Walk(**{**row, "score": score, **numbers})
    if walk.status not in (KEPT, REFUSED):
        raise CohortError(
            f"{path}: expected status {KEPT} or {REFUSED} for {walk.walk}, got {walk.status!r}; build the cohort again"
        )
    return walk
