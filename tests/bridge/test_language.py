"""The vocabulary grows by seven without touching old rows; constrained answers are always well-formed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, T5ForConditionalGeneration

from agir_plugin.bridge.language import GaitLM, add_special_tokens
from agir_plugin.bridge.rows import motion_text
from agir_plugin.bridge.small_t5 import make_small_t5
from agir_plugin.consts import SPECIAL_TOKENS
from agir_plugin.errors import ModelError
from agir_plugin.tasks.structure import build, parse

from .conftest import CODES, RATIONALES

SOURCE = "Assess this walk " + motion_text([3, 4, 5], CODES) + " and give your reasoning."


def test_motion_text_has_start_codes_end_and_no_blanks() -> None:
    assert motion_text([3, 0], 16) == "<motion_id_16><motion_id_3><motion_id_0><motion_id_17>"


def test_seven_tokens_are_added_once_and_old_rows_stay(t5_folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(t5_folder)
    model = T5ForConditionalGeneration.from_pretrained(t5_folder)
    model.config.tie_word_embeddings = False
    with torch.no_grad():
        model.lm_head.weight.copy_(torch.randn_like(model.lm_head.weight))
    size = len(tokenizer)
    embedding, head = model.shared.weight[:size].clone(), model.lm_head.weight[:size].clone()
    assert add_special_tokens(tokenizer, model) == 7
    assert add_special_tokens(tokenizer, model) == 0
    assert len(tokenizer) == size + 7
    assert torch.equal(model.shared.weight[:size], embedding)
    assert torch.equal(model.lm_head.weight[:size], head)
    assert torch.allclose(model.shared.weight[size:], embedding.mean(dim=0).expand(7, -1))
    assert torch.allclose(model.lm_head.weight[size:], head.mean(dim=0).expand(7, -1))
    assert model.lm_head.weight.data_ptr() != model.shared.weight.data_ptr()
    for token in SPECIAL_TOKENS:
        assert len(tokenizer(token, add_special_tokens=False).input_ids) == 1


def test_answer_is_encoded_without_blanks_around_special_tokens(lm: GaitLM) -> None:
    ids = lm.tokenizer(build(RATIONALES[0], 2)).input_ids
    assert lm.automaton.accepts(ids)
    assert lm.automaton.positions(ids) == (0, len(ids) - 5, len(ids) - 4, len(ids) - 3, len(ids) - 2)
    assert ids[-3] == lm.ids.scores[2]


def test_decoding_keeps_the_answer(lm: GaitLM) -> None:
    answer = build(RATIONALES[1], 0)
    assert lm.tokenizer.decode(lm.tokenizer(answer).input_ids[:-1]) == answer


def test_untrained_model_is_well_formed_under_the_grammar_and_carries_probabilities(lm: GaitLM) -> None:
    for answer in lm.write([SOURCE] * 3 + ["What does this motion show?"]):
        parsed = parse(answer.text)
        assert parsed.well_formed, parsed.problems
        assert sum(torch.tensor(answer.score_log_probs).exp().tolist()) == pytest.approx(1, abs=1e-5)
        assert parsed.score == int(torch.tensor(answer.score_log_probs).argmax())


@pytest.mark.parametrize("seed", range(4))
def test_wild_logits_are_well_formed_too(lm: GaitLM, seed: int) -> None:
    torch.manual_seed(seed)
    with torch.no_grad():
        for weight in lm.language_model.parameters():
            weight.copy_(torch.randn_like(weight) * 2)
    assert all(parse(answer.text).well_formed for answer in lm.write([SOURCE, "What does this motion show?"]))


def test_padding_of_a_batch_changes_no_probability(lm: GaitLM) -> None:
    alone = lm.write([SOURCE])[0].score_log_probs
    beside = lm.write([SOURCE, SOURCE + " What does this motion show?" * 3])[0].score_log_probs
    assert alone == pytest.approx(beside, abs=1e-4)


def test_loss_equals_the_models_own(lm: GaitLM) -> None:
    logits, labels = lm.logits([SOURCE, SOURCE], [build(RATIONALES[0], 0), build(RATIONALES[1], 2)])
    ids, mask = lm.read([SOURCE, SOURCE], "source")
    own = lm.language_model(input_ids=ids, attention_mask=mask, labels=labels).loss
    assert torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten()).item() == pytest.approx(
        own.item(), abs=1e-6
    )


def test_a_target_that_does_not_fit_is_refused_not_cut(lm: GaitLM) -> None:
    with pytest.raises(ModelError, match="a target has .* tokens but max_length is 200: raise"):
        lm.logits([SOURCE], ["word " * 400])


def test_motion_rows_start_from_the_codebook_and_keep_its_neighbours(lm: GaitLM) -> None:
    codebook = torch.zeros(CODES, 8)
    codebook[:, 0] = torch.arange(CODES)
    lm.start_motion_rows(codebook)
    first = lm.tokenizer.convert_tokens_to_ids("<motion_id_0>")
    rows = lm.language_model.get_input_embeddings().weight[first : first + CODES]
    near, far = (torch.dist(rows[0], rows[k]).item() for k in (1, 5))
    assert near * 5 == pytest.approx(far, rel=1e-3)


def test_small_t5_reads_its_head_unscaled_and_apart_from_the_embedding(t5_folder: Path) -> None:
    config = json.loads((t5_folder / "config.json").read_text("utf8"))
    assert config["tie_word_embeddings"] is False
    assert config.get("scale_decoder_outputs", False) is False


def test_small_t5_is_the_same_for_the_same_texts_and_seed(tmp_path: Path) -> None:
    one, two = (
        make_small_t5(tmp_path / name, ["a walk", "slow steps"], width=16, layers=1, heads=2, vocabulary=60)
        for name in "ab"
    )
    for name in ("tokenizer.json", "model.safetensors"):
        assert (one / name).read_bytes() == (two / name).read_bytes()


def test_an_answer_does_not_go_round_in_circles(lm: GaitLM) -> None:
    """A model that always wants the same word is stopped by the rule, and the grammar still ends the answer."""
    word = lm.tokenizer("walk", add_special_tokens=False).input_ids[0]
    with torch.no_grad():
        lm.language_model.lm_head.weight.zero_()
    lm.language_model.lm_head.bias = torch.nn.Parameter(torch.zeros(len(lm.tokenizer)))
    with torch.no_grad():
        lm.language_model.lm_head.bias[word] = 9.0
    written = lm.write(["Assess this walk."])[0]
    runs = [written.ids[start : start + 8] for start in range(len(written.ids) - 7)]
    assert len(set(runs)) == len(runs) and parse(written.text) is not None
    lm.no_repeat_tokens = 0
    runs = [ids for w in lm.write(["Assess this walk."]) for ids in zip(*(w.ids[shift:] for shift in range(8)), strict=False)]
    assert len(set(runs)) < len(runs)
