"""Checkpoints cross from one host to the other: same names, same codes, same motion."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from conftest import HOST, OWN, PROBE, UPSTREAM

needs_upstream = pytest.mark.skipif(UPSTREAM is None, reason="needs MOTIONGPT_ROOT, a checkout of upstream MotionGPT")

#: Writer and reader of a checkpoint, by the host's name.
Crossing = dict[tuple[str, str], dict[str, Any]]


def run(host: Path, script: str, work: Path, *words: object) -> str:
    """Output of a probe script with this host's mGPT."""
    environment = {name: value for name, value in os.environ.items() if name != "MOTIONGPT_ROOT"}
    environment |= {"PYTHONPATH": f"{host}{os.pathsep}{PROBE}", "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(PROBE / script), *map(str, words)]
    done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def crossing(tmp_path_factory: pytest.TempPathFactory, t5_folder: Path) -> Crossing:
    """What each host finds in the other's checkpoint and in its own; without upstream, our host in its own alone.

    Upstream's is whole: three evaluators, losses, tokenizer and language model.
    """
    work = tmp_path_factory.mktemp("crossing")
    whole, ours, theirs = (work / name for name in ("whole", "ours", "theirs"))
    if UPSTREAM is None:
        run(OWN, "read_checkpoint.py", work, t5_folder, ours)
        (found,) = json.loads(run(OWN, "read_checkpoint.py", work, t5_folder, theirs, ours).splitlines()[-1])
        return {("ours", "ours"): found}
    whole.mkdir()
    run(UPSTREAM, "write_checkpoint.py", whole, whole, t5_folder, UPSTREAM / "configs")
    (ours_of_whole,) = json.loads(run(OWN, "read_checkpoint.py", work, t5_folder, ours, whole).splitlines()[-1])
    read = json.loads(run(UPSTREAM, "read_checkpoint.py", work, t5_folder, theirs, whole, ours).splitlines()[-1])
    return {("upstream", "ours"): ours_of_whole, ("upstream", "upstream"): read[0], ("ours", "upstream"): read[1]}


def check(found: dict[str, Any]) -> None:
    """Nothing missing, nothing left over, the same answers, and answers that could differ."""
    assert found["missing"] == [] and found["unexpected"] == []
    assert found["same_codes"] and found["used_codes"] > 3
    assert found["motion_difference"] <= 1e-5
    assert found["changed"] == [] and found["tables_differ"]


@needs_upstream
def test_upstreams_whole_checkpoint_loads_in_our_host(crossing: Crossing) -> None:
    found = crossing["upstream", "ours"]
    check(found)
    assert found["refused"] == "" and found["changed_in_stock"] == []
    assert found["run_keys"] > 3 * 42  # evaluators three times over, and losses: the load rule leaves them out


def test_a_hosts_own_checkpoint_loads_in_it(crossing: Crossing) -> None:
    """The same scripts within one host: what the other tests compare is not an artefact of theirs."""
    name = "ours" if HOST == OWN else "upstream"
    check(crossing[name, name])
    assert crossing[name, name]["refused"] == ""


@needs_upstream
def test_our_checkpoint_loads_in_upstream_but_for_the_codebooks_sums(crossing: Crossing) -> None:
    """Upstream keeps no running sums, so its strict load names exactly those three, and takes all else."""
    found = crossing["ours", "upstream"]
    check(found)
    sums = [f"vae.quantizer.{name}" for name in ("code_count", "code_sum", "initted")]
    assert found["only_given"] == sums
    assert "Missing key" not in found["refused"] and all(f'"{name}"' in found["refused"] for name in sums)


@needs_upstream
@pytest.mark.parametrize("writer", ["upstream", "ours"])
def test_upstream_as_it_is_may_lose_the_embeddings_and_nothing_else(writer: str, crossing: Crossing) -> None:
    """transformers 5 lets the head overwrite them (upstream's issue 119), transformers 4.57 does not."""
    tables = [f"lm.language_model.{name}.weight" for name in ("decoder.embed_tokens", "encoder.embed_tokens", "shared")]
    lost = crossing[writer, "upstream"]["changed_in_stock"]
    assert lost == (tables if int(version("transformers").split(".")[0]) >= 5 else [])
