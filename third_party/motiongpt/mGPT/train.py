"""`python -m mGPT.train --cfg CFG`: a configuration goes in; a folder with checkpoints and metrics comes out."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from mGPT.callback import build_callbacks
from mGPT.command import run_command
from mGPT.config import get_obj_from_str
from mGPT.data import BASEDataModule
from mGPT.data.build_data import build_data
from mGPT.errors import CheckpointError, ConfigError
from mGPT.get_motion_code import check_codes
from mGPT.models.build_model import build_model
from mGPT.trainer import train_trainer
from mGPT.utils.load_checkpoint import load_pretrained, load_pretrained_vae
from mGPT.utils.logger import create_logger, curve_loggers, log_to_folder
from mGPT.utils.ranks import is_main
from mGPT.utils.run_folder import open_folder, plan, save_config, write_atomically
from mGPT.utils.seeds import seed_everything


def train(cfg: DictConfig) -> Path:
    """Train as the configuration says and return the run's folder.

    An unfinished run of the same configuration goes on, a finished one is left alone. Nothing is written before the
    data, the model and its weights are known to be there.
    """
    check_stage(cfg)
    run, logger = plan(cfg), create_logger()
    if run.finished and int(cfg.TRAIN.END_EPOCH) <= run.epochs:
        logger.info("%s; nothing to train (another NAME starts a new run)", run.message)
        return run.path
    seed_everything(int(cfg.SEED_VALUE))
    datamodule = build_data(cfg, phase="train")
    model = build_model(cfg, datamodule)
    if run.resume is None:
        _load_weights(cfg, model, logger)
    check_splits(datamodule, ("train", "val"))
    callbacks = build_callbacks(cfg, logger, phase="train", folder=run.path)
    open_folder(run)
    log_to_folder(logger, cfg, run.path, "train")
    logger.info(run.message)
    save_config(cfg, run.path, "train")
    report_skipped(datamodule, run.path, logger)
    trainer = train_trainer(cfg, str(run.path), callbacks, curve_loggers(cfg, run.path))
    trainer.fit(model, datamodule=datamodule, ckpt_path=str(run.resume) if run.resume else None, weights_only=True)
    logger.info("finished: %s", run.path)
    return run.path


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    return run_command(train, "train", argv)


def check_stage(cfg: DictConfig) -> None:
    """ConfigError, before any data is read, for a stage word that the model does not know."""
    stages = getattr(get_obj_from_str(cfg.model.target), "stages", None)
    if stages is not None and cfg.TRAIN.STAGE not in stages:
        raise ConfigError(f"TRAIN.STAGE: expected one of {', '.join(stages)}, got {cfg.TRAIN.STAGE!r}")


def check_splits(datamodule: Any, splits: Sequence[str]) -> None:
    """Make the sets of these splits, so that a missing file or an empty set is found before anything is written."""
    for split in splits:
        getattr(datamodule, f"{split}_dataset", None)


def report_skipped(datamodule: Any, folder: Path, logger: logging.Logger) -> None:
    """Log how many clips were left out or changed and why; their names go to skipped.json."""
    skipped = datamodule.skipped() if hasattr(datamodule, "skipped") else {}
    for split, reasons in skipped.items():
        items = getattr(datamodule, f"{split}_dataset", ())
        logger.info("%s: %d items", split, len(items))
        for reason, names in reasons.items():
            logger.warning("%s: %d x %s", split, len(names), reason)
    if is_main():
        write_atomically(folder / "skipped.json", json.dumps(skipped, indent=1) + "\n")


def _load_weights(cfg: DictConfig, model: Any, logger: logging.Logger) -> None:
    if cfg.TRAIN.PRETRAINED:
        load_pretrained(cfg, model, logger, phase="train")
    if cfg.TRAIN.PRETRAINED_VAE:
        load_pretrained_vae(cfg, model, logger)
    if cfg.TRAIN.STAGE == "vae":
        return
    if not (cfg.TRAIN.PRETRAINED or cfg.TRAIN.PRETRAINED_VAE):
        raise CheckpointError(
            f"stage {cfg.TRAIN.STAGE} needs a trained tokenizer: set TRAIN.PRETRAINED_VAE to a checkpoint of a stage "
            "vae run, or TRAIN.PRETRAINED to one of a whole model"
        )
    folder = code_folder(model.datamodule)
    if folder is not None:
        check_codes(folder, model.vae)


def code_folder(datamodule: Any) -> Path | None:
    """Where a data module keeps its codes, if it says so."""
    own = getattr(type(datamodule), "code_folder", None)
    return None if own is None or own is BASEDataModule.code_folder else Path(datamodule.code_folder())


if __name__ == "__main__":
    raise SystemExit(main())
