"""`agir train` and `agir test`: MotionGPT's own scripts, started with a configuration and KEY=VALUE overrides."""
from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from agir_plugin.errors import UsageError

Cfg = Annotated[str, typer.Option("--cfg", help="YAML file, or the name of a shipped one such as agir_stage1.yaml.", show_default=False)]
Overrides = Annotated[list[str] | None, typer.Argument(help="Settings to change, such as TRAIN.BATCH_SIZE=32.", show_default=False)]
Root = Annotated[Path | None, typer.Option("--root", help="MotionGPT checkout to use.", show_default=False)]


def train(cfg: Cfg, overrides: Overrides = None, root: Root = None) -> None:
    """Train with MotionGPT's train script; started again after an interruption, it continues.

    Example: `agir train --cfg agir_stage1.yaml DATASET.AGIR.cohort=my_cohort TRAIN.BATCH_SIZE=32`
    """
    _run("train", cfg, overrides or [], root)


def test(cfg: Cfg, overrides: Overrides = None, root: Root = None) -> None:
    """Test with MotionGPT's test script; writes predictions.jsonl and metrics.json into the results folder.

    Example: `agir test --cfg agir_stage2.yaml DATASET.AGIR.cohort=my_cohort TEST.CHECKPOINTS=experiments/model/AGIR_stage2/checkpoints/best.ckpt`
    """
    _run("test", cfg, overrides or [], root)


def config_path(name: str) -> Path:
    """A configuration file: as given, else the shipped file of that name. Raises UsageError with the shipped names."""
    from agir_plugin.config import configs_dir

    given, shipped = Path(name), configs_dir() / Path(name).name
    if given.is_file():
        return given.resolve()
    if shipped.is_file():
        return shipped.resolve()
    known = ", ".join(sorted(path.name for path in configs_dir().glob("agir_*.yaml")))
    raise UsageError(f"{name}: expected a YAML file or the name of a shipped configuration ({known}), found neither")


def _run(script: Literal["train", "test"], cfg: str, overrides: list[str], root: Path | None) -> None:
    from agir_plugin.bridge.host import run_script

    wrong = [item for item in overrides if "=" not in item]
    if wrong:
        raise UsageError(f"expected settings as KEY=VALUE, got {wrong[0]!r}; write for instance TRAIN.BATCH_SIZE=32")
    run_script(script, config_path(cfg), overrides, root=root)
