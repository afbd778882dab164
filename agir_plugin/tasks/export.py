"""Task templates in, MotionGPT's template JSON out: `{group: {subtask: {"class", "input", "output"}}}`.

MotionGPT flattens all subtasks in file order, draws one input and one output string per sample, and never reads
`class`. It reads `template_pretrain.json` in the stage `lm_pretrain` and `template_instructions.json` in `lm_instruct`.
Placeholders stay as they are; the plugin's language model fills them.
"""
from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from agir_plugin.errors import UsageError
from agir_plugin.tasks.load import generative, load, reasoning
from agir_plugin.tasks.spec import EXPECTED, RATIONALE, TaskTemplate

#: File of each MotionGPT stage -> the kinds of direction that belong in it.
FILES = {
    "template_pretrain.json": frozenset(kind for kind, (_, answer) in EXPECTED.items() if answer != RATIONALE),
    "template_instructions.json": frozenset(kind for kind, (_, answer) in EXPECTED.items() if answer == RATIONALE),
}

Exported = dict[str, dict[str, dict[str, Any]]]


def export(templates: Iterable[TaskTemplate], kinds: Collection[str] = tuple(EXPECTED)) -> Exported:
    """MotionGPT's form of the templates' directions of the given kinds; the subtask's name is the direction's kind.

    Raises UsageError when two templates would write the same subtask of the same group.
    """
    exported: Exported = {}
    for template in templates:
        for direction in template.directions:
            if direction.kind not in kinds:
                continue
            group = exported.setdefault(template.group, {})
            if direction.kind in group:
                raise UsageError(
                    f"{template.source or template.name}: the group {template.group!r} already has a subtask "
                    f"{direction.kind!r}, from another template; give this one another group"
                )
            group[direction.kind] = {
                "class": template.task_class, "input": list(direction.input), "output": list(direction.output),
            }
    return exported


def write_export(folder: Path, templates: Iterable[TaskTemplate] | None = None) -> tuple[Path, ...]:
    """Write `template_pretrain.json` and `template_instructions.json`; return the paths that were written.

    Without `templates` the two shipped ones are exported. A file for which there is no direction is not written. Each
    appears whole or not at all; the same templates give the same bytes. Raises UsageError when the folder is missing or
    nothing is there to write.
    """
    known = (load(generative()), load(reasoning())) if templates is None else tuple(templates)
    texts = {name: _json(export(known, kinds)) for name, kinds in FILES.items() if export(known, kinds)}
    if not texts:
        raise UsageError("expected at least one task template to export, got none; `agir task list` shows them")
    if not folder.is_dir():
        raise UsageError(f"expected an existing folder to export task templates to, got {folder}; create it first")
    return tuple(_write(folder / name, text) for name, text in texts.items())


def exported_json(name: str) -> str:
    """Content of one of MotionGPT's template files with the two shipped templates in it; `name` is one of `FILES`."""
    return _json(export((load(generative()), load(reasoning())), FILES[name]))


def _json(exported: Exported) -> str:
    return json.dumps(exported, indent=2, ensure_ascii=False) + "\n"


def _write(path: Path, text: str) -> Path:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path
