"""The facts that the shipped templates must meet (AGIR: 200 instructions; stage 1 in both directions)."""
from __future__ import annotations

import re
from difflib import SequenceMatcher
from itertools import combinations

import pytest

from agir_plugin.records import Rationale
from agir_plugin.tasks import DESCRIPTION, MOTION, RATIONALE, fill, lint, load, read
from agir_plugin.tasks.lint import count_words, folded, near_duplicates
from agir_plugin.tasks.load import generative, reasoning
from agir_plugin.tasks.spec import PLACEHOLDER
from agir_plugin.tasks.structure import build, parse, section_text


@pytest.fixture(scope="module")
def instructions() -> tuple[str, ...]:
    """The 200 inputs of the reasoning template."""
    return read(reasoning()).direction("motion_to_answer").input


@pytest.mark.parametrize("path", [generative(), reasoning()], ids=lambda path: path.stem)
def test_shipped_templates_lint_clean(path) -> None:
    assert lint(load(path)) == []


def test_two_hundred_instructions_unique_after_folding(instructions: tuple[str, ...]) -> None:
    assert len(instructions) == 200
    assert len({folded(text) for text in instructions}) == 200


def test_every_instruction_has_exactly_one_motion_placeholder_and_no_other(instructions: tuple[str, ...]) -> None:
    assert [text for text in instructions if PLACEHOLDER.findall(text) != [MOTION]] == []


def test_no_two_instructions_are_nearly_the_same(instructions: tuple[str, ...]) -> None:
    assert near_duplicates(instructions) == []
    split = [folded(text).split() for text in instructions]
    alike = [(one, two) for one, two in combinations(split, 2) if SequenceMatcher(None, one, two).quick_ratio() > 0.75]
    assert alike == []


def test_instructions_differ_in_length_and_place_of_the_motion(instructions: tuple[str, ...]) -> None:
    lengths = [count_words(text) for text in instructions]
    assert min(lengths) == 5 and max(lengths) in range(40, 46)
    assert len(set(lengths)) > 25
    begin = sum(text.startswith(MOTION) for text in instructions)
    end = sum(text.endswith(MOTION) for text in instructions)
    assert min(begin, end, 200 - begin - end) >= 9


def test_instructions_ask_for_a_score_and_hold_none(instructions: tuple[str, ...]) -> None:
    asks = re.compile(r"\b(?:scor|rat(?:e|ed|ing)\b|grade\b)", re.IGNORECASE)
    assert [text for text in instructions if not asks.search(text)] == []
    assert [text for text in instructions if re.search(r"\d|<score", text)] == []


def test_filled_rows_have_no_placeholder_left_and_an_answer_that_parses(instructions: tuple[str, ...]) -> None:
    template = read(reasoning())
    answer = build(Rationale("Steps are short.", "Arms swing.", "Steady."), 2)
    values = {MOTION: "<motion_id_512><motion_id_3><motion_id_513>", RATIONALE: answer}
    prompts = [fill(text, values) for text in instructions]
    assert not any("laceholder" in prompt for prompt in prompts)
    assert all(prompt.count("<motion_id_512>") == 1 for prompt in prompts)
    (output,) = template.direction("motion_to_answer").output
    assert fill(output, values) == answer
    assert parse(fill(output, values)).well_formed


def test_generative_rows_hold_foot_and_arm_only() -> None:
    template = read(generative())
    assert template.kinds == ("motion_to_description", "description_to_motion")
    assert template.placeholders == (DESCRIPTION, MOTION)
    values = {MOTION: "<motion_id_1>", DESCRIPTION: section_text(Rationale("Short steps.", "Still arms.", "Impaired."))}
    for direction in template.directions:
        assert len(direction.input) >= 10
        rows = [fill(text, values) for text in (*direction.input, *direction.output)]
        assert not any("Overall:" in row or "laceholder" in row for row in rows)
    assert fill(template.direction("motion_to_description").output[0], values) == "Foot: Short steps. Arm: Still arms."
