"""The language model: untied heads, growing vocabulary, templates in frames, dynamic padding, honest answers."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import CODES, make_t5
from mGPT.archs.mgpt_lm import MLM
from mGPT.archs.tools import motion_strings
from mGPT.archs.tools.spans import corrupt, noise_mask
from mGPT.errors import CheckpointError, ConfigError, DataError

CAPTION_TASK = {"input": ["Generate motion: <Caption_Placeholder>"], "output": ["<Motion_Placeholder>"]}
SEVEN = ["<reasoning_start>", "<reasoning_end>", "<score_start>", "<score_end>", "<score_0>", "<score_1>", "<score_2>"]


@pytest.fixture
def lm(t5_folder: Path) -> MLM:
    """A tiny language model in eval mode that never quotes."""
    torch.manual_seed(0)
    return MLM(str(t5_folder), motion_codebook_size=CODES, quota_ratio=0.0).eval()


def saved_tables(folder: Path) -> dict[str, torch.Tensor]:
    """The embedding and head as they lie in the folder."""
    from safetensors.torch import load_file

    weights = load_file(folder / "model.safetensors")
    return {"shared": weights["shared.weight"], "lm_head": weights["lm_head.weight"]}


def test_old_rows_of_both_tables_stay_bit_identical_and_apart(lm: MLM, t5_folder: Path) -> None:
    saved, model = saved_tables(t5_folder), lm.language_model
    rows = len(lm.tokenizer) if len(lm.tokenizer) < len(saved["shared"]) else len(saved["shared"])
    assert torch.equal(model.shared.weight[:rows], saved["shared"][:rows])
    assert torch.equal(model.lm_head.weight[:rows], saved["lm_head"][:rows])
    assert model.lm_head.weight.data_ptr() != model.shared.weight.data_ptr()
    assert model.encoder.embed_tokens.weight.data_ptr() == model.shared.weight.data_ptr()
    assert len(model.lm_head.weight) == len(model.shared.weight) == len(lm.tokenizer)


def test_seven_more_words_grow_by_seven_once(lm: MLM) -> None:
    before = {name: getattr(lm.language_model, name).weight.clone() for name in ("shared", "lm_head")}
    rows = len(lm.tokenizer)
    assert lm.add_words(SEVEN) == 7 and len(lm.tokenizer) == rows + 7
    assert lm.add_words(SEVEN) == 0 and len(lm.tokenizer) == rows + 7
    for name, old in before.items():
        table = getattr(lm.language_model, name).weight
        assert torch.equal(table[:rows], old) and len(table) == rows + 7
    ids = [lm.tokenizer(word, add_special_tokens=False)["input_ids"] for word in SEVEN]
    assert ids == [[rows + index] for index in range(7)]


def test_a_checkpoint_with_a_head_of_its_own_loads_and_keeps_it(lm: MLM, t5_folder: Path) -> None:
    state = {key: value.clone() for key, value in lm.state_dict().items()}
    state["language_model.lm_head.weight"] += 1
    again = MLM(str(t5_folder), motion_codebook_size=CODES)
    again.load_state_dict(state, strict=True)
    assert torch.equal(again.language_model.shared.weight, state["language_model.shared.weight"])
    assert torch.equal(again.language_model.encoder.embed_tokens.weight, state["language_model.shared.weight"])
    assert torch.equal(again.language_model.lm_head.weight, state["language_model.lm_head.weight"])


def test_state_dict_has_all_four_tables_and_t5_names(lm: MLM) -> None:
    keys = set(lm.state_dict())
    rows = len(lm.tokenizer)
    for name in ("shared", "encoder.embed_tokens", "decoder.embed_tokens", "lm_head"):
        assert lm.state_dict()[f"language_model.{name}.weight"].shape == (rows, 16)
    for name in (
        "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
        "encoder.block.1.layer.1.DenseReluDense.wi_1.weight",
        "decoder.block.1.layer.1.EncDecAttention.q.weight",
        "decoder.block.0.layer.2.DenseReluDense.wo.weight",
        "decoder.final_layer_norm.weight",
    ):
        assert f"language_model.{name}" in keys


def test_a_truly_tied_folder_is_untied_without_changing_its_answers(tmp_path: Path) -> None:
    from transformers import T5ForConditionalGeneration

    folder = make_t5(tmp_path / "tied", head_apart=False)
    plain = T5ForConditionalGeneration.from_pretrained(folder).eval()
    lm = MLM(str(folder), motion_codebook_size=CODES).eval()
    ids = torch.tensor([[5, 6, 7, 1]])
    labels = torch.tensor([[8, 9, 1]])
    expected = plain(input_ids=ids, labels=labels).logits
    rows = min(expected.shape[-1], len(lm.tokenizer))
    torch.testing.assert_close(lm.language_model(input_ids=ids, labels=labels).logits[..., :rows], expected[..., :rows])
    assert lm.language_model.lm_head.weight.data_ptr() != lm.language_model.shared.weight.data_ptr()


def test_forward_pads_to_the_longest_and_ignores_padding(lm: MLM) -> None:
    codes = torch.tensor([[1.0, 2.0, 3.0], [4.0, 0.0, 0.0]])  # codes may come as floats, 0 is a code too
    output = lm(["a person walks", "a person"], codes, [3, 1], [CAPTION_TASK] * 2)
    # targets: start, codes, end, </s>
    assert output.labels.shape == (2, 6) and output.logits.shape[:2] == (2, 6)
    assert (output.labels[1] == -100).tolist() == [False, False, False, False, True, True]
    alone = [
        lm([text], codes[row : row + 1], [length], [CAPTION_TASK])
        for row, (text, length) in enumerate([("a person walks", 3), ("a person", 1)])
    ]
    expected = (alone[0].loss * 6 + alone[1].loss * 4) / 10
    torch.testing.assert_close(output.loss, expected, atol=1e-5, rtol=0)


def test_cut_targets_are_counted_and_still_end(t5_folder: Path) -> None:
    lm = MLM(str(t5_folder), motion_codebook_size=CODES, max_length=5).eval()
    output = lm(["a person"], torch.zeros(1, 10), [10], [CAPTION_TASK])
    assert lm.counts == {"truncated_targets": 1, "truncated_inputs": 1}
    assert output.labels.shape == (1, 5) and output.labels[0, -1] == lm.tokenizer.eos_token_id


def test_placeholders_are_filled_in_frames(lm: MLM) -> None:
    motion = motion_strings.to_string(range(15), CODES)  # 15 codes are 60 frames are 3 seconds
    fill = lambda prompt: lm.placeholder_fulfill(prompt, 60, motion, "walks")  # noqa: E731
    assert fill("<Frame_Placeholder> <Framelen_Placeholder> <Second_Placeholder>") == "60 60 3.0"
    assert fill("[<Caption_Placeholder>]") == "[walks]"
    assert fill("<Motion_Placeholder>") == motion
    words = motion_strings.pieces
    head, tail = words(fill("<Motion_Placeholder_s1>")), words(fill("<Motion_Placeholder_s2>"))
    assert len(head) == 3 + 2 and len(tail) == 12 + 2  # a fifth of 15 codes, and the rest, each with start and end
    assert head[1:-1] + tail[1:-1] == words(motion)[1:-1]
    masked = words(fill("<Motion_Placeholder_Masked>"))
    mask = motion_strings.word(CODES + 2)
    assert [index for index, word in enumerate(masked) if word == mask] == list(range(4, 12)) and len(masked) == 17


def test_a_fifth_of_49_codes_is_9_and_the_middle_half_24() -> None:
    from mGPT.archs.tools.placeholders import Filler

    filler = Filler(512, 20.0, 0.2, 0.25, 0.0)
    motion = motion_strings.to_string(range(49), 512)
    assert len(motion_strings.pieces(filler.fill("<Motion_Placeholder_s1>", 196, motion, ""))) == 9 + 2
    assert filler.fill("<Motion_Placeholder_Masked>", 196, motion, "").count("<motion_id_514>") == 24


def test_forward_hands_frames_to_the_templates(lm: MLM) -> None:
    seen: list[int] = []
    filled = lm.placeholder_fulfill
    lm.placeholder_fulfill = lambda prompt, length, motion, text: (
        seen.append(length) or filled(prompt, length, motion, text)
    )
    lm(["a"], torch.zeros(1, 7), [7], [CAPTION_TASK])
    assert seen == [28, 28]


def test_quotation_only_for_captions_and_only_at_the_given_ratio(t5_folder: Path) -> None:
    random.seed(0)
    quoting = MLM(str(t5_folder), motion_codebook_size=CODES)
    quoted = sum(quoting.placeholder_fulfill("<Caption_Placeholder>", 4, "", "x") == '"x"' for _ in range(1000))
    assert 450 < quoted < 550
    assert {quoting.placeholder_fulfill("<Frame_Placeholder>", 4, "", "x") for _ in range(50)} == {"4"}
    quoting.quota_ratio = 0.0
    assert {quoting.placeholder_fulfill("<Caption_Placeholder>", 4, "", "x") for _ in range(50)} == {"x"}


def test_a_placeholder_inside_a_caption_stays_text(lm: MLM) -> None:
    text = "says <Frame_Placeholder>"
    assert lm.placeholder_fulfill("<Caption_Placeholder>", 4, "", text) == text


def test_unknown_placeholders_and_missing_motions_are_errors(lm: MLM) -> None:
    with pytest.raises(ConfigError, match="unknown placeholder <Mood_Placeholder>"):
        lm.placeholder_fulfill("<Mood_Placeholder>", 4, "", "")
    with pytest.raises(DataError, match="no motion"):
        lm.placeholder_fulfill("<Motion_Placeholder>", 4, "", "")


@pytest.mark.parametrize(
    ("text", "codes", "reason"),
    [
        ("<motion_id_16><motion_id_3><motion_id_0><motion_id_17> done", (3, 0), None),
        ("so <motion_id_16> <motion_id_3>  <motion_id_0> <motion_id_17>", (3, 0), None),
        ("<motion_id_16><motion_id_3>", (3,), None),
        ("a person walks", None, "no start word"),
        ("<motion_id_16>walks><motion_id_3><motion_id_17>", None, "text inside the motion: 'walks>'"),
        ("<motion_id_16><motion_id_18><motion_id_17>", None, "is no code"),
        ("<motion_id_16><motion_id_17>", None, "holds no codes"),
    ],
)
def test_motion_strings_give_codes_or_a_reason(
    lm: MLM, text: str, codes: tuple[int, ...] | None, reason: str | None
) -> None:
    parsed = lm.parse_motions([text])[0]
    assert parsed.codes == codes
    assert (parsed.reason is None) if reason is None else (reason in parsed.reason)


def test_words_survive_the_tokenizer(lm: MLM) -> None:
    text = lm.motion_token_to_string(torch.tensor([[5, 0, 15, 9]]), [3])[0]
    assert text == "<motion_id_16><motion_id_5><motion_id_0><motion_id_15><motion_id_17>"
    ids = lm.tokenizer(text)["input_ids"]
    assert len(ids) == 6  # five words and the end token
    decoded = lm.tokenizer.decode(ids, skip_special_tokens=True)
    assert lm.parse_motions([decoded])[0].codes == (5, 0, 15)


def test_generation_gives_empty_codes_and_counts_refusals(lm: MLM) -> None:
    torch.manual_seed(0)
    codes, texts = lm.generate_direct(["Generate motion: a person"], max_length=6, do_sample=False)
    assert len(codes) == len(texts) == 1 and codes[0].dtype == torch.int64
    answers = lm.generate_conditional(texts=["a person"], lengths=[40], task="t2m", with_len=True)
    assert len(answers) == 1
    assert lm.counts["refused_motions"] == sum(len(row) == 0 for row in answers)
    captions = lm.generate_conditional(motion_tokens=torch.tensor([[1, 2, 3]]), lengths=[2], task="m2t")
    assert isinstance(captions[0], str) and "Placeholder" not in captions[0]
    with pytest.raises(ConfigError, match="expected one of t2m, m2t, pred, inbetween, got 'gait'"):
        lm.generate_conditional(texts=["a"], task="gait")


def test_span_corruption_keeps_every_token_once() -> None:
    rng = np.random.default_rng(0)
    row, sentinels = list(range(100, 140)), list(range(10))
    assert noise_mask(40, 0.15, 3, rng).sum() == 6
    source, target = corrupt(row, sentinels, 0.15, 3, rng)
    assert sorted(token for token in source + target if token >= 100) == row
    assert target[0] == 0 and target[-1] == max(token for token in target if token < 100)


def test_span_corruption_trains(t5_folder: Path) -> None:
    lm = MLM(str(t5_folder), motion_codebook_size=CODES, stage="lm_pretrain", span_ratio=1.0)
    output = lm(["a person walks forward slowly"], torch.zeros(1, 12), [12], [CAPTION_TASK])
    output.loss.backward()
    assert torch.isfinite(output.loss)


def test_missing_folder_and_unsupported_kinds_are_told(tmp_path: Path, t5_folder: Path) -> None:
    with pytest.raises(CheckpointError, match="expected a Hugging Face T5 folder at .*nowhere"):
        MLM(str(tmp_path / "nowhere"))
    for wrong in ({"model_type": "gpt2"}, {"new_token_type": "mlp"}, {"lora": True}):
        with pytest.raises(ConfigError, match="expected"):
            MLM(str(t5_folder), **wrong)


def test_a_fresh_language_model_is_in_training_mode(t5_folder: Path) -> None:
    assert MLM(str(t5_folder), motion_codebook_size=CODES).language_model.training
