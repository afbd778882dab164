"""A table of gait scores in, the score of each walk out; a score other than 0, 1, 2 is refused."""
from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from agir_plugin.cohort.label_tables import read_cells
from agir_plugin.cohort.names import subject_key
from agir_plugin.cohort.walks import check_score
from agir_plugin.errors import LabelError
from agir_plugin.ingest.reading import endings

#: Names of walks as the public Parkinson recordings write them: SUB01_off_walk_1, with a letter where a trial was cut.
WALK_NAME = re.compile(r"(?P<subject>.+?)_(?P<state>on|off)_(?:walk|static)_?(?P<trial>\d+[a-z]?)", re.IGNORECASE)
#: Columns of a labels file; `score` and one of the others are needed.
COLUMNS = ("walk", "subject", "state", "score")
#: Header of PDGinfo's gait item (MDS-UPDRS part III, item 3.10); part II has a `walking` of its own, told by the patient.
GAIT_ITEM = re.compile(r"(on|off)[\W_].*updrs[\W_]*iii[\W_].*walking", re.IGNORECASE)
#: Headers of PDGinfo's column of subjects, in lower case.
SUBJECT_COLUMNS = ("id", "subject")
#: Cells that mean that a session has no score, in lower case.
NO_SCORE = ("", "nan", "na", "n/a", "#n/a", "none", "-", "--", "\N{EN DASH}", "?")
#: Rows in which the header is looked for; titles and blank rows may stand above it.
HEADER_ROWS = 20


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
    _walks: dict[str, set[str]] = field(default_factory=dict, repr=False)
    _subjects: dict[str, set[str]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Index the rows; LabelError when two rows disagree."""
        for row in self.rows:
            if row.walk:
                self._add(self._by_walk, row.walk, row, f"walk {row.walk}")
                self._walks.setdefault(_walk_key(row.walk), set()).add(row.walk)
            else:
                self._subjects.setdefault(subject_key(row.subject), set()).add(row.subject)
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

        Spellings that mean one subject (`SUB01`, `sub1`; see `names.subject_key`) or one walk are understood as long as the
        table has one of them only; the subject is then spelled as in the table. LabelError when the walk's own row contradicts
        its subject's row.
        """
        named = WALK_NAME.fullmatch(walk)
        own = self._by_walk.get(_as_written(walk, _walk_key(walk), self._walks))
        subject = (own.subject if own else "") or (named["subject"] if named else "")
        state = (own.state if own else "") or (named["state"].lower() if named else "")
        subject = _as_written(subject, subject_key(subject), self._subjects)
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
    """Read a table of gait scores: CSV (comma, semicolon or tab) or Excel (.xlsx); its header decides what it is.

    Either `score` with `walk`, or `score` with `subject` and perhaps `state`; or the clinical table of the Shida et al. (2023)
    data, PDGinfo, with an `ID` and the columns `ON - UPDRS-III - walking` and `OFF - UPDRS-III - walking`. An empty cell (NA, -)
    is a walk or session without a score.

    UnreadableFile when it cannot be opened, LabelError for wrong or repeated columns, an unknown state, a score outside 0 to 2
    (naming subject and state), or rows that contradict each other.
    """
    table = read_cells(Path(path))
    place = _header_place(table)
    header = table[place] if table else []
    rows = [(line, row) for line, row in enumerate(table[place + 1 :], start=place + 2) if any(row)]
    sessions = _score_columns(header, path)
    if sessions:
        return Labels(str(path), tuple(label for line, row in rows for label in _session_labels(path, line, header, row, sessions)))
    found = [name.lower() for name in header]
    if not _is_header(found):
        raise LabelError(
            f"{path}: expected the columns walk,score or subject,state,score, found {', '.join(filter(None, found)) or 'none'}; "
            "rename the columns (a PDGinfo table has ID, ON - UPDRS-III - walking and OFF - UPDRS-III - walking)"
        )
    twice = [name for name in COLUMNS if found.count(name) > 1]
    if twice:
        raise LabelError(f"{path}: expected one column {twice[0]}, got {found.count(twice[0])}; remove or rename the others")
    wide = next((line for line, row in rows if any(row[len(header) :])), None)
    if wide:
        raise LabelError(
            f"{path}, line {wide}: expected {len(header)} cells as in the header, got more; put quotes around text with commas, "
            "and write whole numbers"
        )
    made = (_label(path, line, dict(zip(found, row, strict=False))) for line, row in rows)
    return Labels(str(path), tuple(label for label in made if label))


def _header_place(table: list[list[str]]) -> int:
    """The number of the row that names the columns, else of the first one that is not empty."""
    filled = [place for place, row in enumerate(table[:HEADER_ROWS]) if any(row)]
    known = (place for place in filled if _is_header([name.lower() for name in table[place]]) or _gait_items(table[place]))
    return next(known, filled[0] if filled else 0)


def _is_header(names: list[str]) -> bool:
    return "score" in names and bool({"walk", "subject"} & set(names))


def _gait_items(header: list[str]) -> bool:
    return any(map(GAIT_ITEM.fullmatch, header))


def _walk_key(walk: str) -> str:
    """Equal for a walk's name with and without its ending, and for its path below the folder (`S1/visit2/walk_3`)."""
    stem, dot, ending = walk.rpartition(".")
    bare = stem if stem and f"{dot}{ending}".lower() in endings() else walk
    return re.sub(r"[^\w.-]+", "_", unicodedata.normalize("NFC", bare).casefold())


def _as_written(name: str, key: str, spellings: dict[str, set[str]]) -> str:
    known = spellings.get(key, set())
    return next(iter(known)) if len(known) == 1 and name not in known else name


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


def _label(path: Path | str, line: int, row: dict[str, str]) -> Label | None:
    """One row, None for one without a score."""
    walk, subject, state, score = (row.get(name, "") for name in COLUMNS)
    named = WALK_NAME.fullmatch(walk)
    subject = subject or (named["subject"] if named else "")
    where = f"{path}, line {line}"
    if not walk and not subject:
        raise LabelError(
            f"{where}: expected the name of a walk or a subject, got neither; fill in one of these columns"
        )
    state = _state(state, where, subject or walk) or (named["state"].lower() if named else "")
    if score.lower() in NO_SCORE:
        return None
    return Label(walk, subject, state, check_score(score, subject or f"walk {walk}", state, where), line)


def _state(text: str, where: str, whose: str) -> str:
    """`on`, `off` or "" out of a cell: ON, med-off, "Off medication"."""
    told = {word for word in re.findall(r"[^\W\d_]+", text.lower()) if word in ("on", "off")}
    if len(told) == 1:
        return told.pop()
    if text.lower() not in NO_SCORE:
        raise LabelError(f"{where}: expected the state on, off or nothing for {whose}, got {text!r}; correct it")
    return ""
