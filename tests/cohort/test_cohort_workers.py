"""One process, several, or a cluster: the same walks, the same bytes; a killed run goes on."""
from __future__ import annotations

import filecmp
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from agir_plugin.cohort import WalkParameters, build_cohort, walk_markers
from agir_plugin.cohort.workers import in_order
from agir_plugin.errors import UnusableRecording, UsageError
from agir_plugin.ingest import write_c3d


def _square(number: int) -> tuple[int, int]:
    return number * number, os.getpid()


def _refuse(number: int) -> int:
    if number == 3:
        raise UnusableRecording("three is not wanted")
    return number


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lab")
    for number in range(6):
        parameters = WalkParameters(cadence_spm=100.0 + number, step_length_m=0.6)
        names, places = walk_markers(parameters, 3.0, np.random.default_rng(number), 100.0)
        if number == 5:
            places = np.concatenate([places, np.full((60, *places.shape[1:]), np.nan), places])
        write_c3d(folder / f"SUB{number // 2:02d}_on_walk_{number % 2 + 1}.c3d", names, places, 100.0, up="+y")
    (folder / "SUB02_on_walk_9.c3d").write_bytes(b"\x00\x50 broken")
    return folder


def _files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _assert_same(first: Path, second: Path) -> None:
    names = _files(first)
    assert names == _files(second)
    _, different, broken = filecmp.cmpfiles(first, second, names, shallow=False)
    assert not different and not broken, different


def test_results_come_in_order_from_several_processes() -> None:
    found = list(in_order(_square, range(20), workers=2))
    assert [value for value, _ in found] == [number * number for number in range(20)]
    assert os.getpid() not in {process for _, process in found}


def test_one_worker_is_this_process() -> None:
    assert {process for _, process in in_order(_square, range(3))} == {os.getpid()}


@pytest.mark.parametrize("workers", [1, 2])
def test_what_a_worker_raises_is_raised_here(workers: int) -> None:
    with pytest.raises(UnusableRecording, match="three is not wanted"):
        list(in_order(_refuse, range(6), workers))


def test_an_unknown_backend_is_named() -> None:
    with pytest.raises(UsageError, match="expected a backend out of processes, ray, dask, got 'slurm'"):
        list(in_order(_square, range(2), 2, "slurm"))


def test_a_backend_that_is_not_installed_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agir_plugin.cohort.workers.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install agir-plugin\[ray\]"):
        list(in_order(_square, range(2), 2, "ray"))


def test_two_workers_write_the_bytes_of_one(laboratory: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "a" / "cohort", tmp_path / "b" / "cohort"
    build_cohort([laboratory], one)
    cohort = build_cohort([laboratory], two, workers=2)
    _assert_same(one, two)
    assert [walk.walk for walk in cohort.kept][-2:] == ["SUB02_on_walk_2_pass1", "SUB02_on_walk_2_pass2"]
    assert [walk.walk for walk in cohort.walks if walk.status == "refused"] == ["SUB02_on_walk_9"]


@pytest.mark.parametrize("backend", ["ray", "dask"])
def test_a_cluster_writes_the_same_bytes(laboratory: Path, tmp_path: Path, backend: str) -> None:
    package = {"ray": "ray", "dask": "distributed"}[backend]
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed: pip install agir-plugin[{backend}]")
    here, there = tmp_path / "a" / "cohort", tmp_path / "b" / "cohort"
    build_cohort([laboratory], here)
    build_cohort([laboratory], there, workers=2, backend=backend)
    _assert_same(here, there)


def _run(laboratory: Path, out: Path) -> Sequence[str]:
    return [sys.executable, "-m", "agir_plugin", "ingest", str(laboratory), "--out", str(out), "--workers", "2"]


def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(laboratory: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "a" / "cohort", tmp_path / "b" / "cohort"
    build_cohort([laboratory], whole)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(_run(laboratory, killed), start_new_session=True, **quiet)
    deadline = time.monotonic() + 60
    while not list((killed / "gait").glob("*.json")) and process.poll() is None and time.monotonic() < deadline:
        os.sched_yield()
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    written = list((killed / "joints").glob("*.npy"))
    subprocess.run(_run(laboratory, killed), check=True, **quiet)
    assert written
    _assert_same(whole, killed)


def test_a_second_run_makes_nothing_anew(laboratory: Path, tmp_path: Path) -> None:
    build_cohort([laboratory], tmp_path / "cohort")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "cohort" / "joints").glob("*.npy")}
    build_cohort([laboratory], tmp_path / "cohort", workers=2)
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "cohort" / "joints").glob("*.npy")}
