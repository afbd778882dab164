"""Makes the data module that `DATASET.target` names."""

from __future__ import annotations

from typing import Any

from omegaconf import DictConfig

from mGPT.config import get_obj_from_str


def build_data(cfg: DictConfig, phase: str = "train") -> Any:
    """The data module, called as target(cfg=cfg, phase=phase)."""
    return get_obj_from_str(cfg.DATASET.target)(cfg=cfg, phase=phase)
