"""A plugin that is reached by `target:` strings alone trains and tests through train.py and test.py of the host in use.

First MotionGPT's own tokenizer over the plugin's data, then the plugin's model over that tokenizer. Neither HumanML3D, GloVe,
evaluators, statistics nor a spaCy model is there, and the configuration, the assets and all output lie outside the checkout.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import CODES, HOST, PROBE, UPSTREAM

VQ = {"nfeats": 263, "code_num": CODES, "code_dim": 8, "output_emb_width": 8, "width": 8, "down_t": 2, "stride_t": 2, "depth": 1}


def common(name: str, stage: str, t5: Path, lm: str) -> dict[str, Any]:
    """What both runs have in common: everything inline, so that no group file wins."""
    return {
        "NAME": name, "ACCELERATOR": "cpu", "DEVICE": "1", "NUM_NODES": 1, "DEBUG": False,
        "TRAIN": {"STAGE": stage, "BATCH_SIZE": 4, "NUM_WORKERS": 0, "END_EPOCH": 2},
        "DATASET": {"target": "probe_plugin.ProbeData"},
        "METRIC": {"TYPE": []}, "LOSS": {"LAMBDA_FEATURE": 1.0, "LAMBDA_CLS": 1.0},
        "LOGGER": {"VAL_EVERY_STEPS": 1, "TYPE": []},
        "model": {
            "target": "probe_plugin.PlainFiles",
            "params": {
                "task": "t2m", "stage": "${TRAIN.STAGE}", "codebook_size": CODES, "metrics_dict": "${METRIC.TYPE}",
                "motion_vae": {"target": "mGPT.archs.mgpt_vq.VQVae", "params": VQ},
                "lm": {"target": lm, "params": {"model_path": str(t5), "stage": stage, "motion_codebook_size": CODES}},
            },
        },
    }  # fmt: skip


def tokenizer(t5: Path) -> dict[str, Any]:
    """MotionGPT's own model and losses over the plugin's data; stock Lightning, for which DEVICE is a number of processes."""
    return common("vq", "vae", t5, "mGPT.archs.mgpt_lm.MLM") | {"METRIC": {"TYPE": ["MRMetrics"]}}


def language(t5: Path, folder: Path) -> dict[str, Any]:
    """The plugin's model with a task word of its own, on an accelerator that the plugin registers."""
    cfg = common("probe", "lm_pretrain", t5, "probe_plugin.ProbeLM")
    cfg |= {"ACCELERATOR": "probe_cpu" if UPSTREAM else "cpu", "DEVICE": [0]}
    cfg["TRAIN"]["PRETRAINED_VAE"] = str(folder / "runs" / "probe_plugin" / "vq" / "checkpoints" / "last.ckpt")
    cfg["TEST"] = {"CHECKPOINTS": str(folder / "runs" / "chosen" / "last.ckpt"), "REPLICATION_TIMES": 2}
    cfg["model"]["target"] = "probe_plugin.ProbeModel"
    return cfg


