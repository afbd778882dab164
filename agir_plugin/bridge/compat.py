"""Upstream MotionGPT's faults that AGIR meets: each has a name, what is done about it, and when that can go.

A MotionGPT that is free of a fault says so in `mGPT.FREE_OF` (our host does); whatever else is in use has all of them. Mends
of the configuration are made when the data module is built, those of weights and training in `Mended`, from which AGIR's model
inherits. `agir doctor` and `agir motiongpt status` list them.
"""

from __future__ import annotations

import logging
import math
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mGPT
import mGPT.archs.mgpt_lm as host_lm
import torch
from omegaconf import OmegaConf
from pytorch_lightning import seed_everything
from transformers import T5ForConditionalGeneration

from agir_plugin.bridge.checkpoint import is_plain, write_plain
from agir_plugin.bridge.faults import FAULTS, Fault
from agir_plugin.bridge.resuming import go_on
from agir_plugin.errors import ConfigError

LOG = logging.getLogger(__name__)

#: Configuration keys that hold a checkpoint's path: section and key.
CHECKPOINT_KEYS = (("TRAIN", "PRETRAINED"), ("TRAIN", "PRETRAINED_VAE"), ("TEST", "CHECKPOINTS"))
#: MotionGPT's metrics that need none of its evaluators.
FREE_METRICS = ("MRMetrics", "PredMetrics")
#: Count given to each code of a checkpoint without counts: e, so that a code survives one time constant of the average
#: unused.
UNKNOWN_COUNT = math.e
#: Name under which the accelerator that takes a list of CPU devices is registered with Lightning.
LISTED_CPU = "agir_cpu"


def faults() -> tuple[Fault, ...]:
    """The faults of the MotionGPT that is imported."""
    free = getattr(mGPT, "FREE_OF", ())
    return tuple(fault for fault in FAULTS if fault.name not in free)


def has(name: str) -> bool:
    """Whether the MotionGPT in use has the fault of this name."""
    if name not in {fault.name for fault in FAULTS}:
        raise KeyError(name)
    return name not in getattr(mGPT, "FREE_OF", ())


def mend_config(cfg: Any) -> None:
    """Mend a configuration that MotionGPT's scripts are about to use, in place; what changes is logged."""
    if has("test_folder"):
        _restore_folder(cfg)
    if has("debug_name"):
        _follow_debug_names(cfg)
    if has("cpu_devices"):
        _list_cpu(cfg)
    if has("never_validated"):
        cfg.LOGGER.VAL_EVERY_STEPS = min(int(cfg.LOGGER.VAL_EVERY_STEPS), int(cfg.TRAIN.END_EPOCH))
    if has("metrics_wired"):
        _check_metrics(cfg)
    if has("unsafe_load"):
        _make_plain(cfg)
    if has("resume"):
        go_on(cfg)


@dataclass
class Loaded:
    """How many embedding rows the T5 had that MotionGPT's constructor loaded; None where MotionGPT grows it by itself."""

    rows: int | None = None


@contextmanager
def untied_t5() -> Iterator[Loaded]:
    """While MotionGPT's constructor runs, T5 models it loads keep embedding and head apart (fault `tied_heads`)."""
    original, loaded = getattr(host_lm, "T5ForConditionalGeneration", None), Loaded()
    if original is None or not has("tied_heads"):
        yield loaded
        return

    class Untied(original):
        """T5 whose `from_pretrained` result does not tie the head when the vocabulary is resized."""

        @classmethod
        def from_pretrained(cls, *args: Any, **kwargs: Any) -> T5ForConditionalGeneration:
            """Load as usual, then mark embedding and head as separate; in training mode, as Lightning keeps what it finds."""
            model = original.from_pretrained(*args, **kwargs)
            model.config.tie_word_embeddings = False
            loaded.rows = len(model.get_input_embeddings().weight)
            return model.train()

    host_lm.T5ForConditionalGeneration = Untied
    try:
        yield loaded
    finally:
        host_lm.T5ForConditionalGeneration = original


class Mended:
    """Mixin before MotionGPT's model: mends what happens to weights and random numbers while it trains."""

    def train(self, mode: bool = True) -> Any:
        """As torch's; a frozen tokenizer stays in evaluation mode (fault `frozen_in_train`)."""
        super().train(mode)
        if mode and has("frozen_in_train") and not any(p.requires_grad for p in self.vae.parameters()):
            self.vae.eval()
        return self

    def on_train_epoch_start(self) -> None:
        """Start epoch e from SEED_VALUE + e, so that a resumed run equals an uninterrupted one (fault `epoch_seed`)."""
        super().on_train_epoch_start()
        self._seed_epoch()

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> Any:
        """Seed again before the first step: when its loader was made must not matter."""
        if batch_idx == 0:
            self._seed_epoch()
        return super().on_train_batch_start(batch, batch_idx)

    def configure_gradient_clipping(self, optimizer: Any, *args: Any, **kwargs: Any) -> None:
        """Clip to TRAIN.GRAD_CLIP where MotionGPT does not hand it to the trainer (fault `gradient_clip`)."""
        if has("gradient_clip") and self.cfg.TRAIN.get("GRAD_CLIP"):
            self.clip_gradients(optimizer, gradient_clip_val=float(self.cfg.TRAIN.GRAD_CLIP), gradient_clip_algorithm="norm")
            return
        super().configure_gradient_clipping(optimizer, *args, **kwargs)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the codebook's running sums too (fault `ema_restart`)."""
        super().on_save_checkpoint(checkpoint)
        quantizer = self.vae.quantizer
        if has("ema_restart") and getattr(quantizer, "code_sum", None) is not None:
            sums = {"code_sum": quantizer.code_sum, "code_count": quantizer.code_count}
            names = {f"vae.quantizer.{name}": value.detach().clone() for name, value in sums.items()}
            initted = {"vae.quantizer.initted": torch.ones((), dtype=torch.bool)}
            checkpoint["state_dict"] = {**checkpoint["state_dict"], **names, **initted}

    def _seed_epoch(self) -> None:
        if has("epoch_seed"):
            seed_everything(int(self.cfg.SEED_VALUE) + self.current_epoch, verbose=False)


