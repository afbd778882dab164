"""The MotionGPT host: trains, tests and serves what `target:` strings in a YAML file name. Importing it is light."""

from __future__ import annotations

__version__ = "0.1.0"

#: Faults of upstream MotionGPT that this host does not have, by the names that plugins know them under. A plugin mends what
#: is not listed here.
FREE_OF = frozenset(
    {
        "checkpoint_files",
        "cpu_devices",
        "debug_name",
        "ema_restart",
        "epoch_seed",
        "frozen_in_train",
        "generation_length",
        "gradient_clip",
        "metrics_wired",
        "never_validated",
        "random_rows",
        "resume",
        "test_folder",
        "tied_heads",
        "units",
        "unsafe_load",
    }
)
