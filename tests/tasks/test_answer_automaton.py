"""The grammar over token ids, on a vocabulary that can be read."""
from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from agir_plugin.errors import UsageError
from agir_plugin.tasks.structure import AnswerAutomaton, TokenIds, parse

VOCABULARY = [
    "<pad>", "</s>", "<unk>", "<motion_id_0>", "<reasoning_start>", "<reasoning_end>", "<score_start>", "<score_end>",
    "<score_0>", "<score_1>", "<score_2>", " ", "Foot", "Arm", "Overall", ":", "swings", ".",
]
ID = {token: number for number, token in enumerate(VOCABULARY)}
HEADINGS = tuple((ID[name], ID[":"]) for name in ("Foot", "Arm", "Overall"))


def token_ids(
    headings: tuple[tuple[int, ...], ...] = (), forbidden: tuple[str, ...] = ("<unk>", "<motion_id_0>")
) -> TokenIds:
    """The vocabulary's ids; `forbidden` may not stand in a rationale."""
    return TokenIds(
        reasoning_start=ID["<reasoning_start>"], reasoning_end=ID["<reasoning_end>"], score_start=ID["<score_start>"],
        score_end=ID["<score_end>"], scores=(ID["<score_0>"], ID["<score_1>"], ID["<score_2>"]), eos=ID["</s>"],
        pad=ID["<pad>"], forbidden_in_body=frozenset(ID[token] for token in forbidden), blank=frozenset({ID[" "]}),
        headings=headings,
    )


def ids(text: str) -> list[int]:
    """`a b c` -> ids; `_` is the blank token."""
    return [ID[" " if token == "_" else token] for token in text.split()]


def text(sequence: list[int]) -> str:
    """What a tokenizer would print."""
    printed = [VOCABULARY[token] for token in sequence]
    return "".join(token if token.startswith("<") else f" {token}" for token in printed)


def language(automaton: AnswerAutomaton) -> Iterator[list[int]]:
    """Every answer, up to and with `</s>`, that can be reached by tokens which `allowed` permits."""
    open_prefixes: list[list[int]] = [[]]
    while open_prefixes:
        prefix = open_prefixes.pop()
        if prefix and prefix[-1] == ID["</s>"]:
            yield prefix
            continue
        allowed = automaton.allowed(prefix)
        open_prefixes += [[*prefix, token] for token in range(len(VOCABULARY)) if token in allowed]


TAIL = "<reasoning_end> <score_start> <score_{}> <score_end> </s>"
#: All but two ordinary tokens and the blank are forbidden, so that the language can be written down.
ONLY_TWO = ("<unk>", "<motion_id_0>", "Foot", "Arm", "Overall", ":")


def test_the_whole_language_of_a_tiny_vocabulary() -> None:
    automaton = AnswerAutomaton(token_ids(forbidden=ONLY_TWO), max_reasoning=2)
    bodies = ["swings", ".", "swings swings", "swings .", ". swings", ". .", "_ swings", "_ .", "swings _", ". _"]
    expected = {tuple(ids(f"<reasoning_start> {body} {TAIL.format(k)}")) for body in bodies for k in range(3)}
    found = [tuple(answer) for answer in language(automaton)]
    assert len(found) == len(set(found)) == 30
    assert set(found) == expected
    assert all(automaton.accepts(answer) for answer in found)


def test_a_changed_answer_is_accepted_only_if_it_is_another_answer() -> None:
    automaton = AnswerAutomaton(token_ids(forbidden=ONLY_TWO), max_reasoning=2)
    answers = {tuple(answer) for answer in language(automaton)}
    for answer in answers:
        for place in range(len(answer)):
            before, after = answer[:place], answer[place + 1:]
            for changed in [(*before, *after), *((*before, token, *after) for token in range(len(VOCABULARY)))]:
                assert automaton.accepts(changed) == (changed in answers)


def test_what_may_follow_each_prefix() -> None:
    automaton = AnswerAutomaton(token_ids(), max_reasoning=3)
    assert automaton.allowed([]).only == (ID["<reasoning_start>"],)
    empty = automaton.allowed(ids("<reasoning_start>"))
    assert empty.body
    assert ID["swings"] in empty
    assert not any(ID[token] in empty for token in VOCABULARY[:11])
    assert ID["<reasoning_end>"] in automaton.allowed(ids("<reasoning_start> swings"))
    assert automaton.allowed(ids("<reasoning_start> swings swings .")).only == (ID["<reasoning_end>"],)
    closed = ids("<reasoning_start> swings <reasoning_end>")
    assert automaton.allowed(closed).only == (ID["<score_start>"],)
    assert automaton.allowed([*closed, ID["<score_start>"]]).only == (ID["<score_0>"], ID["<score_1>"], ID["<score_2>"])
    whole = ids("<reasoning_start> swings " + TAIL.format(2))
    assert automaton.allowed(whole[:-2]).only == (ID["<score_end>"],)
    assert automaton.allowed(whole[:-1]).only == (ID["</s>"],)
    assert automaton.allowed(whole).only == (ID["<pad>"],)


