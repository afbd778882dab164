"""The JSON object of an assessment: its keys, its values, and that it is plain JSON."""
from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from agir_plugin.gait import from_json, report_json
from agir_plugin.report import assessment_json

KEYS = (
    "schema", "file", "status", "reasons", "score", "score_word", "probabilities", "rationale", "statements",
    "verdicts", "gait", "windows", "provenance", "notices",
)


def test_an_answered_walk(assessment):
    values = assessment_json(assessment)
    assert tuple(values) == KEYS and values["schema"] == "agir-assessment/1"
    assert (values["status"], values["score"], values["score_word"], values["windows"]) == ("ok", 2, "mild", 2)
    assert values["probabilities"] == {"0": 0.05, "1": 0.25, "2": 0.7}
    assert values["rationale"] == asdict(assessment.rationale)
    assert values["statements"][0] == asdict(assessment.statements[0])
    assert values["verdicts"] == {"supported": 1, "contradicted": 1, "not_checkable": 1}
    assert values["notices"] == ["Research software, not a medical device.", "Trained on synthetic data."]
    assert values["provenance"]["cohort"]["synthetic"] is True


def test_a_refused_walk_has_the_same_keys_and_no_answer(refused):
    values = assessment_json(refused)
    assert tuple(values) == KEYS and values["status"] == "refused"
    assert values["reasons"] == ["expected at least 1 s of walking, the recording has 0.45 s"]
    for key in ("score", "score_word", "probabilities", "rationale"):
        assert values[key] is None
    assert values["statements"] == [] and values["gait"]["status"] == "refused"


@pytest.mark.parametrize("which", ["assessment", "refused"])
def test_it_survives_json(which, request):
    values = assessment_json(request.getfixturevalue(which))
    assert json.loads(json.dumps(values, allow_nan=False)) == values


def test_the_gait_part_is_that_of_the_gait_command(assessment, gait):
    part = assessment_json(assessment)["gait"]
    assert part == report_json(assessment.file, gait)
    assert from_json(part).parameters == gait.parameters


def test_provenance_that_json_does_not_know_becomes_text(assessment):
    odd = replace(assessment, provenance={"run": Path("a") / "b", "seeds": (1, 2), "best": None})
    assert assessment_json(odd)["provenance"] == {"run": "a/b", "seeds": [1, 2], "best": None}
