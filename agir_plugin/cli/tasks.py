"""`agir task`: list, show, check, start and export task templates."""
from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agir_plugin.cli.console import OUT, say
from agir_plugin.errors import ConfigError

app = typer.Typer(help="Task templates: list, show, lint, new, export.", no_args_is_help=True)
Task = Annotated[str, typer.Argument(help="Registered name, or a YAML file.", show_default=False)]


@app.command("list")
def list_tasks() -> None:
    """List the registered templates."""
    from agir_plugin.registry import TASKS, names
    from agir_plugin.tasks import load

    for name in names(TASKS):
        OUT.print(f"{name:<16}{load(name).summary}", markup=False, highlight=False)


@app.command("show")
def show(task: Task, count: Annotated[int, typer.Option(help="Instructions to print.")] = 5) -> None:
    """Print a template's first instructions. Example: `agir task show reasoning --count 3`"""
    from agir_plugin.tasks import load

    template = load(task)
    OUT.print(f"{template.name} v{template.version}: {template.summary}", markup=False, highlight=False)
    for direction in template.directions:
        OUT.print(f"\n{direction.kind} ({len(direction.input)} inputs)", markup=False, highlight=False)
        for text in direction.input[:count]:
            OUT.print(f"  {text}", markup=False, highlight=False)


@app.command("lint")
def lint_task(task: Task) -> None:
    """Check a template; ends with exit code 2 when it has an error. Example: `agir task lint my_task.yaml`"""
    from agir_plugin.tasks import lint
    from agir_plugin.tasks.load import read

    problems = lint(read(task))
    for problem in problems:
        OUT.print(f"{problem.level}: {problem.where}: {problem.message}; {problem.fix}", markup=False, highlight=False)
    errors = sum(problem.level == "error" for problem in problems)
    if errors:
        raise ConfigError(f"{task}: {errors} errors in the template; correct the lines named above")
    say(f"{task}: no errors")


@app.command("new")
def new(name: str, path: Annotated[Path | None, typer.Option(help="File to write (default NAME.yaml).", show_default=False)] = None) -> None:
    """Write a commented starter template. Example: `agir task new my_task`"""
    from agir_plugin.tasks import new_template

    say(f"wrote {new_template(name, path or Path(f'{name}.yaml'))}")


@app.command("export")
def export(
    out: Annotated[Path, typer.Option(help="Folder for template_pretrain.json and template_instructions.json.")] = Path("."),
) -> None:
    """Export the shipped templates to MotionGPT's template JSON. Example: `agir task export --out cohort`"""
    from agir_plugin.tasks import write_export

    for path in write_export(out):
        say(f"wrote {path}")
