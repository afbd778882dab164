"""`agir synth`, `ingest`, `annotate` and `tokenize`: what goes into a cohort folder, in the order in which it is needed."""
from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agir_plugin.cli.console import progress_bar, say

Folder = Annotated[Path, typer.Argument(help="Cohort folder.", show_default=False)]
Out = Annotated[Path, typer.Option("--out", help="Cohort folder to make or to continue.", show_default=False)]


def synth(
    out: Out,
    subjects: Annotated[int, typer.Option(help="Number of subjects, each ON and OFF.", min=3)] = 26,
    walks: Annotated[int, typer.Option(help="Walks per subject and state.", min=1)] = 12,
    seed: Annotated[int, typer.Option(help="Same seed, same cohort, byte for byte.")] = 0,
) -> None:
    """Make a SYNTHETIC cohort: walks of a documented walking model, with their true parameters and rationales.

    Example: `agir synth --out cohort --subjects 26`
    """
    from agir_plugin.cohort import synthesise

    with progress_bar("synthetic walks") as update:
        cohort = synthesise(out, subjects=subjects, seed=seed, walks_per_session=walks, progress=update)
    say(f"{out}: synthetic cohort of {len(cohort.kept)} walks, {len(cohort.walks) - len(cohort.kept)} refused")
    annotate(out)


def ingest(
    sources: Annotated[list[Path], typer.Argument(help="Recordings, or folders of them.", show_default=False)],
    out: Out,
    labels: Annotated[Path, typer.Option(help="CSV with walk or subject,state and score.", show_default=False)],
) -> None:
    """Read laboratory recordings into a cohort; every file is kept or listed with the reason why not.

    Example: `agir ingest lab/*.c3d --out cohort --labels scores.csv`
    """
    from agir_plugin.cohort import build_cohort

    with progress_bar("recordings") as update:
        cohort = build_cohort(sources, out, labels, progress=update)
    for walk in cohort.walks:
        if walk.status == "refused":
            say(f"{walk.walk}: refused: {walk.reason}")
    say(f"{out}: {len(cohort.kept)} of {len(cohort.walks)} walks kept; next: `agir annotate {out}`")


def annotate(cohort: Folder, writer: Annotated[str, typer.Option(help="Registered rationale writer.")] = "rules") -> None:
    """Write a rationale for every labelled walk of a cohort from its measured parameters.

    Example: `agir annotate cohort`
    """
    from agir_plugin.cohort import Cohort
    from agir_plugin.registry import WRITERS, get

    opened, write = Cohort.open(cohort), get(WRITERS, writer)
    with progress_bar("rationales") as update:
        texts = {}
        for number, walk in enumerate(opened.kept, start=1):
            if walk.score is not None:
                texts[walk.walk] = write(opened.gait(walk.walk), walk.score, walk.walk)
            update(number, len(opened.kept))
    opened.save_rationales(texts, writer=writer)
    say(f"{cohort}: {len(texts)} rationales by {writer}")


def tokenize(
    cohort: Folder,
    model: Annotated[Path, typer.Option("--model", help="Run of the motion tokenizer (stage vae).", show_default=False)],
) -> None:
    """Encode every walk of a cohort with a trained motion tokenizer.

    Example: `agir tokenize cohort --model experiments/model/AGIR_vq`
    """
    from agir_plugin.bridge.run import load_run
    from agir_plugin.bridge.tokenizer import tokenise
    from agir_plugin.cohort import Cohort

    with progress_bar("motion tokens") as update:
        counts = tokenise(Cohort.open(cohort), load_run(model), update)
    say(f"{cohort}: tokens of {counts['written']} walks written, {counts['kept']} were there")
