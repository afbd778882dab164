"""The demo's steps on its folder: trainings, tests, controls, the example recording and the closing summary."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from agir_plugin.cli.console import say
from agir_plugin.config import configs_dir
from agir_plugin.errors import UsageError

#: Name of the control run: stage 2 trained on permuted scores.
CONTROL = "AGIR_stage2_shuffled"


@dataclass(frozen=True)
class DemoFolder:
    """Where the demo keeps what it makes, and the settings that every training gets."""

    root: Path
    overrides: tuple[str, ...] = ()

    @property
    def cohort(self) -> Path:
        """The synthetic cohort."""
        return self.root / "cohort"

    @property
    def language(self) -> Path:
        """The small T5 that stands in for flan-t5-base."""
        return self.root / "deps" / "small-t5"

    def claim(self, choices: dict[str, Any]) -> None:
        """Write down what this demo is made from; UsageError when the folder holds a demo made from something else."""
        from agir_plugin.cohort.files import write_json

        record = self.root / "demo.json"
        if record.is_file() and (before := json.loads(record.read_text("utf8"))) != choices:
            raise UsageError(
                f"{self.root}: expected a demo made with {choices}, found one made with {before}; choose another --out, "
                f"or delete the folder"
            )
        write_json(record, choices)

    def run(self, stage: str) -> Path:
        """Experiment folder of a stage (`vq`, `stage1`, `stage2`)."""
        return self.root / "experiments" / "model" / f"AGIR_{stage}_demo"

    def results(self, name: str) -> Path:
        """Results folder of a test run."""
        return self.root / "results" / "model" / name

    def settings(self, stage: str) -> list[str]:
        """KEY=VALUE settings that put a shipped demo configuration to work in this folder."""
        common = [
            f"FOLDER={self.root / 'experiments'}",
            f"TEST.FOLDER={self.root / 'results'}",
            f"DATASET.AGIR.cohort={self.cohort}",
        ]
        if stage == "vq":
            return [*common, *self.overrides]
        return [*common, f"model.params.lm.params.model_path={self.language}", *self.overrides]

    def config(self, stage: str) -> Path:
        """The shipped configuration of a stage."""
        return configs_dir() / f"agir_{stage}_demo.yaml"

    def train(self, stage: str) -> None:
        """Train one stage to its end, continuing an interrupted run."""
        from agir_plugin.bridge.host import run_script

        run_script("train", self.config(stage), self.settings(stage))

    def make_language_model(self) -> None:
        """Make the small T5 from the cohort's rationales and the task templates, unless it is there."""
        from agir_plugin.bridge.small_t5 import make_small_t5
        from agir_plugin.bridge.vocabulary import training_texts
        from agir_plugin.cohort import Cohort

        if (self.language / "tokenizer.json").is_file():
            say(f"{self.language}: is there already")
            return
        make_small_t5(self.language, training_texts(Cohort.open(self.cohort)))
        say(f"{self.language}: small T5 with its own tokenizer")


def train_models(folder: DemoFolder) -> None:
    """Stage 2, and at the same time, on the other core, its control with shuffled labels."""
    _both(folder, "train", CONTROL)


def test_models(folder: DemoFolder) -> dict[str, Any]:
    """Test stage 2 and its control; returns the model's metrics."""
    _both(folder, "test", f"{CONTROL}_test")
    return _metrics(folder.results("AGIR_stage2_demo"))


def _both(folder: DemoFolder, script: Literal["train", "test"], name: str) -> None:
    """Run a script for the model (to stderr) and for its control (into a log) side by side; neither outlives a failure."""
    from agir_plugin.bridge.host import run_script, start_script

    config, settings, log = folder.config("stage2"), folder.settings("stage2"), folder.root / "logs" / f"{name}.log"
    control = start_script(script, config, [*settings, *_control_settings()], threads=1, log=log)
    try:
        run_script(script, config, settings, threads=1)
        control.finish()
    finally:
        control.stop()


def controls(folder: DemoFolder, metrics: dict[str, Any]) -> dict[str, Any]:
    """What the model's accuracy has to be held against: shuffled labels, majority class, logistic regression, constant text.

    Chance is 1/3: three scores, guessed without looking. A model trained on permuted scores should come near it.
    """
    shuffled = _metrics(folder.results(CONTROL))["headline"]
    chance = 1 / 3
    return {
        "notices": metrics["notices"],
        "chance": chance,
        "shuffled_labels": {"accuracy": shuffled["accuracy"], "difference_from_chance": shuffled["accuracy"] - chance},
        "majority": {"accuracy": metrics["headline"]["majority_accuracy"]},
        "logistic_regression": {"accuracy": metrics["headline"]["logistic_regression_accuracy"]},
        "constant_rationale": metrics["constant_rationale"],
    }


def write_example_walk(path: Path, seed: int) -> Path:
    """A marker recording of a synthetic subject that no training has seen: 150 Hz, 44 markers, noise, one gap.

    It is the first walk of middling score in the cohort of the next seed.
    """
    from agir_plugin.cohort import add_noise_and_gap, draw_trials, walk_markers
    from agir_plugin.cohort.markers import MARKER_FPS
    from agir_plugin.ingest import write_c3d

    trial = next(trial for trial in draw_trials(seed=seed + 1) if trial.score == 1)
    draw = trial.generator()
    names, positions_m = walk_markers(trial.parameters, trial.seconds, draw, MARKER_FPS)
    write_c3d(path, names, add_noise_and_gap(positions_m, MARKER_FPS, draw), MARKER_FPS)
    say(f"{path}: SYNTHETIC marker recording of an unseen subject, made with score {trial.score}")
    return path


def summary_lines(folder: DemoFolder, metrics: dict[str, Any], recording: Path, seconds: float) -> Sequence[str]:
    """The closing summary: figures beside their controls, and where everything is."""
    figures = metrics["headline"]
    shuffled = json.loads((folder.root / "controls.json").read_text("utf8"))["shuffled_labels"]["accuracy"]
    return (
        "",
        f"Held-out SYNTHETIC subjects, {metrics['n']['walks']} walks of {metrics['n']['subjects']}:",
        f"  accuracy                       {_figure(figures['accuracy'])}",
        f"  logistic regression on the measured parameters {_figure(figures['logistic_regression_accuracy'])}, "
        f"majority class {_figure(figures['majority_accuracy'])}, shuffled labels {_figure(shuffled)}",
        f"  well-formed answers            constrained {_figure(figures['well_formed_constrained'])}, "
        f"free {_figure(figures['well_formed_free'])}",
        f"  statements that agree with the measured walk   {_figure(figures['statement_agreement'])}",
        f"  time                           {seconds / 60:.1f} minutes",
        *metrics["notices"],
        "",
        f"model        {folder.run('stage2')}",
        f"metrics      {folder.root / 'metrics.json'}",
        f"controls     {folder.root / 'controls.json'}",
        f"predictions  {folder.results('AGIR_stage2_demo') / 'predictions.jsonl'}",
        f"walk         {recording}",
        f"assessment   {folder.root / 'assessment.json'}",
        f"cohort       {folder.cohort}",
    )


def _figure(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f}"


def _control_settings() -> list[str]:
    return [f"NAME={CONTROL}", "DATASET.AGIR.shuffle_labels=True"]


def _metrics(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "metrics.json").read_text("utf8"))
