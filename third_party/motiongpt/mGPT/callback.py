"""Lightning callbacks of a run: checkpoints, the metrics table, the check of monitors, progress."""

from __future__ import annotations

import csv
import io
import logging
import os
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback, EarlyStopping, ModelCheckpoint, RichProgressBar, TQDMProgressBar

from mGPT.errors import ConfigError
from mGPT.utils.run_folder import LAST, write_atomically

log = logging.getLogger("mGPT")


def build_callbacks(
    cfg: Any, logger: logging.Logger | None = None, phase: str = "test", **kwargs: Any
) -> list[Callback]:
    """Progress; for phase train also checkpoints, metrics.csv and the check of monitors, written to `folder`."""
    callbacks: list[Callback] = []
    if sys.stderr.isatty():
        callbacks.append(RichProgressBar() if find_spec("rich") else TQDMProgressBar())
    if phase != "train":
        return callbacks
    folder = Path(kwargs["folder"])
    return [*callbacks, MonitorCheck(), *_checkpoints(cfg, folder / "checkpoints"), EpochEnd(folder)]


def _checkpoints(cfg: Any, folder: Path) -> list[Callback]:
    every = max(1, min(int(cfg.LOGGER.VAL_EVERY_STEPS), int(cfg.TRAIN.END_EPOCH)))
    common = dict(dirpath=str(folder), enable_version_counter=False)
    kept = [
        ModelCheckpoint(
            filename="{epoch}",
            monitor="step",
            mode="max",
            every_n_epochs=every,
            save_top_k=int(cfg.TRAIN.KEEP_CHECKPOINTS),
            **common,
        )
    ]
    if cfg.TRAIN.MONITOR:
        if cfg.TRAIN.MONITOR_MODE not in ("min", "max"):
            raise ConfigError(f"TRAIN.MONITOR_MODE: expected min or max, got {cfg.TRAIN.MONITOR_MODE!r}")
        kept.append(ModelCheckpoint(filename="best", monitor=cfg.TRAIN.MONITOR, mode=cfg.TRAIN.MONITOR_MODE, **common))
    if "MRMetrics" in cfg.METRIC.TYPE and cfg.TRAIN.MONITOR != "Metrics/MPJPE":
        kept.append(
            ModelCheckpoint(
                filename="min-MPJPEep={epoch}",
                monitor="Metrics/MPJPE",
                mode="min",
                auto_insert_metric_name=False,
                **common,
            )
        )
    return kept


class MonitorCheck(Callback):
    """Before epoch 1: every monitor of a checkpoint or early-stopping callback must be a name that the model logs."""

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """At the end of the sanity check, compare monitors with what was logged in it."""
        if not trainer.sanity_checking:
            return
        logged = set(trainer.callback_metrics) | {"step", "epoch"}
        losses = getattr(pl_module, "_losses", {})
        if "losses_train" in losses and hasattr(losses["losses_train"], "names"):
            logged |= set(losses["losses_train"].names("train"))
        for callback in trainer.callbacks:
            monitor = getattr(callback, "monitor", None)
            if isinstance(callback, ModelCheckpoint | EarlyStopping) and monitor and monitor not in logged:
                raise ConfigError(f"monitor {monitor!r} is never logged; choose one of {', '.join(sorted(logged))}")


class EpochEnd(Callback):
    """After each whole epoch: last.ckpt (atomically), a row of metrics.csv, and one line on stderr.

    Lightning's epoch-end hooks run before the scheduler has stepped, so a file written there would go on with a stale
    learning rate. The next safe place is the start of the following epoch, or the end of training.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self._started, self._closing, self._writing = folder, time.monotonic(), False, False
        self._trained = False
        self._seen: dict[str, Any] = {}

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """The epoch before this one is complete now."""
        if self._trained:
            self._finish(trainer)
        self._trained = True
        self._started = time.monotonic()

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """The last epoch is complete; the file says that the run is finished."""
        if self._trained:
            self._closing = True
            self._finish(trainer)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Put the counters within the epoch to zero, so that a restart begins the next epoch at its first batch."""
        if not self._writing:
            return
        checkpoint["finished"] = self._closing
        loops = checkpoint["loops"]["fit_loop"]
        for key in [key for key in loops if key.startswith("epoch_loop.")]:
            _zero_current(loops[key])

    def _finish(self, trainer: pl.Trainer) -> None:
        epochs = trainer.current_epoch
        values = self._new_values(trainer)
        if trainer.is_global_zero:
            self._add_row(epochs, values)
        last = self.folder / LAST
        temporary = last.with_name(".last.ckpt.tmp")
        self._writing = True
        trainer.save_checkpoint(temporary)
        self._writing = False
        if trainer.is_global_zero:
            os.replace(temporary, last)
        trainer.strategy.barrier("last.ckpt")
        shown = "  ".join(f"{key} {value:.4g}" for key, value in sorted(values.items()) if key not in ("epoch", "step"))
        log.info("epoch %d/%s  %s  (%.1f s)", epochs, trainer.max_epochs, shown, time.monotonic() - self._started)

    def _new_values(self, trainer: pl.Trainer) -> dict[str, float]:
        """What was logged in this epoch: Lightning keeps the last validation's values, as the same tensors."""
        logged = dict(trainer.callback_metrics)
        new = {key: float(value) for key, value in logged.items() if self._seen.get(key) is not value}
        self._seen = logged
        return new

    def _add_row(self, epochs: int, values: dict[str, float]) -> None:
        file = self.folder / "metrics.csv"
        rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8")))) if file.is_file() else []
        rows = [row for row in rows if int(row["epochs"]) < epochs]
        rows.append(
            {
                "epochs": str(epochs),
                **{key: repr(value) for key, value in values.items() if key not in ("epoch", "step")},
            }
        )
        columns = ["epochs", *sorted({key for row in rows for key in row} - {"epochs"})]
        table = io.StringIO()
        writer = csv.DictWriter(table, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_atomically(file, table.getvalue())


def _zero_current(state: dict[str, Any]) -> None:
    for key, value in state.items():
        if key == "current":
            state[key] = dict.fromkeys(value, 0)
        elif key == "is_last_batch":
            state[key] = False
        elif isinstance(value, dict):
            _zero_current(value)
