"""`agir demo`: AGIR's whole main job on an embedded default, from a synthetic cohort to an assessed walk."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from agir_plugin.cli.cohorts import synth, tokenize
from agir_plugin.cli.console import ERR, OUT, say, write_json_result
from agir_plugin.cli.demo_steps import (
    DemoFolder,
    controls,
    summary_lines,
    test_models,
    train_models,
    write_example_walk,
)
from agir_plugin.cli.training import check_settings_words
from agir_plugin.errors import UsageError

#: Steps of the demo, for "step 2 of 7".
STEPS = 7


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for everything the demo makes.")] = Path("demo_run"),
    walk: Annotated[
        Path | None, typer.Option("--walk", help="Your own recording to assess at the end.", show_default=False)
    ] = None,
    subjects: Annotated[int, typer.Option(help="Synthetic subjects, each ON and OFF.", min=6)] = 26,
    walks: Annotated[int, typer.Option(help="Walks per subject and state.", min=2)] = 20,
    seed: Annotated[int, typer.Option(help="Seed of the synthetic cohort.", min=0)] = 0,
    overrides: Annotated[
        list[str] | None,
        typer.Argument(help="Settings for every training, such as TRAIN.END_EPOCH=2.", show_default=False),
    ] = None,
) -> None:
    """Run the main job whole: synthetic cohort, motion tokens, stage 1, stage 2, test with controls, one walk assessed.

    Everything is trained on the spot on SYNTHETIC walks and says nothing about patients. Started again after an interruption,
    it continues. Example: `agir demo --out demo_run --walk my_walk.c3d`
    """
    from agir_plugin.bridge.assess import assess
    from agir_plugin.report import assessment_json, card

    began = time.monotonic()
    check_settings_words(overrides or [])
    if walk is not None:
        _look_at(walk)
    folder = DemoFolder(out.resolve(), tuple(overrides or ()))
    folder.claim({"subjects": subjects, "walks": walks, "seed": seed, "settings": list(folder.overrides)})
    with _step(1, "synthetic cohort"):
        synth(folder.cohort, subjects=subjects, walks=walks, seed=seed)
    with _step(2, "motion tokenizer (VQ-VAE)"):
        folder.train("vq")
    with _step(3, "motion tokens and a small T5"):
        tokenize(folder.cohort, folder.run("vq"))
        folder.make_language_model()
    with _step(4, "stage 1: motion and description, both ways"):
        folder.train("stage1")
    with _step(5, "stage 2: reasoning, and beside it the same training with shuffled labels"):
        train_models(folder)
    with _step(6, "test on held-out synthetic subjects"):
        metrics = test_models(folder)
        write_json_result(controls(folder, metrics), str(folder.root / "controls.json"))
        write_json_result(metrics, str(folder.root / "metrics.json"))
    with _step(7, "one walk assessed"):
        recording = walk if walk is not None else write_example_walk(folder.root / "example_walk.c3d", seed)
        result = assess(recording, folder.run("stage2"))
        write_json_result(assessment_json(result), str(folder.root / "assessment.json"))
    OUT.print(card(result))
    for line in summary_lines(folder, metrics, recording, time.monotonic() - began):
        OUT.print(line, markup=False, highlight=False, soft_wrap=True)


def _look_at(walk: Path) -> None:
    """A recording that cannot be read, or whose walk is refused, is named now and not after minutes of training."""
    from agir_plugin.gait import measure
    from agir_plugin.ingest import read
    from agir_plugin.motion import to_motion

    gait = measure(to_motion(read(walk)))
    if gait.status == "refused":
        raise UsageError(f"{walk}: this walk would be refused: {'; '.join(gait.reasons)}; choose another, or leave --walk out")


@contextmanager
def _step(number: int, title: str) -> Iterator[None]:
    ERR.rule(f"{number} of {STEPS}: {title}", align="left")
    began = time.monotonic()
    yield
    say(f"step {number} took {time.monotonic() - began:.0f} s")
