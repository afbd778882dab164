"""Statements against numbers: what is supported, what is contradicted, what cannot be checked, and why."""
from __future__ import annotations

import pytest

from agir_plugin.gait import norms
from agir_plugin.rationale import agreement, check, claims_in, forbidden
from agir_plugin.rationale.verify import interval
from agir_plugin.records import Rationale, Statement

SPEED = norms()["speed_mps"]


def one(gait, foot: str = "", arm: str = "", overall: str = "") -> Statement:
    (statement,) = check(Rationale(foot, arm, overall), gait)
    return statement


@pytest.mark.parametrize(
    "text, z, verdict",
    [
        ("Speed is slightly reduced.", -1.5, "supported"),
        ("Speed is slightly reduced.", -0.55, "supported"),  # half a degree short of 1 SD
        ("Speed is slightly reduced.", -0.45, "contradicted"),
        ("Speed is slightly reduced.", -2.45, "supported"),
        ("Speed is slightly reduced.", -2.55, "contradicted"),
        ("Speed is slightly reduced.", 1.5, "contradicted"),
        ("Speed is markedly reduced.", -2.55, "supported"),
        ("Speed is markedly reduced.", -2.4, "contradicted"),
        ("Speed is markedly reduced.", -5.5, "supported"),
        ("Speed is reduced.", -5.5, "supported"),
        ("Speed is reduced.", -0.4, "contradicted"),
        ("Speed is normal.", 1.45, "supported"),
        ("Speed is normal.", -1.45, "supported"),
        ("Speed is normal.", 1.6, "contradicted"),
        ("Speed is nearly normal.", -2.4, "supported"),
        ("Speed is nearly normal.", -2.6, "contradicted"),
        ("Speed is increased.", 0.6, "supported"),
        ("Speed is not reduced.", -3.0, "contradicted"),
    ],
)
def test_a_claim_holds_within_half_a_degree(make_walk, text, z, verdict):
    assert one(make_walk(speed_mps=SPEED.mean + z * SPEED.sd), foot=text).verdict == verdict


def test_the_interval_of_a_claim_can_be_read():
    (claim,) = claims_in("Speed is noticeably reduced.", "foot")
    assert interval(claim) == (1.5, 3.5)


def test_the_evidence_names_number_norm_and_what_the_claim_covers(make_walk):
    statement = one(make_walk(speed_mps=0.9), foot="The pace is normal.")
    assert statement == Statement(
        "foot", "The pace is normal", "speed", "walking speed: normal", "supported",
        "speed_mps 0.90 m/s, norm 1.20 +/- 0.20, z -1.5; the claim covers up to 1.5 SD from the norm",
    )


@pytest.mark.parametrize("text", ["Rhythm is regular.", "Steps are steady and even."])
def test_less_variable_than_usual_is_regular(make_walk, text):
    gait = make_walk(step_time_cv_pct=0.2)
    assert {statement.verdict for statement in check(Rationale(text, "", ""), gait)} == {"supported"}


ARMS = {"arm_swing_deg_left": 10.0, "arm_swing_deg_right": 36.0, "arm_swing_asymmetry_pct": 113.0}


@pytest.mark.parametrize(
    "text, verdict",
    [
        ("Arm swing is reduced on the left.", "supported"),
        ("Arm swing is reduced on the right.", "contradicted"),
        ("The left arm moves less than the right.", "supported"),
        ("The right arm moves less than the left.", "contradicted"),
        ("The right arm swings more than the left.", "supported"),
        ("There is marked asymmetry, particularly on the right.", "contradicted"),
        ("Arm swing is reduced.", "supported"),  # of one arm it is true, and none is named
        ("Both arms swing less.", "contradicted"),
        ("Arm swing is normal on both sides.", "contradicted"),
        ("Arm swing is normal.", "contradicted"),
        ("Arm swing is normal on the right.", "supported"),
        ("Arm swing is symmetric.", "contradicted"),
    ],
)
def test_sides_must_match(make_walk, text, verdict):
    assert one(make_walk(**ARMS), arm=text).verdict == verdict


