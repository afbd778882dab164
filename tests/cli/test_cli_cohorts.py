"""`agir synth`, `ingest`, `annotate`, `tokenize`: cohorts from the walking model and from recordings."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def lab(files: Path, tmp_path: Path) -> Path:
    """Recordings as a laboratory leaves them: three walks, a standing trial, a damaged file, one without a score."""
    folder = tmp_path / "lab"
    folder.mkdir()
    names = {
        "SUB01_off_walk_1": "walk.c3d",
        "SUB02_on_walk_1": "walk.c3d",
        "SUB03_on_walk_1": "walk.c3d",
        "SUB01_off_static": "standing.c3d",
        "SUB02_on_walk_2": "truncated.c3d",
        "SUB04_off_walk_1": "walk.c3d",
    }
    for name, file in names.items():
        shutil.copy(files / file, folder / f"{name}.c3d")
    return folder


@pytest.fixture
def scores(tmp_path: Path) -> Callable[[str], Path]:
    """`scores(rows)`: a labels CSV with the columns subject, state, score."""

    def write(rows: str) -> Path:
        path = tmp_path / "scores.csv"
        path.write_text(f"subject,state,score\n{rows}", encoding="utf8")
        return path

    return write


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder and its content."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def test_synth_makes_a_whole_cohort_and_the_same_one_again(agir, cohort: Path, tmp_path: Path):
    ended = agir("synth", "--out", tmp_path / "again", "--subjects", 4, "--walks", 2)
    assert (ended.code, ended.out) == (0, "")
    assert "SYNTHETIC cohort" in ended.err and "of 4 subjects" in ended.err
    made = tree(tmp_path / "again")
    assert {
        "cohort.json",
        "walks.csv",
        "truth.csv",
        "parameters.csv",
        "rationales.jsonl",
        "Mean.npy",
        "train.txt",
    } <= set(made)
    assert len([name for name in made if name.startswith("joints/")]) == 16
    same = tree(cohort)
    assert all(same[name] == content for name, content in made.items())


def test_synth_refuses_a_folder_of_other_things(agir, cohort: Path, tmp_path: Path):
    (tmp_path / "notes.txt").write_text("mine")
    ended = agir("synth", "--out", tmp_path, "--subjects", 4, "--walks", 2)
    assert ended.code == 1
    assert f"agir: {tmp_path}: expected a new folder or a cohort, but it holds other files" in ended.err
    other = agir("synth", "--out", cohort, "--subjects", 5, "--walks", 2)
    assert other.code == 1 and "already holds another cohort" in other.err
    file = agir("synth", "--out", tmp_path / "notes.txt", "--subjects", 4, "--walks", 2)
    assert file.code == 1 and "notes.txt: expected a folder for the cohort, but it is a file" in file.err
    assert tree(tmp_path) == {"notes.txt": b"mine"}


def test_ingest_then_annotate(agir, lab: Path, scores, tmp_path: Path):
    labels = scores("SUB01,off,1\nSUB02,on,2\nSUB03,on,0\nSUB09,on,0\n")
    ended = agir("ingest", lab, "--out", tmp_path / "cohort", "--labels", labels)
    assert ended.code == 0
    assert [line.split()[:2] for line in ended.out.splitlines()[:3]] == [["files", "6"], ["recordings", "6"], ["kept", "3"]]
    assert "SUB01_off_static: refused: a static trial" in ended.err
    assert "SUB02_on_walk_2: refused: " in ended.err and "the file is truncated" in ended.err
    assert "SUB04_off_walk_1: refused: no gait score for it in scores.csv" in ended.err
    assert "no recording was found for SUB09 on" in ended.err
    assert "3 of 6 walks kept, of 3 subjects (score 0: 1, 1: 1, 2: 1)" in ended.err
    rows = list(csv.DictReader((tmp_path / "cohort" / "walks.csv").open(newline="")))
    assert {row["walk"]: row["status"] for row in rows} == {
        "SUB01_off_static": "refused",
        "SUB01_off_walk_1": "kept",
        "SUB02_on_walk_1": "kept",
        "SUB02_on_walk_2": "refused",
        "SUB03_on_walk_1": "kept",
        "SUB04_off_walk_1": "refused",
    }
    assert agir("annotate", tmp_path / "cohort").code == 0
    written = [
        json.loads(line) for line in (tmp_path / "cohort" / "rationales.jsonl").read_text(encoding="utf8").splitlines()
    ]
    assert [row["walk"] for row in written] == ["SUB01_off_walk_1", "SUB02_on_walk_1", "SUB03_on_walk_1"]
    assert all(row["foot"] and row["arm"] and row["overall"] and row["writer"] == "rules" for row in written)


def test_real_recordings_become_a_cohort(agir, shared_data: Path, scores, tmp_path: Path):
    real = {
        "SUB01_off_walk_1.c3d": "mcgill_biomechzoo_c3d/HC038A/Straight/HC038A11.c3d",
        "SUB02_off_walk_1.c3d": "mcgill_biomechzoo_c3d/HC002D/Straight/HC002D06.c3d",
        "SUB03_on_walk_1.c3d": "cmu_walks/02_01.c3d",
    }
    (tmp_path / "lab").mkdir()
    for name, source in real.items():
        shutil.copy(shared_data / source, tmp_path / "lab" / name)
    labels = scores("SUB01,off,1\nSUB02,off,2\nSUB03,on,0\n")
    ended = agir("ingest", tmp_path / "lab", "--out", tmp_path / "cohort", "--labels", labels)
    assert ended.code == 0 and "3 of 3 walks kept" in ended.err
    again = agir("ingest", tmp_path / "lab", "--out", tmp_path / "cohort", "--labels", labels)
    assert again.code == 0
    assert np.load(tmp_path / "cohort" / "new_joint_vecs" / "SUB01_off_walk_1.npy").shape[1] == 263


def test_one_subject_is_too_few_to_train_on_and_that_is_said(agir, lab: Path, scores, tmp_path: Path):
    ended = agir(
        "ingest", lab / "SUB01_off_walk_1.c3d", "--out", tmp_path / "cohort", "--labels", scores("SUB01,off,1\n")
    )
    assert ended.code == 0
    assert "a training needs at least 3" in ended.err


@pytest.mark.parametrize("score", ["3", "4", "1.5", "mild"])
def test_a_score_that_has_no_class_is_an_error_and_nothing_is_written(
    agir, lab: Path, scores, tmp_path: Path, score: str
):
    labels = scores(f"SUB03,on,0\nSUB01,off,{score}\n")
    ended = agir("ingest", lab, "--out", tmp_path / "cohort", "--labels", labels)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(
        f"agir: {labels}, line 3: expected a gait score of 0, 1 or 2 for SUB01 off, got {score!r}"
    )
    assert "leave the session out or correct its label" in ended.err and ended.err.count("\n") == 1
    assert not (tmp_path / "cohort").exists()


def test_labels_and_sources_that_are_not_there(agir, lab: Path, files: Path, scores, tmp_path: Path):
    out = ("--out", tmp_path / "cohort", "--labels")
    wrong = {
        ("ingest", lab, *out, tmp_path / "none.csv"): "none.csv: expected a labels file (CSV",
        ("ingest", lab, *out, files / "walk.c3d"): "walk.c3d: expected a labels file (CSV or .xlsx), but reading it failed",
        (
            "ingest",
            tmp_path / "none",
            *out,
            scores("SUB01,off,1\n"),
        ): "none: expected a recording or a folder of recordings",
        ("ingest", lab, *out, scores("SUB77,off,1\n")): "all 6 were refused, most often: no gait score",
    }
    for words, says in wrong.items():
        ended = agir(*words)
        assert ended.code == 1
        assert says in ended.err.splitlines()[-1]
        assert not tree(tmp_path / "cohort")


def test_annotate_needs_a_cohort_and_a_known_writer(agir, cohort: Path, tmp_path: Path):
    ended = agir("annotate", tmp_path)
    assert ended.code == 1
    assert "expected a cohort folder with cohort.json; make one with `agir synth` or `agir ingest`" in ended.err
    before = tree(cohort)
    unknown = agir("annotate", cohort, "--writer", "ruls")
    assert unknown.code == 2 and "did you mean 'rules'?" in unknown.err
    assert tree(cohort) == before


def test_tokenize_writes_codes_once(agir, cohort: Path, runs: Path, tmp_path: Path):
    copy = shutil.copytree(cohort, tmp_path / "cohort")
    ended = agir("tokenize", copy, "--model", runs / "vq")
    assert (ended.code, ended.out) == (0, "")
    assert "tokens of 16 walks written, 0 were there" in ended.err
    assert np.load(copy / "TOKENS" / "SUB01_off_walk_1.npy").shape[0] == 1
    assert "tokens of 0 walks written, 16 were there" in agir("tokenize", copy, "--model", runs / "vq").err


def test_tokenize_needs_a_run_and_a_cohort(agir, cohort: Path, runs: Path, tmp_path: Path):
    assert (
        "none: does not exist; expected the folder of a finished training run"
        in agir("tokenize", cohort, "--model", tmp_path / "none").err
    )
    ended = agir("tokenize", tmp_path, "--model", runs / "vq")
    assert ended.code == 1 and "expected a cohort folder" in ended.err
