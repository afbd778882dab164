"""Invented walks whose gait parameters follow from their score, for the controls and the summary."""
from __future__ import annotations

from collections.abc import Callable

import pytest

from agir_plugin.evaluation import PARAMETERS
from agir_plugin.records import GaitParameters, Measure


@pytest.fixture
def walk_with() -> Callable[..., GaitParameters]:
    """Makes a measured walk: every parameter of the control is 1.0 except those given; None means not measured."""

    def make(**values: float | None) -> GaitParameters:
        numbers = dict.fromkeys(PARAMETERS, 1.0) | values
        measures = {
            name: Measure(value, "m", 4, "high", "" if value is not None else "no arms in the file")
            for name, value in numbers.items()
        }
        return GaitParameters(status="ok", fps=20.0, source="invented", n_strides=4, parameters=measures)

    return make
