"""The Shida et al. (2023) data: every file of a tree like the public one is a walk with its score or refused with its reason."""
from __future__ import annotations

import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from shida_tree import CORRUPT, KEPT, REFUSED, SCORES, WHOLE, table_rows, write_recording, write_table, write_tree, write_xls

from agir_plugin.cohort import build_cohort
from agir_plugin.cohort.labels import read_labels
from agir_plugin.cohort.shida import shida_sources
from agir_plugin.cohort.shida_names import parse_name
from agir_plugin.cohort.shida_sidecars import read_sidecar_times
from agir_plugin.errors import LabelError, UnreadableFile, UsageError
from agir_plugin.motion import to_motion


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree of recordings that tests only read."""
    return write_tree(tmp_path_factory.mktemp("shida"))


def test_every_file_is_kept_or_refused_with_its_reason(tree: Path) -> None:
    found = shida_sources(tree, tree / "PDGinfo.xlsx")
    assert len(found.sources) == len(WHOLE) + 1 == len(KEPT) + len(REFUSED)
    assert {source.walk: source.score for source in found.sources if not source.refusal} == KEPT
    assert {source.walk: source.refusal for source in found.sources if source.refusal} == REFUSED
    assert [source.walk for source in found.sources if not source.refusal] == list(KEPT)
    assert {source.walk for source in found.sources if source.static} == {"SUB01_off_static_1", "SUB02_on_static_1"}


def test_the_notes_account_for_everything_else(tree: Path) -> None:
    notes = shida_sources(tree, tree / "PDGinfo.xlsx").notes
    assert notes["sidecars"] == {"grf.csv": 1, "grf.csv (an Excel 97 file)": 1, "temporal_distance.txt": 1}
    assert notes["other_files"] == {**notes["sidecars"], ".txt": 1, "macOS attributes (._*)": 1}
    assert notes["sessions_without_label"] == {"SUB02 off": 1, "SUB03 off": 1}
    assert notes["labels_without_walks"] == ["SUB04 on"]
    assert notes["in_the_folder_of_another_session"] == []


def test_a_source_travels_to_a_worker_and_reads_its_walk(tree: Path) -> None:
    first = next(source for source in shida_sources(tree, tree / "PDGinfo.xlsx").sources if source.walk == "SUB01_off_walk_1")
    assert (first.subject, first.state, first.place) == ("SUB01", "off", f"C3Dfiles/{WHOLE[0]}")
    recording = pickle.loads(pickle.dumps(first)).read()
    assert recording.fps == 150.0
    assert recording.positions_m.shape == (151, 46, 3)  # 44 markers, V_R.TT once, V_PELVIS_ORIGIN
    assert recording.names[:2] == ("CLAV", "STRN") and recording.names[44:] == ("V_R.TT", "V_PELVIS_ORIGIN")
    assert "repeated labels, first kept: R.Heel, V_R.TT" in recording.notes


def test_virtual_points_do_not_change_the_skeleton(tmp_path: Path) -> None:
    write_recording(tmp_path / "SUB01_off_walk_1.c3d", 3.0)
    recording = shida_sources(tmp_path, None).sources[0].read()
    motion = to_motion(recording)
    height_m = motion.joints_m[:, 15, 1].mean() - motion.joints_m[:, 10:12, 1].min()
    assert motion.fps == 150.0 and 1.3 < height_m < 1.8
    assert np.isfinite(motion.joints_m).all()


def test_a_damaged_file_is_found_out_when_it_is_read(tree: Path) -> None:
    broken = next(source for source in shida_sources(tree, None).sources if source.place.endswith(CORRUPT))
    with pytest.raises(UnreadableFile, match="the file is truncated"):
        broken.read()


def test_without_labels_all_walks_are_kept_unscored(tree: Path) -> None:
    found = shida_sources(tree, None)
    assert {source.walk for source in found.sources if not source.refusal} == {*KEPT, "SUB02_off_walk_1", "SUB03_off_walk_4"}
    assert {source.score for source in found.sources} == {None}


def test_trimmed_recordings_can_be_left_out(tree: Path) -> None:
    by_walk = {source.walk: source for source in shida_sources(tree, None, trimmed="drop").sources}
    assert by_walk["SUB01_off_walk_12"].refusal == ""
    assert by_walk["SUB01_off_walk_12b"].refusal == "a trimmed recording; the choice was to leave these out"
    with pytest.raises(UsageError, match="trimmed: expected one of prefer, drop, got 'both'"):
        shida_sources(tree, None, trimmed="both")


@pytest.mark.parametrize(
    ("stem", "walk", "trimmed"),
    [
        ("SUB01_off_walk_1", "SUB01_off_walk_1", False), ("sub07_ON_Walk12B", "SUB07_on_walk_12b", False),
        ("Trimmed_SUB01_off_walk_14b", "SUB01_off_walk_14b", True), ("SUB01_off_walk_14_trimmed", "SUB01_off_walk_14", True),
        ("SUB26_off_STATIC_01", "SUB26_off_static_1", False),
    ],
)
def test_names(stem: str, walk: str, trimmed: bool) -> None:
    name = parse_name(stem)
    assert (name.walk, name.trimmed) == (walk, trimmed)


@pytest.mark.parametrize("stem", ["walk_1", "SUB01_walk_1", "SUB01_off_walk_", "SUB01_off_run_1", "SUB01_off_walk_1_grf"])
def test_other_names(stem: str) -> None:
    assert parse_name(stem) is None


def test_two_files_of_one_walk_and_strange_folders(tmp_path: Path) -> None:
    write_recording(tmp_path / "SUB01_off" / "SUB01_off_walk_1.c3d", 0.5)
    for place in ("again/SUB01_off_walk_1.c3d", "SUB02_on/SUB01_on_walk_3.c3d", "SUB01_on/Trimmed_SUB01_on_walk_3.c3d"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        shutil.copy(tmp_path / "SUB01_off" / "SUB01_off_walk_1.c3d", tmp_path / place)
    found = shida_sources(tmp_path, None)
    second = "a second file of SUB01_off_walk_1; SUB01_off/SUB01_off_walk_1.c3d is used"
    assert {source.place: (source.walk, source.refusal) for source in found.sources} == {
        "SUB01_off/SUB01_off_walk_1.c3d": ("SUB01_off_walk_1", ""),
        "again/SUB01_off_walk_1.c3d": ("SUB01_off_walk_1_copy2", second),
        "SUB01_on/Trimmed_SUB01_on_walk_3.c3d": ("SUB01_on_walk_3", ""),
        "SUB02_on/SUB01_on_walk_3.c3d": ("SUB01_on_walk_3_untrimmed", "replaced by its trimmed recording"),
    }
    assert found.notes["in_the_folder_of_another_session"] == ["SUB02_on/SUB01_on_walk_3.c3d"]


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="found none; unpack C3Dfiles.zip there, or run `agir fetch shida"):
        shida_sources(tmp_path, None)
    with pytest.raises(UnreadableFile, match="expected the folder of the data set, but there is none"):
        shida_sources(tmp_path / "absent", None)


def test_the_gait_item_of_part_three_is_taken(tmp_path: Path) -> None:
    labels = read_labels(write_table(tmp_path / "PDGinfo.xlsx"))
    assert {(row.subject, row.state): row.score for row in labels.rows} == {
        ("SUB01", "on"): 1, ("SUB01", "off"): 2, ("SUB02", "on"): 0, ("SUB03", "on"): 1, ("SUB04", "on"): 2,
    }


@pytest.mark.parametrize("delimiter", [";", ","])
@pytest.mark.parametrize("rename", [str, str.lower, lambda name: name.replace(" - ", "_").replace("S-III", "SIII")])
def test_pdginfo_as_csv(tmp_path: Path, delimiter: str, rename: object) -> None:
    rows = table_rows()
    rows[0] = [rename(name) for name in rows[0]]
    text = "\n".join(delimiter.join("" if cell is None else str(cell) for cell in row) for row in rows)
    (tmp_path / "PDGinfo.csv").write_text(text, encoding="utf-8-sig")
    labels = read_labels(tmp_path / "PDGinfo.csv")
    assert labels.find("SUB01_off_walk_12b")[2].score == 2
    assert labels.find("SUB03_off_walk_1")[2] is None
    assert len(labels.rows) == 5


@pytest.mark.parametrize(("score", "shown"), [(3, "3"), (4, "4"), (1.5, "1.5"), (-1, "-1")])
def test_other_scores_are_refused_naming_subject_and_state(tmp_path: Path, score: float, shown: str) -> None:
    path = write_table(tmp_path / "PDGinfo.xlsx", table_rows({**SCORES, "SUB02": (0, score)}))
    with pytest.raises(LabelError, match=rf"PDGinfo.xlsx, line 3: expected a gait score of 0, 1 or 2 for SUB02 off, got '{shown}'"):
        read_labels(path)


def test_unclear_tables_are_refused(tmp_path: Path) -> None:
    rows = [[cell for cell, name in zip(row, table_rows()[0], strict=True) if "III" not in name] for row in table_rows()]
    with pytest.raises(LabelError, match="found id, gender, .*on - updrs-ii - walking"):
        read_labels(write_table(tmp_path / "a.xlsx", rows))
    rows = [["ON - UPDRS-III - walking", *row] for row in table_rows()]
    with pytest.raises(LabelError, match="expected one column of gait scores for on, got"):
        read_labels(write_table(tmp_path / "b.xlsx", rows))
    with pytest.raises(LabelError, match="expected a column ID with the subjects, found Gender"):
        read_labels(write_table(tmp_path / "c.xlsx", [row[1:] for row in table_rows()]))
    with pytest.raises(LabelError, match="line 6: expected a subject in the column ID, got none"):
        read_labels(write_table(tmp_path / "d.xlsx", [*table_rows(), [None, *table_rows()[1][1:]]]))


def test_damaged_tables_are_refused(tmp_path: Path) -> None:
    whole = write_table(tmp_path / "PDGinfo.xlsx").read_bytes()
    old = bytes.fromhex("d0cf11e0a1b11ae1") + b"rest"
    for content, match in ((whole[:600], "expected an Excel table"), (old, "got one of Excel 97")):
        (tmp_path / "cut.xlsx").write_bytes(content)
        with pytest.raises(UnreadableFile, match=match):
            read_labels(tmp_path / "cut.xlsx")


def test_a_plain_table_may_be_an_excel_file(tmp_path: Path) -> None:
    labels = read_labels(write_table(tmp_path / "labels.xlsx", [["Subject", "State", "Score"], ["P1", "on", 2.0]], sheet="scores"))
    assert [(row.subject, row.state, row.score) for row in labels.rows] == [("P1", "on", 2)]


def test_ingest_takes_pdginfo_as_its_labels(tmp_path: Path) -> None:
    write_recording(tmp_path / "lab" / "SUB01_off_walk_1.c3d", 4.0)
    cohort = build_cohort([tmp_path / "lab"], tmp_path / "cohort", write_table(tmp_path / "PDGinfo.xlsx"))
    assert [(walk.walk, walk.score, walk.status) for walk in cohort.walks] == [("SUB01_off_walk_1", 2, "kept")]
    assert "SUB01 on" in cohort.facts["labels_without_walks"]


EVENTS = [["RTO", 1.0, 151.0], ["RHS", 76.0, 226.0], ["LHS", 16.0], ["LTO", 91.0], ["angle", 3.5, 7.0]]


def test_the_laboratorys_summary_is_read(tree: Path) -> None:
    path = next(tree.rglob("*_temporal_distance.txt"))
    assert read_sidecar_times(path) == {"Speed": (0.87,), "Cycle_Time_Mean": (1.12,)}


def test_the_laboratorys_events_are_read_in_seconds(tmp_path: Path) -> None:
    path = write_xls(tmp_path / "SUB01_off_walk_1_angular_kinematics.csv", EVENTS)
    assert read_sidecar_times(path, 150.0) == {"RTO": (0.0, 1.0), "RHS": (0.5, 1.5), "LHS": (0.1,), "LTO": (0.6,)}
    unnamed = write_xls(tmp_path / "SUB01_off_walk_2_angular_kinematics.csv", [row[1:] for row in EVENTS])
    assert read_sidecar_times(unnamed, 150.0) == read_sidecar_times(path, 150.0)


def test_other_sidecars_are_refused(tmp_path: Path) -> None:
    path = write_xls(tmp_path / "SUB01_off_walk_1_angular_kinematics.csv", EVENTS)
    with pytest.raises(UsageError, match="expected the frame rate of the recording"):
        read_sidecar_times(path)
    whole = path.read_bytes()
    damaged = ((b"a,b\n1,2\n", "as the set's .csv files are"), (whole[:700], "but reading it failed"), (whole[:8], "failed"))
    for content, match in damaged:
        path.write_bytes(content)
        with pytest.raises(UnreadableFile, match=match):
            read_sidecar_times(path, 150.0)
    with pytest.raises(UnreadableFile, match="in the first four rows, found none"):
        read_sidecar_times(write_xls(path, [["a"], ["b"]]), 150.0)
    with pytest.raises(UnreadableFile, match="other tables hold no times"):
        read_sidecar_times(tmp_path / "SUB01_off_walk_1_grf.csv")
    (tmp_path / "x_temporal_distance.txt").write_text("nothing")
    with pytest.raises(UnreadableFile, match="expected names in the second line"):
        read_sidecar_times(tmp_path / "x_temporal_distance.txt")


def test_links_and_closed_folders_of_the_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_tree(tmp_path / "data")
    for one, other in (("a.c3d", "b.c3d"), ("b.c3d", "a.c3d")):
        (folder / one).symlink_to(folder / other)  # a loop of links
    real = os.scandir

    def scan(path):
        if Path(path).name == "SUB03_on":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scan)
    found = shida_sources(folder, folder / "PDGinfo.xlsx")
    assert found.notes["folders_not_opened"] == [str(folder / "C3Dfiles" / "SUB03_on")]
    assert {one.place for one in found.sources} >= {"a.c3d", "b.c3d"}
