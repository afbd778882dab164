"""Assessments and gait parameters in, what people read out: terminal cards, plain JSON values, plots."""
from __future__ import annotations

from agir_plugin.report.card import card, gait_card
from agir_plugin.report.document import assessment_json
from agir_plugin.report.plots import plot_gait

__all__ = ["assessment_json", "card", "gait_card", "plot_gait"]
