"""The rule-based writer: deterministic, varied, right about sides, and silent about what it may not say."""
from __future__ import annotations

import re
from dataclasses import replace

import pytest

from agir_plugin.errors import LabelError
from agir_plugin.gait import norms
from agir_plugin.rationale import agreement, check, forbidden, write
from agir_plugin.rationale.findings import findings_of
from agir_plugin.records import Rationale
from agir_plugin.tasks.structure import build, parse

NORMAL = {name: norm.mean for name, norm in norms().items()}
SWAP = {"left": "right", "right": "left"}


def words(rationale: Rationale) -> list[str]:
    return re.findall(r"[a-z]+", f"{rationale.foot} {rationale.arm} {rationale.overall}".lower())


def test_the_same_walk_gives_the_same_words_and_another_key_other_words(make_walk):
    gait = make_walk(**NORMAL)
    assert write(gait, 0, "SUB01_off_walk_1") == write(gait, 0, "SUB01_off_walk_1")
    assert len({write(gait, 0, f"SUB01_off_walk_{number}").text() for number in range(60)}) > 30


def test_the_wording_does_not_depend_on_the_process(make_walk):
    """A hash that Python salts anew in each process would give another text here."""
    gait = make_walk(speed_mps=1.2, step_length_m=0.64, cadence_spm=110.0)
    assert write(gait, 0, "w").foot == "Walking speed, step length and cadence are all normal."


def test_what_is_said_depends_on_the_parameters_and_not_on_the_key(make_walk):
    gait = make_walk(speed_mps=0.7, step_length_m=0.55, cadence_spm=96.0)
    expected = {"walking speed: noticeably reduced", "step length: slightly reduced", "cadence: slightly reduced"}
    for number in range(40):
        statements = check(write(gait, 1, f"walk {number}"), gait)
        assert {one.claim for one in statements if one.section == "foot"} == expected


def test_every_rationale_agrees_with_its_own_walk(make_random_walks):
    checked = 0
    for number, gait in enumerate(make_random_walks(1, 800)):
        statements = check(write(gait, number % 3, f"w{number}"), gait)
        wrong = [one for one in statements if one.verdict == "contradicted"]
        assert not wrong, (write(gait, number % 3, f"w{number}").text(), wrong)
        checked += agreement(statements) == 1.0
    assert checked > 750


def test_the_main_findings_are_always_said(make_random_walks):
    """Speed, step length, each measured arm and the rhythm appear as statements whenever they are confident."""
    for number, gait in enumerate(make_random_walks(2, 400)):
        said = {one.feature for one in check(write(gait, 1, f"w{number}"), gait) if one.verdict == "supported"}
        known = {finding.feature for finding in findings_of(gait)}
        assert known & {"speed", "step_length", "arm_swing"} <= said


def test_nothing_gives_the_score_away_or_speaks_of_what_was_not_measured(make_random_walks):
    for number, gait in enumerate(make_random_walks(3, 2500)):
        rationale = write(gait, number % 3, f"walk_{number}")
        assert forbidden(rationale) == (), rationale.text()
        assert not re.search(r"\d|None|\{|\}", rationale.text())


def test_length_and_vocabulary_suit_a_small_language_model(make_random_walks):
    texts = [write(gait, number % 3, f"w{number}") for number, gait in enumerate(make_random_walks(5, 2000))]
    lengths = [len(words(text)) for text in texts]
    vocabulary = {word for text in texts for word in words(text)}
    mean = sum(len(words(Rationale(text.foot, "", ""))) for text in texts) / len(texts)
    assert min(lengths) >= 25 and max(lengths) <= 62 and 10 <= mean <= 16
    assert len(vocabulary) < 350 and len({text.text() for text in texts}) > 1900


def test_the_answer_grammar_takes_every_rationale(make_random_walks):
    for number, gait in enumerate(make_random_walks(6, 300)):
        rationale = write(gait, number % 3, f"w{number}")
        assert parse(build(rationale, number % 3)).rationale == rationale


def test_a_mirrored_walk_swaps_left_and_right_and_nothing_else(make_random_walks, mirror_walk):
    sided = 0
    for number, gait in enumerate(make_random_walks(7, 400)):
        there, back = write(gait, 2, f"w{number}"), write(mirror_walk(gait), 2, f"w{number}")
        assert back.text() == re.sub(r"\b(left|right)\b", lambda match: SWAP[match.group()], there.text())
        sided += there != back
    assert sided > 100


