"""MotionGPT's model, losses and state dict as plugins meet them, in whichever host is in use."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from conftest import CODES, make_t5
from mGPT.archs.mgpt_lm import MLM
from mGPT.losses.mgpt import GPTLosses
from mGPT.metrics import BaseMetrics
from mGPT.models.mgpt import MotionGPT
from omegaconf import OmegaConf
from probe_plugin import GrowingModel
from tiny import KEYS, tiny_model

#: The codebook's running sums, which our host saves and upstream does not.
SUMS = ("code_sum", "code_count", "initted")
#: Names and shapes of flan-t5's weights: D width, I inner width of attention, F width between, H heads, V vocabulary.
TABLES = ("shared", "encoder.embed_tokens", "decoder.embed_tokens", "lm_head")
ATTENTION = {"q": "ID", "k": "ID", "v": "ID", "o": "DI"}
BETWEEN = {"wi_0": "FD", "wi_1": "FD", "wo": "DF"}


def t5_names(blocks: int) -> dict[str, str]:
    """All names below `lm.language_model.` with the letters of their shapes (released MotionGPT checkpoints, 12 blocks)."""
    names = {f"{table}.weight": "VD" for table in TABLES}
    for side, inner in (("encoder", ("SelfAttention",)), ("decoder", ("SelfAttention", "EncDecAttention"))):
        names[f"{side}.final_layer_norm.weight"] = "D"
        names[f"{side}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"] = "RH"
        for block in range(blocks):
            parts = [(f"layer.{index}", f"{kind}.", ATTENTION) for index, kind in enumerate(inner)]
            parts += [(f"layer.{len(inner)}", "DenseReluDense.", BETWEEN)]
            for layer, kind, weights in parts:
                names |= {f"{side}.block.{block}.{layer}.{kind}{name}.weight": shape for name, shape in weights.items()}
                names[f"{side}.block.{block}.{layer}.layer_norm.weight"] = "D"
    return names


def tokenizer_names() -> dict[str, tuple[int, ...]]:
    """All names below `vae.` with the shapes of the released sizes."""
    wide = {"encoder.model.0": (512, 263, 3), "encoder.model.4": (512, 512, 3), "decoder.model.0": (512, 512, 3),
            "decoder.model.4": (512, 512, 3), "decoder.model.6": (263, 512, 3)}  # fmt: skip
    for stage in (2, 3):
        wide |= {f"encoder.model.{stage}.0": (512, 512, 4), f"decoder.model.{stage}.2": (512, 512, 3)}
        for stack in (f"encoder.model.{stage}.1", f"decoder.model.{stage}.0"):
            wide |= {f"{stack}.model.{index}.conv1": (512, 512, 3) for index in range(3)}
            wide |= {f"{stack}.model.{index}.conv2": (512, 512, 1) for index in range(3)}
    weights = {f"{name}.weight": shape for name, shape in wide.items()}
    weights |= {f"{name}.bias": shape[:1] for name, shape in wide.items()}
    return weights | {"quantizer.codebook": (512, 512)}


def test_names_and_shapes_of_a_released_checkpoint(tmp_path: Path) -> None:
    """Tokenizer in full; the language model with flan-t5-base's twelve blocks and heads, and narrow."""
    size = {"D": 24, "I": 36, "F": 40, "H": 12, "R": 32}
    t5 = make_t5(tmp_path, d_model=24, d_kv=3, d_ff=40, num_layers=12, num_heads=12)
    model = tiny_model(t5, code_num=512, code_dim=512, output_emb_width=512, width=512, depth=3)
    size["V"] = len(model.lm.tokenizer)
    expected = {f"vae.{name}": shape for name, shape in tokenizer_names().items()}
    expected |= {f"lm.language_model.{name}": tuple(size[letter] for letter in shape) for name, shape in t5_names(12).items()}
    assert len(expected) == 67 + 284
    found = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    of_a_run = {name for name in found if "_losses" in name or "metrics" in name or name.endswith(SUMS)}
    assert {name: shape for name, shape in found.items() if name not in of_a_run} == expected


def test_what_belongs_to_a_run_is_not_taken_from_a_checkpoint(t5_folder: Path) -> None:
    model = tiny_model(t5_folder)
    state = {name: value.clone() for name, value in model.state_dict().items()}
    state["vae.quantizer.codebook"] = torch.full_like(state["vae.quantizer.codebook"], 7.0)
    foreign = {"_losses.losses_train.total": torch.tensor(5.0), "metrics.TM2TMetrics.t2m_textencoder.w": torch.zeros(3)}
    model.load_state_dict({**state, **foreign}, strict=True)
    assert bool((model.vae.quantizer.codebook == 7.0).all())


@pytest.mark.parametrize("change", ["missing", "left over", "of another shape"])
def test_all_else_must_match(change: str, t5_folder: Path) -> None:
    model = tiny_model(t5_folder)
    state, name = dict(model.state_dict()), "lm.language_model.lm_head.weight"
    if change == "missing":
        del state[name]
    else:
        state["lm.more.weight" if change == "left over" else name] = torch.zeros(3)
    with pytest.raises(Exception, match=r"lm\.more\.weight" if change == "left over" else r"lm_head\.weight"):
        model.load_state_dict(state, strict=True)


