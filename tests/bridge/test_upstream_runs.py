"""AGIR in a checkout of upstream MotionGPT: its own scripts, shipped configurations, nothing left behind."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from agir_plugin.bridge.small_t5 import make_small_t5
from agir_plugin.bridge.vocabulary import training_texts
from agir_plugin.cohort import Cohort, synthesise
from agir_plugin.ingest import write_c3d

UPSTREAM = os.environ.get("MOTIONGPT_ROOT")
pytestmark = pytest.mark.skipif(not UPSTREAM, reason="needs MOTIONGPT_ROOT, a checkout of upstream MotionGPT")
AGIR = (sys.executable, "-m", "agir_plugin.cli.app")


def run(root: Path, *words: str, host: str | None = None) -> str:
    """Output of a command in the checkout; byte code is not written, and `host` names another MotionGPT for `agir`."""
    environment = {k: v for k, v in os.environ.items() if k != "MOTIONGPT_ROOT"}
    environment |= {"OMP_NUM_THREADS": "1"} | ({"MOTIONGPT_ROOT": host} if host else {})
    done = subprocess.run(words, cwd=root, env=environment, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh clone in which both stages were trained and tested with the shipped demo configurations, one epoch each."""
    root = tmp_path_factory.mktemp("upstream") / "MotionGPT"
    subprocess.run(["git", "clone", "-q", str(UPSTREAM), str(root)], check=True)
    run(root, *AGIR, "motiongpt", "install", "--root", ".")
    cohort = synthesise(root / "datasets" / "agir", subjects=6, walks_per_session=2)
    run(root, *AGIR, "annotate", "datasets/agir")
    make_small_t5(root / "deps" / "flan-t5-base", training_texts(Cohort.open(cohort.folder)), width=32, layers=1, heads=2)
    for stage in ("vq", "stage1", "stage2"):
        path = root / "configs" / f"agir_{stage}_demo.yaml"
        text = re.sub(r"END_EPOCH: \d+", "END_EPOCH: 1", path.read_text("utf8"))
        path.write_text(re.sub(r"model_path: \S+", "model_path: deps/flan-t5-base", text), "utf8")
    run(root, sys.executable, "train.py", "--cfg", "configs/agir_vq_demo.yaml")
    run(root, *AGIR, "tokenize", "datasets/agir", "--model", "experiments/model/debug--AGIR_vq_demo")
    run(root, sys.executable, "train.py", "--cfg", "configs/agir_stage1_demo.yaml")
    run(root, sys.executable, "train.py", "--cfg", "configs/agir_stage2_demo.yaml")
    run(root, sys.executable, "test.py", "--cfg", "configs/agir_stage2_demo.yaml")
    return root


def test_a_test_writes_the_files_that_the_host_writes(trained: Path) -> None:
    folder = trained / "results" / "model" / "AGIR_stage2_demo"
    metrics = json.loads((folder / "metrics.json").read_text("utf8"))
    assert metrics["headline"]["well_formed_constrained"] == 1.0
    assert metrics["versions"]["MotionGPT"].startswith("001aaca")
    rows = [json.loads(line) for line in (folder / "predictions.jsonl").read_text("utf8").splitlines()]
    assert len(rows) == metrics["n"]["walks"] == 8
    assert len(list(folder.glob("metrics_*.json"))) == 1


def test_best_and_last_checkpoints_are_kept_and_nothing_else(trained: Path) -> None:
    for run_name in ("debug--AGIR_vq_demo", "debug--AGIR_stage1_demo", "debug--AGIR_stage2_demo"):
        folder = trained / "experiments" / "model" / run_name
        assert sorted(path.name for path in (folder / "checkpoints").iterdir()) == ["best.ckpt", "last.ckpt"]
        assert (folder / "agir" / "run.json").is_file()


def test_a_model_trained_upstream_answers_alike_in_the_host(trained: Path, tmp_path: Path) -> None:
    from agir_plugin.cohort import draw_trials, walk_markers
    from agir_plugin.cohort.markers import MARKER_FPS

    trial = draw_trials(seed=3)[0]
    names, positions_m = walk_markers(trial.parameters, trial.seconds, trial.generator(), MARKER_FPS)
    walk = tmp_path / "walk.c3d"
    write_c3d(walk, names, positions_m, MARKER_FPS)
    model = str(trained / "experiments" / "model" / "debug--AGIR_stage2_demo")
    words = (*AGIR, "assess", str(walk), "--model", model, "--json", "-")
    assert run(tmp_path, *words) == run(tmp_path, *words, host=str(trained))


def test_removal_leaves_the_checkout_clean_and_the_runs_in_place(trained: Path) -> None:
    out = run(trained, *AGIR, "motiongpt", "remove", "--discard-changes")
    assert "kept     experiments (yours)" in out
    status = subprocess.run(["git", "status", "--porcelain"], cwd=trained, capture_output=True, text=True, check=True)
    assert status.stdout == ""
    assert (trained / "experiments" / "model" / "debug--AGIR_stage2_demo" / "checkpoints" / "best.ckpt").is_file()
