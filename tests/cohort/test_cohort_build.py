"""Cohorts from recordings and a labels file: every file accounted for, bad labels refused before anything is
written.
"""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from agir_plugin.cohort import Cohort, build_cohort
from agir_plugin.cohort.labels import read_labels
from agir_plugin.errors import CohortError, LabelError, UnreadableFile

SESSIONS = "subject,state,score\nSUB01,off,2\nSUB01,on,1\nSUB02,off,0\nSUB03,off,1\n"


@pytest.fixture
def labels(tmp_path: Path) -> Callable[[str], Path]:
    """Write a labels file."""

    def write(text: str = SESSIONS) -> Path:
        path = tmp_path / "labels.csv"
        path.write_text(text)
        return path

    return write


def test_every_file_is_accounted_for(record: Callable[..., Path], labels: Callable[..., Path], tmp_path: Path) -> None:
    for name in ("SUB01_off_walk_2", "SUB01_off_walk_10", "SUB01_on_walk_1", "SUB02_off_walk_1", "SUB03_off_walk_1"):
        record(name)
    record("SUB02_off_walk_2", seconds=1.0)
    record("SUB02_off_walk_12"), record("Trimmed_SUB02_off_walk_12b")
    record("SUB01_off_static_1"), record("SUB04_off_walk_1"), record("somebody")
    (tmp_path / "recordings" / "SUB03_off_walk_2.npy").write_bytes(b"")
    cohort = build_cohort([tmp_path / "recordings"], tmp_path / "out", labels())
    refused = {walk.walk: walk.reason for walk in cohort.walks if walk.status == "refused"}
    assert [walk.walk for walk in cohort.kept] == [
        "SUB01_off_walk_2",
        "SUB01_off_walk_10",
        "SUB01_on_walk_1",
        "SUB02_off_walk_1",
        "SUB02_off_walk_12b",
        "SUB03_off_walk_1",
    ]
    assert refused["SUB01_off_static_1"] == "a static trial, not a walk"
    assert refused["SUB02_off_walk_12"] == "replaced by its trimmed recording"
    assert "no gait score for it in labels.csv" in refused["SUB04_off_walk_1"]
    assert "no gait score" in refused["somebody"]
    assert "empty (0 bytes)" in refused["SUB03_off_walk_2"]
    assert refused["SUB02_off_walk_2"]
    assert len(refused) == 6 and cohort.facts["counts"]["walks"] == 12
    assert not cohort.synthetic and cohort.facts["labels_without_walks"] == []
    assert {walk.walk: walk.score for walk in cohort.kept}["SUB01_off_walk_2"] == 2
    assert (
        cohort.walk("SUB01_off_walk_2").source == "SUB01_off_walk_2.npy"
        and len(cohort.walk("SUB01_off_walk_2").sha256) == 64
    )
    assert cohort.features("SUB01_off_walk_2").shape == (80, 263)
    assert {subject for part in cohort.fold().as_dict().values() for subject in part} == {"SUB01", "SUB02", "SUB03"}


def test_measured_at_the_recordings_rate_and_resumed(
    record: Callable[..., Path],
    labels: Callable[..., Path],
    tmp_path: Path,
) -> None:
    path = record(
        "SUB01_off_walk_1", cadence_spm=100.0, step_length_m=0.5, step_time_cv_pct=0.0, step_length_cv_pct=0.0
    )
    cohort = build_cohort([path], tmp_path / "out", labels())
    assert cohort.gait("SUB01_off_walk_1").value("speed_mps") == pytest.approx(100 * 0.5 / 60, rel=0.03)
    assert cohort.facts["default_fold"] == "" and (tmp_path / "out" / "train.txt").read_text() == "SUB01_off_walk_1\n"
    assert cohort.facts["labels_without_walks"] == ["SUB01 on", "SUB02 off", "SUB03 off"]
    stored = tmp_path / "out" / "joints" / "SUB01_off_walk_1.npy"
    before = stored.stat().st_mtime_ns
    build_cohort([path, path.parent], tmp_path / "out", labels())
    assert stored.stat().st_mtime_ns == before
    np.save(path, np.load(path)[5:])
    changed = build_cohort([path], tmp_path / "out", labels())
    assert changed.walk("SUB01_off_walk_1").frames == 76


def test_a_walk_that_is_gone_leaves_nothing(
    record: Callable[..., Path], labels: Callable[..., Path], tmp_path: Path
) -> None:
    paths = [record("SUB01_off_walk_1"), record("SUB02_off_walk_1")]
    build_cohort(paths, tmp_path / "out", labels())
    cohort = build_cohort(paths[:1], tmp_path / "out", labels())
    assert [walk.walk for walk in cohort.walks] == ["SUB01_off_walk_1"]
    assert [path.stem for path in (tmp_path / "out" / "joints").iterdir()] == ["SUB01_off_walk_1"]


