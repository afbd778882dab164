"""Metrics: each a torchmetrics Metric with `update(...)` and `compute(sanity_flag)` -> dict of one-element tensors."""

from __future__ import annotations

from mGPT.metrics.base import BaseMetrics

__all__ = ["BaseMetrics"]
