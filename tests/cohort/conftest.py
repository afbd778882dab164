"""Fixtures of the cohort tests: one small synthetic cohort that is only read, and a way to write recordings."""
from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from agir_plugin.cohort import Cohort, WalkParameters, synthesise, walk_joints

#: Size of the shared cohort.
SUBJECTS, WALKS = 8, 2


@pytest.fixture(scope="session")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """A finished synthetic cohort of 8 subjects and 32 walks; tests must not change it."""
    return synthesise(tmp_path_factory.mktemp("cohorts") / "shared", subjects=SUBJECTS, seed=3, walks_per_session=WALKS)


@pytest.fixture
def record(tmp_path: Path) -> Callable[..., Path]:
    """Write a walk of 22 joints at 20 fps as an .npy recording into tmp_path/recordings."""

    def write(name: str, seconds: float = 4.0, **parameters: float) -> Path:
        path = tmp_path / "recordings" / f"{name}.npy"
        path.parent.mkdir(exist_ok=True)
        cause = WalkParameters(**{"cadence_spm": 108.0, "step_length_m": 0.6, **parameters})
        np.save(path, walk_joints(cause, seconds, 20.0, np.random.default_rng(len(name))))
        return path

    return write


@pytest.fixture
def closed_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders called `closed` cannot be opened, whoever runs the tests."""
    real = os.scandir

    def scan(path: str | Path):
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scan)
