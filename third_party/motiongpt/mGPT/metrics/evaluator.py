"""Metrics that need the pretrained text-to-motion evaluator: refused by name, because this host has no evaluator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from mGPT.errors import ConfigError

#: Where the evaluator's weights lie below METRIC.TM2T.t2m_path.
WEIGHTS = Path("t2m/text_mot_match/model/finest.tar")


class _EvaluatorMetric(nn.Module):
    """Refuses at construction and says what is missing."""

    def __init__(self, cfg: Any = None, **kwargs: Any) -> None:
        super().__init__()
        name = type(self).__name__
        weights = Path(str(cfg.METRIC.TM2T.t2m_path)) / WEIGHTS
        state = "lie there, but the networks" if weights.is_file() else "are not there, and the networks"
        raise ConfigError(
            f"METRIC.TYPE {name}: its evaluator weights ({weights}) {state} that read them are not part of "
            "agir-motiongpt; "
            "use MRMetrics, PredMetrics or M2TMetrics, or run this metric in upstream MotionGPT"
        )


class TM2TMetrics(_EvaluatorMetric):
    """FID, R-precision and matching score of text-to-motion."""


class MMMetrics(_EvaluatorMetric):
    """Multimodality of text-to-motion."""
