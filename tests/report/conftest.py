"""A measured synthetic walk, a refused one, and assessments of both."""
from __future__ import annotations

from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from agir_plugin.consts import NOT_A_DEVICE, TRAINED_ON_SYNTHETIC
from agir_plugin.gait import measure
from agir_plugin.records import Assessment, Motion, Rationale, Statement


@pytest.fixture(scope="session")
def motion(vectors) -> Motion:
    """A walk of four seconds at 20 frames per second."""
    return Motion(np.load(vectors / "features" / "synthetic_walk.npz")["joints"], 20.0, "synthetic_walk.npz")


@pytest.fixture(scope="session")
def gait(motion):
    """What was measured on it."""
    return measure(motion)


@pytest.fixture(scope="session")
def refused_gait(motion):
    """Half a second of it, which is too short."""
    return measure(replace(motion, joints_m=motion.joints_m[:10], flags=("mirrored",)))


@pytest.fixture
def assessment(gait) -> Assessment:
    """A model's answer for the walk, with one statement of each verdict."""
    return Assessment(
        file="recordings/SUB01_off_walk_1.c3d",
        score=2,
        probabilities=(0.05, 0.25, 0.70),
        rationale=Rationale("Steps are slow.", "The arms hardly swing.", "The rhythm [bold] is regular."),
        statements=(
            Statement(
                "foot", "Steps are slow", "speed", "walking speed: reduced", "supported", "speed 0.60 m/s"
            ),
            Statement(
                "arm", "The arms hardly swing", "arm_swing", "arm swing: reduced", "contradicted", "arm swing 34.0 deg"
            ),
            Statement("overall", "The rhythm [bold] is regular", "rhythm", "", "not_checkable", ""),
        ),
        gait=gait,
        windows=2,
        provenance={
            "run": "experiments/AGIR_stage2", "seed": 7, "vae_hash": "0123456789abcdef0123",
            "cohort": {"name": "demo", "synthetic": True}, "versions": {"agir-plugin": "0.1.0", "torch": "2.13.0"},
        },
        notices=(NOT_A_DEVICE, TRAINED_ON_SYNTHETIC),
    )


@pytest.fixture
def refused(assessment, refused_gait) -> Assessment:
    """The assessment of the walk that was refused."""
    return replace(
        assessment, score=None, probabilities=None, rationale=None, statements=(), gait=refused_gait, windows=0
    )


@pytest.fixture(scope="session")
def shown():
    """Renders something on a terminal of 80 columns and returns the text."""

    def render(renderable) -> str:
        console = Console(width=80, record=True, file=StringIO())
        console.print(renderable)
        return console.export_text()

    return render
