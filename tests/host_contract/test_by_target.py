"""A plugin that is reached by `target:` strings alone trains and tests through train.py and test.py of the host in use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from conftest import CODES, HOST, UPSTREAM

PROBE = Path(__file__).parent / "probe"
VQ = {"nfeats": 263, "code_num": CODES, "code_dim": 8, "output_emb_width": 8, "width": 8, "down_t": 2, "stride_t": 2, "depth": 1}


def experiment(folder: Path, t5: Path, checkpoint: str = "") -> dict:
    """Configuration of a run of the probe plugin: everything inline, so that no group file wins."""
    return {
        "NAME": "probe", "ACCELERATOR": "probe_cpu" if UPSTREAM else "cpu", "DEVICE": [0], "NUM_NODES": 1, "DEBUG": False,
        "TRAIN": {"STAGE": "lm_pretrain", "BATCH_SIZE": 4, "NUM_WORKERS": 0, "END_EPOCH": 2, "PRETRAINED_VAE": checkpoint},
        "TEST": {"CHECKPOINTS": str(folder / "runs" / "probe_plugin" / "probe" / "checkpoints" / "last.ckpt"),
                 "REPLICATION_TIMES": 2},
        "DATASET": {"target": "probe_plugin.ProbeData"},
        "METRIC": {"TYPE": []}, "LOSS": {"LAMBDA_CLS": 1.0},
        "LOGGER": {"VAL_EVERY_STEPS": 1, "TYPE": []},
        "model": {
            "target": "probe_plugin.ProbeModel",
            "params": {
                "task": "gait", "stage": "${TRAIN.STAGE}", "codebook_size": CODES, "metrics_dict": "${METRIC.TYPE}",
                "motion_vae": {"target": "mGPT.archs.mgpt_vq.VQVae", "params": VQ},
                "lm": {"target": "probe_plugin.ProbeLM",
                       "params": {"model_path": str(t5), "stage": "${TRAIN.STAGE}", "motion_codebook_size": CODES}},
            },
        },
    }  # fmt: skip


def run(script: str, folder: Path) -> str:
    """What a script of the host says; the configuration, the assets and all output lie outside the checkout."""
    environment = os.environ | {"PYTHONPATH": str(PROBE), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, f"{script}.py", "--cfg", str(folder / "probe.yaml"), "--cfg_assets", str(folder / "assets.yaml")]
    command += ["--nodebug"] if script == "train" else []
    done = subprocess.run(command, cwd=HOST, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, t5_folder: Path) -> Path:
    """Folder in which the probe was trained and tested."""
    from mGPT.archs.mgpt_vq import VQVae

    folder = tmp_path_factory.mktemp("by_target")
    state = {f"vae.{name}": value for name, value in VQVae(**VQ).state_dict().items()}
    torch.save({"state_dict": state}, folder / "vae.ckpt")
    assets = {"CONFIG_FOLDER": "configs", "FOLDER": str(folder / "runs"), "TEST": {"FOLDER": str(folder / "results")}}
    (folder / "assets.yaml").write_text(json.dumps(assets))
    (folder / "probe.yaml").write_text(json.dumps(experiment(folder, t5_folder, str(folder / "vae.ckpt"))))
    run("train", folder)
    run("test", folder)
    return folder


def test_a_run_is_kept_below_the_models_module(trained: Path) -> None:
    run_folder = trained / "runs" / "probe_plugin" / "probe"
    assert (run_folder / "checkpoints" / "last.ckpt").is_file()
    assert list(run_folder.glob("config_*_train.yaml")) and list(run_folder.glob("log_*_train.log"))


def test_its_checkpoint_loads_safely_and_has_the_contracts_names(trained: Path) -> None:
    path = trained / "runs" / "probe_plugin" / "probe" / "checkpoints" / "last.ckpt"
    state = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
    assert {name.split(".")[0] for name in state if "metrics" not in name and "_losses" not in name} == {"vae", "lm"}
    rows = {len(state[f"lm.language_model.{name}.weight"]) for name in ("shared", "encoder.embed_tokens", "lm_head")}
    assert len(rows) == 1


def test_a_test_calls_save_npy_and_writes_its_metrics_once(trained: Path) -> None:
    outputs = json.loads((trained / "results" / "outputs.json").read_text())
    assert len(outputs) == 2 and all(value > 0 for value in outputs)
    files = list((trained / "results" / "probe_plugin" / "probe").glob("metrics_*.json"))
    metrics = json.loads(files[0].read_text())
    assert len(files) == 1
    assert metrics["Metrics/accuracy/mean"] == 0.5 and metrics["Metrics/accuracy/conf_interval"] == 0
    assert metrics["Metrics/accuracy"] == [0.5, 0.5]
