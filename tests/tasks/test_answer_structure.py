"""The answer's text: what is built can be read back, and what cannot be read is explained."""
from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agir_plugin.consts import SPECIAL_TOKENS
from agir_plugin.errors import LabelError, UsageError
from agir_plugin.records import Rationale
from agir_plugin.tasks.structure import build, faults, leaks, parse, section_text, split_sections

WALK = Rationale("Steps are short.", "Both arms swing.", "The walk is steady.")
TEXT = "Foot: Steps are short. Arm: Both arms swing. Overall: The walk is steady."
ANSWER = f"<reasoning_start>{TEXT}<reasoning_end><score_start><score_1><score_end>"

words = st.one_of(
    st.sampled_from(["steps", "left", "arm", "Foot", "Overall", "swing,", "*", "half-way.", "é", ":", "(arm)"]),
    st.text(min_size=1, max_size=6),
)
#: What a confused model might write, in any order.
PIECES = [*SPECIAL_TOKENS, "<score_9>", TEXT, "Foot: a", "Arm: b", "Overall: c", " ", "x", "</s>"]
parts = st.lists(words, min_size=1, max_size=8).map(" ".join)


@settings(max_examples=1000, deadline=None)
@given(st.builds(Rationale, parts, parts, parts), st.sampled_from([0, 1, 2]))
def test_what_is_built_reads_back(rationale: Rationale, score: int) -> None:
    assume(not faults(rationale))
    parsed = parse(build(rationale, score))
    even = [" ".join(part.replace("**", "").split()) for part in (rationale.foot, rationale.arm, rationale.overall)]
    assert parsed.problems == ()
    assert parsed.score == score
    assert parsed.rationale == Rationale(*even)


def test_the_answer_is_one_line_without_blanks_around_special_tokens() -> None:
    assert build(WALK, 1) == ANSWER
    assert build(Rationale("  Steps  are\tshort.", "Both arms swing.", "**The walk** is steady."), 1) == ANSWER


@pytest.mark.parametrize("text", [
    ANSWER + "</s>",
    "<pad>" + ANSWER + "</s><pad><pad>",
    " <pad> " + ANSWER.replace("<", " <").replace(">", "> ") + " </s> ",
    ANSWER.replace("Foot:", "**Foot:** ").replace(". Arm:", ".Arm :").replace(" Overall:", "\nOverall:"),
])
def test_blanks_padding_and_markdown_are_no_malformation(text: str) -> None:
    parsed = parse(text)
    assert parsed.well_formed
    assert (parsed.rationale, parsed.score) == (WALK, 1)


#: Invalid text -> a piece of its explanation, and whether rationale and score can still be read.
MALFORMED = {
    "nothing at all": ("", "expected one <reasoning_start>, found none", False, False),
    "plain text": ("The gait is fine.", "found 'The gait is fine.' outside <reasoning_start>", False, False),
    "no end of the rationale": (
        ANSWER.replace("<reasoning_end>", ""),
        "expected one <reasoning_end>, found none (was the answer cut off?)", False, True),
    "no start": (ANSWER.replace("<reasoning_start>", ""), "expected one <reasoning_start>, found none", False, True),
    "cut off in the rationale": (
        ANSWER[:40], "expected one <score_start>, found none (was the answer cut off?)", False, False),
    "two scores": (
        ANSWER.replace("<score_1>", "<score_1><score_2>"),
        "expected one score, found 2: <score_1>, <score_2>", True, False),
    "no score": (
        ANSWER.replace("<score_1>", ""),
        "expected one of <score_0>, <score_1>, <score_2>, found no score", True, False),
    "a score off the scale": (
        ANSWER.replace("<score_1>", "<score_3>"), "found <score_3>, which is no score of this scale", True, False),
    "the score as a digit": (
        ANSWER.replace("<score_1>", "1"),
        "expected nothing between <score_start> and <score_end>, found '1'", True, False),
    "a word beside the score": (
        ANSWER.replace("<score_1>", "score <score_1>"),
        "expected nothing between <score_start> and <score_1>, found 'score'", True, False),
    "score before the rationale": (
        f"<score_start><score_1><score_end><reasoning_start>{TEXT}<reasoning_end>",
        "expected <reasoning_end> before <score_start>, found it after", True, True),
    "rationale not closed before the score": (
        f"<reasoning_start>{TEXT}<score_start><reasoning_end><score_1><score_end>",
        "expected <reasoning_end> before <score_start>, found it after", False, False),
    "score outside its brackets": (
        ANSWER.replace("<score_1><score_end>", "<score_end><score_1>"),
        "expected <score_1> before <score_end>, found it after", True, False),
    "the answer twice": (ANSWER + ANSWER, "expected one <reasoning_start>, found 2", False, False),
    "text before": ("Answer: " + ANSWER, "expected nothing before <reasoning_start>, found 'Answer:'", True, True),
    "text after": (ANSWER + " Thanks.", "expected nothing after <score_end>, found 'Thanks.'", True, True),
    "in quotes, as a caption would be": (
        f'"{ANSWER}"', "expected nothing before <reasoning_start>, found '\"'", True, True),
    "text after the end token": (
        ANSWER + "</s>more", "expected nothing after <score_end>, found '</s>more'", True, True),
    "an empty rationale": (
        "<reasoning_start><reasoning_end><score_start><score_0><score_end>",
        "three parts, found an empty one", False, True),
    "no headings": (ANSWER.replace(TEXT, "It is fine."), "found none of them", False, True),
    "a part missing": (
        ANSWER.replace("Arm: Both arms swing. ", ""),
        "once each in this order, found Foot:, Overall:", False, True),
    "a part twice": (
        ANSWER.replace("Arm:", "Foot: Fast. Arm:"), "found Foot:, Foot:, Arm:, Overall:", False, True),
    "parts out of order": (
        ANSWER.replace("Foot:", "X:").replace("Arm:", "Foot:").replace("X:", "Arm:"),
        "found Arm:, Foot:, Overall:", False, True),
    "an empty part": (
        ANSWER.replace("Both arms swing.", ""), "expected a sentence after Arm:, found nothing", False, True),
    "text before the first heading": (
        ANSWER.replace("Foot:", "Well, Foot:"), "begin with Foot:, found 'Well,' before it", False, True),
    "a motion token in the rationale": (
        ANSWER.replace("short", "<motion_id_7>"), "found the token <motion_id_7>", False, True),
    "an end token in the rationale": (ANSWER.replace("short", "</s>"), "found the token </s>", False, True),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_each_malformation_is_told(case: str) -> None:
    text, reason, has_rationale, has_score = MALFORMED[case]
    parsed = parse(text)
    assert any(reason in problem for problem in parsed.problems), parsed.problems
    assert not parsed.well_formed
    assert (parsed.rationale is not None, parsed.score is not None) == (has_rationale, has_score)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=9))
