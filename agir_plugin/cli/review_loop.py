"""Keys of one reviewer in, decisions on the texts of a cohort out: the loop behind `agir review`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from rich.console import RenderableType

from agir_plugin.cli.review_screen import HELP, View, screen, shown_text
from agir_plugin.cohort import Cohort
from agir_plugin.cohort.review_outcome import Offered, verdict
from agir_plugin.cohort.reviews import Action, Decision, History, append, decide, undo
from agir_plugin.rationale.edited import checked_section
from agir_plugin.tasks.sections import SECTIONS, leaks


class Terminal(Protocol):
    """What the loop asks of a terminal; tests feed it."""

    def key(self) -> str:
        """The next key."""

    def line(self, question: str) -> str:
        """One line of text; "" where nothing was typed."""

    def edit(self, text: str) -> str:
        """The text as the reviewer leaves it."""

    def fits(self, what: RenderableType) -> bool:
        """True when it can be seen without scrolling."""

    def show(self, what: object) -> None:
        """Print a message (text) or a screen (anything that rich can print)."""


@dataclass
class Review:
    """One reviewer's way through the walks of `queue`; `texts` are all texts of the cohort."""

    cohort: Cohort
    history: History
    texts: Mapping[str, Offered]
    queue: list[str]
    reviewer: str
    terminal: Terminal
    place: int = 0
    marked: str = SECTIONS[0]

    def run(self) -> None:
        """Show walk after walk and take keys until the reviewer quits (q, or the end of the input)."""
        actions = self._actions()
        self._go(self._first_open(self.place))
        self._show()
        while (key := self.terminal.key()) not in ("q", "Q", ""):
            action = actions.get(key.lower())
            if action is None:
                self.terminal.show(f"{key!r} is no key of this screen; ? shows what the keys do")
            elif action():
                self._show()

    def _actions(self) -> dict[str, Callable[[], bool]]:
        """Key -> what it does; each returns True when the screen must be shown anew."""
        parts = {str(number): section for number, section in enumerate(SECTIONS, start=1)}
        return {
            "a": self._accept, "e": self._edit, "r": self._reject, "u": self._undo, "?": self._help,
            "t": self._whole,
            "n": lambda: self._step(1), "p": lambda: self._step(-1),
            **{key: (lambda section=section: self._mark(section)) for key, section in parts.items()},
        }

    @property
    def _text(self) -> Offered:
        return self.texts[self.queue[self.place]]

    @property
    def _standing(self) -> dict[str, Decision]:
        return self.history.standing(self.reviewer, self._text.walk, self._text.hash)

    def _accept(self) -> bool:
        before = self._offered_part()
        given_away = leaks(before)
        if given_away:
            self.terminal.show(f"not accepted: it gives the score away by {', '.join(map(repr, given_away))}; edit or reject it")
            return False
        return self._decide("accept", before)

    def _edit(self) -> bool:
        before = self._offered_part()
        shown = getattr(shown_text(self._text.rationale, self._standing), self.marked)
        try:
            text = self._written(shown)
        except KeyboardInterrupt:
            text = None
        if text is None or text == shown:
            self.terminal.show("the part stays as it was; a accepts it")
            return False
        return self._decide("accept" if text == before else "edit", text)

    def _written(self, draft: str) -> str | None:
        """What the reviewer made of a text, once it may stand; None when they give up."""
        while True:
            written = self.terminal.edit(draft)
            text, problem = checked_section(self.marked, written)
            if not problem:
                return text
            self.terminal.show(f"not taken: {problem}")
            if self.terminal.line("edit again? [Y/n] ").strip().lower() in ("n", "no"):
                return None
            draft = written

    def _reject(self) -> bool:
        try:
            reason = " ".join(self.terminal.line("why? (one line, Enter for no reason) ").split())
        except KeyboardInterrupt:
            self.terminal.show("not rejected")
            return False
        return self._decide("reject", "", reason)

    def _undo(self) -> bool:
        latest = self.history.latest(self.reviewer, {walk: text.hash for walk, text in self.texts.items()})
        if latest is None:
            self.terminal.show("nothing to undo")
            return False
        self._append(undo(latest))
        if latest.walk not in self.queue:
            self.queue.insert(self.place, latest.walk)
        self.place, self.marked = self.queue.index(latest.walk), latest.section
        self.terminal.show(f"undone: {latest.walk} {latest.section}, {latest.action}")
        return True

    def _help(self) -> bool:
        self.terminal.show(HELP)
        return False

    def _mark(self, section: str) -> bool:
        self.marked = section
        return True

    def _step(self, step: int) -> bool:
        if not 0 <= self.place + step < len(self.queue):
            self.terminal.show("this is the last walk" if step > 0 else "this is the first walk")
            return False
        self._go(self.place + step)
        return True

    def _decide(self, action: Action, after: str, reason: str = "") -> bool:
        text = self._text
        self._append(decide(text.walk, self.marked, action, self._offered_part(), after, self.reviewer, text.hash, reason))
        standing = self._standing
        following = [section for section in SECTIONS if section not in standing]
        if following:
            self.marked = following[0]
            return True
        self._go(self._first_open(self.place))
        if verdict(self.history, self.reviewer, self._text).state != "open":
            self.terminal.show("every walk of this list is decided; u undoes, q quits")
        return True

    def _append(self, decision: Decision) -> None:
        append(self.cohort.folder, decision)
        self.history.add(decision)

    def _offered_part(self) -> str:
        return str(getattr(self._text.rationale, self.marked))

    def _first_open(self, start: int) -> int:
        """Place of the first walk from `start` on, and then from the front, that is open; else `start`."""
        order: Sequence[int] = [*range(start, len(self.queue)), *range(start)]
        texts = {place: self.texts[self.queue[place]] for place in order}
        return next(
            (
                place for place, text in texts.items() if verdict(self.history, self.reviewer, text).state == "open"
            ),
            start,
        )

    def _go(self, place: int) -> None:
        self.place = place
        standing = self._standing
        self.marked = next((section for section in SECTIONS if section not in standing), SECTIONS[0])

    def _view(self) -> View:
        text = self._text
        return View(
            text, self.cohort.gait(text.walk), self.cohort.walk(text.walk).score, self._standing, self.marked,
            self.place + 1, len(self.queue), self.reviewer,
        )

    def _whole(self) -> bool:
        self.terminal.show(screen(self._view()))
        return False

    def _show(self) -> None:
        """The whole screen where it can be seen at once, else what matters for the marked part."""
        whole = screen(self._view())
        self.terminal.show(whole if self.terminal.fits(whole) else screen(self._view(), whole=False))
