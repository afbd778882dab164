"""A CSV of gait scores in, the score of each walk out; a score other than 0, 1, 2 is refused."""
from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from agir_plugin.cohort.walks import check_score
from agir_plugin.errors import LabelError, UnreadableFile

#: Names of walks as the public Parkinson recordings write them: SUB01_off_walk_1, with a letter where a trial was cut.
WALK_NAME = re.compile(r"(?P<subject>.+?)_(?P<state>on|off)_walk_?(?P<trial>\d+[a-z]?)", re.IGNORECASE)
#: Columns of a labels file; `score` and one of the others are needed.
COLUMNS = ("walk", "subject", "state", "score")


@dataclass(frozen=True)
class Label:
    """One row: the score of a single walk, or of all walks of a subject in one state ("" for any state)."""

    walk: str
    subject: str
    state: str
    score: int
    line: int


@dataclass(frozen=True)
class Labels:
    """All rows of a labels file, looked up by walk or by subject and state."""

    path: str
    rows: tuple[Label, ...]
    _by_walk: dict[str, Label] = field(default_factory=dict, repr=False)
    _by_session: dict[tuple[str, str], Label] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Index the rows; LabelError when two rows disagree."""
        for row in self.rows:
            if row.walk:
                self._add(self._by_walk, row.walk, row, f"walk {row.walk}")
            else:
                self._add(
                    self._by_session, (row.subject, row.state), row, f"subject {row.subject} {row.state}".rstrip()
                )

    def _add(self, index: dict, key: str | tuple[str, str], row: Label, what: str) -> None:
        other = index.setdefault(key, row)
        if other.score != row.score:
            raise LabelError(
                f"{self.path}: expected one score per walk and session, but {what} has {other.score} in line "
                f"{other.line} and {row.score} in line {row.line}; correct one of them"
            )

    def find(self, walk: str) -> tuple[str, str, Label | None]:
        """Subject, state and row of a walk; subject is "" when neither the name nor the file tells it.

        LabelError when the walk's own row contradicts its subject's row.
        """
        named = WALK_NAME.fullmatch(walk)
        own = self._by_walk.get(walk)
        subject = (own.subject if own else "") or (named["subject"] if named else "")
        state = (own.state if own else "") or (named["state"].lower() if named else "")
        session = self._by_session.get((subject, state)) or self._by_session.get((subject, ""))
        if own and session and own.score != session.score:
            raise LabelError(
                f"{self.path}: walk {walk} has score {own.score} in line {own.line}, but its session ({subject} "
                f"{state}) has {session.score} in line {session.line}; a gait score belongs to the whole session, "
                "correct one"
            )
        return subject, state, own or session

    def unused(self, used: Iterable[Label]) -> tuple[Label, ...]:
        """The rows that no walk was found for."""
        lines = {row.line for row in used}
        return tuple(row for row in self.rows if row.line not in lines)


def read_labels(path: Path | str) -> Labels:
    """Read a labels CSV (comma or semicolon) with `score` and `walk`, or `score`, `subject` and perhaps `state`.

    UnreadableFile when it cannot be opened, LabelError for wrong columns, an unknown state, a score outside 0 to 2
    (naming subject and state), or rows that contradict each other.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UnreadableFile(
            f"{path}: expected a labels file (CSV with walk or subject,state and score), but there is no such file; "
            "check the path"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFile(
            f"{path}: expected a labels file (CSV), but reading it failed ({error}); check the path"
        ) from None
    first = text.split("\n", 1)[0]
    reader = csv.DictReader(text.splitlines(), delimiter=";" if first.count(";") > first.count(",") else ",")
    found = [name.strip().lower() for name in reader.fieldnames or ()]
    if "score" not in found or not {"walk", "subject"} & set(found):
        raise LabelError(
            f"{path}: expected the columns walk,score or subject,state,score, found {', '.join(found) or 'none'}; "
            "rename the columns"
        )
    rows = [{name: (value or "").strip() for name, value in zip(found, row.values(), strict=False)} for row in reader]
    return Labels(
        str(path), tuple(_label(path, line, row) for line, row in enumerate(rows, start=2) if any(row.values()))
    )


def _label(path: Path | str, line: int, row: dict[str, str]) -> Label:
    walk, subject, state, score = (row.get(name, "") for name in COLUMNS)
    named = WALK_NAME.fullmatch(walk)
    subject = subject or (named["subject"] if named else "")
    state = (state or (named["state"] if named else "")).lower()
    where = f"{path}, line {line}"
    if not walk and not subject:
        raise LabelError(
            f"{where}: expected the name of a walk or a subject, got neither; fill in one of these columns"
        )
    if state not in ("", "on", "off"):
        raise LabelError(
            f"{where}: expected the state on, off or nothing for {subject or walk}, got {state!r}; correct it"
        )
    return Label(walk, subject, state, check_score(score, subject or f"walk {walk}", state, where), line)
