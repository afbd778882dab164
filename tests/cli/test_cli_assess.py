"""`agir assess` with an untrained run: answers mean nothing, but their form, the card and the errors are real."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

KEYS = {
    "schema",
    "file",
    "status",
    "reasons",
    "score",
    "score_word",
    "probabilities",
    "rationale",
    "statements",
    "verdicts",
    "gait",
    "windows",
    "provenance",
    "notices",
}


def test_json_of_one_walk(agir, files: Path, runs: Path):
    ended = agir("assess", files / "walk.c3d", "--model", runs / "stage2", "--json", "-")
    assert ended.code == 0
    document = json.loads(ended.out)
    assert set(document) == KEYS
    assert (document["status"], document["gait"]["status"]) == ("ok", "ok")
    assert document["score"] in (0, 1, 2)
    assert sum(document["probabilities"].values()) == pytest.approx(1.0)
    assert max(document["probabilities"], key=document["probabilities"].get) == str(document["score"])
    assert document["notices"] == ["Research software, not a medical device.", "Trained on synthetic data."]


def test_a_real_walk_keeps_its_measured_parameters(agir, runs: Path, shared_data: Path):
    path = shared_data / "mcgill_biomechzoo_c3d" / "HC038A" / "Straight" / "HC038A11.c3d"
    measured = json.loads(agir("assess", path, "--model", runs / "stage2", "--json", "-").out)["gait"]["parameters"]
    assert measured["speed_mps"]["value"] == pytest.approx(1.26, abs=0.02)
    assert measured["cadence_spm"]["value"] == pytest.approx(114, abs=1.0)


def test_the_card(agir, files: Path, runs: Path):
    ended = agir("assess", files / "walk.c3d", "--model", runs / "stage2")
    assert ended.code == 0
    shown = (
        "not a medical device",
        "Trained on synthetic data",
        "MDS-UPDRS item 3.10",
        "0 normal",
        "2 mild",
        "Rationale",
        "AGIR_stage2_demo",
    )
    assert all(text in ended.out for text in shown)


def test_a_refused_walk_gets_no_score_and_a_bad_file_does_not_stop_the_others(
    agir, files: Path, runs: Path, tmp_path: Path
):
    ended = agir(
        "assess",
        files / "standing.c3d",
        files / "empty.c3d",
        files / "walk.npy",
        "--fps",
        100,
        "--model",
        runs / "stage2",
        "--json",
        tmp_path / "scores.json",
    )
    assert (ended.code, ended.out) == (1, "")
    assert "empty.c3d: the file is empty" in ended.err and "1 of 3 files could not be used" in ended.err
    standing, walk = json.loads((tmp_path / "scores.json").read_text(encoding="utf8"))
    assert (standing["status"], standing["score"], walk["status"]) == ("refused", None, "ok")
    assert "the person stands" in standing["reasons"][0]


@pytest.mark.parametrize(
    ("run", "says"),
    [
        ("none", "none: does not exist; expected the folder of a finished training run"),
        ("unfinished", "unfinished: holds no run.json"),
        ("vq", "this run was trained for the task 'tokenizer'; assess needs a stage 2 run"),
        ("stage1", "this run was trained for the task 'generative'; assess needs a stage 2 run"),
    ],
)
def test_runs_that_cannot_assess(agir, files: Path, runs: Path, tmp_path: Path, run: str, says: str):
    (runs / "unfinished" / "checkpoints").mkdir(parents=True, exist_ok=True)
    ended = agir("assess", files / "walk.c3d", "--model", runs / run, "--json", tmp_path / "scores.json")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"agir: {runs / run}") and ended.err.count("\n") == 1
    assert says in ended.err
    assert not list(tmp_path.iterdir())


def test_weights_that_are_not_those_of_the_run(agir, files: Path, runs: Path, tmp_path: Path):
    copy = shutil.copytree(runs / "stage2", tmp_path / "stage2")
    shutil.copy(copy / "agir" / "statistics.safetensors", copy / "agir" / "vae.safetensors")
    ended = agir("assess", files / "walk.c3d", "--model", copy)
    assert ended.code == 1
    assert "vae.safetensors: the weights are not those that run.json describes" in ended.err


def test_a_damaged_language_model_is_one_line(agir, files: Path, runs: Path, tmp_path: Path):
    copy = shutil.copytree(runs / "stage2", tmp_path / "stage2")
    (copy / "agir" / "language" / "model.safetensors").unlink()
    ended = agir("assess", files / "walk.c3d", "--model", copy)
    assert ended.code == 1
    assert f"could be read from {copy / 'agir' / 'language'}" in ended.err and ended.err.count("\n") == 1


def test_without_motiongpt_one_line_says_so(files: Path, runs: Path):
    code = "import sys; sys.modules['mGPT'] = None; from agir_plugin.cli.app import main; main()"
    command = [sys.executable, "-c", code, "assess", str(files / "walk.c3d"), "--model", str(runs / "stage2")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "agir: this needs the package mGPT, which is not installed; `agir doctor` says what to do\n"


def test_wrong_results_file_is_refused_before_the_model_is_loaded(agir, files: Path, tmp_path: Path):
    ended = agir("assess", files / "walk.c3d", "--model", tmp_path / "none", "--json", tmp_path)
    assert ended.code == 2
    assert "--json: expected a file to write, got the folder" in ended.err
