"""Imports go down the layers only, restricted packages stay in their one place, and the command line starts light."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .layers_check import LAYERS, ONLY_IN, problems

PACKAGE = Path(__file__).resolve().parents[1] / "agir_plugin"
#: What takes seconds to import and is needed by single commands only.
HEAVY = ("torch", "transformers", "pytorch_lightning", "mGPT", "omegaconf", "sklearn", "scipy", "pandas", "matplotlib", "ezc3d")


def small_package(root: Path, files: dict[str, str]) -> Path:
    """A package `house` of these files, written below `root`."""
    for name, text in files.items():
        path = root / "house" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf8")
    return root / "house"


def modules_loaded_by(statement: str) -> set[str]:
    """Top-level modules that a fresh Python holds after one statement."""
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(ended.stdout))


def test_the_package_keeps_its_layers() -> None:
    assert list(problems(PACKAGE)) == []


def test_every_folder_and_module_of_the_package_was_looked_at() -> None:
    known = {name for row in LAYERS for name in row}
    there = {path.name.removesuffix(".py") for path in PACKAGE.iterdir() if not path.name.startswith("__")}
    assert {"bridge", "cli", "gait", "errors"} <= there <= known | {"configs"}


@pytest.mark.parametrize(
    ("module", "statement", "fault"),
    [
        ("gait/measure.py", "from house.tasks import load", "gait imports tasks, which is a higher layer"),
        ("gait/measure.py", "def f():\n    import house.cli.app", "gait imports cli, which is a higher layer"),
        ("gait/measure.py", "if TYPE_CHECKING:\n    from ..bridge import run", "gait imports bridge, which is a higher layer"),
        ("ingest/c3d.py", "from house.motion import axes", "ingest imports its neighbour motion"),
        (
            "cohort/files.py",
            "import importlib\nimportlib.import_module('house.rationale.rules')",
            "cohort imports its neighbour rationale",
        ),
        ("gait/measure.py", "from house import measure", "gait imports house.measure, which has no layer"),
        ("helpers.py", "", "helpers has no layer"),
    ],
)
def test_a_wrong_import_is_found_wherever_it_stands(tmp_path: Path, module: str, statement: str, fault: str) -> None:
    found = list(problems(small_package(tmp_path, {module: statement})))
    assert len(found) == 1 and fault in found[0]


@pytest.mark.parametrize(("outside", "owner"), ONLY_IN.items())
def test_a_restricted_package_is_imported_in_one_place_only(tmp_path: Path, outside: str, owner: str) -> None:
    line = f"def f():\n    from {outside}.sub import name\n"
    found = list(problems(small_package(tmp_path, {f"{owner}/a.py": line, "cli/a.py": line})))
    assert [fault.split(": ")[1] for fault in found] == [f"cli imports {outside}; only {owner} may"]


def test_what_a_module_may_import_is_no_problem(tmp_path: Path) -> None:
    allowed = "import json\nimport torch\nfrom house.gait import measure\nfrom . import other\nfrom house import __version__\n"
    assert list(problems(small_package(tmp_path, {"bridge/model.py": allowed, "errors.py": "", "__init__.py": ""}))) == []


@pytest.mark.parametrize(
    "module", ["agir_plugin", "agir_plugin.cli.app", "agir_plugin.tasks", "agir_plugin.bridge", "agir_plugin.cohort"]
)
def test_importing_it_loads_nothing_heavy(module: str) -> None:
    loaded = modules_loaded_by(f"import {module}")
    assert "agir_plugin" in loaded
    assert sorted(loaded & set(HEAVY)) == []


def test_the_help_text_loads_nothing_heavy() -> None:
    loaded = modules_loaded_by(
        "import contextlib, os\nfrom agir_plugin.cli.app import run\n"
        "with contextlib.redirect_stdout(open(os.devnull, 'w')):\n    run(['--help'])"
    )
    assert sorted(loaded & set(HEAVY)) == []
