"""Fixtures for all tests: where the real recordings are, and nothing that the network or a GPU would be needed for."""
from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real recordings beside the checkout; tests that need it are skipped by name where it is absent."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs the real recordings in ../shared/data")
    return folder


@pytest.fixture(scope="session")
def vectors() -> Path:
    """Folder of the reference vectors that are kept with the tests."""
    return ROOT / "tests" / "vectors"
