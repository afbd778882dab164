"""An interrupted run of upstream MotionGPT goes on: configuration in, TRAIN.RESUME and the checkpoint to resume from set in it.

Upstream's own resume needs a wandb folder, and its logger renames the folder of an earlier run before anything else happens.
Our host resumes by itself.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import torch
from omegaconf import OmegaConf
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Callback

from agir_plugin.errors import ConfigError

LOG = logging.getLogger(__name__)

#: Keys that may differ between the first start and a restart of the same run; sections end in a dot.
MAY_DIFFER = ("TIME", "ACCELERATOR", "DEVICE", "FOLDER", "FOLDER_EXP", "TRAIN.RESUME", "TRAIN.PRETRAINED", "LOGGER.")
#: What an earlier run's folder holds of its state.
STATE = ("checkpoints", "agir")
#: Place of the checkpoint that a run goes on from.
LAST = Path("checkpoints") / "last.ckpt"


def go_on(cfg: Any) -> None:
    """Make train.py resume the unfinished run of this configuration, if there is one and TRAIN.AUTO_RESUME is true.

    The state of a run whose folder was just renamed is taken back into the run's folder. A finished run, or one of another
    configuration, is left where it is.
    """
    folder = Path(str(cfg.FOLDER_EXP))
    earlier = next((place for place in (Path(f"{folder}_{cfg.TIME}"), folder) if (place / LAST).is_file()), None)
    if earlier is None or cfg.TRAIN.RESUME or not cfg.TRAIN.get("AUTO_RESUME"):
        return
    if why := _is_another(earlier, cfg):
        LOG.info("a new run in %s: %s", folder, why)
        if earlier == folder:
            _set_aside(folder, str(cfg.TIME))
        return
    if earlier != folder:
        for name in STATE:
            if (earlier / name).is_dir():
                os.replace(earlier / name, folder / name)
    LOG.info("the run in %s goes on from %s", folder, LAST)
    cfg.TRAIN.RESUME, cfg.TRAIN.PRETRAINED = str(folder), str(folder / LAST)


class LastCheckpoint(Callback):
    """Writes checkpoints/last.ckpt when an epoch is whole: at the start of the next, or when training ends.

    Lightning's epoch-end hooks run before the learning-rate schedule has stepped; a file written there goes on with a stale
    rate.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "last.ckpt"
        self._trained = self._writing = self._finished = False

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The epoch before this one is whole now."""
        if self._trained:
            self._write(trainer)
        self._trained = True

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The last epoch is whole; the file says that the run is finished."""
        if self._trained:
            self._finished = True
            self._write(trainer)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Put the counters within the epoch to zero, so that a restart begins the next epoch at its first batch."""
        if not self._writing:
            return
        checkpoint["finished"] = self._finished
        loops = checkpoint["loops"]["fit_loop"]
        for key in [key for key in loops if key.startswith("epoch_loop.")]:
            _zero_current(loops[key])

    def _write(self, trainer: Trainer) -> None:
        temporary = self.path.with_name(".last.ckpt.tmp")
        self._writing = True
        trainer.save_checkpoint(temporary, weights_only=False)
        self._writing = False
        if trainer.is_global_zero:
            os.replace(temporary, self.path)
        trainer.strategy.barrier("last.ckpt")


def _is_another(earlier: Path, cfg: Any) -> str:
    """Why the run in this folder is not the one to go on with; empty when it is."""
    saved = sorted(earlier.glob("config_*_train.yaml"))
    saved = [path for path in saved if str(cfg.TIME) not in path.name]
    if not saved:
        return "the one there has no saved configuration"
    before, now = _flat(OmegaConf.load(saved[-1])), _flat(cfg)
    differing = sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))
    differing = [key for key in differing if key not in MAY_DIFFER and not key.startswith(MAY_DIFFER[-1])]
    if differing:
        return f"the configuration changed ({', '.join(differing[:4])})"
    if torch.load(earlier / LAST, map_location="cpu", weights_only=True).get("finished"):
        return "the one there was finished"
    return ""


def _set_aside(folder: Path, time: str) -> None:
    """Move what is left of another run out of this one's way."""
    for name in STATE:
        if (folder / name).is_dir():
            os.replace(folder / name, folder / f"{name}_before_{time}")


def _flat(node: Any, prefix: str = "") -> dict[str, str]:
    values = OmegaConf.to_container(node, resolve=False) if OmegaConf.is_config(node) else node
    if not isinstance(values, dict):
        raise ConfigError(f"expected a configuration, got {type(values).__name__}")
    flat: dict[str, str] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        flat.update(_flat(value, f"{name}.") if isinstance(value, dict) else {name: str(value)})
    return flat


def _zero_current(state: dict[str, Any]) -> None:
    for key, value in state.items():
        if key == "current":
            state[key] = dict.fromkeys(value, 0)
        elif key == "is_last_batch":
            state[key] = False
        elif isinstance(value, dict):
            _zero_current(value)
