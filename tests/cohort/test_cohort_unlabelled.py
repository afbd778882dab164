"""Recordings without scores: kept to look at and for the tokenizer, every file accounted for."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from agir_plugin.cli.app import run
from agir_plugin.cohort import Cohort, build_cohort, draw_trials, walk_markers
from agir_plugin.cohort.markers import MARKER_FPS
from agir_plugin.errors import CohortError
from agir_plugin.ingest import write_c3d

CFG = {
    "SEED_VALUE": 1,
    "model": {"params": {"codebook_size": 8}},
    "DATASET": {},
    "TEST": {"SPLIT": "test"},
    "EVAL": {"SPLIT": "val"},
}


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three people's walks, one of them twice under one name, a standing trial, a damaged file, and papers."""
    folder = tmp_path_factory.mktemp("laboratory")
    for number, trial in enumerate(draw_trials(seed=4)[::40][:3]):
        names, positions_m = walk_markers(trial.parameters, trial.seconds, trial.generator(), MARKER_FPS)
        write_c3d(folder / f"person{number}.c3d", names, positions_m, MARKER_FPS)
    (folder / "again").mkdir()
    shutil.copy(folder / "person0.c3d", folder / "again" / "person0.c3d")
    (folder / "SUB07_off_static.c3d").write_bytes((folder / "person1.c3d").read_bytes())
    (folder / "broken.c3d").write_bytes(b"\x02\x50" + bytes(600))
    (folder / "notes.txt").write_text("ours")
    (folder / "README").write_text("ours")
    return folder


@pytest.fixture(scope="module")
def cohort(laboratory: Path, tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """The laboratory without labels."""
    return build_cohort([laboratory], tmp_path_factory.mktemp("out") / "cohort")


def test_walks_are_kept_without_a_score(cohort: Cohort) -> None:
    assert [(w.walk, w.subject, w.score) for w in cohort.kept] == [
        ("again_person0", "again_person0", None),
        ("person0", "person0", None),
        ("person1", "person1", None),
        ("person2", "person2", None),
    ]
    assert cohort.facts["counts"]["unlabelled"] == 4 and cohort.facts["counts"]["walks_by_score"] == {}


def test_every_file_is_accounted_for(cohort: Cohort) -> None:
    reasons = {w.walk: w.reason for w in cohort.walks if w.status == "refused"}
    assert reasons.keys() == {"SUB07_off_static", "broken"} and reasons["SUB07_off_static"] == "a static trial, not a walk"
    assert cohort.facts["other_files"] == {"": 1, ".txt": 1}


def test_it_divides_into_folds_and_opens_again(cohort: Cohort) -> None:
    fold = Cohort.open(cohort.folder).fold("holdout", 0)
    assert len({*fold.train, *fold.val, *fold.test}) == 4


def test_two_runs_give_the_same_bytes(cohort: Cohort, laboratory: Path, tmp_path: Path) -> None:
    again = build_cohort([laboratory], tmp_path / "cohort")
    for name in ("walks.csv", "parameters.csv", "train.txt", "joints/person1.npy", "gait/person1.json"):
        assert (again.folder / name).read_bytes() == (cohort.folder / name).read_bytes()


def test_labels_that_come_later_make_it_another_cohort_of_the_same_walks(laboratory: Path, tmp_path: Path) -> None:
    build_cohort([laboratory / f"person{n}.c3d" for n in range(3)], tmp_path / "cohort")
    labels = tmp_path / "scores.csv"
    labels.write_text("walk,subject,score\nperson0,A,0\nperson1,B,1\n")
    scored = build_cohort([laboratory / f"person{n}.c3d" for n in range(3)], tmp_path / "cohort", labels)
    assert {w.walk: (w.status, w.score) for w in scored.walks} == {
        "person0": ("kept", 0), "person1": ("kept", 1), "person2": ("refused", None),
    }  # fmt: skip


def test_a_tokenizer_may_learn_from_it_and_the_language_stages_say_why_not(cohort: Cohort) -> None:
    from omegaconf import OmegaConf

    from agir_plugin.bridge.datamodule import GaitDataModule

    def data(task: str) -> GaitDataModule:
        cfg = OmegaConf.create(CFG)
        cfg.DATASET.AGIR = {"cohort": str(cohort.folder), "task": task}
        return GaitDataModule(cfg)

    assert len(data("tokenizer").train_dataset) > 0
    stage2 = data("reasoning")
    assert stage2.excluded["person1"] == "no gait score"
    with pytest.raises(CohortError, match="expected walks in the train part"):
        stage2.train_dataset  # noqa: B018


def test_the_command_ends_with_an_account(laboratory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ingest", str(laboratory), "--out", str(tmp_path / "cohort")]) == 0
    told = capsys.readouterr()
    assert [line.split() for line in told.out.splitlines()[:3]] == [["files", "8"], ["recordings", "6"], ["kept", "4"]]
    assert "no recording      1  .txt" in told.out and "a static trial" in told.out
    assert "without a score: 4" in told.err and "broken: refused" in told.err


def test_the_shared_recordings_are_all_accounted_for(shared_data: Path, tmp_path: Path) -> None:
    cohort = build_cohort([shared_data], tmp_path / "cohort")
    found = sum(1 for path in shared_data.rglob("*") if path.is_file())
    assert cohort.facts["recordings"] + sum(cohort.facts["other_files"].values()) == found
    assert len({walk.source for walk in cohort.walks}) == cohort.facts["recordings"]
    reasons = {w.walk: w.reason for w in cohort.walks if w.status == "refused"}
    assert reasons["35_20"].startswith("the person runs") and reasons["HC002D02"].startswith("the person stands")
    speeds = [cohort.gait(f"cmu_walks_{name}").value("speed_mps") for name in ("02_01_c3d", "02_01_amc", "bvh_02_01")]
    assert np.ptp(speeds) <= 0.02
    assert json.loads((cohort.folder / "cohort.json").read_text("utf8"))["counts"]["kept"] == len(cohort.kept) >= 19
