"""MotionGPT's Lightning model with AGIR's objectives: trains on rows, validates by a named figure, tests into files."""

from __future__ import annotations

from typing import Any, Literal, get_args

import torch
from mGPT.models.mgpt import MotionGPT
from pytorch_lightning.callbacks import Callback, ModelCheckpoint
from torch import Tensor, nn

from agir_plugin.bridge.answers import Answer, figures, read_answers
from agir_plugin.bridge.losses import agir_losses
from agir_plugin.bridge.results import write_results
from agir_plugin.bridge.run import RunExport
from agir_plugin.bridge.settings import data_settings, experiment_folder, loss_settings, run_settings
from agir_plugin.bridge.tokenizer import check_tokens
from agir_plugin.errors import ConfigError

#: The loss terms, by the names under which they are logged (`loss/lm/train`, ...).
TERMS = ("lm", "fmt", "cls", "hidden", "total")


MotionRows = Literal["mean", "codebook"]


class TermMeans(nn.Module):
    """Running mean of each loss term since the last `compute`; stands where MotionGPT keeps its `_losses`."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("sums", torch.zeros(len(TERMS)), persistent=False)
        self.register_buffer("count", torch.zeros(()), persistent=False)

    def update(self, terms: dict[str, Tensor]) -> None:
        """Add the terms of one batch."""
        self.sums += torch.stack([terms[name].detach().float() for name in TERMS])
        self.count += 1

    def reset(self) -> None:
        """Forget what was added."""
        self.sums, self.count = torch.zeros_like(self.sums), torch.zeros_like(self.count)

    def names(self, split: str) -> list[str]:
        """The names that `compute` logs."""
        return [f"loss/{name}/{split}" for name in TERMS]

    def compute(self, split: str) -> dict[str, Tensor]:
        """Means by logged name, and start anew; empty when nothing was added."""
        if not self.count:
            return {}
        means = self.sums / self.count
        self.reset()
        return dict(zip(self.names(split), means, strict=True))


class AgirModel(MotionGPT):
    """Chosen by `model.target`. Stage `vae` is MotionGPT's own; the language stages train AGIR's rows and losses.

    `motion_rows` says how the language model's rows for motion tokens start: "mean" leaves them as MotionGPT makes them,
    "codebook" takes them from the tokenizer's code vectors (for a model that has never seen motion tokens).
    `LOSS.AGIR` weighs the losses, `METRIC.AGIR` names the figure that chooses the best checkpoint, `DATASET.AGIR` the rows.
    """

    def __init__(self, cfg: Any, datamodule: Any, motion_rows: MotionRows = "mean", **host: Any) -> None:
        super().__init__(cfg=cfg, datamodule=datamodule, **host)
        self.cfg = cfg
        self.motion_rows = _checked_motion_rows(motion_rows)
        self.run_settings = run_settings(cfg)
        self.data_settings = data_settings(cfg)
        self.answers: list[Answer] = []
        if self.writes:
            self.loss_settings = loss_settings(cfg)
            self._losses = nn.ModuleDict({f"losses_{split}": TermMeans() for split in ("train", "val", "test")})

    def on_fit_start(self) -> None:
        """Before training, with all weights in place: the cohort's motion codes must come from this tokenizer."""
        self._check_tokens()
        if self.writes and self.motion_rows == "codebook" and self.trainer.global_step == 0:
            self.lm.start_motion_rows(self.vae.quantizer.codebook, int(self.cfg.SEED_VALUE))

    def on_test_start(self) -> None:
        """The same before a test."""
        self._check_tokens()

    def _check_tokens(self) -> None:
        if self.writes:
            check_tokens(self.datamodule.cohort, self.vae)

    @property
    def writes(self) -> bool:
        """True in the language stages."""
        return self.data_settings.task != "tokenizer"

    def allsplit_step(self, split: str, batch: dict[str, Any], batch_idx: int) -> Any:
        """One batch of any split: the total loss in training, answers collected in validation and test."""
        if not self.writes:
            return super().allsplit_step(split, batch, batch_idx)
        rows = batch["rows"]
        hide = self.loss_settings.cls.hidden_weight > 0
        logits, labels, hidden = self.lm.teach([row.source for row in rows], [row.target for row in rows], hide)
        terms = agir_losses(logits, labels, self.lm.ids, self.loss_settings, hidden)
        self._losses[f"losses_{split}"].update(terms)
        if split == "train":
            return terms["total"]
        if rows[0].kind == "motion_to_answer":
            self.answers += read_answers(self.lm, rows, free=split == "test")
        return terms["total"]

    def metrics_log_dict(self) -> dict[str, float]:
        """`Metrics/...` of the answers collected since the last call; the language loss in the generative stage."""
        if not self.writes:
            return super().metrics_log_dict()
        answers, self.answers = self.answers, []
        if self.trainer.testing:
            self._last_answers = answers
        return {f"Metrics/{name}": value for name, value in figures(answers).items()}

    def save_npy(self, outputs: Any) -> None:
        """After the test epoch: predictions.jsonl and metrics.json (MotionGPT calls this hook to save its samples)."""
        if not self.writes:
            super().save_npy(outputs)
            return
        write_results(self, self._last_answers)

    def configure_callbacks(self) -> list[Callback]:
        """The best checkpoint by the named figure, and the export of the run when training ends."""
        if not self.writes:
            return [RunExport()]
        best = BestCheckpoint(
            dirpath=experiment_folder(self.cfg) / "checkpoints",
            filename="best",
            monitor=self.monitor,
            mode=self.run_settings.mode,
            save_top_k=1,
            enable_version_counter=False,
            save_weights_only=True,
            save_on_train_epoch_end=False,
        )
        return [best, RunExport(best)]

    @property
    def monitor(self) -> str:
        """Logged name of the figure that chooses the best checkpoint; the generative stage has only its loss."""
        return self.run_settings.monitor if self.data_settings.task == "reasoning" else "loss/lm/val"


class BestCheckpoint(ModelCheckpoint):
    """Keeps `checkpoints/best.ckpt`; a class of its own, so that MotionGPT's periodic checkpoints stay."""


def _checked_motion_rows(value: str) -> str:
    if value not in get_args(MotionRows):
        raise ConfigError(f"model.params.motion_rows: expected one of {', '.join(get_args(MotionRows))}, got {value!r}")
    return value
