"""The few-shot prompt: printed question lines, criteria, norms and nine exemplars that agree with their own numbers."""
from __future__ import annotations

from collections import Counter

import pytest

from agir_plugin.errors import LabelError
from agir_plugin.rationale import agreement, check, forbidden
from agir_plugin.rationale.criteria import criteria_block, criterion
from agir_plugin.rationale.prompt import build_prompt, exemplars, question_line


def test_the_two_printed_questions_are_reproduced_from_their_numbers():
    assert question_line(0, 110.0, 1.26, 3.4, 0.17) == (
        "The MDS-UPDRS Gait score is 0. Cadence: 110.0, Speed: 1.26m/s, Coefficient of variation of speed: 3.4%, "
        "Maximal vertical height of the foot from the ground in swing phase: 0.17m."
    )
    assert question_line(2, 46.0, 0.18, 37.7, 0.07, role="input") == (
        "The MDS-UPDRS Gait score is 2. Cadence: 46.0, Speed: 0.18 m/s, Coefficient of variation of speed: 37.7%, "
        "Maximal vertical height of the foot from the ground in swing phase: 0.07m."
    )


def test_a_missing_number_is_written_as_such():
    assert "Speed: not measured, Coefficient" in question_line(1, 100.0, None, 3.0, 0.1)


def test_nine_exemplars_three_for_each_score():
    assert Counter(score for _, score, _ in exemplars()) == {0: 3, 1: 3, 2: 3}


@pytest.mark.parametrize("number", range(9))
def test_each_exemplar_agrees_with_its_own_numbers(make_walk, number):
    values, _, answer = exemplars()[number]
    left, right = values["arm_swing_deg_left"], values["arm_swing_deg_right"]
    gait = make_walk(**values, arm_swing_asymmetry_pct=200 * abs(left - right) / (left + right))
    statements = check(answer, gait)
    assert agreement(statements) == 1.0 and len(statements) >= 5
    assert forbidden(answer) == ()
    assert values["speed_mps"] * 60 / values["cadence_spm"] == pytest.approx(values["step_length_m"], abs=0.02)


def test_the_prompt_has_its_parts_in_order(make_walk):
    gait = make_walk(cadence_spm=46.0, speed_mps=0.18, speed_cv_pct=37.7, foot_lift_m=0.07)
    prompt = build_prompt(gait, 2)
    parts = ("Instruction.", "Criteria", "Normal values", "Exemplars.", "Input question.")
    places = [prompt.index(part) for part in parts]
    assert places == sorted(places) and prompt.count("Question. The MDS") == 9 and prompt.count("Answer. Foot:") == 9
    assert prompt.endswith(f"Input question. {question_line(2, 46.0, 0.18, 37.7, 0.07, role='input')}\n")
    assert criteria_block() in prompt and "speed_mps: 1.2 +/- 0.2 m/s" in prompt


def test_only_confident_parameters_leave_the_machine(make_walk):
    prompt = build_prompt(make_walk("low", cadence_spm=46.0, arm_swing_deg_left=12.0), 1)
    question = prompt.rpartition("Input question.")[2]
    assert "Cadence: not measured" in question and "arm" not in question and "made up" not in prompt


def test_words_and_file_name_of_an_own_table_of_norms_stay_here(make_walk, tmp_path, monkeypatch):
    for words in ("", "people: Ward 7 of St. Elsewhere"):
        table = tmp_path / "clinic_smith.yaml"
        table.write_text(f"{words}\nnorms: {{speed_mps: {{mean: 1.31, sd: 0.1, unit: m/s, source: Ward 7}}}}")
        monkeypatch.setenv("AGIR_NORMS", str(table))
        prompt = build_prompt(make_walk(speed_mps=1.0), 1)
        assert "Normal values of healthy people (mean +/- SD):\nspeed_mps: 1.31 +/- 0.1 m/s" in prompt
        assert "smith" not in prompt and "Ward" not in prompt


def test_the_prompt_is_the_same_each_time_and_differs_by_score(make_walk):
    gait = make_walk(cadence_spm=100.0)
    assert build_prompt(gait, 1) == build_prompt(gait, 1) != build_prompt(gait, 2)


@pytest.mark.parametrize("score", [3, 4, -1])
def test_scores_outside_the_scale_are_refused(score):
    with pytest.raises(LabelError, match="got"):
        criterion(score)
    with pytest.raises(LabelError, match="expected a gait score"):
        question_line(score, 1.0, 1.0, 1.0, 1.0)
