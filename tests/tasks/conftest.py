"""A template in memory to change, and a way to write one to a file."""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from sample_template import GOOD

from agir_plugin.tasks import TaskTemplate, read


@pytest.fixture
def written(tmp_path: Path) -> Callable[[object], Path]:
    """Writes text, or anything YAML can hold, to `demo.yaml` and returns the path."""

    def write(content: object) -> Path:
        path = tmp_path / "demo.yaml"
        text = content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False)
        path.write_text(text, encoding="utf8")
        return path

    return write


@pytest.fixture
def template(written: Callable[[object], Path]) -> Callable[..., TaskTemplate]:
    """Builds the good template with the inputs and outputs of its first direction replaced."""

    def build(input: list[str] | None = None, output: list[str] | None = None, **keys: object) -> TaskTemplate:
        first = dict(GOOD["directions"][0])
        first |= {side: value for side, value in (("input", input), ("output", output)) if value is not None}
        return read(written({**GOOD, "directions": [first, GOOD["directions"][1]], **keys}))

    return build
