"""The answer's one grammar: rationale and score in, `<reasoning_start>Foot: … <score_end>` out; text back to values.

    <reasoning_start>Foot: … Arm: … Overall: …<reasoning_end><score_start><score_k><score_end>

There are no blanks around the special tokens (a fast T5 tokenizer would turn them into tokens of their own) and `</s>`
is left to the tokenizer. The rationale never names the score: a model that can read the class in its own words needs no
motion.
"""
from __future__ import annotations

import operator
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import SupportsIndex

from agir_plugin.consts import (
    REASONING_END,
    REASONING_START,
    SCORE_END,
    SCORE_START,
    SCORE_TOKENS,
    SCORES,
    SPECIAL_TOKENS,
)
from agir_plugin.errors import LabelError
from agir_plugin.records import Rationale
from agir_plugin.tasks.automaton import Allowed, AnswerAutomaton, TokenIds
from agir_plugin.tasks.sections import (
    HEADINGS,
    SECTIONS,
    STAGE1_SECTIONS,
    checked_part,
    faults,
    leaks,
    read_sections,
    section_text,
    short,
    split_sections,
)

__all__ = [
    "Allowed", "AnswerAutomaton", "HEADINGS", "Parsed", "SECTIONS", "STAGE1_SECTIONS", "TokenIds", "build", "faults",
    "leaks", "parse", "section_text", "split_sections",
]

_MARKER = re.compile(r"<(?:reasoning_start|reasoning_end|score_start|score_end|score_\d+)>")
_FOREIGN = re.compile(r"</?\w+>")
_LEADING_PAD = re.compile(r"^(?:\s|<pad>)+")
_TRAILING_PAD = re.compile(r"(?:\s|<pad>|</s>)+$")


@dataclass(frozen=True)
class Parsed:
    """What one generated answer says. A value that could not be read is None, and `problems` then says why.

    `rationale` and `score` stand alone: an answer whose rationale lacks a part may still have a readable score.
    """

    rationale: Rationale | None
    score: int | None
    problems: tuple[str, ...] = ()

    @property
    def well_formed(self) -> bool:
        """True when the text follows the grammar in every point, so that both values are there."""
        return not self.problems


def build(rationale: Rationale, score: SupportsIndex) -> str:
    """The structured answer for one walk, without `</s>`.

    Runs of blanks become one blank and `**` is removed; everything else is kept as written.
    Raises UsageError when a part is empty, has a line break, `#`, `<`, `>`, a heading or names the score; LabelError
    when the score is none of 0, 1, 2.
    """
    token = SCORE_TOKENS[SCORES.index(_checked_score(score))]
    parts = {name: checked_part(name, getattr(rationale, name)) for name in SECTIONS}
    return f"{REASONING_START}{Rationale(**parts).text()}{REASONING_END}{SCORE_START}{token}{SCORE_END}"


def parse(text: str) -> Parsed:
    """Read a generated answer, complete or not, with or without `</s>`.

    Ignored are blanks around the special tokens, leading `<pad>`, and `</s>` or `<pad>` at the end. Never raises and
    never guesses: each departure from the grammar is one entry of `problems`, in plain words.
    """
    body = _LEADING_PAD.sub("", _TRAILING_PAD.sub("", text))
    markers = list(_MARKER.finditer(body))
    problems = [*_count_problems(markers), *_order_problems(markers), *_stray_text(body, markers)]
    rationale, rationale_problems = _read_rationale(body, markers)
    return Parsed(rationale, _read_score(body, markers), (*problems, *rationale_problems))


def _checked_score(score: SupportsIndex) -> int:
    try:
        value = None if isinstance(score, bool) else operator.index(score)
    except TypeError:
        value = None
    if value not in SCORES:
        raise LabelError(
            f"expected a gait score of {SCORES[0]}, {SCORES[1]} or {SCORES[2]}, got {score!r}; "
            "the answer has no token for another score, so leave this walk out instead of changing its label"
        )
    return value