def test_what_cannot_be_checked_says_why(make_walk):
    uncertain = make_walk("low", speed_mps=0.5)
    assert one(uncertain, foot="Speed is reduced.").verdict == "not_checkable"
    assert "low confidence" in one(uncertain, foot="Speed is reduced.").evidence
    assert "not seen" in one(make_walk(speed_mps=None), foot="Speed is reduced.").evidence
    assert "no measured parameter settles" in one(make_walk(), overall="Balance is good.").evidence
    one_arm = make_walk(arm_swing_deg_left=10.0)
    assert one(one_arm, arm="Both arms swing less.").verdict == "not_checkable"
    unsided = make_walk(arm_swing_asymmetry_pct=113.0)
    assert one(unsided, arm="The left arm moves less than the right.").verdict == "not_checkable"
    assert one(unsided, arm="Arm swing is symmetric.").verdict == "contradicted"


def test_agreement_counts_only_what_could_be_checked(make_walk):
    text = Rationale("Speed is normal, cadence is low.", "Arm swing is normal.", "Balance is good.")
    statements = check(text, make_walk(speed_mps=1.2, cadence_spm=110.0))
    assert [statement.verdict for statement in statements] == [
        "supported", "contradicted", "not_checkable", "not_checkable",
    ]
    assert agreement(statements) == 0.5
    assert agreement(statements[2:]) is None and agreement(()) is None


@pytest.mark.parametrize(
    "text, found",
    [
        ("A score of two.", "score"), ("Fits UPDRS gait.", "UPDRS"), ("Graded as 1.", "Graded"),
        ("Turns are slow.", "turning"), ("No freezing is seen.", "freezing"), ("Parkinsonian shuffling.", "diagnosis"),
        ("In the off state.", "medication"), ("Levodopa helps.", "medication"),
    ],
)
def test_leaks_and_forbidden_topics_are_flagged_with_their_section(text, found):
    lines = forbidden(Rationale("Speed is normal.", "Arm swing is normal.", text))
    assert lines and all(line.startswith("overall:") for line in lines) and any(found in line for line in lines)


def test_plain_text_is_not_flagged():
    text = Rationale("The stepping rate returned to normal.", "Arms swing freely.", "Balance is steady, step by step.")
    assert forbidden(text) == ()


@pytest.mark.parametrize("text", ["Turning is slow.", "The patient pivots quickly.", "Slow, unsteady turns."])
def test_what_is_said_of_turning_is_no_statement_on_the_walk(make_walk, text):
    rationale = Rationale("", "", text)
    assert check(rationale, make_walk(speed_mps=0.7)) == () and "speaks of turning" in forbidden(rationale)[0]


def test_in_turn_is_no_turn(make_walk):
    walk = make_walk(arm_swing_deg_left=20.0, arm_swing_deg_right=35.0, arm_swing_asymmetry_pct=54.0)
    found = check(Rationale("", "The left arm swings less and, in turn, asymmetry is marked.", ""), walk)
    assert [one.feature for one in found] == ["arm_swing", "arm_asymmetry"]


@pytest.mark.parametrize("text, topic", [
    ("Two FOG episodes.", "freezing"), ("Typical PD gait.", "diagnosis"), ("A spastic, ataxic walk.", "diagnosis"),
    ("Better after Sinemet.", "medication"), ("Improved by therapy.", "medication"), ("A u-turn is seen.", "turning"),
])
def test_other_words_for_forbidden_topics(text, topic):
    assert any(f"speaks of {topic}" in line for line in forbidden(Rationale("", "", text)))


def test_in_turn_speaks_of_no_turning():
    assert forbidden(Rationale("", "Each arm swings in turn.", "")) == ()
