"""Checkpoint files: tensors come out of all kinds, nothing in them is run, what is damaged is told."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import mGPT
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mGPT.archs.mgpt_vq import VQVae
from omegaconf import OmegaConf
from safetensors.torch import load_file

from agir_plugin.bridge.checkpoint import is_plain, read_as_dict, read_checkpoint, write_plain
from agir_plugin.bridge.contents import describe, tokenizer_sizes, write_tokenizer_run
from agir_plugin.bridge.run import load_run
from agir_plugin.errors import ModelError

#: A small tokenizer of the form MotionGPT has.
SIZES = dict(
    nfeats=263, quantizer="ema_reset", code_num=12, code_dim=6, output_emb_width=6, down_t=2, stride_t=2, width=8, depth=2,
    dilation_growth_rate=3, activation="relu", norm=None,
)  # fmt: skip


class Command:
    """What an attacker pickles: rebuilding it runs a command."""

    def __init__(self, line: str) -> None:
        self.line = line

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.line,)


def lightning_file(path: Path, extra: Any = None, zipped: bool = True) -> dict[str, torch.Tensor]:
    """A Lightning checkpoint as MotionGPT writes it, configuration objects included; returns its state dict."""
    torch.manual_seed(0)
    state = {
        "vae.encoder.model.0.weight": torch.randn(4, 3, 3),
        "lm.language_model.shared.weight": torch.nn.Parameter(torch.randn(5, 2)),
        "_losses.losses_train.total": torch.tensor(1.0),
    }
    content = {
        "epoch": 7,
        "global_step": 90,
        "state_dict": state,
        "hyper_parameters": {"cfg": OmegaConf.create({"TRAIN": {"STAGE": "vae", "LIST": [1, 2]}}), "extra": extra},
        "datamodule_hyper_parameters": {"mean": np.ones(3)},
    }
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    return {name: value.detach() for name, value in state.items()}


@pytest.mark.parametrize("zipped", [True, False])
def test_tensors_come_out_and_pickled_commands_do_not_run(tmp_path: Path, zipped: bool) -> None:
    path, mark = tmp_path / "raw.tar", tmp_path / "ran"
    state = lightning_file(path, Command(f"touch {mark}"), zipped)
    found = read_checkpoint(path)
    assert {name: value.tolist() for name, value in found.tensors.items()} == {k: v.tolist() for k, v in state.items()}
    assert found.facts == {"epoch": 7, "global_step": 90}
    assert "omegaconf.dictconfig.DictConfig" in found.left_out and f"{os.system.__module__}.system" in found.left_out
    assert not mark.exists()


def test_a_state_dict_that_runs_a_command_is_refused_without_running(tmp_path: Path) -> None:
    path, mark = tmp_path / "evil.ckpt", tmp_path / "ran"
    torch.save({"state_dict": Command(f"touch {mark}")}, path)
    with pytest.raises(ModelError, match="expected a checkpoint with tensors in its state_dict"):
        read_checkpoint(path)
    assert not mark.exists()


def test_torch_itself_cannot_be_changed_by_what_a_pickle_sets(tmp_path: Path) -> None:
    """BUILD on a function sets its attributes: the function must not be torch's own."""
    body = (
        b"\x80\x02}(X\x0a\x00\x00\x00state_dict}X\x01\x00\x00\x00xctorch._utils\n_rebuild_tensor_v2\n"
        b"}X\x06\x00\x00\x00poisonK\x01sbu."
    )
    path = tmp_path / "poison.ckpt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", body)
        archive.writestr("archive/version", "3\n")
        archive.writestr("archive/byteorder", "little")
    with pytest.raises(ModelError):
        read_checkpoint(path)
    assert not hasattr(torch._utils._rebuild_tensor_v2, "poison")


def test_a_torchscript_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "program.pt"
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), path)
    with pytest.raises(ModelError, match="TorchScript program"):
        read_checkpoint(path)


@settings(max_examples=40, deadline=None)
@given(content=st.binary(max_size=300), ending=st.sampled_from([".ckpt", ".safetensors", ".tar"]))
def test_random_bytes_are_told_as_such(tmp_path_factory: pytest.TempPathFactory, content: bytes, ending: str) -> None:
    path = tmp_path_factory.mktemp("junk") / f"x{ending}"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="expected"):
        read_checkpoint(path)


def test_every_truncation_of_a_checkpoint_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    whole = tmp_path / "whole.ckpt"
    lightning_file(whole)
    content = whole.read_bytes()
    for share in (0.1, 0.5, 0.9, 0.99):
        cut = tmp_path / "cut.ckpt"
        cut.write_bytes(content[: int(share * len(content))])
        with pytest.raises(ModelError, match=r"cut\.ckpt"):
            read_checkpoint(cut)


