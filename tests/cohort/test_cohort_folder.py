"""A synthetic cohort on disk: layout, sameness of bytes, resuming, reading back, rationales, and clear refusals."""
from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from agir_plugin.cohort import Cohort, synthesise
from agir_plugin.cohort.statistics import GROUPS
from agir_plugin.errors import CohortError, LabelError, UsageError
from agir_plugin.gait import measure, report_json
from agir_plugin.motion import to_features
from agir_plugin.records import Motion, Rationale

SAID = Rationale(
    foot="Steps are short, 0.4 m/s and even.", arm="The left arm swings less (#2).", overall="Walks alone."
)


def contents(folder: Path) -> dict[str, str]:
    """Relative path -> hash of every file."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def copy(cohort: Cohort, tmp_path: Path) -> Path:
    """A copy of the shared cohort that a test may change."""
    return Path(shutil.copytree(cohort.folder, tmp_path / "copy"))


def test_layout_and_accounts(cohort: Cohort) -> None:
    rows = pd.read_csv(cohort.folder / "walks.csv", keep_default_na=False)
    assert list(rows.columns) == "walk subject state score seconds frames source sha256 status reason".split()
    assert len(rows) == len(cohort.walks) == 32 and set(rows.state) == {"on", "off"}
    counts = cohort.facts["counts"]
    assert counts["walks"] == 32 and counts["kept"] + counts["refused"] == 32 and counts["kept"] == len(cohort.kept)
    assert [(line["walk"], line["status"], line["reason"]) for line in cohort.facts["walks"]] == [
        (walk.walk, walk.status, walk.reason) for walk in cohort.walks
    ]
    text = (cohort.folder / "cohort.json").read_text(encoding="utf8")
    assert sum('"status"' in line for line in text.splitlines()) == 32
    assert cohort.synthetic and cohort.name == "synthetic-8x2x2-seed3" and cohort.facts["fps"] == 20.0
    listed = [
        line for part in ("train", "val", "test") for line in (cohort.folder / f"{part}.txt").read_text().splitlines()
    ]
    assert sorted(listed) == sorted(walk.walk for walk in cohort.kept)
    assert not (cohort.folder / ".journal.jsonl").exists()


def test_stored_values_belong_together(cohort: Cohort) -> None:
    walk = cohort.kept[0]
    joints, features = cohort.joints(walk.walk), cohort.features(walk.walk)
    assert joints.dtype == features.dtype == np.float32
    assert joints.shape == (walk.frames, 22, 3) and features.shape == (walk.frames - 1, 263)
    assert walk.seconds == pytest.approx((walk.frames - 1) / 20.0)
    np.testing.assert_allclose(features, to_features(joints.astype(np.float64)), atol=1e-5)
    again = measure(Motion(joints.astype(np.float64), 20.0, "synthetic walk"))
    assert report_json("x", again)["parameters"] == report_json("x", cohort.gait(walk.walk))["parameters"]


def test_parameters_and_truth_tables(cohort: Cohort) -> None:
    parameters = pd.read_csv(cohort.folder / "parameters.csv", index_col="walk")
    truth = pd.read_csv(cohort.folder / "truth.csv", index_col="walk")
    assert list(parameters.index) == [walk.walk for walk in cohort.kept] and len(truth) == len(cohort.walks)
    assert "walk_ratio_m_per_spm" in parameters and {"cadence_spm", "speed_mps", "step_length_m"} <= set(parameters)
    for name in ("cadence_spm", "speed_mps", "step_length_m"):
        found, true = parameters[name], truth.loc[parameters.index, f"realised_{name}"]
        assert np.median(abs(found / true - 1)) < 0.02
    name = cohort.kept[3].walk
    assert parameters.speed_mps[name] == pytest.approx(cohort.gait(name).value("speed_mps"), rel=1e-6)


def test_statistics_are_those_of_the_training_subjects(cohort: Cohort) -> None:
    mean, std = cohort.statistics()
    frames = np.concatenate([cohort.features(walk.walk) for walk in cohort.walks_of(cohort.fold().train)]).astype(
        np.float64
    )
    np.testing.assert_allclose(mean, frames.mean(axis=0), atol=1e-5)
    for start, stop in GROUPS:
        assert len(set(std[start:stop])) == 1
        assert std[start] == pytest.approx(frames.std(axis=0)[start:stop].mean(), rel=1e-4)
    assert cohort.facts["statistics"] == {
        "of": "train subjects of holdout/0",
        "walks": len(cohort.walks_of(cohort.fold().train)),
        "frames": len(frames),
    }


def test_same_seed_gives_the_same_bytes(cohort: Cohort, tmp_path: Path) -> None:
    twin = synthesise(tmp_path / "shared", subjects=8, seed=3, walks_per_session=2)
    assert contents(twin.folder) == contents(cohort.folder)
    assert twin.hash() == cohort.hash()
    other = synthesise(tmp_path / "other", subjects=3, seed=4, walks_per_session=1)
    assert other.hash() != cohort.hash()


def test_resume_after_losing_files(cohort: Cohort, copy: Path) -> None:
    lost = [cohort.kept[index].walk for index in (0, 5, 9)]
    for kind, walk in zip(("joints", "new_joint_vecs", "gait"), lost, strict=True):
        next((copy / kind).glob(f"{walk}.*")).unlink()
    untouched = copy / "joints" / f"{cohort.kept[1].walk}.npy"
    before = untouched.stat().st_mtime_ns
    with pytest.raises(CohortError, match=f"kept walks have no file here .first {lost[0]}"):
        Cohort.open(copy)
    synthesise(copy, subjects=8, seed=3, walks_per_session=2)
    assert contents(copy) == contents(cohort.folder)
    assert untouched.stat().st_mtime_ns == before


def test_resume_after_an_interruption(cohort: Cohort, tmp_path: Path) -> None:
    folder = tmp_path / "cut"

    def stop(done: int, total: int) -> None:
        assert total == 32
        if done == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        synthesise(folder, subjects=8, seed=3, walks_per_session=2, progress=stop)
    with pytest.raises(CohortError, match="run the same command again, it goes on where it stopped"):
        Cohort.open(folder)
    with (folder / ".journal.jsonl").open("a") as journal:
        journal.write('{"walk": "SUB0')  # the row that was being written when the power went
    first = folder / "joints" / f"{cohort.kept[0].walk}.npy"
    before = first.stat().st_mtime_ns
    synthesise(folder, subjects=8, seed=3, walks_per_session=2)
    assert contents(folder) == contents(cohort.folder)
    assert first.stat().st_mtime_ns == before


def test_a_folder_with_something_else_is_left_alone(copy: Path, tmp_path: Path) -> None:
    with pytest.raises(CohortError, match=r"already holds another cohort \(name is 'synthetic-8x2x2-seed3'"):
        synthesise(copy, subjects=8, seed=4, walks_per_session=2)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.txt").write_text("do not lose me")
    with pytest.raises(CohortError, match="holds other files; choose another folder"):
        synthesise(tmp_path / "thesis", subjects=3)
    assert [path.name for path in (tmp_path / "thesis").iterdir()] == ["chapter1.txt"]
    with pytest.raises(UsageError):
        synthesise(tmp_path / "none", subjects=0)
    assert not (tmp_path / "none").exists()


def test_rationales_round_trip_and_texts(copy: Path) -> None:
    cohort = Cohort.open(copy)
    assert cohort.rationales() == {}
    names = [walk.walk for walk in cohort.kept]
    cohort.save_rationales(dict.fromkeys(names, SAID), writer="rules", reviewed_by={names[0]: "AB"})
    assert Cohort.open(copy).rationales() == dict.fromkeys(names, SAID)
    rows = [json.loads(line) for line in (copy / "rationales.jsonl").read_text().splitlines()]
    assert list(rows[0]) == ["walk", "foot", "arm", "overall", "writer", "prompt_hash", "reviewed_by"]
    assert rows[0]["reviewed_by"] == "AB" and rows[1]["reviewed_by"] == ""
    caption, tags, start, end = (copy / "texts" / f"{names[0]}.txt").read_text().strip().split("#")
    assert caption == "Foot: Steps are short, 0.4 m s and even. Arm: The left arm swings less ( 2)."
    assert tags.startswith("foot/OTHER steps/OTHER are/OTHER short/OTHER") and (start, end) == ("0.0", "0.0")
    assert all(token.count("/") == 1 for token in tags.split())
    with pytest.raises(
        CohortError, match="rationales were given for 1 walks that the cohort does not keep .SUB99_on_walk_1"
    ):
        cohort.save_rationales({"SUB99_on_walk_1": SAID}, writer="rules")


def test_a_walk_made_anew_loses_what_was_derived_from_it(copy: Path) -> None:
    cohort = Cohort.open(copy)
    first, second = cohort.kept[0].walk, cohort.kept[1].walk
    cohort.save_rationales({first: SAID, second: SAID}, writer="rules")
    (copy / "TOKENS").mkdir()
    for walk in (first, second):
        np.save(copy / "TOKENS" / f"{walk}.npy", np.array([[1, 2, 3]]))
    (copy / "joints" / f"{first}.npy").unlink()
    again = synthesise(copy, subjects=8, seed=3, walks_per_session=2)
    assert list(again.rationales()) == [second] and again.tokens(second).tolist() == [1, 2, 3]
    with pytest.raises(CohortError, match="has no motion tokens; run `agir tokenize"):
        again.tokens(first)


def test_unusual_questions(cohort: Cohort) -> None:
    with pytest.raises(CohortError, match="has no walk 'SUB77_on_walk_1'"):
        cohort.features("SUB77_on_walk_1")
    with pytest.raises(CohortError, match="no such fold; this cohort has holdout/0.json, kfold/0.json"):
        cohort.fold("holdout", 4)
    fold = cohort.fold("kfold", 2)
    assert {walk.subject for walk in cohort.walks_of(fold.test)} == set(fold.test)
    assert all({walk.state for walk in cohort.walks_of([subject])} == {"on", "off"} for subject in fold.test)


def test_damaged_folders(copy: Path, tmp_path: Path) -> None:
    with pytest.raises(CohortError, match="expected a cohort folder with cohort.json"):
        Cohort.open(tmp_path / "nowhere")
    walk = Cohort.open(copy).kept[0].walk
    (copy / "new_joint_vecs" / f"{walk}.npy").write_bytes(b"")
    with pytest.raises(CohortError, match="expected a numpy array"):
        Cohort.open(copy).features(walk)
    np.save(copy / "new_joint_vecs" / f"{walk}.npy", np.zeros((5, 251)))
    with pytest.raises(CohortError, match=r"expected an array of shape \(None, 263\).* got \(5, 251\)"):
        Cohort.open(copy).features(walk)
    (copy / "Mean.npy").unlink()
    with pytest.raises(CohortError, match="Mean.npy: missing"):
        Cohort.open(copy).statistics()
    table = (copy / "walks.csv").read_text()
    row = next(line for line in table.splitlines() if line.startswith(walk))
    score = row.split(",")[3]
    (copy / "walks.csv").write_text(table.replace(row, row.replace(f",{score},", ",4,", 1)))
    with pytest.raises(LabelError, match="expected a gait score of 0, 1 or 2 for SUB01 off, got '4'"):
        Cohort.open(copy)
    (copy / "walks.csv").write_text(table + row + "\n")
    with pytest.raises(CohortError, match=f"one row per walk, but {walk} has two"):
        Cohort.open(copy)


def test_opening_imports_nothing_heavy() -> None:
    heavy = "{'torch', 'ezc3d', 'pandas', 'sklearn'}"
    code = f"import sys, agir_plugin.cohort as c; c.Cohort; print(sorted({heavy} & set(sys.modules)))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_rationales_and_texts_are_written_all_or_none(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cohort = Cohort.open(copy)
    walks = [walk.walk for walk in cohort.kept]
    cohort.save_rationales(dict.fromkeys(walks, SAID), writer="rules")
    before = contents(copy)
    calls = []

    def filling(handle: int, *args: object, **options: object) -> object:
        calls.append(handle)
        if len(calls) == len(walks):
            os.close(handle)
            raise OSError(errno.ENOSPC, "No space left on device")
        return opened(handle, *args, **options)

    opened = os.fdopen
    monkeypatch.setattr("os.fdopen", filling)
    with pytest.raises(OSError, match="No space left"):
        cohort.save_rationales({walk: Rationale("Quick.", "Both.", "Fine.") for walk in walks}, writer="rules")
    assert contents(copy) == before
