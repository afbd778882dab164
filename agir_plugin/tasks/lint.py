"""A task template in, everything that is wrong with it out: level, place, message and remedy."""
from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from agir_plugin.consts import SPECIAL_TOKENS
from agir_plugin.registry import did_you_mean
from agir_plugin.tasks.spec import DESCRIPTION, EXPECTED, PLACEHOLDER, PLACEHOLDERS, RATIONALE, Direction, TaskTemplate

#: MotionGPT's placeholder for captions, which it puts in double quotes half of the time.
QUOTING_PLACEHOLDER = "<Caption_Placeholder>"

#: A number 0-4 that stands alone ("20 fps" passes), or such a number in words after `score of`, `rating is` etc.
_SCORE_VALUE = re.compile(
    r"(?<![\d.])[0-4](?!\.?\d)"
    r"|\b(?:score|grade|rating|class|level|stage|label)\s*(?:of|is|was|as|equals|:|=)\s*(?:zero|one|two|three|four)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w[\w'-]*")


@dataclass(frozen=True)
class Problem:
    """One finding: an error makes the template unusable, a warning makes it worse than it could be."""

    level: Literal["error", "warning"]
    where: str
    message: str
    fix: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}; {self.fix}"


def lint(template: TaskTemplate) -> list[Problem]:
    """All problems of a template, in file order; an empty list means that it can be trained on and exported."""
    place = template.source or template.name
    repeated = [kind for kind, times in Counter(template.kinds).items() if times > 1]
    problems = [
        Problem("error", place, f"expected one direction of each kind, found several of {kind}", "join their strings")
        for kind in repeated
    ]
    for direction in template.directions:
        problems += _direction(direction, f"{place}: {direction.kind}", template.max_words)
    return problems


def folded(text: str) -> str:
    """The text as duplicates are compared: letter case folded, one blank for each run of blanks."""
    return " ".join(text.casefold().split())


def count_words(text: str) -> int:
    """The words of an input string; placeholders and punctuation do not count, `MDS-UPDRS` is one word."""
    return len(_WORD.findall(PLACEHOLDER.sub(" ", text)))


def near_duplicates(texts: Sequence[str]) -> list[tuple[int, int]]:
    """Index pairs (earlier, later) of texts that differ in exactly one word: changed, added or left out."""
    words = [tuple(folded(text).split()) for text in texts]
    return [(one, two) for two in range(len(words)) for one in range(two) if _one_apart(words[one], words[two])]


def _one_apart(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    """True when one word changed, added or left out leads from one to the other (and they are not equal)."""
    if len(first) == len(second):
        return sum(a != b for a, b in zip(first, second, strict=True)) == 1
    shorter, longer = sorted((first, second), key=len)
    return len(longer) - len(shorter) == 1 and any(
        (*longer[:at], *longer[at + 1:]) == shorter for at in range(len(longer))
    )


def _direction(direction: Direction, where: str, max_words: int) -> Iterator[Problem]:
    asked, answered = EXPECTED[direction.kind]
    for number, text in enumerate(direction.input, 1):
        place = f"{where}: input {number}"
        yield from _entry(text, asked, place)
        yield from _prompt(text, place, max_words)
    for number, text in enumerate(direction.output, 1):
        place = f"{where}: output {number}"
        yield from _entry(text, answered, place)
        yield from _target(text, answered, place)
    for side in ("input", "output"):
        yield from _duplicates(getattr(direction, side), f"{where}: {side}")


def _entry(text: str, wanted: str, where: str) -> Iterator[Problem]:
    """Faults of any one string: empty, its own placeholder not exactly once, another placeholder, a special token."""
    if not text:
        yield Problem("error", where, "the string is empty", "write a sentence or remove the entry")
        return
    counts = Counter(PLACEHOLDER.findall(text))
    if counts[wanted] != 1:
        found = f"found {counts[wanted]}" if counts[wanted] else "found none"
        yield Problem("error", where, f"expected exactly one {wanted}, {found} in {text!r}", "put it in once")
    yield from (_wrong_placeholder(name, wanted, where) for name in counts if name != wanted)
    special = [token for token in SPECIAL_TOKENS if token in text]
    if special:
        fix = f"remove it; {RATIONALE} brings the answer's tokens itself"
        yield Problem("error", where, f"found the special token {special[0]}", fix)


def _wrong_placeholder(name: str, wanted: str, where: str) -> Problem:
    if name == QUOTING_PLACEHOLDER:
        why = f"{name} is MotionGPT's own, which puts its text in double quotes half of the time"
        return Problem("error", where, why, f"write {DESCRIPTION} or {RATIONALE} instead")
    if name in PLACEHOLDERS:
        message = f"expected {wanted} as the only placeholder, found {name} too"
        return Problem("error", where, message, f"remove {name}")
    known = ", ".join(PLACEHOLDERS)
    message = f"unknown placeholder {name}{did_you_mean(name, PLACEHOLDERS)}"
    return Problem("error", where, message, f"known are {known}")


def _prompt(text: str, where: str, max_words: int) -> Iterator[Problem]:
    values = [match.group() for match in _SCORE_VALUE.finditer(PLACEHOLDER.sub(" ", text))]
    if values:
        fix = "remove it, since a prompt must not hint at a label"
        yield Problem("error", where, f"the prompt holds a score value, {values[0]!r}", fix)
    words = count_words(text)
    if words > max_words:
        fix = "shorten it, or raise max_words if the model's input has room"
        yield Problem("error", where, f"expected at most {max_words} words (max_words), found {words}", fix)


def _target(text: str, wanted: str, where: str) -> Iterator[Problem]:
    if wanted == RATIONALE and text != RATIONALE and text.count(RATIONALE) == 1:
        fix = f"write {RATIONALE} alone"
        yield Problem("error", where, f"expected the structured answer and nothing around it, found {text!r}", fix)


def _duplicates(texts: Sequence[str], where: str) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for number, text in enumerate(texts, 1):
        earlier = first.setdefault(folded(text), number)
        if text and earlier != number:
            message = f"entry {number} repeats entry {earlier} (letter case and blanks aside): {text!r}"
            yield Problem("error", where, message, "remove one of them or reword it")
    for earlier, later in near_duplicates(texts):
        message = f"entry {later + 1} differs from entry {earlier + 1} in one word only: {texts[later]!r}"
        yield Problem("warning", where, message, "reword it, so that the model meets another phrasing")
