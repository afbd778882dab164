"""`agir train` and `agir test`: MotionGPT's own scripts, started with a configuration and KEY=VALUE overrides."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from agir_plugin.errors import HostError, UsageError

Cfg = Annotated[
    str,
    typer.Option(
        "--cfg",
        metavar="YAML",
        help="YAML file, or the name of a shipped one such as agir_stage1.yaml.",
        show_default=False,
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(metavar="KEY=VALUE", help="Settings to change, such as TRAIN.BATCH_SIZE=32.", show_default=False),
]
Root = Annotated[
    Path | None,
    typer.Option(
        "--root", metavar="DIR", help="MotionGPT checkout to use instead of the installed host.", show_default=False
    ),
]


def train(cfg: Cfg, overrides: Overrides = None, root: Root = None) -> None:
    """Train with MotionGPT's train script; started again after an interruption, it continues.

    * `agir train --cfg agir_vq.yaml DATASET.AGIR.cohort=cohort`: the motion tokenizer; then `agir tokenize`
    * `agir train --cfg agir_stage1.yaml DATASET.AGIR.cohort=cohort model.params.lm.params.model_path=flan-t5-base`
    * `agir train --cfg agir_stage2.yaml DATASET.AGIR.cohort=cohort TRAIN.BATCH_SIZE=8 TRAIN.END_EPOCH=20`

    The tokenizer comes first, then stage 1, then stage 2. A run is in `experiments/model/NAME` below the current
    folder, where the next one finds it. Every key is explained in the YAML files.
    """
    _run("train", cfg, overrides or [], root)


def test(cfg: Cfg, overrides: Overrides = None, root: Root = None) -> None:
    """Test with MotionGPT's test script; writes predictions.jsonl and metrics.json into the results folder.

    * `agir test --cfg agir_stage2.yaml DATASET.AGIR.cohort=cohort model.params.lm.params.model_path=flan-t5-base`
    * `TEST.CHECKPOINTS=experiments/model/AGIR_stage2/checkpoints/last.ckpt`: add this to test another checkpoint

    The results are in `results/model/NAME` below the current folder.
    """
    _run("test", cfg, overrides or [], root)


def config_path(name: str) -> Path:
    """A configuration file: as given, else the shipped file of that name. Raises UsageError with the shipped names."""
    from agir_plugin.config import configs_dir
    from agir_plugin.registry import did_you_mean

    given, shipped = Path(name), configs_dir() / Path(name).name
    if given.is_file():
        return given.resolve()
    if shipped.is_file() and given.parent in (Path("."), Path("configs")):
        return shipped.resolve()
    known = sorted(path.name for path in configs_dir().glob("agir_*.yaml"))
    raise UsageError(
        f"--cfg: expected a YAML file or the name of a shipped configuration ({', '.join(known)}), got {name}, which "
        f"is neither{did_you_mean(given.name, known)}"
    )


def check_settings_words(words: Sequence[str]) -> None:
    """UsageError for a word that is not KEY=VALUE."""
    wrong = [word for word in words if "=" not in word]
    if wrong:
        raise UsageError(f"expected settings as KEY=VALUE, got {wrong[0]!r}; write for instance TRAIN.BATCH_SIZE=32")


def _run(script: Literal["train", "test"], cfg: str, overrides: list[str], root: Path | None) -> None:
    """Run the script to its end and exit as it did: it has said on stderr what was wrong."""
    from agir_plugin.bridge.host import start_script

    check_settings_words(overrides)
    started = start_script(script, config_path(cfg), overrides, root=root)
    try:
        started.finish()
    except HostError:
        if started.process.returncode < 0:  # killed by a signal, so that it could not say anything
            raise
        raise typer.Exit(started.process.returncode) from None
