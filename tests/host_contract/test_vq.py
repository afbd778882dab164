"""The motion tokenizer: names and shapes of released weights, batches equal to single clips, a lasting codebook."""

from __future__ import annotations

import pytest
import torch
from mGPT.archs.mgpt_vq import VQVae
from mGPT.archs.tools.convnet import ResidualStack
from mGPT.errors import ConfigError, DataError

#: Clip lengths in frames: whole units, odd ones, one code only.
LENGTHS = [64, 50, 37, 40, 4]


def small(**changes: object) -> VQVae:
    """A tokenizer of width 16 with random codes, in eval mode."""
    torch.manual_seed(0)
    vae = VQVae(**{"width": 16, "code_dim": 8, "output_emb_width": 8, "code_num": 12, **changes}).eval()
    if "quantizer" not in changes:
        vae.quantizer.codebook.normal_()
    return vae


def test_state_dict_of_the_default_has_the_released_names_and_shapes() -> None:
    vae = VQVae()
    state = {key: tuple(value.shape) for key, value in vae.state_dict().items()}
    extra = {"quantizer.code_sum", "quantizer.code_count", "quantizer.initted"}
    expected = {"quantizer.codebook": (512, 512)}
    weights = {
        "encoder.model.0": (512, 263, 3), "encoder.model.4": (512, 512, 3), "decoder.model.0": (512, 512, 3),
        "decoder.model.4": (512, 512, 3), "decoder.model.6": (263, 512, 3),
    }  # fmt: skip
    for stage in (2, 3):
        weights |= {f"encoder.model.{stage}.0": (512, 512, 4), f"decoder.model.{stage}.2": (512, 512, 3)}
        for block in (f"encoder.model.{stage}.1.model", f"decoder.model.{stage}.0.model"):
            for index in range(3):
                weights |= {f"{block}.{index}.conv1": (512, 512, 3), f"{block}.{index}.conv2": (512, 512, 1)}
    for name, shape in weights.items():
        expected |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    assert {key: state[key] for key in state.keys() - extra} == expected
    assert len(expected) == 67
    assert sum(parameter.numel() for parameter in vae.parameters()) == 19_436_807


def test_dilations_run_from_nine_to_one() -> None:
    stack = ResidualStack(4, depth=3, growth=3, activation="relu", norm=None)
    assert [block.conv1.dilation[0] for block in stack.model] == [9, 3, 1]


def test_four_frames_make_one_code_and_one_code_four_frames() -> None:
    vae = small()
    codes, nothing = vae.encode(torch.randn(1, 54, 263))
    assert (codes.shape, codes.dtype, nothing) == ((1, 13), torch.int64, None)
    assert vae.decode(codes[0]).shape == (1, 52, 263)


