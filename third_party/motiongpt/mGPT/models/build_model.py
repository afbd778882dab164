"""Makes the model that `model.target` names: a configuration and a data module go in, a LightningModule comes out."""

from __future__ import annotations

from typing import Any

from omegaconf import DictConfig

from mGPT.config import instantiate_from_config


def build_model(cfg: DictConfig, datamodule: Any) -> Any:
    """`model.params` resolved to plain values, with `cfg` and `datamodule` added."""
    return instantiate_from_config(cfg.model, cfg=cfg, datamodule=datamodule)
