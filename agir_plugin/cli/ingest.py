"""`agir ingest`: recordings, or a public cohort as its owners distribute it, into a cohort folder."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agir_plugin.cli.console import progress_bar, say, show
from agir_plugin.errors import UsageError

if TYPE_CHECKING:
    from agir_plugin.cohort import Cohort
    from agir_plugin.cohort.sources import Found

#: Words that name a public cohort when they come first.
COLLECTIONS = ("shida", "carepd")
#: Refused walks that are named one by one; all of them stand in walks.csv.
NAMED = 20


def ingest(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="SOURCE", help="Recordings, or folders of them; or `shida DIR`, `carepd FILE`.", show_default=False
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", metavar="COHORT", help="Cohort folder to make, or to continue.", show_default=False)
    ],
    labels: Annotated[
        Path | None,
        typer.Option(
            metavar="TABLE", help="Gait scores: columns walk,score or subject,state,score; or PDGinfo.xlsx.",
            show_default=False,
        ),
    ] = None,
    workers: Annotated[int, typer.Option(metavar="N", help="Processes that share the work.", min=1)] = 1,
    backend: Annotated[
        str, typer.Option(help="Where they run: processes (this machine), ray, dask (a cluster).")
    ] = "processes",
    smpl: Annotated[
        bool, typer.Option("--smpl", help="With the SMPL body in AGIR_SMPL_DIR: fit it to markers; carepd: walk on it.")
    ] = False,
    trimmed: Annotated[
        str, typer.Option(help="shida: prefer or drop recordings named Trimmed_.")
    ] = "prefer",
    folds: Annotated[
        Path | None, typer.Option(metavar="FILE", help="carepd: the published folds, a pickle.", show_default=False)
    ] = None,
) -> None:
    """Read laboratory recordings into a cohort; every file is kept or listed with the reason why not.

    * `agir ingest lab/ --out cohort --labels scores.csv`: a folder and all below it
    * `agir ingest day1/*.c3d day2/*.c3d --out cohort --labels scores.csv`: these files
    * `agir ingest lab/ --out cohort`: without scores, to look at, or to train a tokenizer on
    * `agir ingest lab/ --out cohort --workers 8`: by eight processes; the same bytes
    * `agir ingest lab/ --out cohort --smpl`: with the licensed SMPL body fitted to the markers (docs/smpl.md)
    * `agir ingest shida C3Dfiles/ --labels PDGinfo.xlsx --out bmclab`: the public Parkinson set (see `agir fetch`)
    * `agir ingest carepd BMCLab.pkl --out carepd`: a cohort of CARE-PD

    Walks are named by their files, `SUB01_off_walk_1.c3d`: subject, medication state (on, off) and number. A row
    `SUB01,off,1` in scores.csv then scores all of them; for other names give the columns `walk,subject,state,score`.
    Scores are 0, 1 or 2. Run again with more recordings, it does only what is new; killed, it goes on.
    """
    from agir_plugin.cohort.build import build_from

    found = _find(sources, labels, trimmed, folds, smpl)
    fit = smpl and str(sources[0]) != "carepd"
    with progress_bar("recordings") as update:
        cohort = build_from(found, out, progress=update, workers=workers, backend=backend, smpl=fit)
    _say_refused(cohort)
    unused = cohort.facts.get("labels_without_walks") or []
    if unused:
        say(f"{labels}: no recording was found for {_some(unused)}")
    closed = cohort.facts.get("folders_not_opened") or []
    if closed:
        say(f"these folders could not be opened, what is in them is not in the cohort: {_some(closed)}; check their permissions")
    copies = [" = ".join(places) for places in cohort.facts.get("same_recording") or []]
    if copies:
        say(f"the same recording more than once, which tests a model on what it was trained on: {_some(copies)}; remove the copies")
    _say_account(cohort)
    scored = any(walk.score is not None for walk in cohort.kept)
    say(f"{out}: {counted(cohort)}{f'; next: `agir annotate {out}`' if scored else ''}")
    if not cohort.facts["default_fold"]:
        say(f"{out}: too few subjects to train, test and choose on: a training needs at least 3 with usable walks")


def counted(cohort: Cohort) -> str:
    """`16 of 16 walks kept, of 4 subjects (score 0: 8, 1: 6, 2: 2)`."""
    counts = cohort.facts["counts"]
    scores = ", ".join(f"{score}: {n}" for score, n in counts["walks_by_score"].items())
    told = [f"score {scores}"] if scores else []
    told += [f"without a score: {counts['unlabelled']}"] if "unlabelled" in counts else []
    return f"{counts['kept']} of {counts['walks']} walks kept, of {counts['subjects']} subjects ({'; '.join(told)})"


def _find(sources: Sequence[Path], labels: Path | None, trimmed: str, folds: Path | None, smpl: bool) -> Found:
    """What is to be read: a public cohort when its name comes first, with one path after it, else recordings."""
    collection = str(sources[0]) if str(sources[0]) in COLLECTIONS else ""
    if collection and len(sources) != 2:
        raise UsageError(
            f"expected one path after `{collection}`, got {len(sources) - 1}; a folder of that name is ./{collection}"
        )
    _check_options(collection, labels, trimmed, folds)
    if collection == "shida":
        from agir_plugin.cohort.shida import shida_sources

        if labels is None:
            raise UsageError("expected --labels PDGinfo.xlsx, the table that comes with the data; got none")
        return shida_sources(sources[1], labels, trimmed)
    if collection == "carepd":
        from agir_plugin.cohort.carepd import carepd_sources

        if not smpl:
            return carepd_sources(sources[1], folds)
        from agir_plugin.motion.body_model import load_body

        return carepd_sources(sources[1], folds, load_body())
    from agir_plugin.cohort.labels import read_labels
    from agir_plugin.cohort.recordings import find_recordings

    return find_recordings(sources, read_labels(labels) if labels is not None else None)


def _check_options(collection: str, labels: Path | None, trimmed: str, folds: Path | None) -> None:
    """Refuse options that would not be looked at."""
    if trimmed != "prefer" and collection != "shida":
        raise UsageError("--trimmed is for `agir ingest shida` only; leave it out")
    if folds is not None and collection != "carepd":
        raise UsageError("--folds is for `agir ingest carepd` only; leave it out")
    if labels is not None and collection == "carepd":
        raise UsageError("--labels is not for `agir ingest carepd`: its file holds the scores; leave it out")


def _say_refused(cohort: Cohort) -> None:
    refused = [walk for walk in cohort.walks if walk.status == "refused"]
    for walk in refused[:NAMED]:
        say(f"{walk.walk}: refused: {walk.reason}")
    if len(refused) > NAMED:
        say(f"and {len(refused) - NAMED} more, each with its reason in {cohort.folder / 'walks.csv'}")


def _say_account(cohort: Cohort) -> None:
    """What became of every file: read, kept, refused and flagged by kind, and those that are no recordings."""
    others = cohort.facts.get("other_files") or {}
    recordings = cohort.facts.get("recordings", len(cohort.walks))
    refused = [walk for walk in cohort.walks if walk.status == "refused"]
    kinds = Counter(_kind(walk.reason) for walk in refused)
    flags = Counter(_flag(flag) for walk in cohort.kept for flag in cohort.gait(walk.walk).flags)
    lines = [("files", recordings + sum(others.values()), ""), ("recordings", recordings, "")]
    lines += [("walks", len(cohort.walks), "")] if len(cohort.walks) != recordings else []
    lines += [("kept", len(cohort.kept), "")]
    lines += [("refused", n, kind) for kind, n in kinds.most_common()]
    lines += [("flagged", n, flag) for flag, n in flags.most_common()]
    lines += [("no recording", n, ending or "without an ending") for ending, n in others.items()]
    for what, n, which in lines:
        show(f"{what:<14}{n:>5}  {which}".rstrip())


def _kind(reason: str) -> str:
    """A reason without the file's name and figures, so that alike ones count together."""
    words = re.sub(r"^(/|\w:)?\S*: ", "", reason)
    return re.split(r"[;,(]| got | found ", re.sub(r"\d+(\.\d+)?", "N", words))[0].strip()[:100]


def _flag(flag: str) -> str:
    """A flag without its figures and parts: `trimmed: 0.50 to 3.20 s of 4.00 s` and others of its kind are `trimmed`."""
    return flag.partition(":")[0]


def _some(names: Sequence[str], most: int = 5) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more (cohort.json has the list)" if rest > 0 else "")
