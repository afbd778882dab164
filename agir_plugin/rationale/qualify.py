"""One clause of tagged tokens in; what qualifies a cue out: its degree, its negation, other cues that modify it."""
from __future__ import annotations

from agir_plugin.rationale.features import DEGREES, Degree
from agir_plugin.rationale.lexicon import Clause, back_over, on_over

#: Kinds that may stand between a modifier and what it modifies.
_BETWEEN = ("feature", "word", "degree", "side")
#: Cue nouns that a predicate may speak of (`variability is low`).
_SUBJECT_NOUNS = ("irregular", "regular", "asymmetric", "symmetric")
#: Cue nouns that take away what follows them.
_TAKING = ("lack", "absent")


def degrees(row: Clause, cue: int) -> tuple[Degree, ...]:
    """The degrees that the words beside a cue admit, mildest first; empty when there are none."""
    found = _degrees_before(row, cue) or _degrees_after(row, cue)
    return tuple(degree for degree in DEGREES if degree in found)


def negated(row: Clause, cue: int) -> bool:
    """True when `no`, `not`, `without`, `neither` reach this cue."""
    for step in range(cue - 1, -1, -1):
        token = row[step]
        if token.kind == "negation" or (token.value == "lack" and row[cue].kind == "adjective"):
            return True
        new_subject = token.kind == "comma" and [other.kind for other in row[step + 1: step + 3]] == ["side", "feature"]
        if new_subject or token.kind in ("with", "than") or (token.is_cue and not _listed(row, step, cue)):
            return False
        lists_nouns = row[cue].kind == "noun" and step > 0 and row[step - 1].kind in ("noun", "feature", "word")
        if token.kind == "and" and not lists_nouns:
            return any(earlier.text == "neither" for earlier in row[:step])
    return False


def modifier(row: Clause, cue: int) -> str | None:
    """The family of what modifies a cue noun: `minimal` in `minimal variability` and in `variability is minimal`."""
    if row[cue].kind != "noun":
        return None
    for place in range(cue + 1, len(row)):
        if said_of_noun(row, place) == cue:
            return row[place].value
    step = back_over(row, cue - 1, _BETWEEN)
    modifies = step >= 0 and (row[step].kind == "adjective" or row[step].value in _TAKING)
    return row[step].value if modifies else None


def modifies_cue(row: Clause, cue: int) -> bool:
    """True for the first cue of `minimal variability`, `reduced step time variability`, `lack of symmetry`."""
    taking = row[cue].value in _TAKING
    if (row[cue].kind == "noun" and not taking) or is_predicate(row, cue):
        return False
    step = on_over(row, cue + 1, _BETWEEN)
    if step == len(row) or (row[step].value in ("independent", "shuffling") and not taking):
        return False
    return row[step].kind == "noun" or (row[cue].value == "lack" and row[step].kind == "adjective")


def said_of_noun(row: Clause, cue: int) -> int | None:
    """The cue noun that a predicate adjective speaks of: `variability` in `variability of step time is low`."""
    if row[cue].kind != "adjective":
        return None
    if cue and row[cue - 1].kind == "noun" and row[cue - 1].value in (*_SUBJECT_NOUNS, "independent"):
        return cue - 1 if cue + 1 == len(row) or row[cue + 1].kind not in ("feature", "noun", "word", "degree") else None
    verb = back_over(row, cue - 1, ("degree", "negation", "word"))
    if verb < 0 or row[verb].kind != "link":
        return None
    noun = back_over(row, verb - 1, ("feature", "preposition", "article", "side"))
    return noun if noun >= 0 and row[noun].kind == "noun" and row[noun].value in _SUBJECT_NOUNS else None


def governor(row: Clause, cue: int) -> int | None:
    """What says of the cue noun at a list's end that it is amiss.

    `abnormalities` in `no abnormalities in rhythm or symmetry`, `poor` in `poor balance and symmetry`.
    """
    start = list_start(row, cue)
    if not 0 <= start < cue - 1:
        return None
    if row[start].kind == "noun" and row[start].value == "abnormal":
        return start if row[start + 1].kind == "preposition" else None
    return start if row[start].kind == "adjective" and row[start].value in ("less", "abnormal") else None


def list_start(row: Clause, cue: int) -> int:
    """The place before the list of features and joining words that a cue noun ends; -1 at the clause's start."""
    return back_over(row, cue - 1, ("feature", "preposition", "article", "and", "or", "comma"))


def is_predicate(row: Clause, cue: int) -> bool:
    """True when the adjective follows a linking verb and no feature follows it directly."""
    if cue + 1 < len(row) and row[cue + 1].kind == "feature":
        return False
    passed = ("degree", "negation", "word", "and", "or", "comma", "side", "preposition", "adjective", "noun")
    verb = back_over(row, cue - 1, passed)
    return verb >= 0 and row[verb].kind == "link"


def _degrees_before(row: Clause, cue: int) -> set[Degree]:
    """Degrees of `slight to moderate`, `marked step time` before a cue; at most one plain word may stand between."""
    found: set[Degree] = set()
    crossed = False
    for step in range(cue - 1, -1, -1):
        kind = row[step].kind
        if kind == "degree":
            found |= set(row[step].degrees)
            crossed = False
        elif crossed or not _may_stand_before(row, step, cue, bool(found)):
            break
        else:
            crossed = kind == "word"
    return found


def _may_stand_before(row: Clause, step: int, cue: int, some_found: bool) -> bool:
    kind = row[step].kind
    if kind in ("and", "or", "preposition"):
        return some_found and step > 0 and row[step - 1].kind == "degree"
    return kind in ("word", "side") or (kind == "feature" and row[cue].kind == "noun")


def _degrees_after(row: Clause, cue: int) -> set[Degree]:
    """The degree of `reduced slightly`, unless it belongs to what comes next."""
    if row[cue].kind != "adjective" or cue + 1 == len(row) or row[cue + 1].kind != "degree":
        return set()
    follows = row[cue + 2].kind if cue + 2 < len(row) else "stop"
    return set() if follows in ("adjective", "noun", "feature") else set(row[cue + 1].degrees)


def _listed(row: Clause, earlier: int, cue: int) -> bool:
    """True when two cues stand in one list (`reduction or asymmetry`), or the first modifies the second."""
    between = {token.kind for token in row[earlier + 1: cue]}
    if between <= set(_BETWEEN):
        return True
    barriers = {"link", "have", "with"} if "or" in between else {"link", "have", "with", "preposition"}
    return bool(between & {"or", "comma", "and"}) and row[earlier].kind == row[cue].kind and not between & barriers
