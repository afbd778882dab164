"""Finds MotionGPT and starts its own train and test scripts: a configuration and KEY=VALUE overrides in, a finished run out."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from agir_plugin.errors import HostError

#: Environment variable that names an upstream checkout.
ROOT_VARIABLE = "MOTIONGPT_ROOT"


@dataclass(frozen=True)
class Host:
    """Where MotionGPT is: a checkout (`root` holds train.py and mGPT/), or the installed package (`root` is None)."""

    root: Path | None

    def command(self, script: Literal["train", "test"]) -> list[str]:
        """Command line that starts one of its scripts."""
        return [sys.executable, "-m", f"mGPT.{script}"] if self.root is None else [sys.executable, f"{script}.py"]


def find_host(root: Path | None = None) -> Host:
    """The MotionGPT to use: `root`, else the current folder, else $MOTIONGPT_ROOT, else the installed host.

    Raises HostError, with what to install, when there is none.
    """
    named = os.environ.get(ROOT_VARIABLE)
    for place, must in ((root, True), (Path.cwd(), False), (Path(named) if named else None, True)):
        if place is None:
            continue
        if (place / "train.py").is_file() and (place / "mGPT").is_dir():
            return Host(place.resolve())
        if must:
            raise HostError(
                f"{place}: expected a MotionGPT checkout (train.py and mGPT/ in it); name another or unset {ROOT_VARIABLE}"
            )
    if find_spec("mGPT") is None:
        raise HostError(
            "no MotionGPT found: install the host with `pip install agir-plugin[host]`, or set "
            f"{ROOT_VARIABLE} to a checkout of OpenMotionLab/MotionGPT"
        )
    return Host(None)


def run_script(
    script: Literal["train", "test"],
    cfg: Path | str,
    overrides: Sequence[str] = (),
    *,
    root: Path | None = None,
    threads: int | None = None,
    log: Path | None = None,
) -> None:
    """Run MotionGPT's train or test script to its end; raises HostError with the last lines when it fails.

    `threads` limits torch's CPU threads. Output goes to this process's stderr, or into the file `log`.
    """
    process = start_script(script, cfg, overrides, root=root, threads=threads, log=log)
    finish_script(process, script, log)


def start_script(
    script: Literal["train", "test"],
    cfg: Path | str,
    overrides: Sequence[str] = (),
    *,
    root: Path | None = None,
    threads: int | None = None,
    log: Path | None = None,
) -> subprocess.Popen:
    """As `run_script`, without waiting; give the process to `finish_script`."""
    host = find_host(root)
    environment = {**os.environ, "TOKENIZERS_PARALLELISM": "false", "PYTHONUNBUFFERED": "1"}
    if threads is not None:
        environment["OMP_NUM_THREADS"] = str(threads)
    command = [*host.command(script), "--cfg", str(cfg), *overrides]
    if log is not None:
        log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "wb") if log is not None else os.fdopen(os.dup(2), "wb") as out:
        return subprocess.Popen(
            command, cwd=host.root, env=environment, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
        )


def finish_script(process: subprocess.Popen, script: str, log: Path | None = None) -> None:
    """Wait for a started script; raises HostError when it did not end well."""
    try:
        code = process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise
    if code:
        tail = _last_lines(log) if log is not None else "see the message above"
        error = HostError(f"MotionGPT's {script} script ended with code {code}: {tail}")
        error.exit_code = code if code in (1, 2) else 1
        raise error


def _last_lines(log: Path, count: int = 3) -> str:
    lines = [line.strip() for line in log.read_text("utf8", errors="replace").splitlines() if line.strip()]
    return f"{' | '.join(lines[-count:])} (whole log: {log})"
