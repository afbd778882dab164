"""Lightning trainers from a configuration: devices, strategy and precision as the YAML says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytorch_lightning as pl
import torch
from omegaconf import ListConfig

from mGPT.errors import ConfigError


def devices(cfg: Any) -> tuple[str, list[int] | int, str]:
    """Accelerator, devices and strategy of ACCELERATOR and DEVICE; on a CPU each index stands for a process."""
    indices = _indices(cfg.DEVICE)
    accelerator = str(cfg.ACCELERATOR)
    if accelerator == "auto":
        accelerator = "gpu" if torch.cuda.is_available() else "cpu"
    if accelerator in ("gpu", "cuda") and not torch.cuda.is_available():
        raise ConfigError(f"ACCELERATOR {accelerator}: no CUDA device is there; use ACCELERATOR=cpu or auto")
    if accelerator in ("gpu", "cuda") and max(indices) >= torch.cuda.device_count():
        raise ConfigError(
            f"DEVICE {indices}: this machine has {torch.cuda.device_count()} CUDA devices, counted from 0"
        )
    strategy = "ddp_find_unused_parameters_true" if len(indices) > 1 or int(cfg.NUM_NODES) > 1 else "auto"
    return accelerator, len(indices) if accelerator == "cpu" else indices, strategy


def train_trainer(cfg: Any, folder: str, callbacks: Sequence[Any], loggers: Sequence[Any]) -> pl.Trainer:
    """The trainer of a training run."""
    accelerator, used, strategy = devices(cfg)
    end = int(cfg.TRAIN.END_EPOCH)
    limit = cfg.TRAIN.LIMIT_BATCHES
    return pl.Trainer(
        default_root_dir=folder,
        max_epochs=end,
        accelerator=accelerator,
        devices=used,
        num_nodes=int(cfg.NUM_NODES),
        strategy=strategy,
        precision=cfg.TRAIN.PRECISION,
        gradient_clip_val=cfg.TRAIN.GRAD_CLIP,
        accumulate_grad_batches=int(cfg.TRAIN.ACCUMULATE),
        limit_train_batches=1.0 if limit is None else limit,
        check_val_every_n_epoch=max(1, min(int(cfg.LOGGER.VAL_EVERY_STEPS), end)),
        callbacks=list(callbacks),
        logger=list(loggers) or False,
        enable_progress_bar=_has_bar(callbacks),
        enable_model_summary=False,
        log_every_n_steps=10,
    )


def test_trainer(cfg: Any, folder: str, callbacks: Sequence[Any]) -> pl.Trainer:
    """The trainer of a test: one process, no files of its own."""
    accelerator, used, _ = devices(cfg)
    return pl.Trainer(
        default_root_dir=folder,
        accelerator=accelerator,
        devices=used if accelerator == "cpu" else used[:1],
        precision=cfg.TRAIN.PRECISION,
        callbacks=list(callbacks),
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=_has_bar(callbacks),
        enable_model_summary=False,
    )


def _has_bar(callbacks: Sequence[Any]) -> bool:
    return any(isinstance(callback, pl.callbacks.ProgressBar) for callback in callbacks)


def _indices(value: Any) -> list[int]:
    if isinstance(value, list | tuple | ListConfig):
        indices = [int(index) for index in value]
    else:
        indices = list(range(int(value)))  # a single number is a count, as Lightning reads it
    if not indices or min(indices) < 0:
        raise ConfigError(f"DEVICE: expected a list of device indices such as [0], got {value!r}")
    return indices
