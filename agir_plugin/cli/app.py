"""The `agir` command: its subcommands, and how errors leave it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from agir_plugin import __version__
from agir_plugin.cli import annotate, cohorts, demo, doctor, fetch, ingest, model, motiongpt, review, tasks, training, view, walks
from agir_plugin.cli.console import say, show
from agir_plugin.cli.plain_signs import show_plain_signs
from agir_plugin.errors import AgirError

#: What typer raises for wrong options and arguments; it exports the class's children only, under changing module names.
CommandLineError = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
#: Exit code after Ctrl-C, as shells have it.
INTERRUPTED = 130

EPILOG = """
New here? `agir demo` makes a synthetic cohort, trains on it and assesses a walk, in minutes and without a network;
`agir gait walk.c3d` measures a recording of yours at once; `agir COMMAND --help` shows examples.

Results go to stdout or into the named file, messages to stderr. Exit codes: 0 done (a refused walk is a result, not an
error), 1 could not, 2 wrong use.

Research software, not a medical device.
"""
#: Headings of the list of commands.
START, WALKS, COHORTS, MODELS = "Start here", "Walks", "Cohorts", "Models"

app = typer.Typer(
    help="Assess walks with a language model: MDS-UPDRS gait score, probabilities, and a rationale that is checked.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo", rich_help_panel=START)(demo.demo)
app.command("doctor", rich_help_panel=START)(doctor.doctor)
app.command("gait", rich_help_panel=WALKS)(walks.gait)
app.command("view", rich_help_panel=WALKS)(view.view)
app.command("assess", rich_help_panel=WALKS)(walks.assess)
app.command("synth", rich_help_panel=COHORTS)(cohorts.synth)
app.command("fetch", rich_help_panel=COHORTS)(fetch.fetch)
app.command("ingest", rich_help_panel=COHORTS)(ingest.ingest)
app.command("annotate", rich_help_panel=COHORTS)(annotate.annotate)
app.command("review", rich_help_panel=COHORTS)(review.review)
app.command("tokenize", rich_help_panel=COHORTS)(cohorts.tokenize)
app.command("train", rich_help_panel=MODELS)(training.train)
app.command("test", rich_help_panel=MODELS)(training.test)
app.add_typer(tasks.app, name="task", rich_help_panel=MODELS)
app.add_typer(model.app, name="model", rich_help_panel=MODELS)
app.add_typer(motiongpt.app, name="motiongpt", rich_help_panel=MODELS)


def main(args: Sequence[str] | None = None) -> None:
    """Run `agir` with these words (the process's own by default) and exit with its code."""
    sys.exit(run(args))


def run(args: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; whatever goes wrong in a foreseen way becomes one line on stderr."""
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")  # there are bars of our own
    show_plain_signs()
    try:
        code = app(None if args is None else list(args), prog_name="agir", standalone_mode=False)
        sys.stdout.flush()
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except Exception as error:
        return _explain(error)
    return _fail("stopped; run the same command again to continue", code) if code == INTERRUPTED else code or 0


def _explain(error: Exception) -> int:
    """One line on stderr for an error that was foreseen, and its exit code; any other is raised again."""
    if isinstance(error, CommandLineError):
        return _wrong_use(error)
    if isinstance(error, AgirError) or isinstance(getattr(error, "exit_code", None), int):  # MotionGPT's have one, too
        return _fail(str(error), error.exit_code)
    if isinstance(error, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it closes stdout
        return 1
    if isinstance(error, OSError):
        return _fail(_file_trouble(error), 1)
    if isinstance(error, ModuleNotFoundError) and error.name and not error.name.startswith("agir_plugin"):
        package = error.name.partition(".")[0]
        return _fail(f"this needs the package {package}, which is not installed; `agir doctor` says what to do", 1)
    raise error


def _fail(message: str, code: int) -> int:
    say(f"agir: {' '.join(message.split())}")
    return code


def _wrong_use(error: Exception) -> int:
    """One line for wrong options or arguments; the help itself where a command was called without any."""
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return error.exit_code
    message, context = error.format_message().rstrip("."), getattr(error, "ctx", None)
    command = context.command_path if context else "agir"
    return _fail(f"{message[:1].lower()}{message[1:]}; see `{command} --help`", error.exit_code)


def _file_trouble(error: OSError) -> str:
    names = [str(name) for name in (error.filename, error.filename2) if name] or ["a file"]
    return f"{names[-1]}: {error.strerror or error}; check the path, its permissions and the free space"


def _print_version(wanted: bool) -> None:
    if wanted:
        show(f"agir-plugin {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    return


if __name__ == "__main__":
    main()
