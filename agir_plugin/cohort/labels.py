"""A table of gait scores in, the score of each walk out; a score other than 0, 1, 2 is refused."""
from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from agir_plugin.cohort.label_tables import read_cells
from agir_plugin.cohort.walks import check_score
from agir_plugin.errors import LabelError

#: Names of walks as the public Parkinson recordings write them: SUB01_off_walk_1, with a letter where a trial was cut.
WALK_NAME = re.compile(r"(?P<subject>.+?)_(?P<state>on|off)_(?:walk|static)_?(?P<trial>\d+[a-z]?)", re.IGNORECASE)
#: Columns of a labels file; `score` and one of the others are needed.
COLUMNS = ("walk", "subject", "state", "score")
#: Header of PDGinfo's gait item (MDS-UPDRS part III, item 3.10); part II has a `walking` of its own, told by the patient.
GAIT_ITEM = re.compile(r"(on|off)[\W_].*updrs[\W_]*iii[\W_].*walking", re.IGNORECASE)
#: Headers of PDGinfo's column of subjects, in lower case.
SUBJECT_COLUMNS = ("id", "subject")
#: Cells that mean that a session has no score, in lower case.
NO_SCORE = ("", "nan", "na", "n/a", "none", "-")


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
        found = set(used)
        return tuple(row for row in self.rows if row not in found)


def read_labels(path: Path | str) -> Labels:
    """Read a table of gait scores: CSV (comma or semicolon) or Excel (.xlsx); its header decides what it is.

    Either `score` with `walk`, or `score` with `subject` and perhaps `state`; or the clinical table of the Shida et al. (2023)
    data, PDGinfo, with an `ID` and the columns `ON - UPDRS-III - walking` and `OFF - UPDRS-III - walking`, where an empty cell
    is a session without a score.

    UnreadableFile when it cannot be opened, LabelError for wrong columns, an unknown state, a score outside 0 to 2
    (naming subject and state), or rows that contradict each other.
    """
    table = read_cells(Path(path))
    header = [name.strip() for name in table[0]] if table else []
    rows = [(line, row) for line, row in enumerate(table[1:], start=2) if any(row)]
    sessions = _score_columns(header, path)
    if sessions:
        return Labels(str(path), tuple(label for line, row in rows for label in _session_labels(path, line, header, row, sessions)))
    found = [name.lower() for name in header]
    if "score" not in found or not {"walk", "subject"} & set(found):
        raise LabelError(
            f"{path}: expected the columns walk,score or subject,state,score, found {', '.join(found) or 'none'}; rename the "
            "columns (a PDGinfo table has ID, ON - UPDRS-III - walking and OFF - UPDRS-III - walking)"
        )
    return Labels(str(path), tuple(_label(path, line, dict(zip(found, row, strict=False))) for line, row in rows))


def _score_columns(header: list[str], path: Path | str) -> dict[str, int]:
    """State -> the column of its gait score in a PDGinfo table; none for a table of another kind."""
    columns: dict[str, int] = {}
    for column, name in enumerate(header):
        found = GAIT_ITEM.fullmatch(name)
        if found and found[1].lower() in columns:
            raise LabelError(
                f"{path}: expected one column of gait scores for {found[1].lower()}, got {header[columns[found[1].lower()]]!r} and "
                f"{name!r}; remove one of them"
            )
        if found:
            columns[found[1].lower()] = column
    return columns


def _session_labels(path: Path | str, line: int, header: list[str], row: list[str], sessions: dict[str, int]) -> list[Label]:
    identity = next((column for column, name in enumerate(header) if name.lower() in SUBJECT_COLUMNS), None)
    if identity is None:
        raise LabelError(f"{path}: expected a column ID with the subjects, found {', '.join(header)}; name it ID")
    cells = {state: row[column] if column < len(row) else "" for state, column in sessions.items()}
    given = {state: cell for state, cell in cells.items() if cell.lower() not in NO_SCORE}
    subject = row[identity].upper() if identity < len(row) else ""
    if given and not subject:
        raise LabelError(f"{path}, line {line}: expected a subject in the column {header[identity]}, got none; fill it in")
    where = f"{path}, line {line}"
    return [Label("", subject, state, check_score(cell, subject, state, where), line) for state, cell in given.items()]


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