def _count_problems(markers: list[re.Match[str]]) -> Iterator[str]:
    names = [marker.group() for marker in markers]
    for token in (REASONING_START, REASONING_END, SCORE_START, SCORE_END):
        if names.count(token) != 1:
            cut = " (was the answer cut off?)" if names and token not in names else ""
            yield f"expected one {token}, found {names.count(token) or 'none'}{cut}"
    scores = [name for name in names if name not in SPECIAL_TOKENS[:4]]
    if not scores:
        yield f"expected one of {', '.join(SCORE_TOKENS)}, found no score"
    elif len(scores) > 1:
        yield f"expected one score, found {len(scores)}: {', '.join(scores)}"
    yield from (
        f"expected one of {', '.join(SCORE_TOKENS)}, found {name}, which is no score of this scale"
        for name in dict.fromkeys(scores) if name not in SCORE_TOKENS
    )


def _order_problems(markers: list[re.Match[str]]) -> Iterator[str]:
    """At most one line, on the first token that stands after the one that should follow it."""
    names = [marker.group() for marker in markers]
    slots = ["score" if name not in SPECIAL_TOKENS[:4] else name for name in names]
    order = (REASONING_START, REASONING_END, SCORE_START, "score", SCORE_END)
    once = [slot for slot in order if slots.count(slot) == 1]
    for earlier, later in zip(once, once[1:], strict=False):
        if slots.index(earlier) > slots.index(later):
            yield f"expected {names[slots.index(earlier)]} before {names[slots.index(later)]}, found it after"
            return


def _stray_text(body: str, markers: list[re.Match[str]]) -> Iterator[str]:
    """Text outside the rationale: before the first token, between tokens that belong together, after the last."""
    if not markers:
        if body:
            yield f"found {short(body)} outside <reasoning_start> … <reasoning_end>"
        return
    before, after = body[: markers[0].start()].strip(), body[markers[-1].end():].strip()
    if before:
        yield f"expected nothing before {markers[0].group()}, found {short(before)}"
    for left, right in zip(markers, markers[1:], strict=False):
        between = body[left.end(): right.start()].strip()
        if between and left.group() != REASONING_START:
            yield f"expected nothing between {left.group()} and {right.group()}, found {short(between)}"
    if after and markers[-1].group() != REASONING_START:
        yield f"expected nothing after {markers[-1].group()}, found {short(after)}"


def _read_rationale(body: str, markers: list[re.Match[str]]) -> tuple[Rationale | None, list[str]]:
    names = [marker.group() for marker in markers]
    if names.count(REASONING_START) != 1 or names.count(REASONING_END) != 1:
        return None, []
    start, end = names.index(REASONING_START), names.index(REASONING_END)
    if end < start:
        return None, []
    if end > start + 1:
        place = f"between {REASONING_START} and {REASONING_END}"
        return None, [f"expected plain text {place}, found {names[start + 1]} inside"]
    text = body[markers[start].end(): markers[end].start()]
    foreign = [match.group() for match in _FOREIGN.finditer(text)]
    if foreign:
        return None, [f"expected plain text in the rationale, found the token {foreign[0]}"]
    rationale, problem = read_sections(text)
    return rationale, [problem] if problem else []


def _read_score(body: str, markers: list[re.Match[str]]) -> int | None:
    """The score, only where exactly one stands, closed in by exactly one `<score_start>` and `<score_end>`."""
    names = [marker.group() for marker in markers]
    scores = [index for index, name in enumerate(names) if name not in SPECIAL_TOKENS[:4]]
    if len(scores) != 1 or names.count(SCORE_START) != 1 or names.count(SCORE_END) != 1:
        return None
    at = scores[0]
    if names[at] not in SCORE_TOKENS or names[at - 1: at + 2] != [SCORE_START, names[at], SCORE_END]:
        return None
    inside = body[markers[at - 1].end(): markers[at + 1].start()]
    return SCORES[SCORE_TOKENS.index(names[at])] if inside.strip() == names[at] else None
