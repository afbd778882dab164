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
from agir_plugin.rationale.features import DEGREES, FEATURES, lacks_norm
from agir_plugin.rationale.findings import Finding, findings_of
from agir_plugin.records import GaitParameters, Rationale

#: Always in the Foot part when measured, in this order; one of `FOOT_THIRD` follows.
FOOT_ALWAYS = ("speed", "step_length")
#: The one that deviates more is mentioned; the first when neither deviates.
FOOT_THIRD = ("cadence", "foot_lift")
#: Beside the rhythm, the Overall part mentions the first of these that deviates: those that a short walk shows most
#: reliably stand first, so that what is mentioned does not change with chance from walk to walk.
OVERALL_EXTRA = ("trunk_flexion", "step_width", "step_asymmetry", "step_length_variability")
#: Nouns that take "the" at the head of a clause.
_WITH_ARTICLE = ("base", "trunk", "pace", "posture", "rhythm", "steps")
_OTHER = {"left": "right", "right": "left"}


def write(gait: GaitParameters, score: int, key: str) -> Rationale:
    """The rationale of one walk; `key` (the walk's name) chooses the wording.

    Only confident findings are mentioned. No digits, no score, no diagnosis, medication, turning or freezing.
    Raises LabelError for a score other than 0, 1, 2.
    """
    if score not in SCORES:
        raise LabelError(f"{key}: expected a gait score of {SCORES} to explain, got {score!r}; check the walk's label")
    everything = findings_of(gait)
    found = {finding.feature: finding for finding in everything if finding.section != "arm"}
    arms = [finding for finding in everything if finding.section == "arm"]
    voice = _Voice(key)
    overall = _overall(found, _conflict(everything, score), voice, score)
    foot_silent, arm_silent = (_silence(gait, features) for features in ((*FOOT_ALWAYS, *FOOT_THIRD), ("arm_swing",)))
    return Rationale(_foot(found, voice, foot_silent), _arm(arms, voice, arm_silent), overall)


def _silence(gait: GaitParameters, features: Sequence[str]) -> str:
    """Why some of the features are not spoken of: the ending of the phrases that say so."""
    return "without_norm" if any(lacks_norm(FEATURES[key], gait) for key in features) else "unmeasured"


class _Voice:
    """Chooses among alternatives by a hash of the walk's key and the place in the text."""

    def __init__(self, key: str) -> None:
        self.key = key

    def pick(self, options: Sequence[Any], place: str) -> Any:
        """One of the options; the same for the same key and place, on every machine."""
        digest = hashlib.blake2b(f"{self.key}\0{place}".encode(), digest_size=8).digest()
        return options[int.from_bytes(digest, "big") % len(options)]

    def adjective(self, finding: Finding, options: Sequence[str]) -> str:
        """`slightly reduced`, `normal`: the degree's adverb and one of the adjectives."""
        adjective = self.pick(options, f"{finding.feature} adjective")
        if finding.degree == "normal":
            return adjective
        return f"{self.pick(_phrases()['degree'][finding.degree], f'{finding.feature} degree')} {adjective}"

    def degree_of(self, finding: Finding) -> str:
        """The degree as it stands before a noun: `slight`, `clear`."""
        return self.pick(_phrases()["degree_of"][finding.degree], f"{finding.feature} degree")

    def noun_phrase(self, finding: Finding) -> str:
        """`a slightly reduced walking speed`, `steps of normal length`."""
        entry = self._entry(finding)
        words = self.adjective(finding, entry[finding.direction])
        if words.startswith("of "):
            phrase = f"{entry['noun']} {words}"
        else:
            phrase = f"{words} {entry['noun']}"
        return phrase if entry.get("bare") else _with_article(phrase)

    def clause(self, finding: Finding) -> str:
        """`walking speed is slightly reduced`, `steps are of normal length`."""
        entry = self._entry(finding)
        article = "the " if entry["noun"] in _WITH_ARTICLE else ""
        return f"{article}{entry['noun']} {entry.get('verb', 'is')} {self.adjective(finding, entry[finding.direction])}"

    def _entry(self, finding: Finding) -> dict[str, Any]:
        entries = [entry for entry in _phrases()["nouns"][finding.feature] if finding.direction in entry]
        return self.pick(entries, f"{finding.feature} noun")


