"""One clause of tagged tokens in; which side is spoken of, and which side is said to move less than the other, out."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agir_plugin.rationale.features import Side
from agir_plugin.rationale.lexicon import Clause, Token, back_over, on_over

#: Cue families that compare two sides, and those that say of the first that it moves more.
_COMPARING = ("less", "more", "small", "large", "short", "long", "normal")
_GROWING = ("more", "large", "long", "normal")
#: Comparing words that need no `than`.
_EXCEEDING = ("exceed", "exceeds", "exceeding")
#: What follows the side of a new subject (`and the left arm is ...`).
_SUBJECT = (["feature", "link"], ["feature", "have"])
_OTHER_SIDE: dict[str | None, Side] = {"left": "right", "right": "left"}


@dataclass(frozen=True)
class Comparison:
    """One side against the other.

    `cue` is the place of the comparing word, `cues` that and a `more` before it; `weaker` is the side that moves less
    (None: not named).
    """

    cue: int
    cues: tuple[int, ...]
    feature: str | None
    weaker: Side | None


def comparison(row: Clause) -> Comparison | None:
    """`the left arm moves less than the right`: the comparing cue and the side that moves less; None without one."""
    than = next((place for place, token in enumerate(row) if token.kind == "than" or token.text in _EXCEEDING), None)
    if than is None:
        return None
    reference = next((token.value for token in row[than: than + 5] if token.kind == "side"), None)
    other = any(token.text in ("other", "counterpart") for token in row[than: than + 4])
    spoken = _spoken(row, than)
    cues = [place for place in spoken if row[place].is_cue and row[place].value in _COMPARING]
    if not cues or not (reference in ("left", "right") or other):
        return None
    named = [row[place].value for place in spoken if row[place].kind == "side" and row[place].value in _OTHER_SIDE]
    first = named[0] if named else _OTHER_SIDE.get(reference)
    weaker = _OTHER_SIDE.get(first) if row[cues[-1]].value in _GROWING and not _worsens(row, cues) else first
    feature = next((row[place].value for place in spoken if row[place].kind == "feature"), None)
    return Comparison(cues[-1], tuple(place for place in cues if place >= cues[-1] - 1), feature, weaker)


def _spoken(row: Clause, than: int) -> range:
    """The places of what is compared: before the `than`; after the comma in `compared with the right, the left arm ...`."""
    comma = next((place for place in range(than, len(row)) if row[place].kind == "comma"), None)
    if than == 0 and comma is not None:
        return range(comma + 1, len(row))
    return range(than + (row[than].text in _EXCEEDING))


def _worsens(row: Clause, cues: list[int]) -> bool:
    """True for `reduced, more on the right than on the left`: more of a reduction."""
    after = row[cues[-1] + 1] if cues[-1] + 1 < len(row) else row[-1]
    return len(cues) > 1 and row[cues[-2]].value in ("less", "small", "short") and after.kind == "side"


def denied_arms(row: Clause) -> Iterator[Side | None]:
    """The side of each `no arm swing on the left`: an arm word that is denied and of which no cue speaks."""
    for place, token in enumerate(row):
        if token.kind != "negation":
            continue
        end = next((later for later in range(place, len(row)) if row[later].kind == "comma"), len(row))
        if any(other.is_cue for other in row[place:end]):
            continue
        denied = on_over(row, place + 1, ("word", "article", "side", "degree"))
        if denied < len(row) and row[denied].value == "arm":
            sides = [_named(other) for other in row[place:end] if other.kind == "side"]
            yield sides[0] if sides else _side_of_owner(row, denied)


def side_of(row: Clause, cue: int, head: int | None) -> Side | None:
    """The side of a claim that joins `cue` to the feature word at `head` (None: not named).

    Taken is the side inside the feature's noun phrase, else the nearest that follows the claim, else one between the
    two, else that of the limb named before, else one at the front of the clause. Of an asymmetry only a side that
    follows counts: `the left arm is stiff, with asymmetry` does not say which side moves less.
    """
    compares = row[cue].value in ("asymmetric", "uneven")
    if row[cue].value == "weaker":
        return _weaker_named(row, cue)
    own = None
    if not compares:
        own = _side_at(row, cue) or _side_right_after(row, cue, head) or (None if head is None else _side_before(row, head))
    after = _next_side(row, max(cue, head if head is not None else cue) + 1, len(row), ("have", "with", "than"))
    if own or after or compares:
        return own or after
    if head is not None:
        between = _next_side(row, head + 1, cue, ("link", "have", "with", "than", "comma")) or _side_of_owner(row, head)
        if between:
            return between
    front = on_over(row, 0, ("article",))
    return _named(row[front]) if row[front].kind == "side" and front < cue else None


def _side_at(row: Clause, cue: int) -> Side | None:
    """The side directly before a cue: `bilaterally reduced`; `reduced left arm swing, right normal`."""
    step = back_over(row, cue - 1, ("degree",))
    if step < 0 or row[step].kind != "side":
        return None
    opens = row[cue].kind == "adjective" and step > 0 and row[step - 1].kind in ("comma", "and")
    return _named(row[step]) if opens or row[step].text.startswith("bilateral") else None


def _weaker_named(row: Clause, cue: int) -> Side | None:
    """The side of `the left being more affected` and of `more affected on the left`."""
    after = row[cue + 1] if cue + 1 < len(row) else None
    if after is not None and after.kind == "side":
        return _named(after)
    before = next((row[place] for place in range(cue - 1, -1, -1) if row[place].kind == "side"), None)
    return None if before is None else _named(before)


def _side_right_after(row: Clause, cue: int, head: int | None) -> Side | None:
    """The `left` of `reduced right arm swing, normal left`: the adjective's own side, not that of the limb before it."""
    if head is None or head > cue or row[cue].kind != "adjective" or cue + 1 == len(row) or row[cue + 1].kind != "side":
        return None
    return _named(row[cue + 1]) if cue + 2 == len(row) or row[cue + 2].kind != "feature" else None


def _side_before(row: Clause, place: int) -> Side | None:
    """The side named inside the noun phrase that ends at `place`."""
    step = back_over(row, place - 1, ("word", "article"))
    return _named(row[step]) if step >= 0 and row[step].kind == "side" else None


def _next_side(row: Clause, start: int, end: int, barriers: tuple[str, ...]) -> Side | None:
    """The first side named from `start` on, unless a cue, a barrier or the next subject comes before it."""
    for place in range(start, end):
        kinds = [token.kind for token in row[place + 1: place + 3]]
        owned = row[back_over(row, place - 1, ("article",))].kind == "preposition"
        if row[place].kind in barriers or row[place].is_cue or (row[place].kind == "side" and kinds in _SUBJECT and not owned):
            return None
        if row[place].kind == "side":
            return _named(row[place])
    return None


def _side_of_owner(row: Clause, head: int) -> Side | None:
    """The side of `the left arm` in `the left arm shows a reduced swing`."""
    for place in range(head - 1, -1, -1):
        if row[place].kind == "than":
            return None
        if row[place].kind == "feature" and _same_limb(row[place], row[head]) and _side_before(row, place):
            return _side_before(row, place)
    return None


def _same_limb(owner: Token, owned: Token) -> bool:
    if owned.value == "gait":
        return owner.value == "arm"
    return owner.value == owned.value or (owner.value == "steps" and owned.value in ("foot_lift", "step_length"))


def _named(token: Token) -> Side | None:
    return token.value if token.value in ("left", "right", "both") else None