@pytest.mark.parametrize("norm", [None, "LN"])
def test_a_padded_batch_gives_each_clip_the_codes_and_motion_it_gets_alone(norm: str | None) -> None:
    vae = small(norm=norm)
    batch = torch.randn(len(LENGTHS), max(LENGTHS), 263)  # what lies beyond a length must not matter, so it is noise
    codes, _ = vae.encode(batch, LENGTHS)
    latents, _ = vae._latents(batch, LENGTHS)
    motions = vae.decode(codes, [length // 4 for length in LENGTHS])
    for row, length in enumerate(LENGTHS):
        alone = batch[row : row + 1, :length]
        tokens = length // 4
        torch.testing.assert_close(latents[row, :tokens], vae._latents(alone, None)[0][0], atol=1e-6, rtol=0)
        assert torch.equal(codes[row, :tokens], vae.encode(alone)[0][0])
        assert not codes[row, tokens:].any()
        torch.testing.assert_close(motions[row, : 4 * tokens], vae.decode(codes[row, :tokens])[0], atol=1e-6, rtol=0)
        assert not motions[row, 4 * tokens :].any()


def test_training_loss_ignores_padding() -> None:
    vae = small()
    batch = torch.randn(2, 64, 263)
    recon, commit, _ = vae(batch, [64, 40])
    batch[1, 40:] = 99.0
    other, same, _ = vae(batch, [64, 40])
    assert torch.equal(commit, same) and torch.equal(recon, other)


@pytest.mark.parametrize("kind", ["ema_reset", "ema", "reset", "orig"])
def test_every_quantizer_trains_on_the_cpu(kind: str) -> None:
    vae = small(quantizer=kind).train()
    recon, commit, perplexity = vae(torch.randn(4, 64, 263))
    (recon.pow(2).mean() + commit).backward()
    assert torch.isfinite(perplexity) and 1 <= perplexity <= 12.01
    assert vae.encoder.model[0].weight.grad.abs().sum() > 0


def test_moving_average_of_the_codebook_by_hand() -> None:
    vae = small(code_num=2, code_dim=1, output_emb_width=1, mu=0.5, quantizer="ema")
    quantizer = vae.quantizer
    for name, value in {"codebook": [[0.0], [10.0]], "code_sum": [[0.0], [10.0]], "code_count": [1.0, 1.0]}.items():
        getattr(quantizer, name).copy_(torch.tensor(value))
    quantizer.initted.fill_(True)
    quantizer.train()(torch.tensor([[1.0], [3.0], [8.0]]))  # 1 and 3 belong to code 0, 8 to code 1
    # code 0: sum (0 + 4) / 2 = 2, count (1 + 2) / 2 = 1.5; code 1: sum (10 + 8) / 2 = 9, count 1
    torch.testing.assert_close(quantizer.codebook, torch.tensor([[2 / 1.5], [9.0]]))


def test_codebook_survives_saving_and_more_training() -> None:
    vae = small(quantizer="ema_reset").train()
    for _ in range(3):
        vae(torch.randn(4, 64, 263))
    again = small(quantizer="ema_reset").train()
    again.load_state_dict(vae.state_dict(), strict=True)
    batch = torch.randn(4, 64, 263)
    torch.manual_seed(1)
    vae(batch)
    torch.manual_seed(1)
    again(batch)
    assert all(torch.equal(value, again.state_dict()[key]) for key, value in vae.state_dict().items())


def test_a_released_checkpoint_without_sums_loads_strictly_and_is_not_drawn_anew() -> None:
    vae = small()
    released = {
        key: value
        for key, value in vae.state_dict().items()
        if key.split(".")[-1] not in ("code_sum", "code_count", "initted")
    }
    again = small(quantizer="ema_reset").train()
    again.load_state_dict(released, strict=True)
    assert torch.equal(again.quantizer.codebook, vae.quantizer.codebook) and bool(again.quantizer.initted)
    before = again.quantizer.codebook.clone()
    again(torch.randn(1, 8, 263))
    assert (again.quantizer.codebook - before).abs().max() < 0.5  # moved a little, none replaced


def test_a_checkpoint_with_half_of_the_sums_is_refused() -> None:
    state = small().state_dict()
    del state["quantizer.code_sum"]
    with pytest.raises(RuntimeError, match="code_sum"):
        small().load_state_dict(state, strict=True)


def test_wrong_use_is_told_clearly() -> None:
    with pytest.raises(ConfigError, match="ema_reset, ema, reset or orig"):
        VQVae(quantizer="emma")
    with pytest.raises(ConfigError, match="must equal output_emb_width"):
        VQVae(code_dim=4)
    with pytest.raises(DataError, match=r"\(N, T, 263\), got \(1, 8, 3\)"):
        small().encode(torch.zeros(1, 8, 3))
    with pytest.raises(DataError, match="at least 4 frames"):
        small().encode(torch.zeros(1, 3, 263))
    with pytest.raises(DataError, match="do not fit a batch"):
        small().encode(torch.zeros(1, 8, 263), [12])
