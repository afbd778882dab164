"""Finds MotionGPT and starts its own train and test scripts: a configuration and KEY=VALUE overrides in, a finished run out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Literal

from agir_plugin.errors import HostError, UsageError

Script = Literal["train", "test"]

#: Environment variable that names an upstream checkout.
ROOT_VARIABLE = "MOTIONGPT_ROOT"
#: Settings that hold a path; a relative one is meant from the folder the user is in, also when the script runs elsewhere.
PATH_KEYS = (
    "FOLDER",
    "TEST.FOLDER",
    "TRAIN.PRETRAINED",
    "TRAIN.PRETRAINED_VAE",
    "TRAIN.RESUME",
    "TEST.CHECKPOINTS",
    "DATASET.AGIR.cohort",
    "model.params.lm.params.model_path",
)
#: Settings that upstream takes from its group files, whatever an experiment file says.
GROUPS = ("lm.", "vq.", "evaluator.")


@dataclass(frozen=True)
class Host:
    """Where MotionGPT is: a checkout (`root` holds train.py and mGPT/), or the installed package (`root` is None)."""

    root: Path | None

    @property
    def takes_settings(self) -> bool:
        """Whether its scripts take KEY=VALUE words: our host does, upstream does not (its patch `overrides` is not needed)."""
        return self.root is None or (self.root / "mGPT" / "command.py").is_file()

    def command(self, script: Script) -> list[str]:
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
        if is_checkout(place):
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


def is_checkout(place: Path) -> bool:
    """Whether a folder is a checkout of MotionGPT."""
    return (place / "train.py").is_file() and (place / "mGPT").is_dir()


def commit_of(root: Path) -> str | None:
    """Commit that is checked out in a folder; None where there is no git or no commit."""
    git = shutil.which("git")
    if git is None or not (root / ".git").exists():
        return None
    done = subprocess.run([git, "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


def import_from_checkout() -> None:
    """Let `import mGPT` find the checkout that `find_host` names; nothing changes where mGPT is imported already."""
    if "mGPT" in sys.modules:
        return
    try:
        host = find_host()
    except HostError:
        return  # whoever needs MotionGPT says so; `agir doctor` must work without
    if host.root is not None and str(host.root) not in sys.path:
        sys.path.insert(0, str(host.root))


@dataclass(frozen=True)
class StartedScript:
    """A script that runs in a process of its own, and what it was started with."""

    script: Script
    process: subprocess.Popen
    log: Path | None
    scratch: Path | None

    def finish(self) -> None:
        """Wait for its end; HostError, with the last lines of its log, when it did not end well."""
        try:
            code = self.process.wait()
        except BaseException:
            self.stop()
            raise
        finally:
            self._clean()
        if code:
            tail = _last_lines(self.log) if self.log is not None else "see the message above"
            error = HostError(f"MotionGPT's {self.script} script ended with code {code}: {tail}")
            error.exit_code = code if code in (1, 2) else 1
            raise error

    def stop(self) -> None:
        """End it now if it still runs."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait()
        self._clean()

    def _clean(self) -> None:
        if self.scratch is not None:
            shutil.rmtree(self.scratch, ignore_errors=True)


def run_script(
    script: Script,
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
    start_script(script, cfg, overrides, root=root, threads=threads, log=log).finish()


def start_script(
    script: Script,
    cfg: Path | str,
    overrides: Sequence[str] = (),
    *,
    root: Path | None = None,
    threads: int | None = None,
    log: Path | None = None,
) -> StartedScript:
    """As `run_script`, without waiting."""
    host = find_host(root)
    environment = {**os.environ, "TOKENIZERS_PARALLELISM": "false", "PYTHONUNBUFFERED": "1"}
    if threads is not None:
        environment["OMP_NUM_THREADS"] = str(threads)
    words, scratch = [str(cfg), *overrides], None
    if host.root is not None:
        environment.setdefault("PYTHONDONTWRITEBYTECODE", "1")  # nothing of ours stays in somebody's checkout
        overrides = [_from_here(word) for word in overrides]
        words = [str(Path(cfg).resolve()), *overrides]
        if not host.takes_settings:
            scratch = Path(tempfile.mkdtemp(prefix="agir-settings-"))
            words = _as_files(script, Path(cfg), overrides, host.root, scratch)
    with _output(log) as out:
        process = subprocess.Popen(
            [*host.command(script), "--cfg", *words],
            cwd=host.root,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
    return StartedScript(script, process, log, scratch)


def _as_files(script: Script, cfg: Path, overrides: Sequence[str], root: Path, folder: Path) -> list[str]:
    """Upstream takes no KEY=VALUE words: write them into an experiment file and an assets file, and name these."""
    from omegaconf import OmegaConf

    grouped = [word for word in overrides if word.startswith(GROUPS)]
    if grouped:
        raise UsageError(
            f"{grouped[0]}: upstream MotionGPT takes this from its group files whatever is set; set the same below model.params"
        )
    words = OmegaConf.from_dotlist(list(overrides))
    assets = OmegaConf.load(root / "configs" / "assets.yaml")
    experiment = OmegaConf.merge(OmegaConf.load(cfg), words)
    OmegaConf.save(experiment, folder / "experiment.yaml")
    OmegaConf.save(OmegaConf.merge(assets, words), folder / "assets.yaml")
    debug = ["--nodebug"] if script == "train" and not experiment.get("DEBUG") else []
    return [str(folder / "experiment.yaml"), "--cfg_assets", str(folder / "assets.yaml"), *debug]


def _from_here(word: str) -> str:
    """A KEY=VALUE word whose value is a relative path, made absolute from the current folder."""
    key, _, value = word.partition("=")
    if key not in PATH_KEYS or not value or value.startswith(("$", "'", '"')):
        return word
    return f"{key}={Path(value).absolute()}"


def _output(log: Path | None) -> IO[bytes]:
    if log is None:
        return os.fdopen(os.dup(2), "wb")
    log.parent.mkdir(parents=True, exist_ok=True)
    return open(log, "wb")


def _last_lines(log: Path, count: int = 3) -> str:
    lines = [line.strip() for line in log.read_text("utf8", errors="replace").splitlines() if line.strip()]
    return f"{' | '.join(lines[-count:])} (whole log: {log})"