def test_a_value_or_a_reason_never_a_default(pieces: list[str]) -> None:
    parsed = parse("".join(pieces))
    if parsed.rationale is None or parsed.score is None:
        assert parsed.problems
    if parsed.well_formed:
        assert parse(build(parsed.rationale, parsed.score)) == parsed


@pytest.mark.parametrize(("part", "reason"), [
    ("", "the Arm part of the rationale is empty"),
    ("  ** ", "is empty"),
    ("Arms swing.\nWell.", "has a line break"),
    ("Arms # swing.", "holds #"),
    ("Arms <score_1> swing.", "holds < >"),
    ("Fine. Overall: good.", "holds the heading 'Overall:'"),
    ("Left foot: drags.", "holds the heading 'foot:'"),
    ("Arms swing, a score like no other.", "gives the score away by 'score'"),
    ("Impairment of level two.", "gives the score away by 'level two'"),
    ("Swing of 31 degrees.", "gives the score away by '3', '1'"),
])
def test_a_rationale_that_cannot_stand_in_an_answer_is_refused(part: str, reason: str) -> None:
    rationale = Rationale("Steps are short.", part, "Steady.")
    with pytest.raises(UsageError, match="part of the rationale") as caught:
        build(rationale, 0)
    assert reason in str(caught.value)
    assert any(reason in fault for fault in faults(rationale))


@pytest.mark.parametrize("score", [-1, 3, 4, 1.0, "1", None, True])
def test_a_score_off_the_scale_is_refused_not_changed(score: object) -> None:
    with pytest.raises(LabelError, match="expected a gait score of 0, 1 or 2, got"):
        build(WALK, score)


def test_integers_of_numpy_are_scores() -> None:
    assert build(WALK, np.int64(1)) == ANSWER


def test_stage_1_text_never_holds_the_overall_part() -> None:
    assert section_text(WALK, ("foot", "arm")) == "Foot: Steps are short. Arm: Both arms swing."
    assert section_text(WALK, ("arm",)) == "Arm: Both arms swing."
    with pytest.raises(UsageError, match="never holds the Overall part"):
        section_text(WALK, ("foot", "overall"))
    with pytest.raises(UsageError, match="holds the heading 'Overall:'"):
        section_text(Rationale("Fine. Overall: bad", "Swings.", "Steady."))


@pytest.mark.parametrize(("text", "found"), [
    ("The gait is graded, scored and rated by the MDS-UPDRS.", ["graded", "scored", "rated", "MDS-UPDRS"]),
    ("Grade 1 impairment", ["Grade", "1"]),
    ("a moderate level of two", ["level of two"]),
    ("This underscores a gradual change; one arm, two feet, at a stepping rate of 98.", []),
])
def test_leaks(text: str, found: list[str]) -> None:
    assert leaks(text) == found


def test_published_rationales_split_and_their_three_leaks_are_found(shared_data) -> None:
    file = shared_data / "agir_annotations" / "CoT_annotation.json"
    if not file.is_file():
        pytest.skip("needs agir_annotations/CoT_annotation.json")
    texts: dict[str, str] = json.loads(file.read_text(encoding="utf8"))
    split = {walk: split_sections(text) for walk, text in texts.items()}
    assert len(texts) == 886
    assert [walk for walk, rationale in split.items() if rationale is None] == []
    leaking = {"SUB01_off_walk_7", "SUB05_on_walk_11", "SUB10_on_walk_17"}
    assert {walk for walk, text in texts.items() if leaks(text)} == leaking
    assert {walk for walk, rationale in split.items() if faults(rationale)} == leaking
    assert not any("Overall:" in section_text(rationale) for walk, rationale in split.items())
    assert all(parse(build(split[walk], 0)).rationale == split[walk] for walk in texts if walk not in leaking)
