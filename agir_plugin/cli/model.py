"""`agir model`: look into checkpoint files and convert them, without ever running what is in them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agir_plugin.cli.console import say, show, write_json_result

HELP = """Checkpoint files of MotionGPT and AGIR: look into them, convert them. Nothing in a file is executed.

* `agir model inspect motiongpt_s3_h3d.tar`: sizes, vocabulary, what else is in it
* `agir model convert motiongpt_s3_h3d.tar motiongpt.safetensors`
"""

app = typer.Typer(help=HELP, no_args_is_help=True)

File = Annotated[Path, typer.Argument(metavar="FILE", help="Checkpoint (.ckpt, .tar, .pt) or .safetensors.", show_default=False)]


@app.command("inspect")
def inspect(
    file: File,
    json: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="Write as JSON (- for stdout).", show_default=False)
    ] = None,
) -> None:
    """Tell what a checkpoint holds: tokenizer and language model with their sizes, epochs, objects that were left out.

    * `agir model inspect experiments/model/AGIR_stage2/checkpoints/last.ckpt --json -`
    """
    from agir_plugin.bridge.contents import describe

    found = describe(file)
    if json is not None:
        write_json_result(found, json)
        return
    for name, value in found.items():
        show(f"{name:<22}{_shown(value)}")


@app.command("convert")
def convert(
    file: File,
    out: Annotated[
        Path,
        typer.Argument(
            metavar="OUT",
            help="New file, .safetensors or .ckpt; or a folder, which becomes a tokenizer run for `agir tokenize`.",
            show_default=False,
        ),
    ],
    statistics: Annotated[
        Path | None,
        typer.Option(
            "--statistics",
            metavar="DIR",
            help="Folder with the tokenizer's mean.npy and std.npy (for a folder as OUT).",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write a checkpoint as tensors and plain facts only.

    * `agir model convert motiongpt_s3_h3d.tar motiongpt.ckpt`: for `TRAIN.PRETRAINED`, in either host
    * `agir model convert motiongpt_s3_h3d.tar motiongpt.safetensors`: with its facts in motiongpt.json
    * `agir model convert motiongpt_s1_h3d.tar released --statistics deps/t2m/t2m/VQVAEV3_CB1024_CMT_H1024_NRES3/meta`, then
      `agir tokenize cohort --model released --adopt-statistics`: MotionGPT's released tokenizer for your cohort
    """
    if out.suffix in (".ckpt", ".safetensors"):
        from agir_plugin.bridge.checkpoint import write_plain

        found = write_plain(file, out)
        _say_left_out(found.left_out)
        say(f"{out}: {len(found.tensors)} tensors")
        return
    from agir_plugin.bridge.contents import write_tokenizer_run

    found = write_tokenizer_run(file, out, statistics)
    _say_left_out(found.left_out)
    say(f"{out}: tokenizer run; next: `agir tokenize COHORT --model {out} --adopt-statistics`")


def _say_left_out(names: tuple[str, ...]) -> None:
    if names:
        say(f"left out, unread: {', '.join(names)}")


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_shown(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)
