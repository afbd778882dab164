"""Task templates and the answer's grammar: YAML in, checked templates and filled rows out."""
from __future__ import annotations

from agir_plugin.tasks.export import export, write_export
from agir_plugin.tasks.lint import Problem, lint
from agir_plugin.tasks.load import load, read
from agir_plugin.tasks.new import new_template
from agir_plugin.tasks.render import fill
from agir_plugin.tasks.spec import DESCRIPTION, MOTION, RATIONALE, Direction, TaskTemplate

__all__ = [
    "DESCRIPTION", "Direction", "MOTION", "Problem", "RATIONALE", "TaskTemplate", "export", "fill", "lint", "load",
    "new_template", "read", "write_export",
]
