"""Whole runs through the command line: three stages, testing, going on after a kill, codes, early errors."""

from __future__ import annotations

import csv
import json
import runpy
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import mGPT.test as tester
import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from conftest import CODES, HOST
from mGPT import config
from mGPT.callback import EpochEnd
from mGPT.errors import CheckpointError
from mGPT.get_motion_code import main as codes_main
from mGPT.models.mgpt import MotionGPT
from mGPT.train import main as train_main
from mGPT.utils.load_checkpoint import read_checkpoint, vae_part, weights_sha256


def run_of(words: list[str], name: str) -> Path:
    """The folder of a training run of the model class that ships."""
    return Path(words[words.index("--cfg_assets") + 1]).parent / "runs" / "mgpt" / name


def last(words: list[str], name: str) -> Path:
    """The newest checkpoint of a run."""
    return run_of(words, name) / "checkpoints" / "last.ckpt"


def rows(folder: Path) -> list[dict[str, str]]:
    """The lines of metrics.csv."""
    return list(csv.DictReader((folder / "metrics.csv").read_text().splitlines()))


@pytest.fixture
def tokenizer(words: list[str]) -> Path:
    """The checkpoint of one epoch of stage vae."""
    assert train_main([*words, "NAME=vq", "TRAIN.STAGE=vae"]) == 0
    return last(words, "vq")


