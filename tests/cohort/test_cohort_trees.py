"""Folders as laboratories keep them: links, odd names, twins, files that cannot be opened, a cohort among the recordings."""
from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from agir_plugin.cohort import build_cohort
from agir_plugin.cohort import sources as cohort_sources
from agir_plugin.cohort.fitted import _shape_file
from agir_plugin.cohort.labels import read_labels
from agir_plugin.cohort.names import MOST_NAME_BYTES, plain_name, subject_key
from agir_plugin.cohort.recordings import find_recordings
from agir_plugin.cohort.trees import files_below
from agir_plugin.errors import UnreadableFile


def tree(folder: Path, *places: str | bytes) -> Path:
    """Empty .npy files: what is found needs no content."""
    for place in places:
        path = os.path.join(os.fsencode(folder), os.fsencode(place))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(b"\x93NUMPY")
    return folder


def names(folder: Path, *more: Path) -> list[str]:
    return [source.walk for source in find_recordings([folder, *more], None).sources]


def test_links_are_followed_once_and_a_loop_ends(tmp_path: Path) -> None:
    lab = tree(tmp_path / "lab", "SUB01_on_walk_1.npy")
    tree(tmp_path / "disk", "SUB02_on_walk_1.npy")
    (lab / "second").symlink_to(tmp_path / "disk")
    (lab / "again").symlink_to(tmp_path / "disk")
    (lab / "loop").symlink_to(lab)
    assert names(lab) == ["SUB01_on_walk_1", "SUB02_on_walk_1"]


def test_a_link_that_leads_nowhere_is_refused_and_not_lost(tmp_path: Path) -> None:
    lab = tree(tmp_path / "lab", "SUB01_on_walk_1.npy")
    (lab / "SUB02_on_walk_1.npy").symlink_to("gone.npy")
    (lab / "notes.doc").symlink_to("gone.doc")
    found = find_recordings([lab], None)
    assert [source.refusal[:22] for source in found.sources] == ["", "it cannot be opened (N"]
    assert found.notes["other_files"] == {".doc": 1}


def test_the_cohort_itself_is_no_recording(record: Callable[..., Path], tmp_path: Path) -> None:
    for subject in ("SUB01", "SUB02", "SUB03"):
        record(f"{subject}_on_walk_1")
    out = tmp_path / "recordings" / "cohort"
    first = build_cohort([tmp_path / "recordings"], out)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    again = build_cohort([tmp_path / "recordings"], out)
    assert again.walks == first.walks and len(again.walks) == 3
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_no_file_is_lost_when_places_give_one_name(tmp_path: Path) -> None:
    lab = tree(tmp_path / "lab", "s1/x.npy", "s2/x.npy", "s1_x.npy", "s 1/x.npy")
    assert sorted(names(lab)) == ["s1_x", "s1_x_2", "s2_x", "s_1_x"]


def test_files_of_one_name_below_two_given_folders(tmp_path: Path) -> None:
    days = [tree(tmp_path / day, "corridor.npy") for day in ("monday", "tuesday")]
    assert names(*days) == ["monday_corridor", "tuesday_corridor"]


def test_twins_are_told_apart_and_labelled_by_their_place(tmp_path: Path) -> None:
    lab = tree(tmp_path / "lab", "Anna/visit 1/walk_1.npy", "Anna/visit 2/walk_1.npy", "Bert/walk_1.npy")
    table = tmp_path / "scores.csv"
    table.write_text("walk,subject,state,score\nAnna/visit 1/walk_1.npy,Anna,on,1\nAnna/visit 2/walk_1,Anna,off,2\n")
    found = find_recordings([lab], read_labels(table)).sources
    assert [(one.walk, one.subject, one.state, one.score) for one in found] == [
        ("Anna_visit_1_walk_1", "Anna", "on", 1), ("Anna_visit_2_walk_1", "Anna", "off", 2), ("Bert_walk_1", "", "", None),
    ]


def test_names_that_are_no_text_too_long_or_decomposed(record: Callable[..., Path], tmp_path: Path) -> None:
    lab = tmp_path / "lab"
    lab.mkdir()
    for name in (b"m\xfcller_on_walk_1", b"a" * 250, "Mu\u0308ller_on_walk_2".encode(), "walk²".encode()):
        shutil.copy(record("SUB01_on_walk_1"), os.path.join(os.fsencode(lab), name + b".npy"))
    cohort = build_cohort([lab], tmp_path / "out")
    assert len(cohort.kept) == 4 and {walk.walk for walk in cohort.kept} >= {"Müller_on_walk_2", "m_ller_on_walk_1", "walk²"}
    assert {walk.source for walk in cohort.kept} >= {"m\\xfcller_on_walk_1.npy"}
    assert max(len(walk.walk.encode()) for walk in cohort.kept) == MOST_NAME_BYTES
    assert build_cohort([lab], tmp_path / "out").walks == cohort.walks