def test_a_plugin_can_load_a_smaller_vocabulary(t5_folder: Path) -> None:
    """By overriding load_state_dict; the old rows stay as they were."""
    small = tiny_model(t5_folder)
    state = {name: value.clone() for name, value in small.state_dict().items()}
    grown: GrowingModel = tiny_model(t5_folder, kind="probe_plugin.GrowingModel")
    grown.lm.tokenizer.add_tokens([f"<more_{index}>" for index in range(7)])
    grown.lm.language_model.config.tie_word_embeddings = False
    grown.lm.language_model.resize_token_embeddings(len(grown.lm.tokenizer))
    with pytest.raises(Exception, match="shared"):
        MotionGPT.load_state_dict(grown, dict(state), strict=True)
    grown.load_state_dict(state, strict=True)
    for name in ("shared", "lm_head"):
        key = f"lm.language_model.{name}.weight"
        assert torch.equal(grown.state_dict()[key][:-7], state[key]) and len(grown.state_dict()[key]) == len(state[key]) + 7


def test_language_stages_freeze_the_tokenizer(t5_folder: Path) -> None:
    model = tiny_model(t5_folder)
    assert not any(parameter.requires_grad for parameter in model.vae.parameters())
    assert all(parameter.requires_grad for parameter in model.lm.parameters())
    assert all(parameter.requires_grad for parameter in tiny_model(t5_folder, "vae").vae.parameters())


def test_optimiser_and_schedule_are_named_in_the_configuration(t5_folder: Path) -> None:
    made = tiny_model(t5_folder).configure_optimizers()
    assert isinstance(made["optimizer"], torch.optim.SGD) and made["optimizer"].defaults["lr"] == 0.5
    schedule = made["lr_scheduler"]
    schedule = schedule["scheduler"] if isinstance(schedule, dict) else schedule
    assert isinstance(schedule, torch.optim.lr_scheduler.StepLR) and schedule.step_size == 3


def test_the_lm_step_is_the_language_models_loss(t5_folder: Path) -> None:
    model = tiny_model(t5_folder).eval()
    task = {"class": "", "input": ["<Caption_Placeholder>"], "output": ["<Motion_Placeholder>"]}
    model.lm.quota_ratio = 0.0
    batch = {"motion": torch.tensor([[1.0, 2.0]]), "length": [2], "text": ["a person"], "tasks": [task], "all_captions": [["a"]]}
    meant = model.lm(batch["text"], batch["motion"], [2], [task]).loss
    torch.testing.assert_close(model.train_lm_forward(batch)["outputs"].loss, meant)
    torch.testing.assert_close(model.allsplit_step("train", batch, 0), KEYS["LOSS"]["LAMBDA_CLS"] * meant)


def value(number: Any) -> float:
    """Upstream logs numbers, our host tensors."""
    return float(number)


def test_losses_of_the_language_stages() -> None:
    losses = GPTLosses(OmegaConf.create(KEYS), "lm_pretrain", 22)
    for loss in (1.0, 3.0):
        assert value(losses.update({"outputs": SimpleNamespace(loss=torch.tensor(loss))})) == 2 * loss
    assert {name: value(number) for name, number in losses.compute("train").items()} == {"gpt/loss/train": 2.0, "total/train": 4.0}
    assert losses.compute("train") == {}  # averages since the last compute


def test_losses_of_the_tokenizer() -> None:
    losses = GPTLosses(OmegaConf.create(KEYS), "vae", 22)
    meant, made = torch.zeros(1, 4, 263), torch.zeros(1, 4, 263)
    made[..., 4:67] = 1.0  # the joint positions are one off, all else is right
    total = losses.update({"m_ref": meant, "m_rst": made, "loss_commit": torch.tensor(8.0)})
    parts = {"recons/feature/val": 63 / 263, "recons/velocity/val": 1.0, "vq/commit/val": 8.0, "total/val": 63 / 263 + 0.5 + 2.0}
    assert value(total) == pytest.approx(parts["total/val"])
    assert {name: value(number) for name, number in losses.compute("val").items()} == pytest.approx(parts)


def test_motion_errors_of_two_clips() -> None:
    cfg = OmegaConf.create(KEYS)
    data = SimpleNamespace(name="probe", njoints=22)
    metrics = BaseMetrics(cfg=cfg, datamodule=data, debug=False, names=["MRMetrics"], task="t2m")
    meant = torch.zeros(2, 8, 22, 3)
    made = meant.clone()
    made[:, :, 1:, 0] = 0.022  # 22 mm on 21 of 22 joints
    metrics.MRMetrics.update(made, meant, [8, 8])
    found = metrics.MRMetrics.compute(sanity_flag=False)
    assert value(found["MPJPE"]) == pytest.approx(21.0, abs=1e-3) and value(found["ACCEL"]) == pytest.approx(0.0, abs=1e-4)


def test_a_subclass_has_words_of_its_own(t5_folder: Path) -> None:
    lm = MLM(str(t5_folder), motion_codebook_size=CODES)
    before = len(lm.tokenizer)
    lm.tokenizer.add_tokens(["<own>"])
    assert lm.tokenizer("<own>", add_special_tokens=False).input_ids == [before]
