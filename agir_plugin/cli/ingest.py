"""`agir ingest`: recordings, or a public cohort as its owners distribute it, into a cohort folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agir_plugin.cli.console import progress_bar
from agir_plugin.cli.ingest_account import tell
from agir_plugin.errors import UsageError

if TYPE_CHECKING:
    from agir_plugin.cohort.sources import Found

#: Words that name a public cohort when they come first.
COLLECTIONS = ("shida", "carepd")


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
    tell(cohort, labels)


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
