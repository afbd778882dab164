"""What all models share: Lightning's hooks around `allsplit_step`, seeds, logging, metrics, plain checkpoints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from omegaconf import Container
from torch import Tensor, distributed, nn
from torchmetrics import Metric

from mGPT.config import get_obj_from_str, to_plain
from mGPT.errors import CheckpointError, ConfigError
from mGPT.metrics import BaseMetrics
from mGPT.utils.seeds import seed_everything

#: Parts of state-dict keys that belong to a run, not to a model: they are taken from the fresh model on loading.
RUN_KEYS = ("_losses", "Metrics")
#: Distance of the seeds of two processes of a distributed run.
RANK_STRIDE = 1_000_003


class BaseModel(pl.LightningModule):
    """Base of all models: subclasses set `cfg`, `datamodule`, `_losses`, `metrics_dict` and write `allsplit_step`."""

    cfg: Any
    datamodule: Any
    metrics_dict: list[str]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        self.rep_i = 0
        self.test_step_outputs: list[Any] = []
        self.counts: Counter[str] = Counter()

    def allsplit_step(self, split: str, batch: Mapping[str, Any], batch_idx: int) -> Any:
        """One batch of `train` (returns the loss), `val` or `test` (returns what `save_npy` writes)."""
        raise NotImplementedError

    def training_step(self, batch: Mapping[str, Any], batch_idx: int) -> Tensor:
        """Lightning hook: the loss of a training batch; a step without a loss is an error, never a silent nothing."""
        loss = self.allsplit_step("train", batch, batch_idx)
        if loss is None:
            raise ConfigError(
                f"allsplit_step gave no loss for stage {self.hparams.get('stage')!r}; a training step must return one"
            )
        return loss

    def validation_step(self, batch: Mapping[str, Any], batch_idx: int) -> Any:
        """Lightning hook: a validation batch."""
        return self.allsplit_step("val", batch, batch_idx)

    def test_step(self, batch: Mapping[str, Any], batch_idx: int) -> Any:
        """Lightning hook: a test batch; its outputs are kept for `save_npy` at the end of the pass."""
        outputs = self.allsplit_step("test", batch, batch_idx)
        self.test_step_outputs.append(outputs)
        return outputs

    def on_train_epoch_start(self) -> None:
        """Start epoch e from SEED_VALUE + e and count anew, so that a resumed run equals an uninterrupted one."""
        self._seed(self.current_epoch)
        self._clear_counts()

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Seed again before the first step: when its loader was made must not matter."""
        if batch_idx == 0:
            self._seed(self.current_epoch)

    def on_validation_epoch_start(self) -> None:
        """Forget what earlier passes (the sanity check above all) left in losses and metrics."""
        self._forget("val")

    def on_test_epoch_start(self) -> None:
        """Forget earlier passes; repetition r draws from SEED_VALUE + r."""
        self._forget("test")
        self._clear_counts()
        self._seed(self.rep_i)

    def on_train_epoch_end(self) -> None:
        """Log the averages of the training losses, the epoch number and what was counted."""
        self.log_dict_step({**self.loss_log_dict("train"), **self.step_log_dict(), **self.count_log_dict()})

    def on_validation_epoch_end(self) -> None:
        """Log validation losses and metrics."""
        self.log_dict_step({**self.loss_log_dict("val"), **self.metrics_log_dict(), **self.step_log_dict()})

    def on_test_epoch_end(self) -> None:
        """Log test losses and metrics, hand the outputs to `save_npy`, and count the repetition."""
        self.log_dict_step({**self.loss_log_dict("test"), **self.metrics_log_dict(), **self.count_log_dict()})
        self.save_npy(self.test_step_outputs)
        self.test_step_outputs.clear()
        self.rep_i += 1

    def log_dict_step(self, values: Mapping[str, Any]) -> None:
        """Log numbers of an epoch that are already the same in all processes."""
        self.log_dict(
            {key: torch.as_tensor(value, dtype=torch.float32) for key, value in values.items()}, sync_dist=False
        )

    def step_log_dict(self) -> dict[str, float]:
        """The epoch number under the names `epoch` and `step`."""
        return {"epoch": float(self.current_epoch), "step": float(self.current_epoch)}

    def loss_log_dict(self, split: str) -> dict[str, Tensor]:
        """Averages of this split's losses since the last call."""
        return self._losses[f"losses_{split}"].compute(split)

    def metrics_log_dict(self) -> dict[str, Tensor]:
        """`Metrics/<name>` of every metric in use; each is reset."""
        values = {}
        for name in self.metrics_dict:
            metric = getattr(self.metrics, name)
            results = metric.compute(sanity_flag=self.trainer.sanity_checking)
            values.update(
                {f"Metrics/{key}": torch.as_tensor(value).float().reshape(-1).mean() for key, value in results.items()}
            )
            metric.reset()
        return values

    def count_log_dict(self) -> dict[str, float]:
        """What model and language model cut or refused in this epoch or test pass, as `count/<what>`."""
        own = sum(self._counters(), Counter())
        everywhere = [own]
        if distributed.is_available() and distributed.is_initialized():
            everywhere = [Counter()] * distributed.get_world_size()
            distributed.all_gather_object(everywhere, own)
        return {f"count/{name}": float(number) for name, number in sum(everywhere, Counter()).items()}

    def configure_metrics(self) -> None:
        """Make the metrics that `metrics_dict` names; one whose files are missing is an error that names them."""
        self.metrics = BaseMetrics(
            cfg=self.cfg, datamodule=self.datamodule, names=self.metrics_dict, task=self.hparams.get("task")
        )

    def configure_optimizers(self) -> dict[str, Any]:
        """Optimiser of the trainable parameters and its schedule, from TRAIN.OPTIM and TRAIN.LR_SCHEDULER."""
        trainable = [parameter for parameter in self.parameters() if parameter.requires_grad]
        if not trainable:
            raise ConfigError(
                "nothing to train: every parameter of the model is frozen; check TRAIN.STAGE and model.params"
            )
        optimizer = _make(self.cfg.TRAIN.OPTIM, "torch.optim", trainable)
        if not self.cfg.TRAIN.LR_SCHEDULER.target:
            return {"optimizer": optimizer}
        return {
            "optimizer": optimizer,
            "lr_scheduler": _make(self.cfg.TRAIN.LR_SCHEDULER, "torch.optim.lr_scheduler", optimizer),
        }

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Strict load of everything but losses and metrics, which stay those of this run."""
        kept = {key: value for key, value in self.state_dict().items() if _is_run_key(key)}
        given = {key: value for key, value in state_dict.items() if not _is_run_key(key)}
        try:
            return super().load_state_dict({**given, **kept}, strict=strict, assign=assign)
        except RuntimeError as error:
            raise CheckpointError(
                f"the checkpoint does not fit this model: {' '.join(str(error).split())[:600]}"
            ) from None

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep only tensors, numbers, words, lists and dicts, so that the file loads with weights_only=True."""
        for key in [
            key for key in checkpoint if key.startswith(("datamodule_hparams", "datamodule_hyper"))
        ]:
            del checkpoint[key]
        if "hyper_parameters" in checkpoint:
            checkpoint["hyper_parameters"] = plain(checkpoint["hyper_parameters"])

    def save_npy(self, outputs: list[Any]) -> None:
        """Called once per test pass with what `allsplit_step` returned for each batch: (name, motion or text) pairs.

        With TEST.SAVE_PREDICTIONS, writes samples_<time>/<name>_<repetition>.npy or .txt into the run's test folder.
        """
        if not self.cfg.TEST.SAVE_PREDICTIONS:
            return
        folder = self.output_dir / f"samples_{self.cfg.TIME}"
        folder.mkdir(parents=True, exist_ok=True)
        for name, value in (pair for batch in outputs for pair in batch or ()):
            stem = f"{name}_{self.rep_i}"
            if isinstance(value, str):
                (folder / f"{stem}.txt").write_text(value + "\n", encoding="utf-8")
            else:
                np.save(folder / f"{stem}.npy", value.detach().float().cpu().numpy())

    @property
    def output_dir(self) -> Path:
        """Where a test writes: TEST.FOLDER/<module>/NAME."""
        return Path(self.cfg.TEST.FOLDER) / module_folder(self.cfg) / str(self.cfg.NAME)

    def _seed(self, offset: int) -> None:
        seed_everything(int(self.cfg.SEED_VALUE) + offset + RANK_STRIDE * self.global_rank)

    def _counters(self) -> list[Counter[str]]:
        return [self.counts, *([self.lm.counts] if hasattr(getattr(self, "lm", None), "counts") else [])]

    def _clear_counts(self) -> None:
        for counts in self._counters():
            counts.clear()

    def _forget(self, split: str) -> None:
        self._losses[f"losses_{split}"].reset()
        for module in getattr(self, "metrics", nn.Module()).modules():
            if isinstance(module, Metric):
                module.reset()


def module_folder(cfg: Any) -> str:
    """The second-last part of `model.target`: the folder that a model's runs are kept in."""
    parts = str(cfg.model.target).split(".")
    return parts[-2] if len(parts) > 1 else parts[-1]


def plain(value: Any) -> Any:
    """A value with dicts, lists and scalars only; what is none of these becomes its text."""
    if isinstance(value, Container):
        value = to_plain(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str | Tensor):
        return value
    return str(value)


def _is_run_key(key: str) -> bool:
    return any(part in key for part in RUN_KEYS)


def _make(node: Any, home: str, first: Any) -> Any:
    target = node.target if "." in node.target else f"{home}.{node.target}"
    try:
        return get_obj_from_str(target)(first, **to_plain(node.get("params", {})))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{target}: the params {to_plain(node.get('params', {}))} do not fit: {error}") from None
