"""An `Assessment` in, plain values for JSON out: the contract of `agir assess --json`.

    schema         "agir-assessment/1"; changes when a key changes its meaning
    file           the assessed file
    status         "ok" or "refused"
    reasons        why the walk was refused, else empty
    score          0, 1 or 2; null when refused
    score_word     "normal", "slight" or "mild"; null when refused
    probabilities  {"0": p, "1": p, "2": p}; null when refused
    rationale      {"foot", "arm", "overall"}; null when refused
    statements     list of {section, text, feature, claim, verdict, evidence}
    verdicts       {"supported", "contradicted", "not_checkable"}: how many statements have each
    gait           what was measured: `agir_plugin.gait.report_json`, the object of `agir gait --json`
    windows        windows of the walk that the model read
    provenance     run, cohort, versions, weights: as the run has them
    notices        sentences to show with the result
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, get_args, get_type_hints

from agir_plugin.consts import SCORES
from agir_plugin.gait import report_json
from agir_plugin.records import Assessment, Statement
from agir_plugin.report.wording import SCORE_WORDS, notices

#: Version of the object's layout.
SCHEMA = "agir-assessment/1"
#: The verdicts that a statement can have.
VERDICTS = get_args(get_type_hints(Statement)["verdict"])


def assessment_json(assessment: Assessment) -> dict[str, Any]:
    """The JSON object of one assessed walk, refused or not; all keys are always there."""
    refused = assessment.gait.status == "refused"
    given = [statement.verdict for statement in assessment.statements]
    return {
        "schema": SCHEMA,
        "file": assessment.file,
        "status": assessment.gait.status,
        "reasons": list(assessment.gait.reasons),
        **(dict.fromkeys(("score", "score_word", "probabilities", "rationale")) if refused else _answer(assessment)),
        "statements": [asdict(statement) for statement in assessment.statements],
        "verdicts": {verdict: given.count(verdict) for verdict in VERDICTS},
        "gait": report_json(assessment.file, assessment.gait),
        "windows": assessment.windows,
        "provenance": _plain(assessment.provenance),
        "notices": list(notices(assessment)),
    }


def _answer(assessment: Assessment) -> dict[str, Any]:
    return {
        "score": int(assessment.score),
        "score_word": SCORE_WORDS[assessment.score],
        "probabilities": {str(score): float(p) for score, p in zip(SCORES, assessment.probabilities, strict=True)},
        "rationale": asdict(assessment.rationale),
    }


def _plain(value: Any) -> Any:
    """Mappings, sequences, numbers and texts as JSON has them; anything else (a path) as its text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
