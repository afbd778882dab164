"""Gait parameters and a score in, a three-part `Rationale` out: offline, from rules, the same bytes for the same walk.

Wording varies from walk to walk by a hash of the walk's key; what is said depends on the parameters alone.
"""
from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from agir_plugin.consts import SCORES
from agir_plugin.errors import LabelError
from agir_plugin.rationale.features import DEGREES
from agir_plugin.rationale.findings import Finding, findings
from agir_plugin.records import GaitParameters, Rationale

#: Always in the Foot part when measured, in this order; one of `FOOT_THIRD` follows.
FOOT_ALWAYS = ("speed", "step_length")
#: The one that deviates more is mentioned; the first when neither deviates.
FOOT_THIRD = ("cadence", "foot_lift")
#: Beside the rhythm, the Overall part mentions the one of these that deviates most; the first when none deviates.
OVERALL_EXTRA = ("step_asymmetry", "step_width", "trunk_flexion", "step_length_variability")
_OTHER = {"left": "right", "right": "left"}


def write(gait: GaitParameters, score: int, key: str) -> Rationale:
    """The rationale of one walk; `key` (the walk's name) chooses the wording.

    Only confident findings are mentioned. No digits, no score, no diagnosis, medication, turning or freezing.
    Raises LabelError for a score other than 0, 1, 2.
    """
    if score not in SCORES:
        raise LabelError(f"{key}: expected a gait score of {SCORES} to explain, got {score!r}; check the walk's label")
    found = {finding.feature: finding for finding in findings(gait) if finding.section != "arm"}
    arms = [finding for finding in findings(gait) if finding.section == "arm"]
    worst = max((DEGREES.index(finding.degree) for finding in (*found.values(), *arms)), default=None)
    voice = _Voice(key)
    return Rationale(_foot(found, voice), _arm(arms, voice), _overall(found, worst, score, voice))


class _Voice:
    """Chooses among alternatives by a hash of the walk's key and the place in the text."""

    def __init__(self, key: str) -> None:
        self.key = key

    def pick(self, options: Sequence[Any], place: str) -> Any:
        digest = hashlib.blake2b(f"{self.key}\0{place}".encode(), digest_size=8).digest()
        return options[int.from_bytes(digest, "big") % len(options)]

    def adjective(self, finding: Finding, options: Sequence[str]) -> str:
        """`slightly reduced`, `normal`: the degree's adverb and one of the adjectives."""
        adjective = self.pick(options, f"{finding.feature} adjective")
        if finding.degree == "normal":
            return adjective
        return f"{self.pick(_phrases()['degree'][finding.degree], f'{finding.feature} degree')} {adjective}"

    def degree_of(self, finding: Finding) -> str:
        return self.pick(_phrases()["degree_of"][finding.degree], f"{finding.feature} degree")

    def noun_phrase(self, finding: Finding) -> str:
        """`a slightly reduced walking speed`, `steps of normal length`."""
        entry = self._entry(finding)
        words = self.adjective(finding, entry[finding.direction])
        if words.startswith("of "):
            phrase = f"{entry['noun']} {words}"
        else:
            phrase = f"{words} {entry['noun']}"
        return phrase if entry.get("plural") else _with_article(phrase)

    def clause(self, finding: Finding) -> str:
        """`walking speed is slightly reduced`, `steps are of normal length`."""
        entry = self._entry(finding)
        verb = "are" if entry.get("plural") else "is"
        article = "the " if entry["noun"] in ("base", "trunk", "pace", "steps") else ""
        return f"{article}{entry['noun']} {verb} {self.adjective(finding, entry[finding.direction])}"

    def _entry(self, finding: Finding) -> dict[str, Any]:
        entries = [entry for entry in _phrases()["nouns"][finding.feature] if finding.direction in entry]
        return self.pick(entries, f"{finding.feature} noun")


def _foot(found: dict[str, Finding], voice: _Voice) -> str:
    phrases = _phrases()["foot"]
    third = _most_deviant(found, FOOT_THIRD)
    chosen = [found[key] for key in FOOT_ALWAYS if key in found] + ([third] if third else [])
    if not chosen:
        return voice.pick(phrases["unmeasured"], "foot unmeasured")
    sentence = voice.pick(phrases["plans"], "foot plan").format(
        nps=_join([voice.noun_phrase(finding) for finding in chosen]),
        clauses=_join([voice.clause(finding) for finding in chosen]),
        grouped=_grouped(chosen, voice),
    )
    return _sentence(sentence if len(chosen) > 1 else sentence.rstrip(".") + phrases["rest_unmeasured"] + ".")


