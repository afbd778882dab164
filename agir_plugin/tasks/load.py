"""A registered name or a YAML file in, a checked `TaskTemplate` out; complaints name file, key, cause and remedy."""
from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import yaml

from agir_plugin import registry
from agir_plugin.config import check_settings
from agir_plugin.errors import ConfigError, UnreadableFile, UsageError
from agir_plugin.tasks.lint import lint
from agir_plugin.tasks.spec import Direction, TaskTemplate, TemplateFile

#: How many problems of a broken template one message tells.
TOLD = 3


def load(name_or_path: str | Path) -> TaskTemplate:
    """The template registered under a name, or the one in a file (a Path, or a text that ends in `.yaml` or `.yml`).

    Raises UsageError for an unknown name, UnreadableFile when there is no such file, ConfigError when the file is not a
    template or `lint` finds an error in it (warnings pass).
    """
    template = read(name_or_path)
    errors = [problem for problem in lint(template) if problem.level == "error"]
    if errors:
        rest = len(errors) - TOLD
        more = f"; and {rest} more, see `agir task lint {template.source}`" if rest > 0 else ""
        raise ConfigError("; ".join(map(str, errors[:TOLD])) + more)
    return template


def read(name_or_path: str | Path) -> TaskTemplate:
    """As `load`, with keys and types checked but not linted, so that `lint` can list all that is wrong with it."""
    path = _path(name_or_path)
    values = _mapping(path)
    directions = values.get("directions")
    if not isinstance(directions, list):
        raise ConfigError(
            f"{path}: directions: expected a list of directions, got {directions!r}; "
            "`agir task new` writes a file that shows the form"
        )
    checked = tuple(_direction(entry, f"{path}: directions.{number}") for number, entry in enumerate(directions, 1))
    file = check_settings(TemplateFile, {**values, "directions": checked}, f"{path}: template")
    return TaskTemplate(**dict(file), source=str(path))


def generative() -> Path:
    """The shipped stage 1 template: motion to description and back (entry point `generative`)."""
    return _templates() / "generative.yaml"


def reasoning() -> Path:
    """The shipped stage 2 template: 200 requests for a rationale and a gait score (entry point `reasoning`)."""
    return _templates() / "reasoning.yaml"


def _templates() -> Path:
    return Path(__file__).parent / "templates"


def _path(name_or_path: str | Path) -> Path:
    if isinstance(name_or_path, Path) or name_or_path.endswith((".yaml", ".yml")):
        return Path(name_or_path)
    registered = registry.get(registry.TASKS, name_or_path)
    found = registered() if callable(registered) else registered
    if not isinstance(found, (str, Path)):
        raise UsageError(
            f"task {name_or_path!r}: expected its entry point in {registry.TASKS} to be a path or a function that "
            f"returns one, got {found!r}; correct it in the package that registers it"
        )
    return Path(found)


def _mapping(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf8")
    except FileNotFoundError:
        raise UnreadableFile(
            f"{path}: expected a task template, found no such file; check the path, or see `agir task list`"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFile(
            f"{path}: expected a task template, a YAML text in UTF-8, but it cannot be read ({error}); "
            "check its permissions and encoding"
        ) from None
    try:
        values = yaml.load(text, Loader=_StrictLoader)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {' '.join(str(error).split())}; correct that line") from None
    if not isinstance(values, dict):
        raise ConfigError(
            f"{path}: expected the keys {', '.join(TemplateFile.model_fields)}, got {type(values).__name__}; "
            "`agir task new` writes a file to begin with"
        )
    return values


def _direction(entry: object, where: str) -> Direction:
    if not isinstance(entry, Mapping):
        raise ConfigError(
            f"{where}: expected the keys {', '.join(Direction.model_fields)}, got {entry!r}; indent them below the dash"
        )
    for side in ("input", "output"):
        _check_strings(entry.get(side, []), f"{where}.{side}")
    return check_settings(Direction, entry, where)


def _check_strings(entries: object, where: str) -> None:
    """YAML turns `- a: b` into a mapping and `- yes` into a truth value; say so instead of converting them."""
    if not isinstance(entries, list):
        raise ConfigError(
            f"{where}: expected a list of strings, got {entries!r}; begin each string on a line of its own with `- `"
        )
    for number, text in enumerate(entries, 1):
        if not isinstance(text, str):
            raise ConfigError(
                f"{where}: expected a string as entry {number}, got {type(text).__name__} {text!r}; "
                "put the entry in double quotes"
            )


class _StrictLoader(yaml.SafeLoader):
    """YAML's safe loader, but a key given twice is refused; the plain loader drops the first value without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """The mapping of a node. Raises ConstructorError, with the line, on a key that it holds already."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key, (key_node, _) in zip(keys, node.value, strict=True):
            if keys.count(key) > 1:
                problem = f"the key {key!r} is given twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
        return super().construct_mapping(node, deep)