def _foot(found: dict[str, Finding], voice: _Voice, silence: str) -> str:
    phrases = _phrases()["foot"]
    third = _most_deviant(found, FOOT_THIRD)
    chosen = [found[key] for key in FOOT_ALWAYS if key in found] + ([third] if third else [])
    if not chosen:
        return voice.pick(phrases[silence], "foot unmeasured")
    sentence = voice.pick(phrases["plans"], "foot plan").format(
        nps=_join([voice.noun_phrase(finding) for finding in chosen]),
        clauses=_join([voice.clause(finding) for finding in chosen]),
        grouped=_grouped(chosen, voice),
    )
    return _sentence(sentence if len(chosen) > 1 else sentence.rstrip(".") + phrases[f"rest_{silence}"] + ".")


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


def _arm(arms: list[Finding], voice: _Voice, silence: str) -> str:
    phrases = _phrases()["arm"]
    swings = [finding for finding in arms if finding.feature == "arm_swing"]
    asymmetry = next((finding for finding in arms if finding.feature == "arm_asymmetry"), None)
    if not swings:
        return voice.pick(phrases[silence], "arm unmeasured")
    kind = "different" if len(swings) == 2 else "same" if swings[0].side == "both" else f"one_side_{silence}"
    words = [voice.adjective(finding, _phrases()["nouns"]["arm_swing"][0][finding.direction]) for finding in swings]
    side = swings[0].side
    slots = {"word": words[0], "a_word": _with_article(words[0]), "side": side, "other": _OTHER.get(side)}
    for number, (finding, word) in enumerate(zip(swings, words, strict=True), start=1):
        slots |= {f"word_{number}": word, f"a_word_{number}": _with_article(word), f"side_{number}": finding.side}
    slots["asymmetry"] = _asymmetry(kind, asymmetry, voice)
    return _sentence(voice.pick(phrases[kind], "arm plan").format(**slots))


def _asymmetry(kind: str, asymmetry: Finding | None, voice: _Voice) -> str:
    """The end of the Arm part that compares the sides; empty when it says nothing beyond the sides' own words."""
    phrases = _phrases()["arm"]
    if asymmetry is None or kind.startswith("one_side"):
        return ""
    if asymmetry.direction == "normal":
        return voice.pick(phrases["same_symmetric"], "arm symmetric") if kind == "same" else ""
    options = phrases["equal_asymmetric" if asymmetry.side is None else f"{kind}_asymmetric"]
    return voice.pick(options, "arm asymmetric").format(
        degree_of=voice.degree_of(asymmetry), side=asymmetry.side, other=_OTHER.get(asymmetry.side)
    )


def _overall(found: dict[str, Finding], conflict: str | None, voice: _Voice, score: int) -> str:
    phrases = _phrases()["overall"]
    chosen = _overall_findings(found, conflict is not None)
    plan = "plan" if chosen else "bare"
    return _sentence(phrases[f"conflict_{plan}" if conflict else plan].format(
        level=voice.pick(phrases["level"][score], "overall level"),
        conflict=voice.pick(phrases[conflict], "overall conflict") if conflict else "",
        details=", and ".join(
            [voice.noun_phrase(finding) for finding in chosen[:1]] + [voice.clause(finding) for finding in chosen[1:]]
        ),
    ))


def _overall_findings(found: dict[str, Finding], conflict: bool) -> list[Finding]:
    """The rhythm, and beside it what deviates; only the more deviant of the two where a conflict takes up the room."""
    present = [found[key] for key in OVERALL_EXTRA if key in found]
    deviating = [finding for finding in present if finding.degree != "normal"]
    rhythm, extra = found.get("rhythm"), next(iter(deviating or present), None)
    if rhythm is None or extra is None:
        return [finding for finding in (rhythm, extra) if finding]
    if conflict:
        return [max((rhythm, extra), key=_rank)]
    return [rhythm, extra] if extra.degree != "normal" else [rhythm]


def _conflict(everything: Sequence[Finding], score: int) -> str | None:
    """`near_normal` or `changed` where the session's label and this walk's measures differ by more than a degree.

    One outlying measure is not yet a changed walk, so two have to lie beyond the label.
    """
    ranks = sorted(map(_rank, everything), reverse=True)
    if ranks and ranks[0] < score:
        return "near_normal"
    return "changed" if len(ranks) > 1 and ranks[1] > score + 1 else None


def _most_deviant(found: dict[str, Finding], keys: Sequence[str]) -> Finding | None:
    present = [found[key] for key in keys if key in found]
    return max(present, key=_rank, default=None)


def _rank(finding: Finding) -> int:
    return DEGREES.index(finding.degree)


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