def test_the_reduced_arm_is_named(make_walk):
    gait = make_walk(**{**NORMAL, "arm_swing_deg_left": 8.0, "arm_swing_asymmetry_pct": 125.0})
    for number in range(20):
        arm = write(gait, 1, f"w{number}").arm
        assert re.search(r"(mark|strong)\w+ (reduced|limited)", arm) and "asymmetry" in arm
        assert arm.index("left") < arm.index("right")


def test_low_confidence_is_never_put_into_words(make_walk):
    gait = make_walk("low", **{**NORMAL, "speed_mps": 0.2, "arm_swing_deg_left": 1.0})
    rationale = write(gait, 2, "w")
    assert not [one for one in check(rationale, gait) if one.feature not in ("impairment", "independence")]
    assert "could not be measured" in rationale.foot and "could not be measured" in rationale.arm


def test_arms_that_were_not_measured_are_said_to_be(make_walk):
    arms = [name for name in NORMAL if name.startswith("arm_swing")]
    gait = make_walk(**{**NORMAL, **dict.fromkeys(arms)})
    assert "could not be measured" in write(gait, 0, "w").arm
    one = make_walk(**{**NORMAL, "arm_swing_deg_right": None, "arm_swing_asymmetry_pct": None})
    assert "right arm could not be measured" in write(one, 0, "w").arm


@pytest.mark.parametrize("table, foot, arm", [
    ("{}", "is not described|are not described", "is not described|are not described"),
    ("{speed_mps: {mean: 1.2, sd: 0.2, unit: m/s, source: x}}", "but the other foot movements are not described", "not described"),
    ("{arm_swing_deg_left: {mean: 35, sd: 12, unit: deg, source: x}}", "not described", "but the right arm is not described"),
])
def test_what_has_no_norm_is_not_said_to_be_unmeasured(make_walk, tmp_path, monkeypatch, table, foot, arm):
    (tmp_path / "norms.yaml").write_text(f"norms: {table}")
    monkeypatch.setenv("AGIR_NORMS", str(tmp_path / "norms.yaml"))
    for number in range(10):
        gait = make_walk(**NORMAL)
        rationale = write(gait, 0, f"w{number}")
        assert re.search(foot, rationale.foot) and re.search(arm, rationale.arm) and "measured" not in rationale.text()
        assert agreement(check(rationale, gait)) in (None, 1.0)
        judged = ("impairment", "independence", "speed", "arm_swing")
        assert all(one.feature in judged for one in check(rationale, gait))


def test_a_norm_with_a_mean_of_zero_divides_nothing(make_walk, tmp_path, monkeypatch):
    table = "{trunk_flexion_deg: {mean: 0, sd: 4, unit: deg, source: x}, speed_mps: {mean: 0, sd: 1, unit: m/s, source: x}}"
    (tmp_path / "norms.yaml").write_text(f"norms: {table}")
    monkeypatch.setenv("AGIR_NORMS", str(tmp_path / "norms.yaml"))
    gait = make_walk(**{**NORMAL, "trunk_flexion_deg": 9.0})
    assert re.search("(noticeably|clearly) (stooped|bent)", write(gait, 1, "w").overall)


@pytest.mark.parametrize("score, starts", [(0, False), (1, True), (2, True)])
def test_a_normal_walk_under_an_impaired_label_is_called_near_normal(make_walk, score, starts):
    overall = write(make_walk(**NORMAL), score, "w").overall
    assert bool(re.search("despite (near-normal|nearly normal) movement", overall)) == starts


def test_a_changed_walk_under_a_normal_label_admits_the_changes(make_walk):
    gait = make_walk(**{**NORMAL, "speed_mps": 0.3, "step_length_m": 0.3})
    assert re.search("despite (some changes|the changes seen)", write(gait, 0, "w").overall)
    assert "despite" not in write(gait, 2, "w").overall


def test_a_refused_walk_still_gets_three_parts(make_walk):
    refused = replace(make_walk(**NORMAL), status="refused", reasons=("the person stands",))
    rationale = write(refused, 1, "w")
    assert "could not be measured" in rationale.foot and rationale.overall
    assert agreement(check(rationale, refused)) is None


@pytest.mark.parametrize("score", [3, -1, None, "1"])
def test_another_score_is_refused_with_the_walk_named(make_walk, score):
    with pytest.raises(LabelError, match=r"SUB07_on_walk_2: expected a gait score of \(0, 1, 2\)"):
        write(make_walk(), score, "SUB07_on_walk_2")
