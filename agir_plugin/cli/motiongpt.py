"""`agir motiongpt`: what a MotionGPT checkout is, and AGIR's files in it: status, install, remove."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agir_plugin.cli.console import say, show
from agir_plugin.errors import HostError

if TYPE_CHECKING:
    from agir_plugin.bridge.checkout import Change

HELP = """A MotionGPT checkout of yours: what it is, and AGIR's configurations in it.

* `agir motiongpt install --root MotionGPT`, then in that folder `python train.py --cfg configs/agir_vq.yaml --nodebug`
* `agir motiongpt status` tells what is in use, here or by `MOTIONGPT_ROOT`, and what AGIR mends in it
"""

app = typer.Typer(help=HELP, no_args_is_help=True)

Root = Annotated[
    Path | None,
    typer.Option(
        "--root",
        metavar="DIR",
        help="MotionGPT checkout; without it the current folder, then `MOTIONGPT_ROOT`.",
        show_default=False,
    ),
]


@app.command("status")
def status(root: Root = None) -> None:
    """Tell which MotionGPT is in use, what of AGIR is installed in it, and which of its faults AGIR mends.

    * `agir motiongpt status --root MotionGPT`
    """
    from agir_plugin.bridge import checkout
    from agir_plugin.bridge.faults import FAULTS
    from agir_plugin.bridge.host import find_host

    place = find_host(root).root
    if place is None:
        show("installed host (agir-motiongpt): finds the shipped configurations by itself, and has none of upstream's faults")
        return
    found = checkout.recognise(place)
    show(f"{found.root}: {found.kind}{f', commit {found.commit[:7]}' if found.commit else ''}")
    for name in found.missing:
        show(f"lacks      {name}")
    for name, state in checkout.installed(place).items():
        show(f"{state:<13}{name}")
    for name in checkout.patched(place):
        show(f"patched      {name}")
    if found.kind == "host":
        return
    show("mended at import, nothing in the checkout is changed for it:")
    for fault in FAULTS:
        show(f"  {fault.name}: {fault.what}\n    -> {fault.mend}")
    if not found.usable:
        raise HostError(f"{found.root}: AGIR cannot run in this version; it lacks what is listed above")


@app.command("install")
def install(
    root: Root = None,
    patch: Annotated[
        list[str] | None,
        typer.Option("--patch", metavar="NAME", help="Patch to apply too (see patches/README.md), or all.", show_default=False),
    ] = None,
) -> None:
    """Copy AGIR's configurations and exported templates into a checkout, and write down what was copied.

    * `agir motiongpt install --root MotionGPT`
    * `agir motiongpt install --root MotionGPT --patch key-value-settings`: so that train.py takes KEY=VALUE words

    Again, it brings them up to date and leaves alone what you changed. No patch is needed.
    """
    from agir_plugin.bridge import checkout

    place = _checkout(root)
    change = checkout.install(place, tuple(patch or ()))
    _tell(place, change, "you changed it since the last installation")
    say("next: `python train.py --cfg configs/agir_vq.yaml --nodebug` in that folder (see docs/upstream.md)")


@app.command("remove")
def remove(
    root: Root = None,
    discard_changes: Annotated[
        bool, typer.Option("--discard-changes", help="Also remove configurations that you changed.")
    ] = False,
) -> None:
    """Take out of a checkout what `agir motiongpt install` put there; data, models and runs stay.

    * `agir motiongpt remove --root MotionGPT`
    """
    from agir_plugin.bridge import checkout

    place = _checkout(root)
    _tell(place, checkout.remove(place, discard_changes), "yours")


def _checkout(root: Path | None) -> Path:
    from agir_plugin.bridge.host import find_host

    place = find_host(root).root
    if place is None:
        raise HostError(
            "the MotionGPT in use is the installed host, which needs no installation; name an upstream checkout with --root"
        )
    return place


def _tell(root: Path, change: Change, why_kept: str) -> None:
    for done, names in (("wrote", change.written), ("removed", change.removed)):
        for name in names:
            show(f"{done:<9}{name}")
    for name in change.kept:
        show(f"kept     {name} ({why_kept})")
    say(f"{root}: {len(change.written)} written, {len(change.removed)} removed, {len(change.kept)} kept")
