"""Free text of any writer in, `Claim`s out: which feature, which direction, which side, how strongly.

A shallow parser: each clause is a row of tagged tokens (`lexicon.tokens`); each cue ("reduced", "asymmetry") is joined
to the features that it speaks of (`attach.links`); negation, degree and side are read from the words around it.
"""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from agir_plugin.rationale.attach import Link, links
from agir_plugin.rationale.features import DEGREES, FEATURES, Degree, Direction, Side
from agir_plugin.rationale.lexicon import Clause, Token, tokens
from agir_plugin.rationale.meaning import OPPOSITE_CUES, meaning
from agir_plugin.rationale.qualify import degrees, governor, modifier, negated
from agir_plugin.rationale.sides import Comparison, comparison, denied_arms
from agir_plugin.records import Rationale

#: Features of which a side may be claimed.
SIDED = (
    "arm_swing", "arm_asymmetry", "step_length", "foot_lift", "step_time", "step_asymmetry", "step_length_asymmetry",
)
#: Degrees that a cue implies when no word of degree stands beside it.
_IMPLIED_DEGREES: dict[str, tuple[Degree, ...]] = {
    "absent": ("marked",), "lack": ("marked",), "minimal": ("noticeable", "marked"),
}
#: Variability -> the asymmetry that is meant where both sides are compared (`steps of equal length on both sides`).
_ASYMMETRY_OF = {"step_length_variability": "step_length_asymmetry", "rhythm": "step_time_asymmetry"}
#: Modifiers that take away what a cue noun says (`little variability`, `lack of symmetry`).
_TAKING = ("less", "minimal", "lack", "absent")
#: Most characters of a part that are read; what stands beyond makes no claim. Published parts have up to 200, and a model's
#: answer of 10,000 words says nothing after its first 3,000 that it did not say before.
MAX_CHARACTERS = 20_000
#: Most tokens of a clause; a longer one is read in pieces, so that the time grows with the length and not with its square.
#: The longest clause of AGIR's published texts has 31.
MAX_CLAUSE_TOKENS = 120
_ADVERBS = {"slight": "slightly", "noticeable": "noticeably", "marked": "markedly"}
Section = Literal["foot", "arm", "overall"]


@dataclass(frozen=True)
class Claim:
    """What a text says of one feature.

    `degrees` are the degrees that the words admit (all but "normal" when a deviation is named without one). `side` is
    the side spoken of; for an asymmetry the side that moves less. `text` is the clause.
    """

    section: Section
    feature: str
    direction: Direction
    degrees: tuple[Degree, ...]
    side: Side | None
    text: str

    def words(self) -> str:
        """The claim in short, such as `arm swing: slightly reduced, left`."""
        label, side = FEATURES[self.feature].label, f", {self.side}" if self.side else ""
        plain = self.degrees in (DEGREES[1:], DEGREES[:1])
        if self.direction == "normal":
            return f"{label}: {'normal' if plain else 'near normal'}{side}"
        degree = "" if plain else " or ".join(_ADVERBS[degree] for degree in self.degrees) + " "
        return f"{label}: {degree}{self.direction}{side}"


def claims(rationale: Rationale) -> tuple[Claim, ...]:
    """Every claim of the three parts, in reading order, each once per part."""
    return tuple(
        claim for section in ("foot", "arm", "overall") for claim in claims_in(getattr(rationale, section), section)
    )


def claims_in(text: str, section: Section) -> tuple[Claim, ...]:
    """The claims of one part's text; the part decides what an unnamed movement ("it is reduced") refers to.

    At most the first `MAX_CHARACTERS` are read.
    """
    text = text[:MAX_CHARACTERS]
    found: dict[tuple[object, ...], Claim] = {}
    topic: str | None = None
    for clause, ends in _clauses(tokens(text)):
        for claim in _clause_claims(clause, section, text, topic):
            found.setdefault((claim.feature, claim.direction, claim.side), claim)
        named = [token.value for token in clause if token.kind == "feature"]
        topic = None if ends else named[0] if named else topic
    return tuple(_folded(list(found.values())))


def _folded(found: list[Claim]) -> Iterator[Claim]:
    """One claim where a text names an asymmetry and then, elsewhere, which side moves less."""
    for claim in found:
        same = [
            other for other in found
            if (other.feature, other.direction) == (claim.feature, claim.direction) and other is not claim
        ]
        if FEATURES[claim.feature].kind != "asymmetry" or not same:
            yield claim
        elif claim.side is not None:
            degrees = next((other.degrees for other in same if other.side is None), claim.degrees)
            yield replace(claim, degrees=degrees if claim.degrees == DEGREES[1:] else claim.degrees)
        elif all(other.side is None for other in same):
            yield claim


def _clauses(row: list[Token]) -> Iterator[tuple[Clause, bool]]:
    """Cut at stops, and tell which clauses end a sentence; clauses on what was not measured are left out."""
    clause: list[Token] = []
    for token in [*row, Token("stop", "", ".", 0, 0)]:
        if token.text == ":" and _is_label(clause):
            continue
        if token.kind != "stop" and len(clause) < MAX_CLAUSE_TOKENS:
            clause.append(token)
            continue
        spoken = [part for part in clause if part.kind != "filler"]
        if spoken and not any(part.kind == "void" for part in spoken):
            yield spoken, token.text in ".!?"
        clause = [] if token.kind == "stop" else [token]