@pytest.mark.parametrize("score", ["3", "4", "1.5", '"1,5"', "mild", "-1"])
def test_other_scores_are_refused_before_anything_is_written(
    score: str,
    record: Callable[..., Path],
    labels: Callable[..., Path],
    tmp_path: Path,
) -> None:
    record("SUB01_off_walk_1")
    with pytest.raises(LabelError, match=r"labels.csv, line 3: expected a gait score of 0, 1 or 2 for SUB02 off, got "):
        build_cohort(
            [tmp_path / "recordings"],
            tmp_path / "out",
            labels(f"subject,state,score\nSUB01,off,1\nSUB02,off,{score}\n"),
        )
    assert not (tmp_path / "out").exists()


def test_nothing_usable(record: Callable[..., Path], labels: Callable[..., Path], tmp_path: Path) -> None:
    record("SUB09_off_walk_1")
    with pytest.raises(CohortError, match="all 1 were refused, most often: no gait score"):
        build_cohort([tmp_path / "recordings"], tmp_path / "out", labels())
    assert not any((tmp_path / "out").iterdir())
    with pytest.raises(UnreadableFile, match="there is nothing; check the path"):
        build_cohort([tmp_path / "nowhere"], tmp_path / "out", labels())
    with pytest.raises(UnreadableFile, match="expected a labels file"):
        build_cohort([tmp_path / "recordings"], tmp_path / "out", tmp_path / "none.csv")


def test_two_files_of_one_walk(record: Callable[..., Path], labels: Callable[..., Path], tmp_path: Path) -> None:
    path = record("SUB01_off_walk_1")
    twin = tmp_path / "recordings" / "again" / path.name
    twin.parent.mkdir()
    twin.write_bytes(path.read_bytes())
    with pytest.raises(
        CohortError, match="SUB01_off_walk_1.npy and again/SUB01_off_walk_1.npy are both SUB01_off_walk_1|again/.*both"
    ):
        build_cohort([tmp_path / "recordings"], tmp_path / "out", labels())


def test_labels_by_walk_with_a_subject(labels: Callable[..., Path]) -> None:
    table = read_labels(labels("Walk;Subject;State;Score\nHC038A11;HC038A;;0\nSUB05_on_walk_3;;;2.0\n"))
    assert table.find("HC038A11")[:2] == ("HC038A", "") and table.find("HC038A11")[2].score == 0
    subject, state, row = table.find("SUB05_on_walk_3")
    assert (subject, state, row.score) == ("SUB05", "on", 2)
    assert table.find("SUB06_on_walk_3")[2] is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("subject,state\nSUB01,on\n", "expected the columns walk,score or subject,state,score, found subject, state"),
        ("score\n1\n", "expected the columns"),
        ("subject,state,score\nSUB01,on,1\nSUB01,on,2\n", "subject SUB01 on has 1 in line 2 and 2 in line 3"),
        ("subject,state,score\nSUB01,maybe,1\n", "expected the state on, off or nothing for SUB01, got 'maybe'"),
        ("walk,subject,score\n,,1\n", "expected the name of a walk or a subject, got neither"),
    ],
)
def test_confused_labels(text: str, message: str, labels: Callable[..., Path]) -> None:
    with pytest.raises(LabelError, match=message):
        read_labels(labels(text))


def test_a_walk_cannot_differ_from_its_session(
    record: Callable[..., Path], labels: Callable[..., Path], tmp_path: Path
) -> None:
    path = record("SUB01_off_walk_1")
    text = "walk,subject,state,score\n,SUB01,off,2\nSUB01_off_walk_1,,,1\n"
    with pytest.raises(LabelError, match="has score 1 in line 3, but its session .SUB01 off. has 2 in line 2"):
        build_cohort([path], tmp_path / "out", labels(text))


def test_laboratory_files(shared_data: Path, labels: Callable[..., Path], tmp_path: Path) -> None:
    walk = shared_data / "mcgill_biomechzoo_c3d" / "HC038A" / "Straight" / "HC038A11.c3d"
    cohort = build_cohort([walk], tmp_path / "out", labels("walk,subject,score\nHC038A11,HC038A,0\n"))
    assert Cohort.open(tmp_path / "out").gait("HC038A11").value("speed_mps") == pytest.approx(1.26, abs=0.05)
    assert cohort.walk("HC038A11").frames == pytest.approx(20 * cohort.walk("HC038A11").seconds, abs=1.5)


def test_a_single_frame_is_refused_as_too_short(record: Callable[..., Path], tmp_path: Path) -> None:
    record("SUB01_off_walk_1")
    joints = np.load(tmp_path / "recordings" / "SUB01_off_walk_1.npy")
    np.save(tmp_path / "recordings" / "SUB01_off_walk_2.npy", joints[:1])
    cohort = build_cohort([tmp_path / "recordings"], tmp_path / "out")
    assert "at least 1 s of walking" in cohort.walk("SUB01_off_walk_2").reason
