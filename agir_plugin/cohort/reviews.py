"""Decisions of reviewers in, COHORT/reviews.jsonl and what holds of it out: one line per decision, none ever rewritten.

Undoing is a line, too. Every reviewer has a history of their own, and a decision counts for the one text (hash) that it
was made on.
"""
from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

from agir_plugin.cohort.files import write_json
from agir_plugin.cohort.manifest import Cohort
from agir_plugin.errors import CohortError, UsageError

Action = Literal["accept", "edit", "reject", "undo"]
#: The history of all reviewers, and the id that was given last.
REVIEWS, REVIEWER = "reviews.jsonl", "reviewer.json"
#: A reviewer's id: initials or a code; no blanks, so that nobody's full name fits by habit.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,19}")


@dataclass(frozen=True)
class Decision:
    """One line of the history.

    `time` is UTC (ISO 8601), `hash` that of the whole rationale reviewed, `before` the section's text as it was offered
    and `after` the text that the decision leaves ("" where rejected). An undo takes back the reviewer's latest standing
    decision on the same walk, section and hash; its `before` and `after` are that one's, exchanged. `reason` says why a
    section was rejected.
    """

    time: str
    walk: str
    section: str
    action: Action
    before: str
    after: str
    reviewer: str
    hash: str
    reason: str = ""

    @property
    def place(self) -> tuple[str, str, str, str]:
        """Whose decision on what: reviewer, walk, section, hash."""
        return self.reviewer, self.walk, self.section, self.hash


class History:
    """Every decision in order, and which of them stand: those that were not undone and not decided again."""

    def __init__(self, decisions: Iterable[Decision] = ()) -> None:
        self.decisions: list[Decision] = []
        self._standing: dict[tuple[str, str, str, str], list[tuple[int, Decision]]] = {}
        for decision in decisions:
            self.add(decision)

    def add(self, decision: Decision) -> None:
        """Take one more decision into account; an undo without anything to undo changes nothing."""
        stack = self._standing.setdefault(decision.place, [])
        if decision.action != "undo":
            stack.append((len(self.decisions), decision))
        elif stack:
            stack.pop()
        self.decisions.append(decision)

    def standing(self, reviewer: str, walk: str, text_hash: str) -> dict[str, Decision]:
        """Section -> the decision of this reviewer that stands for this text; open sections are absent."""
        places = ((section, (reviewer, walk, section, text_hash)) for section in ("foot", "arm", "overall"))
        return {section: self._standing[place][-1][1] for section, place in places if self._standing.get(place)}

    def latest(self, reviewer: str, hashes: Mapping[str, str]) -> Decision | None:
        """The reviewer's latest decision that can be undone, among the texts (walk -> hash) that are still there."""
        found = [
            stack[-1] for (who, walk, _, text_hash), stack in self._standing.items()
            if stack and who == reviewer and hashes.get(walk) == text_hash
        ]
        return max(found, key=lambda item: item[0])[1] if found else None

    def reviewers(self) -> tuple[str, ...]:
        """Everybody who decided anything, in order of their first decision."""
        return tuple(dict.fromkeys(decision.reviewer for decision in self.decisions))

    def reviewed(self) -> Iterator[tuple[str, str, str]]:
        """Reviewer, walk and hash of every text of which a decision stands, in order of the first one."""
        seen = {(who, walk, text_hash): None for (who, walk, _, text_hash), stack in self._standing.items() if stack}
        yield from seen


