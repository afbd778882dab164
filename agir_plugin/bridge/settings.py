"""The plugin's own blocks in a MotionGPT configuration, with the help text of every key and a check of every value."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from pathlib import Path
from typing import Any, Literal

from omegaconf import OmegaConf
from pydantic import Field, model_validator

from agir_plugin.bridge.windows import WINDOW_TOKENS
from agir_plugin.config import Settings, check_settings
from agir_plugin.errors import ConfigError
from agir_plugin.registry import did_you_mean


class DataSettings(Settings):
    """The block `DATASET.AGIR`."""

    cohort: str
    """Cohort folder (made by `agir ingest` or `agir synth`)."""
    scheme: str = "holdout"
    """Which folds: holdout, kfold or loso (a folder below the cohort's `folds/`)."""
    fold: int = Field(default=0, ge=0)
    """Number of the fold within the scheme."""
    task: Literal["tokenizer", "generative", "reasoning"] = "reasoning"
    """What is learnt: motion codes, motion and description both ways (stage 1), or the structured answer (stage 2)."""
    ego: bool = False
    """Mix the generative objective into the reasoning stage (AGIR's ablation "EGO")."""
    ego_share: float = Field(default=0.5, ge=0, le=1)
    """Share of generative rows when `ego` is on."""
    motion_to_text_share: float = Field(default=0.5, ge=0, le=1)
    """Share of motion -> description rows in the generative objective; the others go from description to motion."""
    generative_template: str = "generative"
    """Task template of the generative objective: a registered name or a YAML file."""
    reasoning_template: str = "reasoning"
    """Task template of the reasoning objective: a registered name or a YAML file."""
    window_tokens: int = Field(default=WINDOW_TOKENS, ge=1)
    """Longest window that the language model reads, in tokens of 4 frames."""
    stride_tokens: int = Field(default=WINDOW_TOKENS // 2, ge=1)
    """Distance between windows of a longer walk, in tokens."""
    crop_tokens: int = Field(default=0, ge=0)
    """Training only: at most this many tokens are cut off each end of a window at random."""
    crop_frames: int = Field(default=64, ge=4, multiple_of=4)
    """Tokenizer training only: length of the random crop, in frames."""
    shuffle_labels: bool = False
    """Control experiment: permute the scores of the training and the validation walks, and write their rationales anew."""

    @model_validator(mode="after")
    def _covered(self) -> DataSettings:
        if self.stride_tokens > self.window_tokens:
            raise ValueError(f"stride_tokens {self.stride_tokens} above window_tokens {self.window_tokens} would leave tokens out")
        return self


class RunSettings(Settings):
    """The block `METRIC.AGIR`."""

    monitor: str = "loss/total/val"
    """Validation figure that chooses the best checkpoint: a loss, `Metrics/accuracy` or `Metrics/score_nll`."""
    mode: Literal["min", "max"] = "min"
    """Whether the best checkpoint has the least or the greatest value of `monitor`."""
    summary: str = "agir_plugin.evaluation.summary.summarise"
    """Dotted name of the function that makes metrics.json out of the predictions."""


class FormatLossSettings(Settings):
    """Settings of L_fmt."""

    weight: float = Field(default=1.0, ge=0)
    """Weight in the total loss; 0 leaves the term out."""
    positions: Literal["labels", "predicted"] = "labels"
    """Where the five tokens are looked for: at the labels' `</s>`, or at the first `</s>` that the model itself predicts."""


class ClassLossSettings(Settings):
    """Settings of L_cls."""

    weight: float = Field(default=1.0, ge=0)
    """Weight in the total loss; 0 leaves the term out."""
    mode: Literal["restricted", "full"] = "restricted"
    """Cross-entropy over the three score tokens only, or over the whole vocabulary."""
    hidden_weight: float = Field(default=0.0, ge=0)
    """Weight of the same cross-entropy with the rationale hidden from the decoder, so that the score has to be read off the
    motion and cannot be copied from the text; 0 leaves it out (AGIR's paper does not have it)."""
    class_weights: tuple[float, float, float] | None = None
    """Weight of each score's rows; null gives every row the same."""


class LossSettings(Settings):
    """The block `LOSS.AGIR`: how the three losses are added up."""

    lm: float = Field(default=1.0, ge=0)
    """Weight of the token cross-entropy L_LM."""
    fmt: FormatLossSettings = FormatLossSettings()
    """Format loss L_fmt."""
    cls: ClassLossSettings = ClassLossSettings()
    """Class loss L_cls."""


def data_settings(cfg: Any) -> DataSettings:
    """The checked `DATASET.AGIR` of a MotionGPT configuration; ConfigError when it is not there."""
    block = _block(cfg, "DATASET")
    if block is None:
        raise ConfigError("expected the block DATASET.AGIR in the configuration; start from configs/agir_stage2.yaml")
    return check_settings(DataSettings, block, "DATASET.AGIR")


def run_settings(cfg: Any) -> RunSettings:
    """The checked `METRIC.AGIR` of a MotionGPT configuration; the defaults where the block is not there."""
    return check_settings(RunSettings, _block(cfg, "METRIC"), "METRIC.AGIR")


def loss_settings(cfg: Any) -> LossSettings:
    """The checked `LOSS.AGIR` of a MotionGPT configuration; the defaults where the block is not there."""
    return check_settings(LossSettings, _block(cfg, "LOSS"), "LOSS.AGIR")


def check_names(parent: type, given: Mapping[str, Any], where: str, own: tuple[str, ...] = ()) -> None:
    """ConfigError for a parameter that MotionGPT's class does not have: it would swallow it without a word."""
    known = [*own, *(name for name in signature(parent.__init__).parameters if name not in ("self", "kwargs", "kw"))]
    for name in given:
        if name not in known:
            raise ConfigError(f"{where}.{name}: unknown key{did_you_mean(name, known)} (known here: {', '.join(known)})")


def experiment_folder(cfg: Any) -> Path:
    """Where MotionGPT keeps a run: `<FOLDER>/<second-last part of model.target>/<NAME>`."""
    return Path(cfg.FOLDER) / _module(cfg) / str(cfg.NAME)


def results_folder(cfg: Any) -> Path:
    """Where MotionGPT keeps the results of a test: `<TEST.FOLDER>/<second-last part of model.target>/<NAME>`."""
    return Path(cfg.TEST.FOLDER) / _module(cfg) / str(cfg.NAME)


def _module(cfg: Any) -> str:
    return str(cfg.model.target).split(".")[-2].lower()


def _block(cfg: Any, group: str) -> Mapping[str, Any] | None:
    return OmegaConf.to_container(cfg[group].AGIR, resolve=True) if "AGIR" in cfg[group] else None