def _grouped(chosen: list[Finding], voice: _Voice) -> str:
    """`walking speed and cadence are both slightly reduced, while step length is normal`."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in chosen:
        groups.setdefault((finding.direction, finding.degree), []).append(finding)
    clauses = []
    for members in groups.values():
        nouns = [_phrases()["nouns"][member.feature][0]["noun"] for member in members]
        verb = {1: "is", 2: "are both"}.get(len(members), "are all")
        clauses.append(f"{_join(nouns)} {verb} {voice.adjective(members[0], [members[0].direction])}")
    return ", while ".join([_join(clauses[:-1]), clauses[-1]]) if len(clauses) > 1 else clauses[0]


def _arm(arms: list[Finding], voice: _Voice) -> str:
    phrases = _phrases()["arm"]
    swings = [finding for finding in arms if finding.feature == "arm_swing"]
    asymmetry = next((finding for finding in arms if finding.feature == "arm_asymmetry"), None)
    if not swings:
        return voice.pick(phrases["unmeasured"], "arm unmeasured")
    kind = "different" if len(swings) == 2 else "same" if swings[0].side == "both" else "one_side"
    words = [voice.adjective(finding, _phrases()["nouns"]["arm_swing"][0][finding.direction]) for finding in swings]
    slots = {"word": words[0], "a_word": _with_article(words[0]), "side": swings[0].side, "other": _OTHER.get(swings[0].side)}
    for number, (finding, word) in enumerate(zip(swings, words, strict=True), start=1):
        slots |= {f"word_{number}": word, f"a_word_{number}": _with_article(word), f"side_{number}": finding.side}
    slots["asymmetry"] = _asymmetry(kind, asymmetry, voice)
    return _sentence(voice.pick(phrases[kind], "arm plan").format(**slots))


def _asymmetry(kind: str, asymmetry: Finding | None, voice: _Voice) -> str:
    """The end of the Arm part that compares the sides; empty when it says nothing beyond the sides' own words."""
    phrases = _phrases()["arm"]
    if asymmetry is None or kind == "one_side":
        return ""
    if asymmetry.direction == "normal":
        return voice.pick(phrases["same_symmetric"], "arm symmetric") if kind == "same" else ""
    options = phrases[f"{kind}_asymmetric"]
    return voice.pick(options, "arm asymmetric").format(
        degree_of=voice.degree_of(asymmetry), side=asymmetry.side, other=_OTHER.get(asymmetry.side)
    )


def _overall(found: dict[str, Finding], worst: int | None, score: int, voice: _Voice) -> str:
    phrases = _phrases()["overall"]
    extra = _most_deviant(found, OVERALL_EXTRA)
    chosen = [finding for finding in (found.get("rhythm"), extra) if finding]
    plan = voice.pick(phrases["plans"], "overall plan") if chosen else phrases["bare"]
    return _sentence(plan.format(
        level=voice.pick(phrases["level"][score], "overall level"),
        conflict=_conflict(worst, score, voice),
        nps=_join([voice.noun_phrase(finding) for finding in chosen]),
        clauses=_join([voice.clause(finding) for finding in chosen]),
    ))


def _conflict(worst: int | None, score: int, voice: _Voice) -> str:
    """The words that admit a conflict between the session's label and this walk's measures (a label is not per walk)."""
    if worst is None:
        return ""
    if worst < score:
        return voice.pick(_phrases()["overall"]["near_normal"], "overall conflict")
    if worst > score + 1:
        return voice.pick(_phrases()["overall"]["changed"], "overall conflict")
    return ""


def _most_deviant(found: dict[str, Finding], keys: Sequence[str]) -> Finding | None:
    present = [found[key] for key in keys if key in found]
    return max(present, key=lambda finding: DEGREES.index(finding.degree), default=None)


def _join(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def _with_article(words: str) -> str:
    return f"an {words}" if words[0] in "aeiou" else f"a {words}"


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


@cache
def _phrases() -> dict[str, Any]:
    text = (files("agir_plugin.rationale") / "phrases.yaml").read_text(encoding="utf8")
    return yaml.safe_load(text)
