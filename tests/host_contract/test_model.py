"""Model parts without a run: a frozen tokenizer, losses of any name, metrics on true lengths."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
import torch
from mGPT import config
from mGPT.data.build_data import build_data
from mGPT.errors import ConfigError
from mGPT.losses.base import BaseLosses
from mGPT.losses.mgpt import PassThrough
from mGPT.metrics.captions import M2TMetrics
from mGPT.metrics.motion import MRMetrics, PredMetrics, aligned
from mGPT.models.build_model import build_model


def model(words: list[str], *more: str) -> object:
    """The model of a configuration."""
    cfg = config.parse_args("train", [*words, *more])
    return build_model(cfg, build_data(cfg))


def test_the_tokenizer_of_the_language_stages_is_truly_frozen(words: list[str]) -> None:
    made = model(words, "TRAIN.STAGE=lm_instruct").train()
    assert made.training and made.lm.training and not any(module.training for module in made.vae.modules())
    assert not any(parameter.requires_grad for parameter in made.vae.parameters())
    optimised = {
        id(parameter)
        for group in made.configure_optimizers()["optimizer"].param_groups
        for parameter in group["params"]
    }
    assert optimised == {id(parameter) for parameter in made.lm.parameters()}


def test_stage_vae_needs_no_language_model(words: list[str]) -> None:
    made = model(words, "TRAIN.STAGE=vae", "lm.default.params.model_path=nowhere")
    assert made.lm is None and made.vae.training


def test_unknown_words_are_refused(words: list[str]) -> None:
    with pytest.raises(ConfigError, match="TRAIN.STAGE: expected one of vae, lm_pretrain, lm_instruct, got 'token'"):
        model(words, "model.params.stage=token")
    with pytest.raises(ConfigError, match="every weight of stage vae is 0"):
        model(words, "LOSS.LAMBDA_FEATURE=0", "LOSS.LAMBDA_VELOCITY=0", "LOSS.LAMBDA_COMMIT=0")


def test_hyper_parameters_are_plain(words: list[str]) -> None:
    made = model(words, "TRAIN.STAGE=vae", "model.params.extra={a: [1, 2]}")
    assert type(made.hparams["motion_vae"]) is dict and made.hparams["extra"] == {"a": [1, 2]}
    assert "cfg" not in made.hparams and "datamodule" not in made.hparams


def test_losses_of_any_name_are_weighted_and_averaged() -> None:
    losses = BaseLosses(
        None,
        ["fmt", "recons_feature", "a_b_c"],
        {"fmt": 2, "recons_feature": 1, "a_b_c": 0.5},
        dict.fromkeys(["fmt", "recons_feature", "a_b_c"], PassThrough),
    )
    assert float(losses._update_loss("fmt", torch.tensor(3.0), None)) == 6.0
    losses._update_loss("fmt", torch.tensor(5.0), None)
    losses._update_loss("a_b_c", torch.tensor(1.0), None)
    assert losses.compute("val") == {"fmt/val": torch.tensor(4.0), "a/b_c/val": torch.tensor(1.0)}
    assert losses.compute("val") == {}
    assert losses.names("train") == ["fmt/train", "recons/feature/train", "a/b_c/train", "total/train"]
    with pytest.raises(ConfigError, match="no weight or no function for b"):
        BaseLosses(None, ["b"], {}, {})


def test_motion_errors_use_true_frames_only() -> None:
    meant = torch.zeros(1, 10, 22, 3)
    made = meant.clone()
    made[0, :4, 1:] += torch.tensor([0.003, 0.0, 0.004])  # 5 mm on 21 of 22 joints, in the four true frames
    made[0, 4:] = 99.0
    metric = MRMetrics(dist_sync_on_step=False)
    metric.update(joints_rst=made, joints_ref=meant, lengths=[4])
    values = metric.compute(sanity_flag=False)
    assert float(values["MPJPE"]) == pytest.approx(5 * 21 / 22, abs=1e-4)
    assert float(values["ACCEL"]) == 0.0
    track = torch.arange(5.0)[:, None, None].expand(5, 1, 3)
    metric = PredMetrics(dist_sync_on_step=False)
    metric.update(joints_rst=track[None], joints_ref=torch.zeros(1, 5, 1, 3), lengths=[3])
    assert float(metric.compute()["FDE"]) == pytest.approx(2 * 3**0.5)
    assert float(metric.compute()["ADE"]) == pytest.approx(3**0.5)


def test_alignment_takes_out_turning_moving_and_scaling() -> None:
    torch.manual_seed(0)
    meant = torch.randn(3, 22, 3)
    turn = torch.linalg.qr(torch.randn(3, 3))[0]
    turn = turn * torch.linalg.det(turn).sign()
    made = 1.7 * meant @ turn + torch.tensor([1.0, -2.0, 3.0])
    torch.testing.assert_close(aligned(made, meant), meant, atol=1e-4, rtol=0)
    mirrored = meant * torch.tensor([-1.0, 1.0, 1.0])
    assert (aligned(mirrored, meant) - meant).norm(dim=-1).mean() > 0.1  # a mirror image is no rotation


def test_caption_scores_or_the_package_that_is_missing() -> None:
    if find_spec("pycocoevalcap") is None:
        with pytest.raises(ConfigError, match="pip install pycocoevalcap"):
            M2TMetrics()
        return
    metric = M2TMetrics()
    metric.update(["a person walks", "turn left now please"], [["A person walks."], ["turn left now please", "go"]])
    values = metric.compute()
    assert values["Bleu_1"] == pytest.approx(1.0, abs=1e-6) and values["ROUGE_L"] == 1.0 and values["CIDEr"] > 1