def test_a_converted_file_loads_safely_and_holds_the_same(tmp_path: Path) -> None:
    raw = tmp_path / "raw.ckpt"
    state = lightning_file(raw)
    assert not is_plain(raw)
    write_plain(raw, tmp_path / "a" / "plain.ckpt")
    assert is_plain(tmp_path / "a" / "plain.ckpt")
    loaded = torch.load(tmp_path / "a" / "plain.ckpt", weights_only=True)
    assert loaded["epoch"] == 7 and loaded["state_dict"].keys() == state.keys()
    write_plain(raw, tmp_path / "plain.safetensors")
    assert all(torch.equal(value, state[name]) for name, value in load_file(tmp_path / "plain.safetensors").items())
    facts = json.loads((tmp_path / "plain.json").read_text("utf8"))
    assert facts["source"] == "raw.ckpt" and facts["facts"] == {"epoch": 7, "global_step": 90}
    assert read_as_dict(tmp_path / "plain.safetensors")["epoch"] == 7
    with pytest.raises(ModelError, match=r"ends in \.ckpt or \.safetensors"):
        write_plain(raw, tmp_path / "x.bin")


def vae_file(path: Path) -> VQVae:
    """A checkpoint with a small tokenizer; returns it."""
    torch.manual_seed(1)
    vae = VQVae(**SIZES)
    vae.quantizer.codebook.copy_(torch.randn(12, 6))
    torch.save({"state_dict": {f"vae.{name}": value for name, value in vae.state_dict().items()}, "epoch": 3}, path)
    return vae.eval()


def test_sizes_of_a_tokenizer_are_read_off_its_weights(tmp_path: Path) -> None:
    vae = vae_file(tmp_path / "vq.ckpt")
    assert tokenizer_sizes(vae.state_dict()) == SIZES
    with pytest.raises(ModelError, match="expected the weights of MotionGPT's VQ-VAE"):
        tokenizer_sizes({"encoder.model.0.weight": torch.ones(1, 1, 1)})


def test_what_a_checkpoint_holds_is_told(tmp_path: Path) -> None:
    vae_file(tmp_path / "vq.ckpt")
    found = describe(tmp_path / "vq.ckpt")
    assert found["tokenizer"] == SIZES and found["language_model"] is None and found["facts"] == {"epoch": 3}
    lightning_file(tmp_path / "raw.ckpt")
    found = describe(tmp_path / "raw.ckpt")
    assert found["language_model"]["vocabulary_rows"] == 5 and found["metrics_and_losses"] == 1
    assert "not_understood" in found["tokenizer"] and "numpy" in " ".join(found["left_out"])


def test_a_checkpoint_becomes_a_tokenizer_run_with_the_same_codes(tmp_path: Path) -> None:
    vae = vae_file(tmp_path / "vq.ckpt")
    meta = tmp_path / "meta"
    meta.mkdir()
    np.save(meta / "mean.npy", np.full(263, 0.5, np.float32))
    np.save(meta / "std.npy", np.full(263, 2.0, np.float32))
    write_tokenizer_run(tmp_path / "vq.ckpt", tmp_path / "released", meta)
    run = load_run(tmp_path / "released")
    features = torch.randn(2, 40, 263)
    assert torch.equal(run.vae.encode(features)[0], vae.encode(features)[0])
    assert run.mean[0] == 0.5 and run.std[0] == 2.0 and run.lm is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda meta: None, "expected mean.npy or Mean.npy"),
        (lambda meta: np.save(meta / "mean.npy", np.ones(7)), "expected 263 finite numbers, got an array of shape"),
        (lambda meta: np.save(meta / "mean.npy", np.array([{}])), "expected a NumPy array of 263 numbers"),
    ],
)
def test_statistics_that_are_none_are_refused(tmp_path: Path, make: Any, message: str) -> None:
    vae_file(tmp_path / "vq.ckpt")
    meta = tmp_path / "meta"
    meta.mkdir()
    make(meta)
    with pytest.raises(ModelError, match=message):
        write_tokenizer_run(tmp_path / "vq.ckpt", tmp_path / "released", meta)
    with pytest.raises(ModelError, match="--statistics"):
        write_tokenizer_run(tmp_path / "vq.ckpt", tmp_path / "released", None)
    assert not (tmp_path / "released").exists()


@pytest.mark.skipif(not hasattr(mGPT, "FREE_OF"), reason="upstream reads checkpoints by itself: see test_compat.py")
def test_our_host_starts_from_a_raw_checkpoint_without_running_it(tmp_path: Path) -> None:
    from mGPT.utils.load_checkpoint import read_state_dict

    path, mark = tmp_path / "motiongpt_s3_h3d.tar", tmp_path / "ran"
    state = lightning_file(path, Command(f"touch {mark}"))
    assert read_state_dict(path, "TRAIN.PRETRAINED").keys() == state.keys()
    assert not mark.exists()
