"""Checkpoints cross from one host to the other: same names, same codes, same motion."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import OWN, UPSTREAM

PROBE = Path(__file__).parent / "probe"
needs_upstream = pytest.mark.skipif(UPSTREAM is None, reason="needs MOTIONGPT_ROOT, a checkout of upstream MotionGPT")


def run(host: Path, script: str, work: Path, *words: object) -> str:
    """Output of a probe script with this host's mGPT."""
    environment = {name: value for name, value in os.environ.items() if name != "MOTIONGPT_ROOT"}
    environment |= {"PYTHONPATH": f"{host}{os.pathsep}{PROBE}", "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(PROBE / script), str(work), *map(str, words)]
    done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def check(found: dict) -> None:
    """Nothing missing, nothing left over, the same answers, and answers that could differ."""
    assert found["missing"] == [] and found["unexpected"] == []
    assert found["same_codes"] and found["used_codes"] > 3
    assert found["motion_difference"] <= 1e-5 and found["same_weights"]


@needs_upstream
def test_upstreams_own_checkpoint_loads_in_our_host(tmp_path: Path, t5_folder: Path) -> None:
    run(UPSTREAM, "write_checkpoint.py", tmp_path, t5_folder, UPSTREAM / "configs")
    found = json.loads(run(OWN, "read_checkpoint.py", tmp_path, t5_folder).splitlines()[-1])
    check(found)
    assert found["run_keys"] > 3 * 42  # evaluators three times over, and losses: the load rule leaves them out


@needs_upstream
def test_upstreams_own_checkpoint_loads_in_upstream(tmp_path: Path, t5_folder: Path) -> None:
    """The same scripts within one host: what the test above compares is not an artefact of theirs."""
    run(UPSTREAM, "write_checkpoint.py", tmp_path, t5_folder, UPSTREAM / "configs")
    found = json.loads(run(UPSTREAM, "read_checkpoint.py", tmp_path, t5_folder).splitlines()[-1])
    assert found["missing"] == [] and found["unexpected"] == [] and found["same_codes"]
