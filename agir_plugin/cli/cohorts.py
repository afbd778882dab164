"""`agir synth` and `tokenize`: a cohort that nobody walked, and the motion tokens of any cohort."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agir_plugin.cli.annotate import annotate
from agir_plugin.cli.console import progress_bar, say, waiting
from agir_plugin.cli.ingest_account import counted

Folder = Annotated[
    Path,
    typer.Argument(metavar="COHORT", help="Cohort folder, from `agir synth` or `agir ingest`.", show_default=False),
]
Out = Annotated[
    Path, typer.Option("--out", metavar="COHORT", help="Cohort folder to make, or to continue.", show_default=False)
]


def synth(
    out: Out,
    subjects: Annotated[int, typer.Option(help="Number of subjects, each ON and OFF.", min=3)] = 26,
    walks: Annotated[int, typer.Option(help="Walks per subject and state.", min=1)] = 12,
    seed: Annotated[int, typer.Option(help="Same seed, same cohort, byte for byte.", min=0)] = 0,
) -> None:
    """Make a SYNTHETIC cohort: walks of a documented walking model, with their true parameters and rationales.

    * `agir synth --out cohort`: 26 subjects, ON and OFF, 12 walks each (under a minute)
    * `agir synth --out small --subjects 4 --walks 2`: a small one to try things with

    Nobody walked: what is learnt from it says nothing about patients.
    """
    from agir_plugin.cohort import synthesise

    with progress_bar("synthetic walks") as update:
        cohort = synthesise(out, subjects=subjects, seed=seed, walks_per_session=walks, progress=update)
    say(f"{out}: SYNTHETIC cohort, {counted(cohort)}")
    annotate(out)


def tokenize(
    cohort: Folder,
    model: Annotated[
        Path,
        typer.Option(
            "--model", metavar="RUN", help="Folder of a finished tokenizer run (stage vae).", show_default=False
        ),
    ],
    adopt: Annotated[
        bool, typer.Option("--adopt-statistics", help="Normalise this cohort as the tokenizer's own was.")
    ] = False,
) -> None:
    """Encode every walk of a cohort with a trained motion tokenizer.

    * `agir tokenize cohort --model experiments/model/AGIR_vq`: writes cohort/TOKENS, which stages 1 and 2 read
    * `agir tokenize other --model experiments/model/AGIR_vq --adopt-statistics`: for a cohort it was not trained on

    Run again it does only what is new; with another tokenizer it makes all codes anew.
    """
    from agir_plugin.cohort import Cohort

    opened = Cohort.open(cohort)
    with waiting("loading the tokenizer"):
        from agir_plugin.bridge.run import load_run
        from agir_plugin.bridge.tokenizer import adopt_statistics, tokenise

        run = load_run(model)
    if adopt:
        adopt_statistics(opened, run)
    with progress_bar("motion tokens") as update:
        counts = tokenise(opened, run, update)
    say(f"{cohort}: tokens of {counts['written']} walks written, {counts['kept']} were there")