def test_three_stages_and_a_test_end_to_end(
    words: list[str], tokenizer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = run_of(words, "vq")
    assert {"total/train", "total/val", "recons/feature/val", "vq/commit/train"} <= rows(folder)[0].keys()
    assert json.loads((folder / "skipped.json").read_text()) == {"train": {}, "val": {}}
    assert list(folder.glob("config_*_train.yaml")) and list(folder.glob("log_*_train.log"))
    assert train_main([*words, "NAME=lm", "TRAIN.STAGE=lm_pretrain", f"TRAIN.PRETRAINED_VAE={tokenizer}"]) == 0
    assert {"gpt/loss/train", "gpt/loss/val"} <= rows(run_of(words, "lm"))[0].keys()
    pretrained, saved = (
        vae_part(read_checkpoint(tokenizer, "")["state_dict"]),
        read_checkpoint(last(words, "lm"), "")["state_dict"],
    )
    assert all(torch.equal(value, vae_part(saved)[key]) for key, value in pretrained.items())  # frozen to the last bit
    more = ["NAME=ins", "TRAIN.STAGE=lm_instruct", "model.params.task=pred", "METRIC.TYPE=[PredMetrics]"]
    assert train_main([*words, *more, f"TRAIN.PRETRAINED={last(words, 'lm')}", "TRAIN.MONITOR=total/val"]) == 0
    assert {path.name for path in (run_of(words, "ins") / "checkpoints").iterdir()} == {
        "last.ckpt",
        "best.ckpt",
        "epoch=0.ckpt",
    }
    tested = [*more, f"TEST.CHECKPOINTS={last(words, 'ins')}", "TEST.REPLICATION_TIMES=2", "TEST.SAVE_PREDICTIONS=true"]
    capsys.readouterr()
    assert tester.main([*words, *tested]) == 0
    results = run_of(words, "ins").parents[2] / "results" / "mgpt" / "ins"
    report = json.loads(next(results.glob("metrics_*.json")).read_text())
    values = report["total/test"]
    assert len(values) == 2 and report["total/test/mean"] == pytest.approx(sum(values) / 2)
    source = report["provenance"]
    assert source["seed"] == 1234 and source["checkpoint"].endswith("last.ckpt")
    assert "total/test" in capsys.readouterr().err


def test_checkpoints_hold_plain_values_and_no_configuration_object(tokenizer: Path) -> None:
    saved = torch.load(tokenizer, map_location="cpu", weights_only=True)
    assert saved["hyper_parameters"]["motion_vae"]["params"]["code_num"] == CODES
    assert "cfg" not in saved["hyper_parameters"] and not [key for key in saved if key.startswith("datamodule")]
    assert saved["finished"] is True and saved["epoch"] == 1


STAGES = {
    "vae": ["TRAIN.STAGE=vae", "METRIC.TYPE=[MRMetrics]", "TRAIN.MONITOR=Metrics/MPJPE"],
    "lm": [
        "TRAIN.STAGE=lm_pretrain",
        "model.params.task=pred",
        "TRAIN.MONITOR=total/val",
        "TRAIN.ACCUMULATE=2",
        "TRAIN.GRAD_CLIP=1.0",
    ],
}


@pytest.mark.parametrize("stage", STAGES)
def test_a_killed_run_started_again_equals_one_that_was_not(
    stage: str, words: list[str], tokenizer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = [
        *words,
        *STAGES[stage],
        "TRAIN.END_EPOCH=3",
        *([] if stage == "vae" else [f"TRAIN.PRETRAINED_VAE={tokenizer}"]),
    ]
    assert train_main([*more, "NAME=whole"]) == 0
    for epoch in (1, 2):
        with monkeypatch.context() as patch, pytest.raises(SystemError, match="killed"):
            patch.setattr(MotionGPT, "allsplit_step", killed_in(epoch, MotionGPT.allsplit_step))
            train_main([*more, "NAME=killed"])
    assert train_main([*more, "NAME=killed"]) == 0
    whole, killed = run_of(words, "whole"), run_of(words, "killed")
    assert rows(whole) == rows(killed) and len(rows(whole)) == 3
    one, other = (read_checkpoint(folder / "checkpoints" / "last.ckpt", "") for folder in (whole, killed))
    assert all(torch.equal(value, other["state_dict"][key]) for key, value in one["state_dict"].items())
    assert (one["global_step"], one["lr_schedulers"]) == (other["global_step"], other["lr_schedulers"])
    assert {path.name for path in (whole / "checkpoints").iterdir()} == {
        path.name for path in (killed / "checkpoints").iterdir()
    }


def killed_in(epoch: int, step: Callable[..., object]) -> Callable[..., object]:
    """A step that fails in the middle of an epoch."""

    def failing(self: MotionGPT, split: str, batch: object, batch_idx: int) -> object:
        if split == "train" and self.current_epoch == epoch and batch_idx == 1:
            raise SystemError("killed")
        return step(self, split, batch, batch_idx)

    return failing


@pytest.mark.parametrize(
    "more", [["model.params.task=t2m"], ["model.params.task=m2t"], ["model.params.task=inbetween"]]
)
def test_every_task_validates_also_in_mixed_precision(more: list[str], words: list[str], tokenizer: Path) -> None:
    stage = ["NAME=task", "TRAIN.STAGE=lm_instruct", f"TRAIN.PRETRAINED_VAE={tokenizer}", "TRAIN.LIMIT_BATCHES=1"]
    assert train_main([*words, *stage, *more, "TRAIN.PRECISION=bf16-mixed", "DEBUG=true"]) == 0
    assert float(rows(run_of(words, "debug--task"))[0]["gpt/loss/val"]) > 0


def test_mixed_precision_of_the_tokenizer(words: list[str]) -> None:
    assert train_main([*words, "TRAIN.PRECISION=bf16-mixed", "METRIC.TYPE=[MRMetrics]"]) == 0
    assert float(rows(run_of(words, "tiny"))[0]["Metrics/MPJPE"]) > 0


def test_a_row_holds_only_what_its_own_epoch_logged(words: list[str]) -> None:
    assert train_main([*words, "NAME=rare", "TRAIN.END_EPOCH=3", "LOGGER.VAL_EVERY_STEPS=2"]) == 0
    assert [bool(row["total/val"]) for row in rows(run_of(words, "rare"))] == [False, True, False]
    assert all(row["total/train"] for row in rows(run_of(words, "rare")))


def test_a_finished_run_trains_nothing_and_a_changed_one_keeps_the_old(
    words: list[str], tokenizer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = tokenizer.stat().st_mtime_ns
    capsys.readouterr()
    assert train_main([*words, "NAME=vq", "TRAIN.STAGE=vae"]) == 0
    assert "nothing to train" in capsys.readouterr().err and tokenizer.stat().st_mtime_ns == before
    assert train_main([*words, "NAME=vq", "TRAIN.STAGE=vae", "TRAIN.OPTIM.params.lr=0.001"]) == 0
    assert "the configuration changed (TRAIN.OPTIM.params.lr)" in capsys.readouterr().err
    kept = [path for path in run_of(words, "vq").parent.iterdir() if path.name.startswith("vq_")]
    assert len(kept) == 1 and (kept[0] / "checkpoints" / "last.ckpt").stat().st_mtime_ns == before


def test_a_named_run_goes_on_to_more_epochs_without_wandb(words: list[str], tokenizer: Path) -> None:
    folder = run_of(words, "vq")
    assert train_main([*words, "TRAIN.STAGE=vae", f"TRAIN.RESUME={folder}", "TRAIN.END_EPOCH=2"]) == 0
    assert [row["epochs"] for row in rows(folder)] == ["1", "2"]
    assert train_main([*words, "NAME=two", "TRAIN.STAGE=vae", "TRAIN.END_EPOCH=2"]) == 0
    straight, resumed = (read_checkpoint(path, "")["state_dict"] for path in (last(words, "two"), tokenizer))
    assert all(torch.equal(value, resumed[key]) for key, value in straight.items())


def test_last_checkpoint_is_replaced_whole(words: list[str], tokenizer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = tokenizer.read_bytes()

    def torn(self: pl.Trainer, path: Path, *rest: object) -> None:
        Path(path).write_bytes(b"half a file")
        raise SystemError("disk full")

    monkeypatch.setattr(pl.Trainer, "save_checkpoint", torn)
    with pytest.raises(SystemError, match="disk full"):
        train_main([*words, "TRAIN.STAGE=vae", f"TRAIN.RESUME={run_of(words, 'vq')}", "TRAIN.END_EPOCH=2"])
    assert tokenizer.read_bytes() == before


def test_codes_are_those_of_single_clips_and_know_their_tokenizer(
    words: list[str], tokenizer: Path, tmp_path: Path, humanml: Path
) -> None:
    data = Path(shutil.copytree(humanml, tmp_path / "coded"))
    shutil.rmtree(data / "TOKENS")
    more = [*words, f"DATASET.HUMANML3D.ROOT={data}", f"TRAIN.PRETRAINED_VAE={tokenizer}"]
    assert codes_main(more) == 0
    record = json.loads((data / "TOKENS" / "tokenizer.json").read_text())
    weights = vae_part(read_checkpoint(tokenizer, "")["state_dict"])
    assert record["sha256"] == weights_sha256(weights) and record["clips"] == 8
    vae = config.instantiate_from_config(config.parse_args("train", more).model.params.motion_vae).eval()
    vae.load_state_dict(weights)
    for file in sorted((data / "new_joint_vecs").glob("*.npy")):
        codes = np.load(data / "TOKENS" / file.name)
        alone = vae.encode(torch.from_numpy(np.load(file) / 0.1)[None])[0]
        assert codes.dtype == np.int64 and np.array_equal(codes, alone.numpy())
    assert train_main([*more, "NAME=fits", "TRAIN.STAGE=lm_pretrain"]) == 0
    record["sha256"] = "0" * 64
    (data / "TOKENS" / "tokenizer.json").write_text(json.dumps(record))
    assert train_main([*more, "NAME=other", "TRAIN.STAGE=lm_pretrain"]) == 1
    assert not run_of(words, "other").exists()


@pytest.mark.parametrize(
    ("more", "exit_code", "message"),
    [
        (["TRAIN.STAGE=lm_dream"], 2, "TRAIN.STAGE: expected one of vae, lm_pretrain, lm_instruct, got 'lm_dream'"),
        (["TRAIN.STAGE=lm_pretrain"], 1, "needs a trained tokenizer"),
        (["TRAIN.STAGE=lm_pretrain", "model.params.task=dance"], 2, "model.params.task: expected one of t2m"),
        (
            ["TRAIN.PRETRAINED_VAE=nowhere.ckpt"],
            1,
            "TRAIN.PRETRAINED_VAE: expected a checkpoint file, found none at 'nowhere.ckpt'",
        ),
        (["TRAIN.RESUME=nowhere"], 1, "TRAIN.RESUME: expected a checkpoint at nowhere"),
        (
            ["METRIC.TYPE=[TM2TMetrics]"],
            2,
            "TM2TMetrics: its evaluator weights (deps/t2m/t2m/text_mot_match/model/finest.tar) are not there",
        ),
        (["METRIC.TYPE=[NoMetrics]"], 2, "unknown metric 'NoMetrics'"),
        (["DATASET.HUMANML3D.ROOT=nowhere"], 1, "expected a data folder at nowhere"),
        (["LOGGER.TYPE=[wandb]"], 2, "LOGGER.WANDB.params.project is empty"),
        (["ACCELERATOR=gpu"], 2, "no CUDA device"),
        (["TRAIN.OPTIM.target=NoSuch"], 2, "has no 'NoSuch'"),
        (["TRAIN.OPTIM.params.speed=3"], 2, "do not fit"),
        (["LOSS.ABLATION.RECONS_LOSS=l3"], 2, "l1, l2, l1_smooth"),
        (["TRAIN.MONITOR_MODE=high", "TRAIN.MONITOR=total/val"], 2, "expected min or max"),
    ],
)
def test_what_cannot_work_is_told_in_one_line(
    words: list[str], more: list[str], exit_code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if more == ["ACCELERATOR=gpu"] and torch.cuda.is_available():
        pytest.skip("needs a machine without a CUDA device")
    assert train_main([*words, *more]) == exit_code
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
    assert len(told) == 1 and message in told[0]


def test_an_unknown_monitor_stops_before_epoch_1(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert train_main([*words, "NAME=m", "TRAIN.MONITOR=Metrics/FID"]) == 2
    assert "monitor 'Metrics/FID' is never logged; choose one of" in capsys.readouterr().err
    assert not last(words, "m").exists()


@pytest.mark.parametrize("plugin", [False, True], ids=["host alone", "with a plugin's reader"])
def test_pickled_objects_are_never_loaded(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, plugin: bool
) -> None:
    if not plugin:
        monkeypatch.setattr("mGPT.utils.load_checkpoint.entry_points", lambda **_: ())

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (tmp_path / "sprung",))

    torch.save({"state_dict": {}, "hyper_parameters": Trap()}, tmp_path / "trap.ckpt")
    assert train_main([*words, f"TRAIN.PRETRAINED={tmp_path / 'trap.ckpt'}"]) == 1
    told = "expected a checkpoint with tensors" if plugin else "holds pickled objects, which are never loaded"
    assert told in capsys.readouterr().err
    assert not (tmp_path / "sprung").exists()


def test_weights_that_do_not_fit_are_refused(
    words: list[str], tokenizer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wide = ["vq.default.params.width=16", "NAME=wide"]
    assert train_main([*words, *wide, f"TRAIN.PRETRAINED_VAE={tokenizer}"]) == 1
    assert "does not fit the tokenizer of this configuration" in capsys.readouterr().err
    assert train_main([*words, *wide, f"TRAIN.PRETRAINED={tokenizer}"]) == 1
    assert "does not fit this model" in capsys.readouterr().err


def test_running_parts_of_a_checkpoint_are_ignored(words: list[str], tokenizer: Path) -> None:
    saved = read_checkpoint(tokenizer, "")
    saved["state_dict"] |= {
        "_losses.losses_train.total": torch.zeros(()),
        "metrics.TM2TMetrics.t2m_textencoder.w": torch.zeros(3),
    }
    other = tokenizer.with_name("upstream.ckpt")
    torch.save({"state_dict": saved["state_dict"]}, other)
    assert train_main([*words, "NAME=from", f"TRAIN.PRETRAINED={other}"]) == 0


def test_a_step_without_a_loss_is_an_error(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MotionGPT, "allsplit_step", lambda self, split, batch, batch_idx: None)
    assert train_main([*words, "NAME=none"]) == 2


@pytest.mark.parametrize("wrapper", ["train.py", "test.py", "scripts/get_motion_code.py"])
def test_wrappers_end_with_the_commands_exit_code(
    wrapper: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [wrapper, "--cfg", "no.yaml"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(HOST / wrapper), run_name="__main__")
    assert ended.value.code == 2 and "configuration file no.yaml was not found" in capsys.readouterr().err


def test_a_plugins_own_error_is_one_line_too(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class PluginError(Exception):
        exit_code = 7

    def refuse(cfg: object, phase: str) -> None:
        raise PluginError("no cohort in this folder")

    monkeypatch.setattr("mGPT.train.build_data", refuse)
    assert train_main(words) == 7
    assert capsys.readouterr().err.strip() == "error: no cohort in this folder"


def test_callback_writes_only_whole_epochs(tmp_path: Path) -> None:
    callback = EpochEnd(tmp_path)
    (tmp_path / "metrics.csv").write_text("epochs,a\n1,0.5\n2,0.25\n")
    callback._add_row(2, {"a": 0.125, "b": 1.0, "step": 1.0})
    assert (tmp_path / "metrics.csv").read_text() == "epochs,a,b\n1,0.5,\n2,0.125,1.0\n"
    with pytest.raises(CheckpointError, match="found none"):
        read_checkpoint(tmp_path / "last.ckpt", "TRAIN.RESUME")
