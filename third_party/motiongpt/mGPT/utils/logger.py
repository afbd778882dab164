"""Messages of a run go to stderr and to log_<time>_<phase>.log; curves go to the loggers that LOGGER.TYPE names."""

from __future__ import annotations

import logging
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mGPT.config import to_plain
from mGPT.errors import ConfigError
from mGPT.utils.ranks import is_main


def create_logger() -> logging.Logger:
    """The logger `mGPT`, writing to stderr; handlers of an earlier run in this process are closed."""
    logger = logging.getLogger("mGPT")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    shown = logging.StreamHandler(sys.stderr) if is_main() else logging.NullHandler()
    shown.setFormatter(logging.Formatter("%(message)s"))
    logger.addHandler(shown)
    return logger


def log_to_folder(logger: logging.Logger, cfg: Any, folder: Path, phase: str) -> None:
    """Write all further messages to <folder>/log_<time>_<phase>.log too."""
    if is_main():
        folder.mkdir(parents=True, exist_ok=True)
        written = logging.FileHandler(folder / f"log_{cfg.TIME}_{phase}.log", encoding="utf-8")
        written.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        logger.addHandler(written)


def curve_loggers(cfg: Any, folder: Path) -> list[Any]:
    """Lightning loggers of LOGGER.TYPE; csv is written by a callback, tensorboard only when it is installed."""
    known = {"csv", "tensorboard", "wandb"}
    unknown = sorted(set(cfg.LOGGER.TYPE) - known)
    if unknown:
        raise ConfigError(f"LOGGER.TYPE: unknown logger {unknown[0]!r}; expected any of {', '.join(sorted(known))}")
    loggers: list[Any] = []
    if "tensorboard" in cfg.LOGGER.TYPE and (find_spec("tensorboard") or find_spec("tensorboardX")):
        from pytorch_lightning.loggers import TensorBoardLogger

        loggers.append(TensorBoardLogger(folder, name="tensorboard", version="", **_params(cfg, "TENSORBOARD")))
    if "wandb" in cfg.LOGGER.TYPE:
        loggers.append(_wandb(cfg, folder))
    return loggers


def _wandb(cfg: Any, folder: Path) -> Any:
    params = _params(cfg, "WANDB")
    if not params.get("project"):
        raise ConfigError(
            "LOGGER.TYPE names wandb but LOGGER.WANDB.params.project is empty; name a project or drop wandb"
        )
    if find_spec("wandb") is None:
        raise ConfigError("LOGGER.TYPE names wandb, which is not installed; pip install wandb, or drop it there")
    from pytorch_lightning.loggers import WandbLogger

    return WandbLogger(save_dir=str(folder), name=str(cfg.NAME), resume="allow", **params)


def _params(cfg: Any, name: str) -> dict[str, Any]:
    params = dict(to_plain(cfg.LOGGER[name].get("params")) or {})
    return {key: value for key, value in params.items() if key not in ("save_dir", "name", "version")}
