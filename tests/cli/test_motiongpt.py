"""`agir motiongpt` and `agir model`: what they say, and how they fail."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

from agir_plugin.bridge.checkout import CAPABILITIES
from agir_plugin.cli.app import run

HOST = Path(__file__).parents[2] / "third_party" / "motiongpt"


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is no checkout, with no checkout named."""
    monkeypatch.delenv("MOTIONGPT_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def other(outside: Path) -> Path:
    """A checkout of another version, with every name that AGIR builds on."""
    root = outside / "MotionGPT"
    for file, names in CAPABILITIES.items():
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        owners = dict.fromkeys(name.rpartition(".")[0] for name in names)
        methods = {owner: [name.rpartition(".")[2] for name in names if name.rpartition(".")[0] == owner] for owner in owners}
        lines = [f"class {c}:\n" + "".join(f"    def {m}(self): ...\n" for m in ms) for c, ms in methods.items() if c]
        path.write_text("".join(lines) + "".join(f"def {name}(): ...\n" for name in methods.get("", [])))
    return root


def test_status_of_the_installed_host(outside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["motiongpt", "status"]) == 0
    assert "installed host (agir-motiongpt)" in capsys.readouterr().out
    assert run(["motiongpt", "install"]) == 1
    assert "name an upstream checkout with --root" in capsys.readouterr().err


def test_status_names_what_is_mended(other: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["motiongpt", "status", "--root", str(other)]) == 0
    out = capsys.readouterr().out
    assert "upstream, changed" in out and "tied_heads: transformers 5 ties" in out


def test_a_version_that_cannot_be_used_is_an_error(other: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (other / "mGPT" / "archs" / "mgpt_lm.py").write_text("")
    assert run(["motiongpt", "status", "--root", str(other)]) == 1
    captured = capsys.readouterr()
    assert "lacks      mGPT/archs/mgpt_lm.py: MLM.__init__" in captured.out and "cannot run in this version" in captured.err


def test_install_and_remove_tell_what_they_did(
    other: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(other)  # the checkout one stands in needs no --root
    assert run(["motiongpt", "install"]) == 0
    assert "wrote    configs/agir_stage1.yaml" in capsys.readouterr().out
    assert run(["motiongpt", "status"]) == 0
    assert "as installed configs/agir_stage1.yaml" in capsys.readouterr().out
    (other / "experiments" / "run").mkdir()
    assert run(["motiongpt", "remove"]) == 0
    out = capsys.readouterr().out
    assert "removed  configs/agir_stage1.yaml" in out and "kept     experiments (yours)" in out
    assert run(["motiongpt", "remove"]) == 1


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["install", "--root", "nowhere"], 1, "expected a MotionGPT checkout"),
        (["install", "--root", str(HOST)], 1, "finds the shipped configurations by itself"),
        (["install", "--root", "MotionGPT", "--patch", "debug"], 2, "expected one of debug-from-yaml"),
        (["install", "--root", "MotionGPT", "--patch", "all"], 1, "not the file that the patch"),
    ],
)
def test_wrong_words_and_places(
    other: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, message: str
) -> None:
    assert run(["motiongpt", *words]) == code
    assert message in capsys.readouterr().err
    assert not (other / "agir").exists()


def test_doctor_lists_what_is_mended_in_a_checkout(
    other: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MOTIONGPT_ROOT", str(other))
    run(["doctor"])  # its code depends on whether the extra `upstream` is installed here
    out = capsys.readouterr().out
    assert "upstream, changed" in out and "ema_restart" in out


def raw_checkpoint(path: Path) -> Path:
    """A checkpoint with a pickled configuration."""
    state = {"lm.language_model.shared.weight": torch.ones(5, 2), "lm.language_model.lm_head.weight": torch.zeros(5, 2)}
    torch.save({"state_dict": state, "epoch": 2, "hyper_parameters": OmegaConf.create({"a": 1})}, path)
    return path


def test_a_checkpoint_is_inspected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = raw_checkpoint(tmp_path / "raw.tar")
    assert run(["model", "inspect", str(path)]) == 0
    out = capsys.readouterr().out
    assert "vocabulary_rows 5" in out and "head_apart True" in out and "omegaconf.dictconfig.DictConfig" in out
    assert run(["model", "inspect", str(path), "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["facts"] == {"epoch": 2}


def test_a_checkpoint_is_converted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = raw_checkpoint(tmp_path / "raw.tar")
    assert run(["model", "convert", str(path), str(tmp_path / "a.ckpt")]) == 0
    said = capsys.readouterr().err
    assert "left out, unread: " in said and "omegaconf.dictconfig.DictConfig" in said
    assert torch.load(tmp_path / "a.ckpt", weights_only=True)["epoch"] == 2
    assert run(["model", "convert", str(path), str(tmp_path / "folder")]) == 1
    assert "found none" in capsys.readouterr().err
    assert run(["model", "inspect", str(tmp_path / "none.ckpt")]) == 1
    assert "expected a checkpoint file, found none" in capsys.readouterr().err