def _is_label(clause: list[Token]) -> bool:
    """True for the `Left arm` of `Left arm: reduced swing`, which names what is spoken of and says nothing of it."""
    return any(token.kind == "feature" for token in clause) and not any(
        token.is_cue or token.kind in ("link", "have", "void") for token in clause
    )


def _clause_claims(row: Clause, section: Section, text: str, topic: str | None) -> Iterator[Claim]:
    """The claims of one clause; `topic` is what the sentence spoke of before it, for `... but low on the left`."""
    words = text[row[0].start: row[-1].end]
    compared = comparison(row)
    if compared is not None:
        yield from _compared(row, compared, section, words)
    topic = None if any(token.kind == "feature" for token in row) else topic
    for place, token in enumerate(row):
        if not token.is_cue or (compared is not None and place in compared.cues):
            continue
        for link in links(row, place):
            claim = _claim(row, replace(link, feature=link.feature or _carried(topic, token)), section, words)
            if claim is not None:
                yield claim
    for side in denied_arms(row):
        yield Claim(section, "arm_swing", "reduced", ("marked",), side, words)


def _carried(topic: str | None, cue: Token) -> str | None:
    """What a cue without a feature speaks of: `..., but no asymmetry` after a word on timing means the steps as a whole."""
    timing = topic in ("rhythm", "step_time", "stride_time", "cadence")
    return None if timing and cue.value in ("asymmetric", "symmetric") else topic


def _compared(row: Clause, compared: Comparison, section: Section, words: str) -> Iterator[Claim]:
    """`the left arm moves less than the right`: an asymmetry whose weaker side is named."""
    if section == "arm" or compared.feature == "arm":
        feature = "arm_asymmetry"
    elif compared.feature in ("steps", "gait", "step_length", "stride_length", None):
        feature = "step_length_asymmetry"
    else:
        return
    if negated(row, compared.cue):
        yield Claim(section, feature, "normal", DEGREES[:1], None, words)
    else:
        yield Claim(section, feature, "increased", degrees(row, compared.cue) or DEGREES[1:], compared.weaker, words)


def _claim(row: Clause, link: Link, section: Section, words: str) -> Claim | None:
    """What one cue says of one feature word, with negation, modifiers and degree applied; None if nothing known."""
    cue = row[link.cue]
    family, modified_by = cue.value, modifier(row, link.cue)
    if modified_by in _TAKING and family in OPPOSITE_CUES:
        family, modified_by = OPPOSITE_CUES[family], None
    governed_by = governor(row, link.cue) if family in OPPOSITE_CUES else None
    if governed_by is not None:
        family = OPPOSITE_CUES[family]
    said = meaning(link.feature, family, section)
    if said is None:
        return None
    feature, direction = said
    if family == "weaker" and link.side not in ("left", "right"):
        return None
    if family in ("even", "uneven") and link.side == "both":
        feature = _ASYMMETRY_OF.get(feature, feature)
    implied = ("slight",) if modified_by == "small" else _IMPLIED_DEGREES.get(family, ())
    named = degrees(row, link.cue) or implied
    side = link.side if feature in SIDED else None
    claim = Claim(section, feature, direction, _admitted(direction, named), side, words)
    if negated(row, link.cue if governed_by is None else governed_by) != _taken_away(cue, modified_by, direction):
        claim = _denied(claim, named)
    two_sided = FEATURES[feature].kind != "asymmetry" or (claim.direction != "normal" and side != "both")
    return claim if two_sided else replace(claim, side=None)


def _taken_away(cue: Token, modified_by: str | None, direction: Direction) -> bool:
    """True for `little variability`, `loss of independence`: what the noun says is denied by its modifier."""
    if cue.value == "independent":
        return modified_by in ("lack", "absent")
    return cue.kind == "noun" and direction != "normal" and modified_by in (*_TAKING, "normal")


def _admitted(direction: Direction, degrees: tuple[Degree, ...]) -> tuple[Degree, ...]:
    if direction == "normal":
        return degrees if "normal" in degrees else DEGREES[:1]
    named = tuple(degree for degree in degrees if degree != "normal")
    return named or DEGREES[1:]


def _denied(claim: Claim, degrees: tuple[Degree, ...]) -> Claim:
    """`no reduction` is normal, `no marked reduction` near normal, `not normal` abnormal in the usual direction."""
    if claim.direction == "normal":
        usual: Direction = "increased" if _worse_when_more(claim.feature) else "reduced"
        return replace(claim, direction=usual, degrees=DEGREES[1:])
    strong = any(degree in ("noticeable", "marked") for degree in degrees)
    return replace(claim, direction="normal", degrees=DEGREES[:2] if strong else DEGREES[:1])


def _worse_when_more(feature: str) -> bool:
    return FEATURES[feature].one_sided or feature == "impairment"
