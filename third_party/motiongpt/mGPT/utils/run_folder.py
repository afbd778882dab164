"""The folder of a run: a configuration goes in; the folder, and the checkpoint to go on from, come out.

The same command finds its own unfinished run and goes on; a changed configuration starts anew and keeps the old folder
under a name with a time stamp. `plan` only looks; `open_folder` acts, once everything that can fail early has passed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from mGPT.config import to_plain
from mGPT.errors import CheckpointError
from mGPT.models.base import module_folder
from mGPT.utils.config_files import read_yaml
from mGPT.utils.load_checkpoint import read_checkpoint
from mGPT.utils.ranks import is_main

#: Keys that may differ between the first start and a restart of the same run.
MAY_DIFFER = (
    "TIME",
    "ACCELERATOR",
    "DEVICE",
    "FULL_CONFIG",
    "TRAIN.AUTO_RESUME",
    "TRAIN.NUM_WORKERS",
    "EVAL.NUM_WORKERS",
)
LAST = Path("checkpoints") / "last.ckpt"


@dataclass(frozen=True)
class RunFolder:
    """Where a run writes and what it goes on from.

    `resume` is the checkpoint to go on from (None: start anew), `finished` and `epochs` tell what that run reached, and
    `keep_old_as` is the name that a folder of another configuration gets first (None: nothing to move).
    """

    path: Path
    message: str
    resume: Path | None = None
    finished: bool = False
    epochs: int = 0
    keep_old_as: Path | None = None


def plan(cfg: DictConfig) -> RunFolder:
    """Decide between a new run, going on, and nothing to do; changes nothing on disk."""
    if cfg.TRAIN.RESUME:
        return _going_on(Path(cfg.TRAIN.RESUME))
    folder = Path(cfg.FOLDER) / module_folder(cfg) / str(cfg.NAME)
    if not (folder / "checkpoints").is_dir():
        return RunFolder(folder, f"new run in {folder}")
    changed = _difference(folder, cfg)
    if changed or not cfg.TRAIN.AUTO_RESUME:
        kept = folder.with_name(f"{folder.name}_{cfg.TIME}")
        why = f"the configuration changed ({changed})" if changed else "TRAIN.AUTO_RESUME is false"
        message = f"new run in {folder}: {why}; the earlier one is kept as {kept}"
        return RunFolder(folder, message, keep_old_as=kept)
    if not (folder / LAST).is_file():
        return RunFolder(folder, f"run in {folder} starts again: no epoch of it was finished")
    return _going_on(folder)


def open_folder(run: RunFolder) -> None:
    """Move an older run out of the way if the plan says so, and make the folder; only the main process acts."""
    if not is_main():
        return
    if run.keep_old_as is not None:
        os.replace(run.path, run.keep_old_as)
    run.path.mkdir(parents=True, exist_ok=True)


def time_stamp() -> str:
    """Now, as it stands in file names: 2025-01-31-14-05-09."""
    return datetime.now().strftime("%Y-%m-%d-%H-%M-%S")


def save_config(cfg: DictConfig, folder: Path, phase: str) -> Path:
    """Write config_<time>_<phase>.yaml, whole and resolved, so that `--cfg` of that file repeats the run."""
    file = folder / f"config_{cfg.TIME}_{phase}.yaml"
    if is_main():
        write_atomically(file, OmegaConf.to_yaml(OmegaConf.create({**to_plain(cfg), "FULL_CONFIG": True})))
    return file


def write_atomically(file: Path, text: str) -> None:
    """Write a text file so that a kill leaves either the old file or the new one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, file)


def _going_on(folder: Path) -> RunFolder:
    last = folder / LAST
    if not last.is_file():
        raise CheckpointError(
            f"TRAIN.RESUME: expected a checkpoint at {last}, found none; "
            "name the folder of a run that finished an epoch"
        )
    saved = read_checkpoint(last, "TRAIN.RESUME")
    epochs, finished = int(saved["epoch"]), bool(saved.get("finished"))
    state = "was finished" if finished else "goes on"
    return RunFolder(folder, f"run in {folder} {state} after {epochs} epochs", last, finished, epochs)


def _difference(folder: Path, cfg: DictConfig) -> str:
    """The first few keys that differ from the configuration last saved in the folder; empty for the same run."""
    saved = sorted(folder.glob("config_*_train.yaml"))
    if not saved:
        return "no saved configuration in the folder"
    before, now = _flat(to_plain(read_yaml(saved[-1]))), _flat(to_plain(cfg))
    differing = [key for key in sorted(before.keys() | now.keys()) if before.get(key) != now.get(key)]
    keys = [key for key in differing if key not in MAY_DIFFER]
    return ", ".join(keys[:4]) + (f" and {len(keys) - 4} more" if len(keys) > 4 else "")


def _flat(values: Any, prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        flat.update(_flat(value, f"{name}.") if isinstance(value, dict) else {name: value})
    return flat