def decide(
    walk: str, section: str, action: Action, before: str, after: str, reviewer: str, text_hash: str, reason: str = ""
) -> Decision:
    """A decision made now."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Decision(now, walk, section, action, before, after, reviewer, text_hash, reason)


def undo(decision: Decision) -> Decision:
    """The line that takes a decision back."""
    return decide(
        decision.walk, decision.section, "undo", decision.after, decision.before, decision.reviewer, decision.hash
    )


def read_history(folder: Path) -> History:
    """The cohort's history; a last line that was cut off (a run that was killed) is left out.

    Raises CohortError, naming the line, for any other damage.
    """
    path = folder / REVIEWS
    whole = path.read_bytes().rpartition(b"\n")[0] if path.is_file() else b""
    lines = whole.decode("utf8", "replace").split("\n") if whole else []
    return History(_read(path, number, line) for number, line in enumerate(lines, start=1))


def append(folder: Path, decision: Decision) -> None:
    """Write one line and wait until the disk has it; a last line that was cut off is taken away first.

    When the disk is full, what could be written of the line is taken back and CohortError raised.
    """
    path = folder / REVIEWS
    line = (json.dumps(asdict(decision), ensure_ascii=False) + "\n").encode("utf8")
    try:
        with path.open("ab", buffering=0) as file, _alone(file.fileno()):
            whole = _whole_bytes(path)
            file.truncate(whole)
            try:
                if file.write(line) != len(line):
                    raise OSError("only a part of the line could be written")
                os.fsync(file.fileno())
            except OSError:
                file.truncate(whole)
                raise
    except OSError as error:
        raise CohortError(
            f"{path}: the decision could not be written ({error.strerror or error}) and is not kept; all before it are; "
            "make room, then run the same command again"
        ) from None


def cut_off(folder: Path) -> bool:
    """True when the last line of the history was cut off."""
    path = folder / REVIEWS
    return path.is_file() and _whole_bytes(path) < path.stat().st_size


def remembered_reviewer(folder: Path) -> str:
    """The id that was given last for this cohort; "" when there is none."""
    path = folder / REVIEWER
    try:
        return str(json.loads(path.read_text(encoding="utf8"))["reviewer"]) if path.is_file() else ""
    except (ValueError, KeyError, TypeError):
        raise CohortError(f"{path}: expected a JSON object with a reviewer; delete it and name one with --reviewer") from None


def remember_reviewer(folder: Path, reviewer: str) -> None:
    """Keep the id for the next time."""
    write_json(folder / REVIEWER, {"reviewer": reviewer})


def checked_reviewer(cohort: Cohort, text: str) -> str:
    """A reviewer's id as it is kept. UsageError for an id of another form, or one that names a subject or a walk."""
    reviewer = text.strip()
    if not _ID.fullmatch(reviewer):
        raise UsageError(
            f"expected a reviewer id of 1 to 20 letters, digits, dots, - or _ (initials or a code, nobody's full name), got "
            f"{text!r}; give another one with --reviewer"
        )
    patients = {name.lower() for walk in cohort.walks for name in (walk.subject, walk.walk)}
    if reviewer.lower() in patients:
        raise UsageError(
            f"expected the id of the person who reviews, got {reviewer!r}, which is a subject of this cohort; give initials "
            "or a code of yours with --reviewer"
        )
    return reviewer


@contextmanager
def _alone(handle: int) -> Iterator[None]:
    """Keep other reviewers' processes from writing to the file meanwhile, where the system can lock files."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)  # closing the file unlocks it
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP):  # a network disk that knows no locks
            raise
    yield


def _whole_bytes(path: Path) -> int:
    """Length of the file up to the end of its last whole line."""
    content = path.read_bytes()
    return content.rfind(b"\n") + 1


def _read(path: Path, number: int, line: str) -> Decision:
    try:
        decision = Decision(**json.loads(line))
    except (ValueError, TypeError) as error:
        raise CohortError(
            f"{path}, line {number}: expected a decision as `agir review` writes it, but reading it failed ({error}); restore "
            "the file from a copy, or remove this line"
        ) from None
    if decision.action not in get_args(Action) or not all(isinstance(value, str) for value in asdict(decision).values()):
        raise CohortError(
            f"{path}, line {number}: expected one of the actions {', '.join(get_args(Action))} and texts, got "
            f"{line[:80]!r}; restore the file from a copy, or remove this line"
        )
    return decision
