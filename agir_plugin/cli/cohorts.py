"""`agir synth`, `ingest` and `tokenize`: what goes into a cohort folder, in the order it is needed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agir_plugin.cli.annotate import annotate
from agir_plugin.cli.console import progress_bar, say, show, waiting

if TYPE_CHECKING:
    from agir_plugin.cohort import Cohort

#: Refused walks that `agir ingest` names one by one; all of them stand in walks.csv.
NAMED = 20

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
    say(f"{out}: SYNTHETIC cohort, {_counted(cohort)}")
    annotate(out)


def ingest(
    sources: Annotated[
        list[Path], typer.Argument(metavar="SOURCE", help="Recordings, or folders of them.", show_default=False)
    ],
    out: Out,
    labels: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="Gait scores: columns walk,score or subject,state,score.", show_default=False),
    ] = None,
) -> None:
    """Read laboratory recordings into a cohort; every file is kept or listed with the reason why not.

    * `agir ingest lab/ --out cohort --labels scores.csv`: a folder and all below it
    * `agir ingest day1/*.c3d day2/*.c3d --out cohort --labels scores.csv`: these files
    * `agir ingest lab/ --out cohort`: without scores, to look at, or to train a tokenizer on

    Walks are named by their files, `SUB01_off_walk_1.c3d`: subject, medication state (on, off) and number. A row
    `SUB01,off,1` in scores.csv then scores all of them; for other names give the columns `walk,subject,state,score`.
    Scores are 0, 1 or 2. Run again with more recordings, it does only what is new.
    """
    from agir_plugin.cohort import build_cohort

    with progress_bar("recordings") as update:
        cohort = build_cohort(sources, out, labels, progress=update)
    _say_refused(cohort)
    unused = cohort.facts.get("labels_without_walks") or []
    if unused:
        say(f"{labels}: no recording was found for {_some(unused)}")
    _say_account(cohort)
    say(f"{out}: {_counted(cohort)}{f'; next: `agir annotate {out}`' if labels else ''}")
    if not cohort.facts["default_fold"]:
        say(f"{out}: too few subjects to train, test and choose on: a training needs at least 3 with usable walks")


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


def _counted(cohort: Cohort) -> str:
    """`16 of 16 walks kept, of 4 subjects (score 0: 8, 1: 6, 2: 2)`."""
    counts = cohort.facts["counts"]
    scores = ", ".join(f"{score}: {n}" for score, n in counts["walks_by_score"].items())
    told = [f"score {scores}"] if scores else []
    told += [f"without a score: {counts['unlabelled']}"] if "unlabelled" in counts else []
    return f"{counts['kept']} of {counts['walks']} walks kept, of {counts['subjects']} subjects ({'; '.join(told)})"


def _say_refused(cohort: Cohort) -> None:
    refused = [walk for walk in cohort.walks if walk.status == "refused"]
    for walk in refused[:NAMED]:
        say(f"{walk.walk}: refused: {walk.reason}")
    if len(refused) > NAMED:
        say(f"and {len(refused) - NAMED} more, each with its reason in {cohort.folder / 'walks.csv'}")


def _say_account(cohort: Cohort) -> None:
    """What became of every file: read, kept, refused and flagged by kind, and those that are no recordings."""
    others = cohort.facts.get("other_files") or {}
    refused = [walk for walk in cohort.walks if walk.status == "refused"]
    kinds = Counter(_kind(walk.reason) for walk in refused)
    flags = Counter(flag for walk in cohort.kept for flag in cohort.gait(walk.walk).flags)
    lines = [("files", len(cohort.walks) + sum(others.values()), "")]
    lines += [("recordings", len(cohort.walks), ""), ("kept", len(cohort.kept), "")]
    lines += [("refused", n, kind) for kind, n in kinds.most_common()]
    lines += [("flagged", n, flag) for flag, n in flags.most_common()]
    lines += [("no recording", n, ending or "without an ending") for ending, n in others.items()]
    for what, n, which in lines:
        show(f"{what:<14}{n:>5}  {which}".rstrip())


def _kind(reason: str) -> str:
    """A reason without the file's name and figures, so that alike ones count together."""
    words = re.sub(r"^(/|\w:)?\S*: ", "", reason)
    return re.split(r"[;,(]| got | found ", re.sub(r"\d+(\.\d+)?", "N", words))[0].strip()[:100]


def _some(names: Sequence[str], most: int = 5) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more (cohort.json has the list)" if rest > 0 else "")
