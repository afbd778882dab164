"""Each fault of a template is found, at its place, with a remedy."""
from __future__ import annotations

import pytest

from agir_plugin.errors import ConfigError
from agir_plugin.tasks import lint, load
from agir_plugin.tasks.lint import count_words, near_duplicates

M, R = "<Motion_Placeholder>", "<Rationale_Placeholder>"

#: Faulty strings of the first direction -> level, place and message of the one problem.
FAULTS = {
    "no placeholder": (["Score this walk."], [R], "error", "input 1", f"expected exactly one {M}, found none"),
    "placeholder twice": ([f"{M} and {M}"], [R], "error", "input 1", f"expected exactly one {M}, found 2"),
    "unknown placeholder": (
        [f"{M} of <Framelen_Placeholder>"], [R], "error", "input 1", "unknown placeholder <Framelen_Placeholder>"),
    "misspelt placeholder": (
        [f"{M} as <motion_placeholder>"], [R], "error", "input 1", f"<motion_placeholder>; did you mean '{M}'?"),
    "quoting placeholder": (
        [f"{M} <Caption_Placeholder>"], [R], "error", "input 1", "in double quotes half of the time"),
    "another placeholder": (
        [f"{M} fits <Description_Placeholder>?"], [R], "error", "input 1", f"expected {M} as the only placeholder"),
    "a special token": ([f"Why is {M} <score_end>?"], [R], "error", "input 1", "found the special token <score_end>"),
    "a digit that is a score": ([f"This walk is a 2, why? {M}"], [R], "error", "input 1", "holds a score value, '2'"),
    "a score in words": (
        [f"Explain the score of two for {M}"], [R], "error", "input 1", "holds a score value, 'score of two'"),
    "an empty string": ([f"Rate {M}", "  "], [R], "error", "input 2", "the string is empty"),
    "too long": (
        [f"{'very ' * 13}long {M}"], [R], "error", "input 1", "expected at most 12 words (max_words), found 14"),
    "a duplicate": (
        [f"Rate this gait: {M}", f"rate  THIS gait: {M}"], [R], "error", "input", "entry 2 repeats entry 1"),
    "a near duplicate": (
        [f"Rate this gait: {M}", f"Rate the gait: {M}"], [R], "warning", "input",
        "entry 2 differs from entry 1 in one word"),
    "no answer": ([f"Rate {M}"], ["The score."], "error", "output 1", f"expected exactly one {R}, found none"),
    "text around the answer": (
        [f"Rate {M}"], [f"Answer: {R}"], "error", "output 1", "expected the structured answer and nothing around it"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_each_fault_is_found_at_its_place(case: str, template) -> None:
    inputs, outputs, level, place, message = FAULTS[case]
    (problem,) = lint(template(inputs, outputs))
    assert problem.level == level
    assert problem.where.endswith(f"demo.yaml: motion_to_answer: {place}")
    assert message in problem.message
    assert problem.fix


def test_a_good_template_has_no_problem(template) -> None:
    assert lint(template()) == []


def test_numbers_that_cannot_be_a_score_pass(template) -> None:
    assert lint(template([f"At 20 fps, 10 m and 1.5 s per stride, rate {M}"])) == []


def test_two_directions_of_one_kind_are_a_fault(template) -> None:
    twice = [{"kind": "description_to_motion", "input": ["Walk: <Description_Placeholder>"], "output": [M]}] * 2
    (problem,) = lint(template(directions=twice))
    assert "found several of description_to_motion" in problem.message


def test_loading_refuses_a_template_without_its_placeholder_in_one_line(template) -> None:
    broken = template(["Score this walk."])
    with pytest.raises(ConfigError) as caught:
        load(broken.source)
    place = f"{broken.source}: motion_to_answer: input 1"
    assert str(caught.value) == f"{place}: expected exactly one {M}, found none in 'Score this walk.'; put it in once"


def test_loading_tells_three_errors_and_counts_the_rest(template) -> None:
    broken = template([f"No motion here, variant {letter}." for letter in "vwxyz"])
    with pytest.raises(ConfigError, match=r"and 2 more, see `agir task lint .*demo.yaml`$"):
        load(broken.source)


def test_warnings_do_not_stop_loading(template) -> None:
    assert load(template([f"Rate this gait: {M}", f"Rate the gait: {M}"]).source).name == "demo"


def test_near_duplicates_are_one_word_apart() -> None:
    texts = ["rate the gait", "Rate the walk", "rate gait", "please rate the gait", "the rate gait", "rate the gait"]
    assert near_duplicates(texts) == [(0, 1), (0, 2), (0, 3), (2, 4), (1, 5), (2, 5), (3, 5)]


def test_words_are_counted_without_placeholder_and_punctuation() -> None:
    assert count_words(f"MDS-UPDRS score: {M}, and the examiner's reasons.") == 6
