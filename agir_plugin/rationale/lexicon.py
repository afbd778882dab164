"""The words of gait descriptions (`lexicon.yaml`): text in, a list of tagged `Token`s out.

A *feature* token names what is spoken of ("arm swing"), a *cue* says something of it ("reduced", "asymmetry"); the
other kinds are the small words that tell which cue belongs to which feature. Longer expressions win over shorter ones.
"""
from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml

from agir_plugin.rationale.features import Degree

Kind = Literal[
    "feature", "adjective", "noun", "degree", "negation", "side", "link", "have", "with", "preposition", "and", "or",
    "comma", "stop", "than", "article", "void", "filler", "word",
]
#: Typographic signs -> the plain ones of the patterns, one for one, so that places in the text stay the same.
_PLAIN = str.maketrans({"\u2019": "'", "-": " ", "\u2010": " ", "\u2011": " ", "\u2013": " "})
_TABLES: tuple[tuple[Kind, str], ...] = (
    ("feature", "features"), ("noun", "nouns"), ("adjective", "adjectives"), ("side", "sides"),
)


@dataclass(frozen=True)
class Token:
    """One tagged expression; `value` is its feature, cue family or side, `degrees` what a degree word admits."""

    kind: Kind
    value: str
    text: str
    start: int
    end: int
    degrees: tuple[Degree, ...] = ()

    @property
    def is_cue(self) -> bool:
        """True for words that say something of a feature."""
        return self.kind in ("adjective", "noun")


#: The tokens of one clause, in reading order.
Clause = Sequence[Token]


def tokens(text: str) -> list[Token]:
    """Tag a text from left to right; at each place the longest expression wins."""
    lowered = "".join(map(_small_letter, text)).translate(_PLAIN)
    found: list[Token] = []
    place = 0
    while place < len(lowered):
        token = _longest(lowered, place)
        if token is not None:
            found.append(token)
        place = token.end if token is not None else place + 1
    return found


def back_over(row: Clause, place: int, kinds: Collection[str]) -> int:
    """The first place at or before `place` whose kind is not among `kinds`; -1 at the clause's start."""
    while place >= 0 and row[place].kind in kinds:
        place -= 1
    return place


def on_over(row: Clause, place: int, kinds: Collection[str]) -> int:
    """The first place at or after `place` whose kind is not among `kinds`; `len(row)` at the clause's end."""
    while place < len(row) and row[place].kind in kinds:
        place += 1
    return place


def _small_letter(sign: str) -> str:
    """Lower case, unless that would take two signs and so shift the places of what follows."""
    small = sign.lower()
    return small if len(small) == 1 else sign


def _longest(text: str, place: int) -> Token | None:
    inside_a_word = place > 0 and text[place].isalnum() and text[place - 1].isalnum()
    if inside_a_word or not (text[place].isalnum() or text[place] in ",.;:!?&"):
        return None
    best: Token | None = None
    for kind, value, degrees, pattern in _patterns():
        match = pattern.match(text, place)
        if match and match.end() > place and (best is None or match.end() > best.end):
            matched = match.group().rstrip()
            best = Token(kind, value, matched, place, place + len(matched), degrees)
    return best


@cache
def _patterns() -> list[tuple[Kind, str, tuple[Degree, ...], re.Pattern[str]]]:
    book: dict[str, dict[str, Any]] = yaml.safe_load(
        (files("agir_plugin.rationale") / "lexicon.yaml").read_text(encoding="utf8")
    )
    rows: list[tuple[Kind, str, tuple[Degree, ...], list[str]]] = []
    for kind, table in _TABLES:
        rows += [(kind, family, (), words) for family, words in book[table].items()]
    rows += [("degree", name, tuple(row["admits"]), row["words"]) for name, row in book["degrees"].items()]
    rows += [(kind, "", (), words) for kind, words in book["small"].items()]
    return [(kind, value, degrees, re.compile(rf"(?:{'|'.join(words)})(?!\w)")) for kind, value, degrees, words in rows]