def run(script: str, folder: Path, name: str, *words: str) -> str:
    """What a script of the host says."""
    environment = os.environ | {"PYTHONPATH": str(PROBE), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    files = ["--cfg", str(folder / f"{name}.yaml"), "--cfg_assets", str(folder / "assets.yaml")]
    command = [sys.executable, f"{script}.py", *files, *words]
    done = subprocess.run(command, cwd=HOST, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, t5_folder: Path) -> Path:
    """Folder in which a tokenizer was trained, and the probe on top of it trained and tested."""
    folder = tmp_path_factory.mktemp("by_target")
    assets = {"CONFIG_FOLDER": "configs", "FOLDER": str(folder / "runs"), "TEST": {"FOLDER": str(folder / "results")}}
    (folder / "assets.yaml").write_text(json.dumps(assets))
    (folder / "vq.yaml").write_text(json.dumps(tokenizer(t5_folder)))
    (folder / "probe.yaml").write_text(json.dumps(language(t5_folder, folder)))
    run("train", folder, "vq", "--nodebug")
    run("train", folder, "probe", "--nodebug", "--task", "gait")
    run("test", folder, "probe", "--task", "gait")
    return folder


def weights(path: Path) -> dict[str, torch.Tensor]:
    """The state dict of a checkpoint, read without running anything in it."""
    return torch.load(path, map_location="cpu", weights_only=True)["state_dict"]


@pytest.mark.parametrize("name", ["vq", "probe"])
def test_a_run_is_kept_below_the_models_module(name: str, trained: Path) -> None:
    run_folder = trained / "runs" / "probe_plugin" / name
    assert list(run_folder.glob("config_*_train.yaml")) and list(run_folder.glob("log_*_train.log"))


def test_checkpoints_of_a_run(trained: Path) -> None:
    """Every epoch's, the last one, and one for the metric that METRIC.TYPE names."""
    names = {path.name for path in (trained / "runs" / "probe_plugin" / "vq" / "checkpoints").iterdir()}
    assert {"epoch=0.ckpt", "epoch=1.ckpt", "last.ckpt"} <= names
    assert [name for name in names if name.startswith("min-MPJPEep=")]


def test_names_that_the_tokenizers_stage_logs(trained: Path) -> None:
    logged = json.loads((trained / "runs" / "logged_vq.json").read_text())
    names = ("recons/feature", "recons/velocity", "vq/commit", "total")
    losses = {f"{name}/{split}" for name in names for split in ("train", "val")}
    assert losses | {"Metrics/MPJPE", "epoch", "step"} <= logged.keys()
    total = logged["recons/feature/val"] + 0.5 * logged["recons/velocity/val"] + 0.02 * logged["vq/commit/val"]
    assert logged["total/val"] == pytest.approx(total, rel=1e-4)
    assert logged["epoch"] == logged["step"] == 1


def test_losses_and_metrics_of_its_own_are_logged(trained: Path) -> None:
    logged = json.loads((trained / "runs" / "logged_probe.json").read_text())
    assert {"probe/loss/train", "probe/loss/val", "Metrics/accuracy"} <= logged.keys()
    assert logged["Metrics/accuracy"] == 0.5


def test_its_monitor_takes_the_place_of_the_hosts(trained: Path) -> None:
    assert {path.name for path in (trained / "runs" / "chosen").iterdir()} == {"chosen.ckpt", "last.ckpt"}
    assert not list((trained / "runs" / "probe_plugin" / "probe").rglob("epoch=*.ckpt"))


def test_its_checkpoint_has_the_contracts_names(trained: Path) -> None:
    state = weights(trained / "runs" / "chosen" / "last.ckpt")
    assert {name.split(".")[0] for name in state if not name.startswith(("metrics", "_losses"))} == {"vae", "lm"}
    rows = {len(state[f"lm.language_model.{name}.weight"]) for name in ("shared", "encoder.embed_tokens", "lm_head")}
    assert len(rows) == 1


def test_the_tokenizer_is_taken_over_and_stays_as_it_was(trained: Path) -> None:
    given = weights(trained / "runs" / "probe_plugin" / "vq" / "checkpoints" / "last.ckpt")
    kept = weights(trained / "runs" / "chosen" / "last.ckpt")
    names = [name for name in given if name.startswith("vae.")]
    assert names and all(torch.equal(given[name], kept[name]) for name in names)


def test_a_test_calls_save_npy_and_writes_its_metrics_once(trained: Path) -> None:
    outputs = json.loads((trained / "results" / "outputs.json").read_text())
    assert len(outputs) == 2 and all(value > 0 for value in outputs)
    folder = trained / "results" / "probe_plugin" / "probe"
    files = list(folder.glob("metrics_*.json"))
    metrics = json.loads(files[0].read_text())
    assert len(files) == 1
    assert metrics["Metrics/accuracy/mean"] == 0.5 and metrics["Metrics/accuracy/conf_interval"] == 0
    assert metrics["Metrics/accuracy"] == [0.5, 0.5]
    assert list(folder.glob("config_*_test.yaml")) and list(folder.glob("log_*_test.log"))
