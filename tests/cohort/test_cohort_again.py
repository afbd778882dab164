"""A cohort that is made again: killed, with other labels, other recordings, a full disk, a second run beside it."""
from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from agir_plugin.cohort import Cohort, build_cohort, files
from agir_plugin.cohort.lock import held
from agir_plugin.cohort.workers import in_order
from agir_plugin.errors import AgirError, CohortError
from agir_plugin.records import Rationale

RIGHT = "subject,state,score\n" + "".join(f"SUB0{n},on,{n % 3}\n" for n in range(1, 5))
WRONG = "subject,state,score\nSUB77,on,1\n"


@pytest.fixture
def lab(record: Callable[..., Path]) -> Path:
    """Four people, one walk each."""
    return [record(f"SUB0{number}_on_walk_1") for number in range(1, 5)][0].parent


def table(tmp_path: Path, text: str = RIGHT) -> Path:
    path = tmp_path / "scores.csv"
    path.write_text(text)
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def stop_at(number: int) -> Callable[[int, int], None]:
    def stop(done: int, total: int) -> None:
        if done == number:
            raise KeyboardInterrupt

    return stop


def annotate(cohort: Cohort) -> None:
    cohort.save_rationales({walk.walk: Rationale("a", "b", "c") for walk in cohort.kept}, "rules")


def test_a_table_that_fits_nothing_costs_nothing(lab: Path, tmp_path: Path) -> None:
    annotate(build_cohort([lab], tmp_path / "out", table(tmp_path)))
    before = contents(tmp_path / "out")
    with pytest.raises(CohortError, match="all 4 were refused, most often: no gait score for it in scores.csv"):
        build_cohort([lab], tmp_path / "out", table(tmp_path, WRONG))
    assert contents(tmp_path / "out") == before
    assert len(build_cohort([lab], tmp_path / "out", table(tmp_path)).rationales()) == 4


def test_recordings_that_no_longer_can_be_read_leave_a_way_back(lab: Path, tmp_path: Path) -> None:
    build_cohort([lab], tmp_path / "out", table(tmp_path))
    whole = {path: path.read_bytes() for path in lab.iterdir()}
    for path in lab.iterdir():
        path.write_bytes(b"")
    with pytest.raises(CohortError, match="all 4 were refused"):
        build_cohort([lab], tmp_path / "out", table(tmp_path))
    for path, content in whole.items():
        path.write_bytes(content)
    assert len(build_cohort([lab], tmp_path / "out", table(tmp_path)).kept) == 4


def test_recordings_that_are_gone_leave_nothing(lab: Path, tmp_path: Path) -> None:
    annotate(build_cohort([lab], tmp_path / "a" / "out", table(tmp_path)))
    (lab / "SUB04_on_walk_1.npy").unlink()
    again = build_cohort([lab], tmp_path / "a" / "out", table(tmp_path))
    assert sorted(again.rationales()) == [f"SUB0{number}_on_walk_1" for number in range(1, 4)]
    annotate(again)
    annotate(build_cohort([lab], tmp_path / "b" / "out", table(tmp_path)))
    assert contents(tmp_path / "a" / "out") == contents(tmp_path / "b" / "out")


def test_killed_twice_and_once_in_the_middle_of_a_line(lab: Path, tmp_path: Path) -> None:
    whole = contents(build_cohort([lab], tmp_path / "whole" / "out", table(tmp_path)).folder)
    out = tmp_path / "killed" / "out"
    for number in (2, 3):
        with pytest.raises(KeyboardInterrupt):
            build_cohort([lab], out, table(tmp_path), progress=stop_at(number))
        with (out / ".journal.jsonl").open("a") as journal:
            journal.write('["SUB0')
    assert contents(build_cohort([lab], out, table(tmp_path)).folder) == whole


def test_one_run_at_a_time(lab: Path, tmp_path: Path) -> None:
    with held(tmp_path / "out"), pytest.raises(CohortError, match="out: another run is writing this cohort; wait until it has"):
        build_cohort([lab], tmp_path / "out", table(tmp_path))
    assert len(build_cohort([lab], tmp_path / "out", table(tmp_path)).kept) == 4
    assert not (tmp_path / "out" / ".lock").exists()


def test_a_lock_that_a_kill_left_behind_holds_nobody(lab: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".lock").touch()
    assert len(build_cohort([lab], tmp_path / "out", table(tmp_path)).kept) == 4


