"""Many texts of any writer in; which are usable, what had to be mended, leaks and how much the checker understands out."""
from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agir_plugin.rationale.features import FEATURES
from agir_plugin.rationale.normalise import LEAK, Normalised, kind_of, normalise
from agir_plugin.rationale.parse import Claim, claims
from agir_plugin.rationale.verify import agreement, check
from agir_plugin.records import GaitParameters, Rationale, Statement
from agir_plugin.tasks.sections import SECTIONS


@dataclass(frozen=True)
class Surveyed:
    """One text: what `normalise` made of it, its claims, and their verdicts where the walk's parameters are known."""

    text: Normalised
    claims: tuple[Claim, ...]
    statements: tuple[Statement, ...] | None

    def sections_with(self, checkable: bool = False) -> int:
        """How many of the three parts hold a claim; with `checkable` one that rests on a measured parameter."""
        return len({claim.section for claim in self.claims if not checkable or FEATURES[claim.feature].kind != "judgement"})

    def as_json(self) -> dict[str, Any]:
        """What was found, as JSON values."""
        row: dict[str, Any] = {"usable": self.text.rationale is not None, "problem": self.text.problem}
        row["deviations"] = list(self.text.deviations)
        row["claims"] = [{"section": claim.section, "claim": claim.words(), "text": claim.text} for claim in self.claims]
        for each, statement in zip(row["claims"], self.statements or (), strict=False):
            each |= {"verdict": statement.verdict, "evidence": statement.evidence}
        return row


@dataclass(frozen=True)
class Survey:
    """Every text by its key."""

    texts: Mapping[str, Surveyed]

    @property
    def usable(self) -> list[Surveyed]:
        """Those that have three parts and can be used."""
        return [one for one in self.texts.values() if one.text.rationale is not None]

    @property
    def unusable(self) -> dict[str, str]:
        """Key -> why the text cannot be used."""
        return {key: one.text.problem for key, one in self.texts.items() if one.text.rationale is None}

    @property
    def leaking(self) -> list[str]:
        """Keys of the texts that give the score away."""
        return [key for key, one in self.texts.items() if any(kind_of(note) == LEAK for note in one.text.deviations)]

    @property
    def deviations(self) -> dict[str, int]:
        """Kind of deviation -> in how many texts it occurs, the most frequent first."""
        kinds = Counter(kind for one in self.texts.values() for kind in {kind_of(note) for note in one.text.deviations})
        return dict(sorted(kinds.items(), key=lambda item: (-item[1], item[0])))

    def share(self, checkable: bool = False) -> float | None:
        """Share of the usable texts' parts with a claim (see `Surveyed.sections_with`), 0 to 1; None without any."""
        parts = len(SECTIONS) * len(self.usable)
        return sum(one.sections_with(checkable) for one in self.usable) / parts if parts else None

    @property
    def statements(self) -> list[Statement]:
        """Every claim that was compared with its walk."""
        return [statement for one in self.texts.values() for statement in one.statements or ()]

    def as_json(self) -> dict[str, Any]:
        """Counts first, then every text by its key."""
        verdicts = Counter(statement.verdict for statement in self.statements)
        counts: dict[str, Any] = {
            "texts": len(self.texts), "usable": len(self.usable), "unusable": self.unusable, "score_leaks": self.leaking,
            "deviations": self.deviations, "parts": len(SECTIONS) * len(self.usable),
            "parts_with_a_claim": sum(one.sections_with() for one in self.usable),
            "parts_with_a_checkable_claim": sum(one.sections_with(checkable=True) for one in self.usable),
            "share_with_a_claim": self.share(), "claims": sum(len(one.claims) for one in self.texts.values()),
        }
        if any(one.statements is not None for one in self.texts.values()):
            counts |= {"verdicts": dict(sorted(verdicts.items())), "agreement": agreement(self.statements)}
        return {**counts, "by_text": {key: one.as_json() for key, one in self.texts.items()}}


def survey(texts: Mapping[str, str], gaits: Mapping[str, GaitParameters] | None = None) -> Survey:
    """Read every text as the writers do, and compare it with its walk where `gaits` (key -> parameters) has it."""
    return Survey({key: _surveyed(text, (gaits or {}).get(key)) for key, text in texts.items()})


def _surveyed(text: str, gait: GaitParameters | None) -> Surveyed:
    found = normalise(text)
    rationale: Rationale | None = found.rationale
    if rationale is None:
        return Surveyed(found, (), None)
    return Surveyed(found, claims(rationale), None if gait is None else check(rationale, gait))
