"""`agir train` and `agir test` with settings that cannot work: MotionGPT's own line on stderr, and its exit code."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from agir_plugin.cli.training import config_path
from agir_plugin.config import configs_dir

Started = dict[str, tuple[subprocess.Popen, Path]]
#: Case -> settings, what the line says. The script needs seconds to start, so both run at the same time.
CASES = {
    "unknown AGIR key": (["DATASET.AGIR.cohrt=cohort"], r"DATASET\.AGIR\.cohrt: unknown key; did you mean 'cohort'\?"),
    "unknown key in the file": ([], r"TRAIN\.BATCH_SZE: unknown key; did you mean TRAIN\.BATCH_SIZE\?"),
}


@pytest.fixture(scope="module")
def ended(cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str, list[Path]]]:
    """Case -> exit code, stderr, and the checkpoints that were left."""
    started: Started = {}
    for case, (settings, _) in CASES.items():
        folder = tmp_path_factory.mktemp("training")
        text = (configs_dir() / "agir_vq_demo.yaml").read_text(encoding="utf8").replace("datasets/agir", str(cohort), 1)
        (folder / "mine.yaml").write_text(
            text.replace("BATCH_SIZE", "BATCH_SZE", 1) if "file" in case else text, encoding="utf8"
        )
        command = [sys.executable, "-m", "agir_plugin", "train", "--cfg", "mine.yaml", *settings]
        started[case] = (
            subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True),
            folder,
        )
    return {case: _result(*process) for case, process in started.items()}


def _result(process: subprocess.Popen, folder: Path) -> tuple[int, str, list[Path]]:
    out, err = process.communicate()
    assert out == ""
    return process.returncode, err, list(folder.rglob("*.ckpt"))


@pytest.mark.parametrize("case", CASES)
def test_wrong_settings_end_with_the_cause_and_leave_no_run(ended, case: str):
    code, err, checkpoints = ended[case]
    assert code == 2
    assert re.search(CASES[case][1], err) and err.count("\n") == 1
    assert not checkpoints


def test_a_script_that_is_killed_is_told_by_us(agir, monkeypatch: pytest.MonkeyPatch):
    killed = [sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"]
    monkeypatch.setattr("agir_plugin.bridge.host.Host.command", lambda *_: killed)
    done = agir("train", "--cfg", "agir_vq_demo.yaml")
    assert done.code == 1
    assert "agir: MotionGPT's train script ended with code -9" in done.err


def test_the_scripts_exit_code_is_ours(agir, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        "agir_plugin.bridge.host.Host.command", lambda *_: [sys.executable, "-c", "raise SystemExit(2)"]
    )
    done = agir("train", "--cfg", "agir_vq_demo.yaml")
    assert (done.code, done.err) == (2, "")
    monkeypatch.setattr("agir_plugin.bridge.host.Host.command", lambda *_: [sys.executable, "-c", ""])
    assert agir("test", "--cfg", "agir_vq_demo.yaml").code == 0


def test_a_checkout_that_is_none_is_an_error(agir, tmp_path: Path):
    done = agir("train", "--cfg", "agir_vq_demo.yaml", "--root", tmp_path)
    assert done.code == 1
    assert f"{tmp_path}: expected a MotionGPT checkout (train.py and mGPT/ in it)" in done.err


def test_a_file_comes_before_the_shipped_one_of_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert (
        config_path("agir_vq.yaml") == config_path("configs/agir_vq.yaml") == (configs_dir() / "agir_vq.yaml").resolve()
    )
    Path("agir_vq.yaml").write_text("NAME: mine")
    assert config_path("agir_vq.yaml") == tmp_path / "agir_vq.yaml"
