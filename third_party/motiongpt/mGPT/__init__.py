"""The MotionGPT host: trains, tests and serves what `target:` strings in a YAML file name. Importing it is light."""

from __future__ import annotations

__version__ = "0.1.0"
