"""MotionGPT's Lightning model with AGIR's objectives: trains on rows, validates by a named figure, tests into files."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Literal, get_args

from mGPT.config import get_obj_from_str
from mGPT.models.mgpt import MotionGPT
from pytorch_lightning.callbacks import Callback, ModelCheckpoint
from torch import nn

from agir_plugin.bridge.answers import Answer, figures, gathered, read_answers
from agir_plugin.bridge.compat import Mended, has, mend_vae
from agir_plugin.bridge.fitting_keys import find_misfits, with_special_rows
from agir_plugin.bridge.losses import agir_losses
from agir_plugin.bridge.results import write_results
from agir_plugin.bridge.resuming import LastCheckpoint
from agir_plugin.bridge.run import RunExport
from agir_plugin.bridge.seen import mark, refuse_leak, subjects_of
from agir_plugin.bridge.settings import check_names, data_settings, experiment_folder, loss_settings, run_settings
from agir_plugin.bridge.term_means import TermMeans
from agir_plugin.bridge.tokenizer import check_tokens
from agir_plugin.errors import ConfigError, ModelError

LOG = logging.getLogger(__name__)

MotionRows = Literal["mean", "codebook"]


class AgirModel(Mended, MotionGPT):
    """Chosen by `model.target`. Stage `vae` is MotionGPT's own; the language stages train AGIR's rows and losses.

    `motion_rows` says how the language model's rows for motion tokens start: "mean" leaves them as MotionGPT makes them,
    "codebook" takes them from the tokenizer's code vectors (for a model that has never seen motion tokens). `partial_load` lets a
    checkpoint be loaded that fits in part only.
    `LOSS.AGIR` weighs the losses, `METRIC.AGIR` names the figure that chooses the best checkpoint, `DATASET.AGIR` the rows.
    """

    def __init__(
        self, cfg: Any, datamodule: Any, motion_rows: MotionRows = "mean", partial_load: bool = False, **host: Any
    ) -> None:
        check_names(MotionGPT, host, "model.params", ("motion_rows", "partial_load"))
        super().__init__(cfg=cfg, datamodule=datamodule, **host)
        mend_vae(self.vae)
        self.cfg = cfg
        self.motion_rows, self.partial_load = _checked_motion_rows(motion_rows), partial_load
        self.run_settings = run_settings(cfg)
        self.data_settings = data_settings(cfg)
        self.summarise = get_obj_from_str(self.run_settings.summary)
        self.answers: list[Answer] = []
        self.seen = set(datamodule.fold.train)
        if self.writes:
            self.loss_settings = loss_settings(cfg)
            self._losses = nn.ModuleDict({f"losses_{split}": TermMeans() for split in ("train", "val", "test")})

    def on_fit_start(self) -> None:
        """Before training, with all weights in place: codes must come from this tokenizer, and no test subject be known."""
        data, before = self.datamodule, str(self.cfg.TRAIN.PRETRAINED)
        if not self.writes:
            return
        check_tokens(data.cohort, self.vae)
        known = subjects_of(before, data.cohort)
        refuse_leak(before, known, data.fold.test, "TRAIN.PRETRAINED")
        self.seen |= known
        if self.motion_rows == "codebook" and not before and self.trainer.ckpt_path is None:
            self.lm.start_motion_rows(self.vae.quantizer.codebook, int(self.cfg.SEED_VALUE))

    def on_test_start(self) -> None:
        """Before a test: the same checks of the checkpoint that is tested."""
        if not self.writes:
            return
        if self.data_settings.task != "reasoning":
            raise ConfigError("DATASET.AGIR.task generative writes no score to test; test a stage 2 run (agir_stage2.yaml)")
        data, path = self.datamodule, str(self.cfg.TEST.CHECKPOINTS)
        check_tokens(data.cohort, self.vae)
        refuse_leak(path, subjects_of(path, data.cohort), getattr(data.fold, data.part("TEST")), "TEST.CHECKPOINTS")

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep tensors and plain values only, and note whose walks were learnt from."""
        super().on_save_checkpoint(checkpoint)
        mark(checkpoint, self.datamodule.cohort, self.seen)

    def load_state_dict(self, state_dict: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        """As MotionGPT's, and a checkpoint that does not know AGIR's seven tokens gets their rows: the mean of its own.

        Raises ModelError, naming keys, when something is missing, left over or of another shape, unless
        `model.params.partial_load` is true: then what fits is loaded and the rest is logged.
        """
        own, given = self.state_dict(), with_special_rows(state_dict, self.state_dict())
        misfits = find_misfits(given, own)
        if misfits and not self.partial_load:
            raise ModelError(
                f"the checkpoint does not fit this model: {misfits}; check model.params, or load what fits with "
                f"model.params.partial_load=True"
            )
        if misfits:
            LOG.warning("loaded in part, as model.params.partial_load asks: %s", misfits)
            given = {**own, **{name: value for name, value in given.items() if name not in misfits.names}}
        return super().load_state_dict(given, *args, **kwargs)

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
        self._losses[f"losses_{split}"].update(terms, len(rows))
        if split == "train":
            return terms["total"]
        if rows[0].kind == "motion_to_answer":
            self.answers += read_answers(self.lm, rows, free=split == "test")
        return terms["total"]

    def metrics_log_dict(self) -> dict[str, float]:
        """`Metrics/...` of the answers collected since the last call; the language loss in the generative stage."""
        if not self.writes:
            return super().metrics_log_dict()
        answers, self.answers = gathered(self.answers), []
        if self.trainer.testing:
            self._last_answers = answers
        return {f"Metrics/{name}": value for name, value in figures(answers).items()}

    def save_npy(self, outputs: Any) -> None:
        """After the test epoch: predictions.jsonl and metrics.json (MotionGPT calls this hook to save its samples)."""
        if not self.writes:
            super().save_npy(outputs)
            return
        if self.trainer.is_global_zero:
            write_results(self, self._last_answers)

    def configure_callbacks(self) -> list[Callback]:
        """The best checkpoint by the named figure, and the export of the run when training ends."""
        folder = experiment_folder(self.cfg) / "checkpoints"
        best = BestCheckpoint(
            dirpath=folder,
            filename="best",
            monitor=self.monitor,
            mode=self.run_settings.mode if self.data_settings.task == "reasoning" else "min",
            save_top_k=1,
            enable_version_counter=False,
            save_weights_only=True,
            save_on_train_epoch_end=False,
        )
        export = RunExport(best if self.writes else None)
        if has("checkpoint_files"):
            return [best, LastCheckpoint(folder), export]
        return [best, export] if self.writes else [export]

    @property
    def monitor(self) -> str:
        """Logged name of the figure that chooses the best checkpoint; the stages before reasoning have only their loss."""
        names = {"reasoning": self.run_settings.monitor, "generative": "loss/lm/val", "tokenizer": "total/val"}
        return names[self.data_settings.task]


class BestCheckpoint(ModelCheckpoint):
    """Keeps `checkpoints/best.ckpt`. In upstream MotionGPT it stands instead of all that callback.py keeps."""


def _checked_motion_rows(value: str) -> str:
    if value not in get_args(MotionRows):
        raise ConfigError(f"model.params.motion_rows: expected one of {', '.join(get_args(MotionRows))}, got {value!r}")
    return value