def mend_vae(vae: Any) -> Any:
    """Give a tokenizer of MotionGPT the hook that keeps its codebook on loading (fault `ema_restart`); returns it."""
    if has("ema_restart") and hasattr(vae.quantizer, "init"):
        vae.quantizer.register_load_state_dict_pre_hook(_keep_codebook)
    return vae


def _keep_codebook(quantizer: Any, state: dict[str, Any], prefix: str, *_: Any) -> None:
    book = state.get(f"{prefix}codebook")
    sums, counts = (state.pop(f"{prefix}{name}", None) for name in ("code_sum", "code_count"))
    initted = state.pop(f"{prefix}initted", None)
    if book is None or (initted is not None and not bool(initted)):
        return
    place = quantizer.codebook.device
    if sums is None or counts is None:
        sums, counts = book * UNKNOWN_COUNT, torch.full((len(book),), UNKNOWN_COUNT)
    quantizer.code_sum, quantizer.code_count = sums.clone().to(place), counts.clone().to(place)
    quantizer.init = True


def _restore_folder(cfg: Any) -> None:
    """test.py puts TEST.FOLDER in FOLDER's place, where `${FOLDER}` in a checkpoint's path would then look."""
    if str(cfg.FOLDER) != str(cfg.TEST.FOLDER):
        return
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--cfg_assets", default="./configs/assets.yaml")
    assets = Path(parser.parse_known_args(sys.argv[1:])[0].cfg_assets)
    if assets.is_file():
        cfg.FOLDER = str(OmegaConf.load(assets).get("FOLDER", cfg.FOLDER))


def _follow_debug_names(cfg: Any) -> None:
    """Without --nodebug a run is called debug--NAME: take its checkpoint where the one that is asked for is not there."""
    for section, key in CHECKPOINT_KEYS:
        path = Path(str(cfg[section].get(key) or ""))
        run = path.parent.parent
        if path.is_file() or not run.name:
            continue
        other = run.with_name(f"debug--{run.name}") / path.parent.name / path.name
        if other.is_file():
            LOG.warning("%s.%s: there is no %s; taking %s, trained without --nodebug", section, key, path, other)
            cfg[section][key] = str(other)


def _list_cpu(cfg: Any) -> None:
    """Lightning's CPU takes a number of devices only, MotionGPT gives it a list: take an accelerator that knows lists."""
    if str(cfg.ACCELERATOR) not in ("auto", "cpu") or (str(cfg.ACCELERATOR) == "auto" and torch.cuda.is_available()):
        return
    from pytorch_lightning.accelerators import AcceleratorRegistry, CPUAccelerator

    class ListedCPU(CPUAccelerator):
        """The CPU, as many processes as there are entries in a list of devices."""

        @staticmethod
        def parse_devices(devices: Any) -> int:
            """Number of processes."""
            return CPUAccelerator.parse_devices(devices if isinstance(devices, int | str) else len(devices))

    AcceleratorRegistry.register(
        LISTED_CPU, ListedCPU, description="CPU whose devices are given as a list", override=True
    )
    cfg.ACCELERATOR = LISTED_CPU


def _check_metrics(cfg: Any) -> None:
    wired = [name for name in cfg.METRIC.TYPE if name not in FREE_METRICS]
    if wired:
        raise ConfigError(
            f"METRIC.TYPE: {', '.join(wired)} belong to MotionGPT's own data sets and their evaluators; with AGIR's data module "
            f"choose among {', '.join(FREE_METRICS)}, or leave the list empty"
        )


def _make_plain(cfg: Any) -> None:
    """A checkpoint with pickled objects is read without running any of them and handed on as tensors only."""
    for section, key in CHECKPOINT_KEYS:
        path = Path(str(cfg[section].get(key) or ""))
        if path.is_file() and not is_plain(path):
            plain = Path(str(cfg.FOLDER_EXP)) / "plain" / f"{section}_{key}.ckpt"
            write_plain(path, plain)
            LOG.warning("%s.%s: %s holds pickled objects; its tensors are taken from %s", section, key, path, plain)
            cfg[section][key] = str(plain)
