"""`agir demo`, whole, with one epoch each: every file is there, controls stand beside scores, a second start repeats nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

TINY = ["--subjects", "6", "--walks", "2", "TRAIN.END_EPOCH=1"]


def run(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Run the demo in `folder` as a user would, from a place that is no checkout."""
    command = [sys.executable, "-m", "agir_plugin", "demo", "--out", str(folder / "out"), *more, *TINY]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=280, check=False)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The demo's folder and how it ended."""
    folder = tmp_path_factory.mktemp("demo")
    return folder, run(folder)


def test_demo_ends_well_and_leaves_every_file_it_names(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, ended = demo
    assert ended.returncode == 0, ended.stderr[-2000:]
    named = [
        Path(line.split()[-1])
        for line in ended.stdout.splitlines()
        if str(folder) in line
        and line.split()[0] in ("model", "metrics", "controls", "predictions", "walk", "assessment", "cohort")
    ]
    assert len(named) == 7 and all(path.exists() for path in named)
    assert not list(folder.rglob("*.part*")) and not list(folder.rglob("*.tmp"))


def test_demo_prints_controls_beside_the_score_and_calls_synthetic_data_synthetic(
    demo: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    text = demo[1].stdout
    for words in ("SYNTHETIC", "not a medical device", "majority class", "logistic regression", "shuffled labels"):
        assert words in text


def test_metrics_and_controls_hold_what_they_promise(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    out = demo[0] / "out"
    metrics, controls = (json.loads((out / f"{name}.json").read_text("utf8")) for name in ("metrics", "controls"))
    assert metrics["headline"]["well_formed_constrained"] == 1
    assert metrics["headline"]["majority_accuracy"] == controls["majority"]["accuracy"]
    shuffled = controls["shuffled_labels"]
    assert shuffled["difference_from_chance"] == pytest.approx(shuffled["accuracy"] - 1 / 3)
    assessment = json.loads((out / "assessment.json").read_text("utf8"))
    assert sum(assessment["probabilities"].values()) == pytest.approx(1, abs=1e-6)
    assert "Trained on synthetic data." in assessment["notices"]


def test_second_start_trains_nothing_and_ends_the_same(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, _ = demo
    before = json.loads((folder / "out" / "metrics.json").read_text("utf8"))["headline"]
    weights = folder / "out" / "experiments" / "model" / "AGIR_stage2_demo" / "agir" / "vae.safetensors"
    changed = weights.stat().st_mtime_ns
    again = run(folder)
    assert again.returncode == 0, again.stderr[-2000:]
    assert weights.stat().st_mtime_ns == changed
    assert json.loads((folder / "out" / "metrics.json").read_text("utf8"))["headline"] == before


def test_a_wrong_recording_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    ended = run(tmp_path, "--walk", str(tmp_path / "nothing.c3d"))
    assert ended.returncode == 1
    assert "nothing.c3d" in ended.stderr and "Traceback" not in ended.stderr
    assert not (tmp_path / "out").exists()
