"""The metrics of a run: their names and a data module go in, a module with one attribute per metric comes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from mGPT.errors import ConfigError
from mGPT.metrics.captions import M2TMetrics
from mGPT.metrics.evaluator import MMMetrics, TM2TMetrics
from mGPT.metrics.motion import MRMetrics, PredMetrics

#: Metric name in METRIC.TYPE -> class.
KNOWN = {
    "MRMetrics": MRMetrics,
    "PredMetrics": PredMetrics,
    "M2TMetrics": M2TMetrics,
    "TM2TMetrics": TM2TMetrics,
    "MMMetrics": MMMetrics,
}


class BaseMetrics(nn.Module):
    """One attribute per name in `names`. Only these are made, so a run opens only the files that its metrics need."""

    def __init__(
        self, cfg: Any, datamodule: Any, names: Sequence[str] = (), task: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__()
        unknown = [name for name in names if name not in KNOWN]
        if unknown:
            raise ConfigError(f"METRIC.TYPE: unknown metric {unknown[0]!r}; expected any of {', '.join(KNOWN)}")
        for name in names:
            sync = bool(cfg.METRIC.get("DIST_SYNC_ON_STEP", True))
            setattr(self, name, KNOWN[name](cfg=cfg, njoints=datamodule.njoints, task=task, dist_sync_on_step=sync))
