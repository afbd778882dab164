"""One clause of tagged tokens in; which feature words each cue speaks of, and on which side, out.

A cue may modify a feature ("reduced speed"), be said of it ("speed is reduced"), happen in it ("reduction in speed") or
follow it ("speed reduction").
"""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agir_plugin.rationale.features import Side
from agir_plugin.rationale.lexicon import Clause, back_over, on_over
from agir_plugin.rationale.qualify import governor, is_predicate, list_start, modifies_cue, said_of_noun
from agir_plugin.rationale.sides import side_of

#: Kinds that may stand inside a noun phrase without ending it.
_INSIDE = ("article", "side", "word", "degree")
_JOINING = ("and", "comma", "or")
#: Feature words that give way to a more specific one beside them.
_GENERAL = ("gait", "steps")


@dataclass(frozen=True)
class Link:
    """A cue (its place in the clause), the feature word it speaks of (None: not named), and the side."""

    cue: int
    feature: str | None
    side: Side | None


def links(row: Clause, cue: int) -> Iterator[Link]:
    """The features that a cue speaks of; one link without a feature when none is named."""
    noun = said_of_noun(row, cue)
    if modifies_cue(row, cue) or (noun is not None and not _listed_after_features(row, noun)):
        return
    if noun is not None:
        places = _subject(row, noun)
    else:
        places = _heads_of_noun(row, cue) if row[cue].kind == "noun" else _heads_of_adjective(row, cue)
    for place in places:
        yield Link(cue, row[place].value, side_of(row, cue, place))
    if not places:
        yield Link(cue, None, side_of(row, cue, None))


def _heads_of_adjective(row: Clause, cue: int) -> list[int]:
    ahead = [] if is_predicate(row, cue) else _forward(row, cue + 1)
    if ahead:
        return ahead
    behind, inside = _subject(row, cue), _after_preposition(row, cue)
    if _other_side(row, inside, behind):
        return inside
    if any(row[place].value not in _GENERAL for place in behind):
        return behind
    return inside or behind


def _other_side(row: Clause, inside: list[int], behind: list[int]) -> bool:
    """True for the `right arm` of `normal in the left arm and reduced in the right arm`."""
    return bool(inside) and row[inside[0] - 1].kind == "side" and row[inside[0]].value in {row[place].value for place in behind}


def _heads_of_noun(row: Clause, cue: int) -> list[int]:
    family = row[cue].value
    if family in ("absent", "lack"):
        return _forward(row, cue + 1)
    places = _after_preposition(row, cue) or _compound(row, cue)
    if not places and _listed_after_features(row, cue) and _stands_for_itself(row, cue):
        return []
    if not places and family == "abnormal" and any(token.kind == "comma" for token in row[:cue]):
        return []
    return places or _subject(row, cue)


def _listed_after_features(row: Clause, noun: int) -> bool:
    """True for the `symmetry` of `speed, rhythm and symmetry are good`."""
    return noun > 1 and row[noun - 1].kind in _JOINING and row[noun - 2].kind in ("feature", "comma")


def _stands_for_itself(row: Clause, noun: int) -> bool:
    """True where something is said of the noun itself, or of the list that it ends (`good balance and symmetry`)."""
    start = list_start(row, noun)
    if start >= 0 and row[start].kind == "adjective":
        return True
    return governor(row, noun) is not None or any(said_of_noun(row, place) == noun for place in range(noun, len(row)))


def _after_preposition(row: Clause, cue: int) -> list[int]:
    """Features of `reduction in X`, `asymmetry and variability of X and Y`, `slow in speed`, `problems with X`."""
    step = on_over(row, cue + 1, ("word", "degree", "noun", *_JOINING))
    if step == len(row) or row[step - 1].kind == "comma":
        return []
    following = [token.kind for token in row[step + 1: step + 3] if token.kind != "article"]
    troubled = row[cue].value == "abnormal" and row[step].text == "with" and following[:1] == ["feature"]
    return _forward(row, step + 1) if troubled or row[step].kind == "preposition" else []