def test_a_file_that_cannot_be_opened_stops_no_other(record: Callable[..., Path], tmp_path: Path, monkeypatch) -> None:
    record("SUB01_on_walk_1"), record("SUB02_on_walk_1")
    real = cohort_sources.file_sha256

    def closed(path: Path) -> str:
        if path.name.startswith("SUB02"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(cohort_sources, "file_sha256", closed)
    cohort = build_cohort([tmp_path / "recordings"], tmp_path / "out")
    assert cohort.walk("SUB02_on_walk_1").reason == "it cannot be opened (Permission denied); check the file and its permissions"
    assert [walk.walk for walk in cohort.kept] == ["SUB01_on_walk_1"]


def test_a_folder_that_cannot_be_opened_is_told(tmp_path: Path, closed_folders) -> None:
    lab = tree(tmp_path / "lab", "open/SUB01_on_walk_1.npy", "closed/SUB02_on_walk_1.npy")
    assert files_below(lab).closed == (lab / "closed",)
    assert find_recordings([lab], None).notes["folders_not_opened"] == [str(lab / "closed")]
    with pytest.raises(UnreadableFile, match="found none; .*closed could not be opened"):
        find_recordings([lab / "closed"], None)


def test_what_macos_adds_is_no_recording(tmp_path: Path) -> None:
    found = find_recordings([tree(tmp_path, "SUB01_on_walk_1.npy", "._SUB01_on_walk_1.npy", "Thumbs.db")], None)
    assert [source.walk for source in found.sources] == ["SUB01_on_walk_1"]
    assert found.notes["other_files"] == {".db": 1, "macOS attributes (._*)": 1}


def test_spellings_of_one_subject_are_one_person(tmp_path: Path) -> None:
    lab = tree(tmp_path, "a/SUB01_on_walk_1.npy", "b/sub01_off_walk_2.npy")
    assert {source.subject for source in find_recordings([lab], None).sources} == {"SUB01"}
    assert subject_key("Sub007") == subject_key("SUB7") and subject_key("1.0") == subject_key("01") != subject_key("SUB01")


def test_an_uncut_recording_is_replaced_only_by_that_of_its_own_person(tmp_path: Path) -> None:
    lab = tree(tmp_path, "Anna/walk_1.npy", "Bert/Trimmed_walk_1.npy", "SUB01_on_walk_2.npy", "Trimmed_SUB01_on_walk_2.npy")
    found = {source.place: (source.walk, source.refusal) for source in find_recordings([lab], None).sources}
    assert found["Anna/walk_1.npy"] == ("walk_1", "") or found["Anna/walk_1.npy"][1] == ""
    assert found["SUB01_on_walk_2.npy"] == ("SUB01_on_walk_2_untrimmed", "replaced by its trimmed recording")
    assert found["Trimmed_SUB01_on_walk_2.npy"] == ("SUB01_on_walk_2", "")


def test_plain_names_keep_what_is_plain() -> None:
    assert plain_name("SUB01_off_walk_1") == "SUB01_off_walk_1" and plain_name("a b\n/c") == "a b__c"


def test_a_person_recorded_on_two_days_is_one_subject(tmp_path: Path) -> None:
    lab = tree(tmp_path, "day1/SUB01_on_walk_1.npy", "day2/SUB01_on_walk_1.npy")
    found = [(one.walk, one.subject, one.state) for one in find_recordings([lab], None).sources]
    assert found == [("day1_SUB01_on_walk_1", "SUB01", "on"), ("day2_SUB01_on_walk_1", "SUB01", "on")]


def test_a_folder_whose_files_can_be_listed_but_not_looked_at(tmp_path: Path, monkeypatch) -> None:
    lab = tree(tmp_path, "SUB01_on_walk_1.npy", "shut/SUB02_on_walk_1.npy")
    real = os.stat

    def stat(path, *more, **options):
        if "shut/" in str(path):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *more, **options)

    monkeypatch.setattr(os, "stat", stat)
    assert files_below(lab).files == (lab / "SUB01_on_walk_1.npy", lab / "shut" / "SUB02_on_walk_1.npy")
    assert names(lab) == ["SUB01_on_walk_1", "SUB02_on_walk_1"]


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "SUB01_on_walk_1.npy")
    source, = find_recordings([tmp_path / "SUB01_on_walk_1.npy"], None).sources
    assert source.refusal == "it is no file but a pipe or device; write the recording to a file first"


def test_a_subject_named_like_a_path_stays_within_the_cohort(tmp_path: Path) -> None:
    places = {_shape_file(tmp_path, subject) for subject in ("SUB01", "2024/17", "2024_17", "../../x")}
    assert len(places) == 4 and {place.parent for place in places} == {tmp_path} and tmp_path / "SUB01.npz" in places


def test_copies_of_one_recording_are_told(tmp_path: Path) -> None:
    lab = tree(tmp_path, "SUB01_on_walk_1.npy", "SUB02_on_walk_1.npy", "SUB03_on_static_1.npy")
    (lab / "SUB04_on_walk_1.npy").write_bytes(b"\x93NUMPY another")
    assert find_recordings([lab], None).notes["same_recording"] == [["SUB01_on_walk_1.npy", "SUB02_on_walk_1.npy"]]
