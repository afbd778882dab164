"""Facts of MotionGPT's interface that plugins rely on, in whichever host is in use."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from conftest import CODES
from mGPT.archs.mgpt_lm import MLM
from mGPT.archs.mgpt_vq import VQVae
from mGPT.config import get_obj_from_str, instantiate_from_config
from mGPT.data import BASEDataModule
from torch import nn

#: Sizes of a tokenizer that is quick to make.
SMALL = {"nfeats": 263, "code_num": 12, "code_dim": 8, "output_emb_width": 8, "width": 16, "down_t": 2, "stride_t": 2, "depth": 3}
#: Names of the codebook's running sums, which our host saves and upstream does not.
SUMS = {"quantizer.code_sum", "quantizer.code_count", "quantizer.initted"}


@pytest.fixture
def lm(t5_folder: Path) -> MLM:
    """A tiny language model that never quotes."""
    torch.manual_seed(0)
    return MLM(str(t5_folder), motion_codebook_size=CODES, quota_ratio=0.0).eval()


def test_objects_are_made_from_dotted_names() -> None:
    assert get_obj_from_str("torch.nn.Linear") is nn.Linear
    made = instantiate_from_config({"target": "torch.nn.Linear", "params": {"in_features": 2, "out_features": 3}})
    assert made.weight.shape == (3, 2)
    assert isinstance(instantiate_from_config({"target": "torch.nn.ReLU"}), nn.ReLU)


def test_weights_of_the_tokenizer_have_the_released_names_and_shapes() -> None:
    vae = VQVae(nfeats=263, down_t=2)
    shapes = {name: tuple(value.shape) for name, value in vae.state_dict().items() if name not in SUMS}
    assert len(shapes) == 67 and sum(p.numel() for p in vae.parameters()) == 19_436_807
    assert shapes["quantizer.codebook"] == (512, 512)
    assert shapes["encoder.model.0.weight"] == (512, 263, 3) and shapes["encoder.model.2.0.weight"] == (512, 512, 4)
    assert shapes["encoder.model.3.1.model.2.conv2.weight"] == (512, 512, 1) and shapes["encoder.model.4.bias"] == (512,)
    assert shapes["decoder.model.2.0.model.0.conv1.weight"] == (512, 512, 3) and shapes["decoder.model.6.weight"] == (263, 512, 3)


def test_four_frames_make_one_code_and_one_code_four_frames() -> None:
    torch.manual_seed(0)
    vae = VQVae(**SMALL).eval()
    vae.quantizer.codebook.copy_(torch.randn(12, 8))
    codes, nothing = vae.encode(torch.randn(2, 52, 263))
    assert (tuple(codes.shape), codes.dtype, nothing) == ((2, 13), torch.int64, None)
    assert vae.decode(codes[0]).shape == (1, 52, 263)
    motion, commit, perplexity = vae(torch.randn(2, 52, 263))
    assert motion.shape == (2, 52, 263) and commit.ndim == perplexity.ndim == 0


@pytest.mark.parametrize("kind", ["ema_reset", "orig", "reset"])
def test_quantizers_train_on_the_cpu(kind: str) -> None:
    torch.manual_seed(0)
    vae = VQVae(**SMALL, quantizer=kind).train()
    for _ in range(2):
        motion, commit, _ = vae(torch.randn(4, 32, 263))
        (motion.square().mean() + commit.mean()).backward()
    assert all(torch.isfinite(p.grad).all() for p in vae.encoder.parameters())


def test_motion_tokens_are_plain_words_at_the_end_of_the_vocabulary(lm: MLM) -> None:
    words = [f"<motion_id_{index}>" for index in range(CODES + 3)]
    ids = lm.tokenizer.convert_tokens_to_ids(words)
    assert ids == list(range(len(lm.tokenizer) - CODES - 3, len(lm.tokenizer)))
    text = "".join(words[:3])
    kept = lm.tokenizer.decode(lm.tokenizer(text, add_special_tokens=False).input_ids, skip_special_tokens=True)
    assert kept.replace(" ", "") == text
    assert lm.lm_type == "encdec" and lm.m_codebook_size == CODES
    assert len(lm.language_model.get_input_embeddings().weight) == len(lm.tokenizer)


def test_seven_more_words_come_after_them(lm: MLM) -> None:
    from agir_plugin.bridge.language import add_special_tokens

    rows = len(lm.tokenizer)
    assert add_special_tokens(lm.tokenizer, lm.language_model) == 7
    assert lm.tokenizer.convert_tokens_to_ids("<reasoning_start>") == rows
    assert len(lm.language_model.get_output_embeddings().weight) == rows + 7


def test_codes_and_motion_strings(lm: MLM) -> None:
    start, end = f"<motion_id_{CODES}>", f"<motion_id_{CODES + 1}>"
    strings = lm.motion_token_to_string(torch.tensor([[3, 0, 5], [1, 2, 0]]), [3, 2])
    assert strings == [f"{start}<motion_id_3><motion_id_0><motion_id_5>{end}", f"{start}<motion_id_1><motion_id_2>{end}"]
    if not hasattr(lm, "device"):
        lm.device = torch.device("cpu")  # upstream sets it in its generate calls
    codes, texts = lm.motion_string_to_token([f"walks {strings[0]}"])
    assert codes[0].tolist() == [3, 0, 5] and texts == ["walks <Motion_Placeholder>"]


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("Show: <Motion_Placeholder>", "Show: M"),
        ("<Caption_Placeholder> now", "slow walk now"),
        ("<Frame_Placeholder> frames, <Second_Placeholder> s", "130 frames, 6.0 s"),
    ],
)
def test_placeholders(lm: MLM, template: str, filled: str) -> None:
    motion = lm.motion_token_to_string(torch.arange(32)[None] % CODES, [32])[0]
    assert lm.placeholder_fulfill(template, 130, motion, "slow walk") == filled.replace("M", motion)


def test_templates_give_one_input_and_one_output_per_sample(lm: MLM) -> None:
    task = {"input": ["Describe <Motion_Placeholder>"], "output": ["<Caption_Placeholder>"]}
    motions = lm.motion_token_to_string(torch.tensor([[1, 2, 3, 4]] * 2), [4, 4])
    inputs, outputs = lm.template_fulfill([task] * 2, [16, 16], motions, ["slow", "fast"])
    assert inputs == [f"Describe {motion}" for motion in motions] and outputs == ["slow", "fast"]


def test_a_data_module_starts_from_a_collate_function() -> None:
    module = BASEDataModule(collate_fn=list)
    assert module.is_mm is False and module.dataloader_options["collate_fn"] is list
