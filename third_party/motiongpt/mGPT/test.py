"""`python -m mGPT.test --cfg CFG`: a configuration and TEST.CHECKPOINTS go in; metrics_<time>.json comes out."""

from __future__ import annotations

import json
import math
import platform
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import pytorch_lightning
import torch
from omegaconf import DictConfig

import mGPT
from mGPT.callback import build_callbacks
from mGPT.command import run_command
from mGPT.data.build_data import build_data
from mGPT.errors import ConfigError
from mGPT.models.base import module_folder
from mGPT.models.build_model import build_model
from mGPT.train import check_splits, check_stage, report_skipped
from mGPT.trainer import test_trainer
from mGPT.utils.load_checkpoint import load_pretrained
from mGPT.utils.logger import create_logger, log_to_folder
from mGPT.utils.run_folder import save_config, write_atomically
from mGPT.utils.seeds import seed_everything

#: Half width of a 95 % interval of a mean, in standard errors.
INTERVAL = 1.96


def test(cfg: DictConfig) -> Path:
    """Test TEST.REPLICATION_TIMES times and return the file with mean, interval and every value of each metric."""
    check_stage(cfg)
    if not cfg.TEST.CHECKPOINTS:
        raise ConfigError(
            "TEST.CHECKPOINTS: expected the checkpoint to test, got nothing; "
            "add TEST.CHECKPOINTS=RUN/checkpoints/last.ckpt"
        )
    logger = create_logger()
    seed_everything(int(cfg.SEED_VALUE))
    datamodule = build_data(cfg, phase="test")
    model = build_model(cfg, datamodule)
    load_pretrained(cfg, model, logger, phase="test")
    check_splits(datamodule, ("test",))
    folder = Path(cfg.TEST.FOLDER) / module_folder(cfg) / str(cfg.NAME)
    log_to_folder(logger, cfg, folder, "test")
    save_config(cfg, folder, "test")
    report_skipped(datamodule, folder, logger)
    trainer = test_trainer(cfg, str(folder), build_callbacks(cfg, logger, phase="test"))
    values: dict[str, list[float]] = defaultdict(list)
    for repetition in range(max(1, int(cfg.TEST.REPLICATION_TIMES))):
        for name, value in trainer.test(model, datamodule=datamodule, verbose=False)[0].items():
            values[name].append(float(value))
        logger.info("repetition %d of %d done", repetition + 1, int(cfg.TEST.REPLICATION_TIMES))
    summaries = {name: summary(numbers) for name, numbers in sorted(values.items())}
    file = folder / f"metrics_{cfg.TIME}.json"
    write_atomically(file, json.dumps({**flat(summaries), "provenance": _provenance(cfg)}, indent=1) + "\n")
    for name, entry in summaries.items():
        shown = "no value" if entry["mean"] is None else f"{entry['mean']:.4f} +- {entry['conf_interval']:.4f}"
        logger.info("%s %s", name, shown)
    logger.info("written: %s", file)
    return file


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    return run_command(test, "test", argv)


def summary(values: Sequence[float]) -> dict[str, Any]:
    """mean, conf_interval = 1.96 sd / sqrt(n) over the n finite values (0 for one, null for none), and all values."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return {"mean": None, "conf_interval": None, "values": [None] * len(values)}
    spread = INTERVAL * stdev(finite) / math.sqrt(len(finite)) if len(finite) > 1 else 0.0
    listed = [value if math.isfinite(value) else None for value in values]
    return {"mean": fmean(finite), "conf_interval": spread, "values": listed}


def flat(summaries: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """MotionGPT's layout: `<name>/mean`, `<name>/conf_interval`, and `<name>` with every value."""
    report: dict[str, Any] = {}
    for name, entry in summaries.items():
        report |= {f"{name}/mean": entry["mean"], f"{name}/conf_interval": entry["conf_interval"], name: entry["values"]}
    return report


def _provenance(cfg: DictConfig) -> dict[str, Any]:
    versions = {
        "agir-motiongpt": mGPT.__version__,
        "torch": torch.__version__,
        "pytorch-lightning": pytorch_lightning.__version__,
    }
    return {
        "checkpoint": str(cfg.TEST.CHECKPOINTS),
        "seed": int(cfg.SEED_VALUE),
        "time": str(cfg.TIME),
        "versions": {**versions, "python": platform.python_version()},
    }


if __name__ == "__main__":
    raise SystemExit(main())
