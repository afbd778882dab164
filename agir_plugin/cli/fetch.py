"""`agir fetch`: a public data set, from its host into a folder, under its own licence."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from agir_plugin.cli.console import progress_bar, say, show
from agir_plugin.errors import UsageError


def fetch(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="shida", show_default=False)],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for its files.", show_default=False)],
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="A mirror: files lie at URL/NUMBER.", show_default=False)
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Download without asking.")] = False,
) -> None:
    """Download a public data set; a download that was cut goes on, and a second run only compares checksums.

    * `agir fetch shida --out data`: C3D files and scores of 26 people with Parkinson's disease (2.5 GB, CC BY 4.0)
    * `agir ingest shida data --labels data/PDGinfo.xlsx --out cohort`: then make a cohort of it
    """
    from agir_plugin.cohort.fetch import DATASETS, host_of
    from agir_plugin.cohort.fetch import fetch as fetch_dataset
    from agir_plugin.registry import did_you_mean

    if dataset not in DATASETS:
        raise UsageError(f"expected one of {', '.join(DATASETS)}, got {dataset!r}{did_you_mean(dataset, DATASETS)}")
    wanted = DATASETS[dataset]
    host = host_of(wanted, url)
    say(f"{wanted.title}\nlicence: {wanted.licence}\nplease cite: {wanted.citation}")
    if not yes:
        _confirm(host, wanted.about_gb, out)
    done = fetch_dataset(wanted, out, url, progress_bar)
    for line in done:
        show(line)
    say(f"{out}: {'whole' if done else 'whole already, nothing was downloaded'}; next: "
        f"`agir ingest {dataset} {out} --labels {out / 'PDGinfo.xlsx'} --out COHORT`")


def _confirm(host: str, about_gb: float, out: Path) -> None:
    question = f"Download about {about_gb:g} GB from {host} into {out}?"
    if not sys.stdin.isatty():
        raise UsageError(f"expected a yes to: {question} Add --yes")
    if not typer.confirm(question, err=True):
        raise typer.Exit(1)
