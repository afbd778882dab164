"""`agir task`: list, show, check, start and export task templates."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agir_plugin.cli.console import say, show
from agir_plugin.errors import ConfigError, UsageError

HELP = """Task templates, what the model is asked: list, show, lint, new, export.

* `agir task new balance`: writes balance.yaml; reword it, then `agir task lint balance.yaml`
* a configuration names it under `DATASET.AGIR.reasoning_template`
"""

app = typer.Typer(help=HELP, no_args_is_help=True)

Task = Annotated[str, typer.Argument(metavar="TASK", help="Registered name, or a YAML file.", show_default=False)]


@app.command("list")
def list_tasks() -> None:
    """List the registered templates."""
    from agir_plugin.registry import TASKS, names
    from agir_plugin.tasks import load

    for name in names(TASKS):
        show(f"{name:<16}{load(name).summary}")


@app.command("show")
def show_task(
    task: Task, count: Annotated[int, typer.Option(help="Instructions to print of each direction.", min=1)] = 5
) -> None:
    """Print a template's first instructions.

    * `agir task show reasoning --count 3`
    """
    from agir_plugin.tasks import load

    template = load(task)
    show(f"{template.name} v{template.version}: {template.summary}")
    for direction in template.directions:
        show(f"\n{direction.kind} ({len(direction.input)} inputs)")
        for text in direction.input[:count]:
            show(f"  {text}")


@app.command("lint")
def lint_task(task: Task) -> None:
    """Check a template: placeholders, repetitions, hints at the score.

    * `agir task lint balance.yaml`: one line for each finding; errors end with exit code 2, warnings do not
    """
    from agir_plugin.tasks import lint
    from agir_plugin.tasks.load import read

    problems = lint(read(task))
    for problem in problems:
        show(f"{problem.level}: {problem.where}: {problem.message}; {problem.fix}")
    errors = sum(problem.level == "error" for problem in problems)
    if errors:
        raise ConfigError(f"{task}: expected a template without errors, got {errors}; correct the lines named above")
    say(f"{task}: no errors")


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Lower-case letters, digits and _.", show_default=False)],
    path: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="File to write, or folder for it (default NAME.yaml).", show_default=False),
    ] = None,
) -> None:
    """Write a commented starter template.

    * `agir task new balance`: writes balance.yaml, which passes `agir task lint` as it is
    """
    from agir_plugin.tasks import new_template

    say(f"wrote {new_template(name, path or Path(f'{name}.yaml'))}")


@app.command("export")
def export(
    tasks: Annotated[
        list[str] | None,
        typer.Argument(metavar="TASK", help="Names or YAML files (default: the shipped ones).", show_default=False),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Folder for template_pretrain.json and template_instructions.json.")
    ] = Path("."),
) -> None:
    """Export templates to MotionGPT's template JSON.

    * `agir task export --out cohort`: the shipped templates
    * `agir task export generative balance.yaml --out cohort`: these
    """
    from agir_plugin.tasks import load, write_export

    templates = [load(task) for task in tasks] if tasks else None
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out: expected a folder, got the file {out}; name a folder")
    out.mkdir(parents=True, exist_ok=True)
    for path in write_export(out, templates):
        say(f"wrote {path}")