def _forward(row: Clause, start: int) -> list[int]:
    """Features of the noun phrase, or list of noun phrases, that begins at `start`."""
    places: list[int] = []
    words, joined = 0, False
    for step in range(start, len(row)):
        token = row[step]
        if token.kind == "feature" and not (joined and _stands_alone(row, step)):
            places = [*(places if joined else places[:-1]), step]
            words, joined = 0, False
        elif token.kind in _JOINING and (places or _adjective_follows(row, step)):
            joined = bool(places)
        elif not places and (token.kind == "adjective" or token.value == "shuffling"):
            words = 0
        elif _inside(token.kind, bool(places), joined) and words + (token.kind == "word") <= 2:
            words += token.kind == "word"
        else:
            break
    return places


def _inside(kind: str, some_found: bool, joined: bool) -> bool:
    """True for what a noun phrase may hold; once its feature is found only the next list item may bring new words."""
    if some_found and (kind == "degree" or (kind == "word" and not joined)):
        return False
    return kind in _INSIDE


def _stands_alone(row: Clause, place: int) -> bool:
    """True where a feature after `and` opens something new: `steps of normal length`, `cadence is`, a general word."""
    following = [token.kind for token in row[place + 1: place + 3]]
    opens = following == ["preposition", "adjective"] or following[:1] in (["link"], ["have"]) or _described(row, place)
    opens = opens or (following[:1] == ["noun"] and row[place - 1].kind == "comma")
    return opens or row[place].value in _GENERAL


def _described(row: Clause, place: int) -> bool:
    """True for the `pace` of `normal base, pace a bit slow`, which has an adjective of its own after it."""
    after = on_over(row, place + 1, ("degree",))
    if after == len(row) or row[after].kind != "adjective":
        return False
    return after + 1 == len(row) or row[after + 1].kind not in ("feature", "noun", "word", "degree")


def _adjective_follows(row: Clause, step: int) -> bool:
    kinds = [token.kind for token in row[step + 1: step + 3]]
    if row[step].kind == "comma" and kinds == ["word", "feature"]:  # `long, confident strides`
        return True
    following = [token for token in row[step + 1: step + 4] if token.kind not in ("degree", "word", "and", "comma")]
    return bool(following) and (following[0].kind == "adjective" or following[0].value == "shuffling")


def _compound(row: Clause, cue: int) -> list[int]:
    """Features directly before a cue noun: `step width and timing variations`."""
    places: list[int] = []
    step = cue - 1
    while step >= 0 and (row[step].kind == "feature" or (places and row[step].kind in _JOINING)):
        if row[step].kind == "comma" and not any(token.kind in ("and", "or") for token in row[step: cue]):
            break  # `despite normal steps, arm swing asymmetry` is no list
        if row[step].kind == "feature":
            places.insert(0, step)
        elif row[step - 1].kind != "feature":
            break
        step -= 1
    return places


def _subject(row: Clause, cue: int) -> list[int]:
    """The features that a predicate speaks of: back over the verb, then the list of features before it."""
    step = cue - 1
    while step >= 0 and row[step].kind != "feature":
        if row[step].text.startswith("there"):  # `and there is no ...` begins anew
            return []
        step -= 1
    places: list[int] = []
    phrase: list[int] = []
    start = back_over(row, step, ("feature", "preposition", *_JOINING, *_INSIDE))
    for place in range(step, start, -1):
        if row[place].kind == "feature":
            phrase = _joined(row, place, phrase)
        elif row[place].kind in _JOINING:
            places, phrase = [*phrase, *places], []
    # of `normal length and cadence are low` only the cadence is low: the length has its own adjective
    # and of `the right arm does not swing, left arm swing normal` only the left arm
    described = start >= 0 and (row[start].kind == "adjective" or row[start].text == "not") and bool(places)
    places = places if described else [*phrase, *places]
    return [place for place in places if row[place].value not in _GENERAL] or places[-1:]


def _joined(row: Clause, head: int, inner: list[int]) -> list[int]:
    """One noun phrase's features: `swing of the arms` is one, of `coordination between arms` only the first counts."""
    if inner and row[head].value in (row[inner[0]].value, *_GENERAL):
        return inner
    governs = inner and any(row[step].kind == "preposition" for step in range(head, inner[0]))
    return [head] if governs else [head, *inner]
