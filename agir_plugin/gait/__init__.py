"""A `Motion` comes in; gait events and `GaitParameters` with confidences, refusals and z-scores go out."""
from __future__ import annotations

from agir_plugin.gait.parameters import measure
from agir_plugin.gait.passes import main_pass, passes
from agir_plugin.gait.reference import Norm, norms, norms_people, z_score
from agir_plugin.gait.report import from_json, report_json
from agir_plugin.gait.variability import pooled_variations

__all__ = [
    "Norm", "from_json", "main_pass", "measure", "norms", "norms_people", "passes", "pooled_variations", "report_json", "z_score",
]
