"""What a writer sent in; a three-part rationale, what had to be mended, or the reason why it cannot be used out.

Nothing is guessed: what is mended is reported word by word, and a text that cannot be mended is refused with a reason.
"""
from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from agir_plugin.rationale.leakage import forbidden
from agir_plugin.rationale.lexicon import tokens
from agir_plugin.rationale.parse import claims
from agir_plugin.records import Rationale
from agir_plugin.tasks.sections import HEADINGS, SECTIONS, faults, leaks, read_sections, short

#: More than this is not read at all, so that checking any answer takes bounded time.
MAX_CHARACTERS = 5000
#: Longest usable text, in words; AGIR's published ones have 23 to 66.
MAX_WORDS = 150
#: Least share of words that the parser's lexicon knows or that are common English ones; AGIR's published
#: rationales have 0.79 and more, texts in other languages 0.25 and less.
MIN_ENGLISH = 0.5

#: Kind of the deviations that give the score away.
LEAK = "score leak"

_SPECIAL = re.compile(r"</?[A-Za-z_|][^<>\s]{0,40}>")
_FENCE = re.compile(r"^\s*```\w*\s*$", re.MULTILINE)
_MARKDOWN = re.compile(
    r"\*\*|__|`|^\s{0,3}(?:#{1,6}|[-*>\u2022])\s+|(?<!\S)[1-3][.)]\s+(?=\W*(?:foot|arm|overall)\W*:)", re.MULTILINE | re.IGNORECASE
)
#: What ends the thoughts that some models write down before their answer.
_THOUGHT = "</think>"
_HEADING = re.compile(r"\b(foot|arm|overall)[ \t]*:", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_CLAUSE = re.compile(
    r"\s*(?:[,;\u2013\u2014]|\b(?:consistent|in line|in keeping|compatible) with\b|\b(?:which )?(?:correspond\w*|point\w*) to\b"
    r"|\b(?:reflect|indicat|support|suggest|justify|warrant)\w*\b)"
)
_ENGLISH = frozenset(
    "a an and are as at but by for from has have in is it its more no not of on or person shows than that the their "
    "there this to walk walks walking was were when which while with".split()
)


@dataclass(frozen=True)
class Normalised:
    """`rationale` is None when the text cannot be used; `problem` then says why. `deviations` are what was mended."""

    rationale: Rationale | None
    deviations: tuple[str, ...] = ()
    problem: str = ""


def normalise(text: str) -> Normalised:
    """Read the text of any writer: markdown, special tokens, unseen signs, stray words and score leaks are taken out and reported.

    Refused are empty and overlong texts, texts without the three parts, parts that leak the score throughout, and
    texts that are not English statements on a walk. Forbidden topics (turning, medication, diagnosis, freezing) are
    reported and stay.
    """
    thoughts, _, answer = text.rpartition(_THOUGHT)
    too_much = _too_much(answer)
    if too_much:
        return Normalised(None, problem=too_much)
    body, deviations = _stripped(answer)
    if thoughts:
        deviations.insert(0, f"thoughts before {_THOUGHT} removed")
    rationale, problem = read_sections(body)
    if rationale is None:
        return Normalised(None, tuple(deviations), problem)
    rationale, leaked = _without_leaks(rationale)
    problem = "; ".join(faults(rationale)) or _not_about_a_walk(rationale)
    if problem:
        return Normalised(None, (*deviations, *leaked), problem)
    return Normalised(rationale, (*deviations, *leaked, *forbidden(rationale)))


def without_unseen(text: str) -> str:
    """The text without control and format characters (zero-width blanks, halves of a surrogate pair), which no file can
    hold or nobody can see; blanks and line breaks stay."""
    return "".join(sign for sign in text if sign.isspace() or not unicodedata.category(sign).startswith("C"))


def kind_of(deviation: str) -> str:
    """The kind of a deviation, without the words it was found in: `score leak`, `markdown removed`, `speaks of freezing`."""
    section, colon, rest = deviation.partition(": ")
    said = rest if colon and section in SECTIONS else deviation
    if said.startswith((LEAK, "gives the score away")):
        return LEAK
    if said.startswith("words before"):
        return f"words before {HEADINGS[0]} removed"
    return said.partition(": ")[0].partition(" (")[0]


def _too_much(text: str) -> str:
    words = len(text[: MAX_CHARACTERS + 1].split())
    if not text.strip():
        return "expected a rationale of three parts, found an empty answer"
    if len(text) > MAX_CHARACTERS or words > MAX_WORDS:
        return (
            f"expected at most {MAX_WORDS} words, found {len(text)} characters with "
            f"{'more than ' if len(text) > MAX_CHARACTERS else ''}{words} words"
        )
    return ""


def _stripped(text: str) -> tuple[str, list[str]]:
    """The text with plain headings and without marks, and what was mended."""
    found: list[str] = []
    visible = without_unseen(text)
    if visible != text:
        found.append("signs that cannot be seen removed")
    specials = sorted(set(_SPECIAL.findall(visible)))
    body = _SPECIAL.sub(" ", visible)
    if specials:
        found.append(f"special tokens removed: {' '.join(specials)}")
    plain = _MARKDOWN.sub("", _FENCE.sub("", body))
    if plain != body:
        found.append("markdown removed")
    headings = list(_HEADING.finditer(plain))
    if any(match.group() != f"{match[1].capitalize()}:" for match in headings):
        found.append("headings written as Foot:, Arm: and Overall:")
    if any(match.start() and not plain[match.start() - 1].isspace() for match in headings):
        found.append("missing blank put before a heading")
    plain = _HEADING.sub(lambda match: f" {match[1].capitalize()}: ", plain).strip()
    before, heading, rest = plain.partition(HEADINGS[0])
    if heading and before.strip():
        found.append(f"words before {HEADINGS[0]} removed: {short(before.strip())}")
        plain = heading + rest
    return plain, found


def _without_leaks(rationale: Rationale) -> tuple[Rationale, list[str]]:
    """The rationale without the sentences or ends of sentences that name the score, where something remains."""
    found, parts = [], {}
    for name in SECTIONS:
        part = getattr(rationale, name)
        given_away = leaks(part)
        parts[name] = _purged(part) if given_away else part
        if given_away:
            found.append(f"{name}: {LEAK} {', '.join(map(repr, given_away))} in {short(part)}")
    return Rationale(**parts), found


def _purged(part: str) -> str:
    """The part without leaks, or as it was when nothing would remain."""
    kept = [sentence for sentence in _SENTENCE.split(part) if not leaks(sentence)]
    if kept:
        return " ".join(kept)
    ends = [match.start() for match in _CLAUSE.finditer(part) if not leaks(part[: match.start()])]
    return f"{part[: ends[-1]].rstrip(' ,;')}." if ends and ends[-1] > 0 else part


def _not_about_a_walk(rationale: Rationale) -> str:
    text = " ".join(getattr(rationale, name) for name in SECTIONS)
    if english_share(text) < MIN_ENGLISH:
        return f"expected English sentences on a walk, found {short(text)}"
    if not claims(rationale):
        return f"expected statements on a walk, found none that the checker understands in {short(text)}"
    return ""


def english_share(text: str) -> float:
    """Share of the words, 0 to 1, that are common English ones or stand in the parser's lexicon."""
    spans = [(match.start(), match.group().lower()) for match in re.finditer(r"[^\W\d_]+", text)]
    known = {
        place for token in tokens(text) if token.kind not in ("word", "filler", "stop", "comma")
        for place in range(token.start, token.end)
    }
    hits = sum(word in _ENGLISH or place in known for place, word in spans)
    return hits / len(spans) if spans else 0.0