def test_a_full_disk_is_told_with_the_file(lab: Path, tmp_path: Path, monkeypatch) -> None:
    def full(handle: int, mode: str):
        os.close(handle)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(files.os, "fdopen", full)
        with pytest.raises(OSError, match="No space left on device: '.*cohort.json'"):
            build_cohort([lab], tmp_path / "out", table(tmp_path))
    assert len(build_cohort([lab], tmp_path / "out", table(tmp_path)).kept) == 4


def die(item: int) -> int:
    if item == 3:
        os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does when memory runs out
    return item


def test_a_worker_that_is_killed_is_told_in_one_sentence() -> None:
    with pytest.raises(AgirError, match="one of the 2 worker processes was ended from outside.*run the same command again"):
        list(in_order(die, range(6), workers=2))


def test_a_file_named_as_a_pass_of_another(record: Callable[..., Path], tmp_path: Path, monkeypatch) -> None:
    from agir_plugin.cohort import build

    record("corridor", seconds=4.0), record("corridor_pass2", seconds=6.0)
    monkeypatch.setattr(build, "passes", lambda motion: [motion, motion] if motion.seconds < 5 else [motion])
    with pytest.raises(CohortError, match="both give a walk corridor_pass2, .*; rename one of the files"):
        build_cohort([tmp_path / "recordings"], tmp_path / "out")


@pytest.mark.parametrize("text", ["[]", "3", "{", '"a"'])
def test_a_damaged_cohort_json(text: str, lab: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "cohort.json").write_text(text)
    with pytest.raises(CohortError, match="expected JSON|already holds another cohort"):
        build_cohort([lab], tmp_path / "out")


def test_walks_whose_names_differ_by_case_only(lab: Path, tmp_path: Path) -> None:
    (lab / "sub01_on_walk_1.npy").write_bytes((lab / "SUB01_on_walk_1.npy").read_bytes())
    with pytest.raises(CohortError, match=r"are both SUB01_on_walk_1 \(upper and lower case are one\)"):
        build_cohort([lab], tmp_path / "out", table(tmp_path))
    kept = build_cohort([lab], tmp_path / "without").kept
    assert len({walk.walk.lower() for walk in kept}) == 5 and len({walk.subject for walk in kept}) == 4
    assert json.loads((tmp_path / "without" / "cohort.json").read_text())["recordings"] == 5


@pytest.mark.parametrize("content", [b"walk;subject\r\nM\xfcller;1\r\n", b"walk,subject\na,b\n", b"\x00\xff" * 50, b""])
def test_a_table_of_walks_that_another_program_changed_is_made_anew(content: bytes, lab: Path, tmp_path: Path) -> None:
    whole = contents(build_cohort([lab], tmp_path / "out", table(tmp_path)).folder)
    (tmp_path / "out" / "walks.csv").write_bytes(content)
    if content:
        with pytest.raises(CohortError, match="walks.csv: .*build the cohort again"):
            Cohort.open(tmp_path / "out")
    assert contents(build_cohort([lab], tmp_path / "out", table(tmp_path)).folder) == whole


@pytest.mark.parametrize("place", ["gait/SUB01_on_walk_1.json", "joints/SUB02_on_walk_1.npy"])
def test_files_that_a_power_cut_left_empty_are_made_anew(place: str, lab: Path, tmp_path: Path) -> None:
    cohort = build_cohort([lab], tmp_path / "out", table(tmp_path))
    whole = contents(cohort.folder)
    (cohort.folder / place).write_bytes(b"")
    with pytest.raises(CohortError, match="reading it failed .*; delete it and run the command that made the cohort again"):
        cohort.gait("SUB01_on_walk_1") if "gait" in place else cohort.joints("SUB02_on_walk_1")
    assert contents(build_cohort([lab], tmp_path / "out", table(tmp_path)).folder) == whole


def test_a_damaged_journal_costs_time_only(lab: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        build_cohort([lab], tmp_path / "out", table(tmp_path), progress=stop_at(2))
    (tmp_path / "out" / ".journal.jsonl").write_text('["SUB01_on_walk_1", [{"other": 1}]]\nnonsense\n')
    assert len(build_cohort([lab], tmp_path / "out", table(tmp_path)).kept) == 4


def test_a_line_of_rationales_that_was_damaged_by_hand_is_named_and_nothing_is_lost(lab: Path, tmp_path: Path) -> None:
    annotate(build_cohort([lab], tmp_path / "out", table(tmp_path)))
    path = tmp_path / "out" / "rationales.jsonl"
    path.write_text(path.read_text() + "{damaged\n")
    with pytest.raises(CohortError, match="rationales.jsonl, line 5: expected a JSON object with walk"):
        build_cohort([lab], tmp_path / "out", table(tmp_path))
    assert len(path.read_text().splitlines()) == 5
