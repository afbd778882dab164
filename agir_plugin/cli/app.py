"""The `agir` command: its subcommands, and how errors leave it."""
from __future__ import annotations

import sys

import typer

from agir_plugin.cli import cohorts, demo, doctor, tasks, training, walks
from agir_plugin.cli.console import say
from agir_plugin.errors import AgirError

EPILOG = """
Start with `agir demo`: it makes a synthetic cohort, trains on it and assesses a walk, in minutes and without a network.
Exit codes: 0 done (a refused walk is a result), 1 could not, 2 wrong use.
"""

app = typer.Typer(
    help="Assess walks with a language model: MDS-UPDRS gait score, probabilities, and a rationale checked against the walk.",
    epilog=EPILOG, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(demo.demo)
app.command("synth")(cohorts.synth)
app.command("ingest")(cohorts.ingest)
app.command("annotate")(cohorts.annotate)
app.command("tokenize")(cohorts.tokenize)
app.command("train")(training.train)
app.command("test")(training.test)
app.command("gait")(walks.gait)
app.command("assess")(walks.assess)
app.command("doctor")(doctor.doctor)
app.add_typer(tasks.app, name="task")


def main() -> None:
    """Run `agir`; an AgirError becomes one line on stderr and its exit code."""
    try:
        app()
    except AgirError as error:
        say(f"agir: {error}")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        say("agir: stopped; run the same command again to continue")
        sys.exit(130)


if __name__ == "__main__":
    main()
