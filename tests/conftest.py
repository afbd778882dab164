"""Fixtures for all tests: where the real recordings are, and nothing that the network or a GPU would be needed for."""
from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
#: Modules about what only our host does (no eval, KEY=VALUE, resume, masked batches, counted samples, ...): with
#: MOTIONGPT_ROOT, which puts upstream MotionGPT in its place, they do not apply.
OURS_ALONE = (
    *(f"host_contract/test_{name}.py" for name in ("config", "data", "language", "model", "runs", "vq")),
    "bridge/test_cohort_stages.py",
    "cli/test_cli_demo.py",
    "cli/test_cli_training.py",
    "test_packaging.py",
)
#: What upstream MotionGPT imports, whatever it is used for (extra `upstream`).
UPSTREAM_NEEDS = ("bert_score", "imageio", "matplotlib", "spacy")


def pytest_configure(config: pytest.Config) -> None:
    """With MOTIONGPT_ROOT: say at once what is missing, and leave no byte code in the checkout."""
    if "MOTIONGPT_ROOT" not in os.environ:
        return
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    missing = [name for name in UPSTREAM_NEEDS if find_spec(name) is None]
    if missing:
        raise pytest.UsageError(f"upstream MotionGPT imports {', '.join(missing)}: pip install -e '.[upstream]'")


class OursAlone(pytest.File):
    """Stands for a module that does not apply to upstream: one skipped item that says so by name."""

    def collect(self) -> Iterator[pytest.Item]:
        """The one item."""
        yield Skipped.from_parent(self, name=self.path.stem)


class Skipped(pytest.Item):
    """A test that is skipped because of the host."""

    def runtest(self) -> None:
        """Skip."""
        pytest.skip("shows what only our host does; MOTIONGPT_ROOT names another")


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> OursAlone | None:
    """With MOTIONGPT_ROOT, modules about our host alone are not imported (upstream lacks what they import)."""
    place = module_path.relative_to(ROOT / "tests").as_posix()
    if "MOTIONGPT_ROOT" in os.environ and place in OURS_ALONE:
        return OursAlone.from_parent(parent, path=module_path)
    return None


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