def test_positions_of_the_five_special_tokens() -> None:
    automaton = AnswerAutomaton(token_ids(), max_reasoning=5)
    answer = ids("<reasoning_start> swings . " + TAIL.format(0))
    assert automaton.positions(answer) == (0, 3, 4, 5, 6)
    assert automaton.positions([*answer, ID["<pad>"], ID["<pad>"]]) == (0, 3, 4, 5, 6)
    assert automaton.positions(answer[:-1]) is None


def test_a_prefix_outside_the_grammar_is_told_with_its_place() -> None:
    automaton = AnswerAutomaton(token_ids(), max_reasoning=5)
    with pytest.raises(UsageError, match=r"expected one of the ids \[4\] at place 0 of the answer, got token 0"):
        automaton.allowed([ID["<pad>"], ID["<reasoning_start>"]])
    with pytest.raises(UsageError, match="expected a token of the rationale at place 1"):
        automaton.allowed(ids("<reasoning_start> <unk>"))


@pytest.mark.parametrize("max_reasoning", [9, 10, 11, 13, 20, 60])
def test_random_walks_with_headings_always_parse(max_reasoning: int) -> None:
    automaton = AnswerAutomaton(token_ids(HEADINGS), max_reasoning)
    chance = random.Random(max_reasoning)
    for _ in range(300):
        answer: list[int] = []
        state = automaton.start
        while not answer or answer[-1] != ID["</s>"]:
            allowed = automaton.options(state)
            token = chance.choice([token for token in range(len(VOCABULARY)) if token in allowed])
            state = automaton.step(state, token)
            answer.append(token)
        parsed = parse(text(answer))
        assert parsed.problems == (), text(answer)
        assert automaton.accepts(answer)
        assert automaton.positions(answer)[1] - 1 <= max_reasoning
        assert VOCABULARY[answer[-3]] == f"<score_{parsed.score}>"


def test_random_walks_without_headings_have_the_five_tokens_right() -> None:
    automaton = AnswerAutomaton(token_ids(), 12)
    chance = random.Random(0)
    for _ in range(300):
        answer: list[int] = []
        while not answer or answer[-1] != ID["</s>"]:
            allowed = automaton.allowed(answer)
            answer.append(chance.choice([token for token in range(len(VOCABULARY)) if token in allowed]))
        parsed = parse(text(answer))
        assert parsed.score is not None
        assert all("parts" in problem or "begin" in problem or "sentence" in problem for problem in parsed.problems)


def test_headings_are_all_that_may_come_when_room_runs_out() -> None:
    automaton = AnswerAutomaton(token_ids(HEADINGS), max_reasoning=9)
    (shortest,) = {len(answer) for answer in language(automaton)}
    assert shortest == 9 + 6
    assert automaton.allowed(ids("<reasoning_start>")).only == (ID["Foot"],)
    assert automaton.allowed(ids("<reasoning_start> Foot : swings")).only == (ID["Arm"],)


def test_a_heading_out_of_place_cannot_be_completed() -> None:
    automaton = AnswerAutomaton(token_ids(HEADINGS), max_reasoning=30)
    begun = "<reasoning_start> Foot : "
    assert ID[":"] not in automaton.allowed(ids(begun + "Arm"))  # the Foot part would be empty
    assert ID[":"] not in automaton.allowed(ids(begun + "_ Arm _"))
    assert ID[":"] not in automaton.allowed(ids(begun + ". Overall"))
    assert ID[":"] not in automaton.allowed(ids(begun + ". Foot _"))
    assert ID[":"] in automaton.allowed(ids(begun + ". Arm"))
    assert ID["<reasoning_end>"] not in automaton.allowed(ids(begun + ". Arm : ."))
    assert ID["<reasoning_end>"] in automaton.allowed(ids(begun + ". Arm : . Overall : ."))


def test_equal_answers_are_one_object_so_that_masks_can_be_cached() -> None:
    automaton = AnswerAutomaton(token_ids(HEADINGS), max_reasoning=100)
    begun = ids("<reasoning_start> Foot : swings")
    seen = {id(automaton.allowed([*begun, *ids("swings") * n])) for n in range(40)}
    assert len(seen) == 1


def test_the_state_does_not_grow_with_the_prefix() -> None:
    automaton = AnswerAutomaton(token_ids(HEADINGS), max_reasoning=500)
    state = automaton.start
    for token in ids("<reasoning_start> Foot :" + " swings ." * 200):
        state = automaton.step(state, token)
    assert (state.used, state.length, len(state.recent)) == (402, 400, 1)


def test_ids_and_lengths_that_cannot_work_are_refused() -> None:
    with pytest.raises(UsageError, match="expected max_reasoning of at least 9 tokens .*, got 8"):
        AnswerAutomaton(token_ids(HEADINGS), 8)
    with pytest.raises(UsageError, match="at least 1 tokens"):
        AnswerAutomaton(token_ids(), 0)
    same = TokenIds(1, 2, 3, 4, (5, 5, 6), 7, 0)
    with pytest.raises(UsageError, match="expected nine different ids"):
        AnswerAutomaton(same, 9)
    with pytest.raises(UsageError, match="expected headings of ordinary text tokens"):
        AnswerAutomaton(token_ids(((ID["<unk>"], ID[":"]),)), 9)
