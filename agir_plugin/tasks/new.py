"""A name and a path in, a commented starter template out, which lints clean and is ready to be reworded."""
from __future__ import annotations

import re
from pathlib import Path

from agir_plugin.errors import UsageError

_NAME = re.compile(r"[a-z][a-z0-9_]*")


def new_template(name: str, path: Path) -> Path:
    """Write the starter YAML of a task called `name` and return its path.

    `path` is the file to write, or a folder that gets `<name>.yaml`. Raises UsageError when the name is no lower-case
    word, the file exists already, or its folder does not.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"expected a task name of lower-case letters, digits and _, beginning with a letter, got {name!r}; "
            "the name stands in configs and entry points"
        )
    target = path / f"{name}.yaml" if path.is_dir() else path
    if not target.parent.is_dir():
        raise UsageError(f"expected an existing folder for the new template, got {target.parent}; create it first")
    starter = (Path(__file__).parent / "templates" / "starter.yaml").read_text(encoding="utf8")
    try:
        with target.open("x", encoding="utf8") as file:
            file.write(starter.replace("name: starter\n", f"name: {name}\n", 1))
    except FileExistsError:
        raise UsageError(
            f"{target}: expected a path where no file is yet, found one; choose another path, nothing was changed"
        ) from None
    return target
