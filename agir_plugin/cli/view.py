"""`agir view`: one recording in, a web page with a 3D player out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agir_plugin.cli.console import STDOUT, check_result_files, say, write_result
from agir_plugin.cli.walks import Fps
from agir_plugin.errors import UsageError

#: What a page of ours has near its beginning.
OUR_PAGE = b'<meta name="generator" content="agir-plugin '
#: Bytes of a file that are searched for it.
HEAD_BYTES = 1024


def view(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A recording in any format that agir reads.", show_default=False)],
    out: Annotated[
        str | None,
        typer.Option(
            "--out", metavar="OUT", help="The page, or - for stdout. Without it: FILE's name with .html, here.", show_default=False
        ),
    ] = None,
    fps: Fps = None,
    synthetic: Annotated[
        bool, typer.Option("--synthetic", help="Say on the page that nobody walked (known of synthetic cohorts).")
    ] = False,
    open_it: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Look at a recording: a page with a 3D skeleton player, foot events and gait parameters.

    * `agir view walk.c3d`: writes walk.html into this folder
    * `agir view walk.c3d --out look/walk.html --open`: and opens it
    * `agir view joints.npy --fps 30`: npy files do not know their rate
    * `agir view cohort/joints/SUB01_off_walk_1.npy`: a walk of a cohort

    The page is one file that needs no network: it can be sent or kept. It shows the walk's movement and the recording's
    file name: treat it as the recording itself. A walk that cannot be measured is shown, too, with the reasons.
    """
    if open_it and out == STDOUT:
        raise UsageError("expected a file with --open, got --out -; a browser cannot open stdout, name a file after --out")
    page = _own_page(file) if out is None else out
    check_result_files({"--out": page})
    write_result(_page(file, fps, synthetic), page)
    if open_it:
        _open(Path(page))


def _own_page(file: Path) -> str:
    """FILE's name with .html in this folder; UsageError where that is a file of somebody else."""
    page = Path(f"{file.stem}.html")
    if page.is_file():
        with page.open("rb") as content:
            if OUR_PAGE not in content.read(HEAD_BYTES):
                raise UsageError(
                    f"expected to write {page}, but such a file is here and agir view did not make it; name another one "
                    "with --out"
                )
    return str(page)


def _page(file: Path, fps: float | None, synthetic: bool) -> str:
    from agir_plugin.gait import measure
    from agir_plugin.ingest import read
    from agir_plugin.motion import to_motion
    from agir_plugin.report.viewer import is_synthetic, viewer_page

    recording = read(file, fps)
    motion = to_motion(recording)
    return viewer_page(recording, motion, measure(motion), synthetic or is_synthetic(file))


def _open(page: Path) -> None:
    import webbrowser

    if not webbrowser.open(page.absolute().as_uri()):
        say(f"no browser was found; open {page} in one yourself")
