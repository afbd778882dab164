"""What all commands share: words go in, the configuration is made, an error becomes one line and an exit code."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from mGPT.config import parse_args
from mGPT.errors import ConfigError
from mGPT.utils.ranks import shared_time
from mGPT.utils.run_folder import time_stamp

#: Warnings that belong to how the host works: few loader workers, the frozen tokenizer, metrics without a readable
#: motion.
NOISE = (
    ".*does not have many workers.*",
    ".*module\\(s\\) in eval mode at the start of training.*",
    ".*was called before the ``update`` method.*",
    ".*isinstance\\(treespec, LeafSpec\\).*",
    ".*sync_dist=True.*when logging on epoch level in distributed setting.*",
    "Checkpoint directory .* exists and is not empty.*",
    ".*number of training batches .* is smaller than the logging interval.*",
)


def run_command(work: Callable[[DictConfig], Any], phase: str, argv: Sequence[str] | None) -> int:
    """Parse, stamp the time, work. Exit code 0 done, 1 could not, 2 wrong use; 130 when interrupted."""
    _quiet()
    try:
        cfg = parse_args(phase, argv)
        cfg.TIME = shared_time(time_stamp())
        work(cfg)
    except OmegaConfBaseException as error:
        print(f"error: configuration: {' '.join(str(error).split())}", file=sys.stderr)
        return ConfigError.exit_code
    except KeyboardInterrupt:
        print("interrupted; the same command goes on after the last finished epoch", file=sys.stderr)
        return 130
    except Exception as error:
        code = getattr(error, "exit_code", None)  # our own errors, and those of plugins with the same rule
        if not isinstance(code, int):
            raise
        print(f"error: {error}", file=sys.stderr)
        return code
    return 0


def _quiet() -> None:
    """Leave out what the libraries say that a user can do nothing about; bars only where there is a terminal."""
    for name in ("pytorch_lightning", "lightning.pytorch", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in NOISE:
        warnings.filterwarnings("ignore", message=message)
    if not sys.stderr.isatty():
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
