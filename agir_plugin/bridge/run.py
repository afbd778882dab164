"""A trained run on disk without pickles: written when training ends, read by tokenising, the next stage and `agir assess`."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mGPT.archs.mgpt_vq import VQVae
from omegaconf import OmegaConf
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Callback, ModelCheckpoint
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from agir_plugin.bridge.compat import mend_vae
from agir_plugin.bridge.language import GaitLM
from agir_plugin.bridge.results import provenance
from agir_plugin.bridge.settings import DataSettings, experiment_folder
from agir_plugin.bridge.tokenizer import weights_sha256
from agir_plugin.cohort.files import write_bytes, write_json
from agir_plugin.config import check_settings
from agir_plugin.errors import ModelError
from agir_plugin.tasks import load

LOG = logging.getLogger(__name__)

#: Folder of the export inside an experiment folder.
EXPORT = "agir"
#: Layout version of `run.json`.
SCHEMA = "agir-run/1"
#: What to do about a damaged run.
AGAIN = "copy its agir/ folder again, whole, from where it was trained"
#: Language-model parameters that belong to the machine a run was trained on, not to the run.
_LOCAL = ("model_path",)


@dataclass(frozen=True)
class Run:
    """A trained run, ready to use: frozen models in evaluation mode, the statistics they were trained with, and their facts."""

    folder: Path
    facts: dict[str, Any]
    vae: VQVae
    lm: GaitLM | None
    mean: np.ndarray
    std: np.ndarray

    @property
    def data(self) -> DataSettings:
        """The data settings of the training."""
        return check_settings(DataSettings, self.facts["data"], "data")


class RunExport(Callback):
    """Writes `<experiment>/agir/` in the last epoch: the best checkpoint's weights if there is one, else the current ones.

    It does so before MotionGPT marks the run as finished, so that a finished run always has its export.
    """

    def __init__(self, best: ModelCheckpoint | None = None) -> None:
        self.best = best

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """In the last epoch, on the first process only; the weights in training are the same afterwards."""
        if not trainer.is_global_zero or trainer.current_epoch + 1 < (trainer.max_epochs or 0):
            return
        current = {name: tensor.detach().clone() for name, tensor in pl_module.state_dict().items()}
        if self.best is not None and self.best.best_model_path:
            best = torch.load(self.best.best_model_path, map_location="cpu", weights_only=True)["state_dict"]
            pl_module.load_state_dict(best)
        folder = export_run(pl_module, experiment_folder(pl_module.cfg) / EXPORT)
        pl_module.load_state_dict(current)
        LOG.info("run exported to %s", folder)


def export_run(model: LightningModule, folder: Path) -> Path:
    """Write weights (safetensors), tokenizer, statistics and `run.json`; `run.json` comes last, so that it vouches for the rest."""
    cfg, data = model.cfg, model.datamodule
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").unlink(missing_ok=True)
    weights = {name: tensor.contiguous().cpu() for name, tensor in model.vae.state_dict().items()}
    write_bytes(folder / "vae.safetensors", save(weights))
    mean, std = data.cohort.statistics()
    statistics = {"mean": torch.as_tensor(mean).contiguous(), "std": torch.as_tensor(std).contiguous()}
    write_bytes(folder / "statistics.safetensors", save(statistics))
    if model.writes:
        model.lm.language_model.save_pretrained(folder / "language")
        model.lm.tokenizer.save_pretrained(folder / "language")
    write_json(folder / "run.json", _facts(model, cfg, data))
    return folder


def find_run(path: Path) -> Path:
    """The export folder of a run: `path` itself or its `agir/`. Raises ModelError when neither holds a `run.json`."""
    for folder in (path, path / EXPORT):
        if (folder / "run.json").is_file():
            return folder
    what = "does not exist" if not path.exists() else "holds no run.json, nor does its agir/ folder"
    raise ModelError(
        f"{path}: {what}; expected the folder of a finished training run, for instance experiments/model/AGIR_stage2 "
        f"(train one with `agir train --cfg configs/agir_stage2.yaml` or `agir demo`)"
    )


def load_run(path: Path | str, device: str = "cpu", *, to_assess: bool = False) -> Run:
    """Read a run; nothing in it is executed. Raises ModelError when a file is missing, altered or does not fit.

    With `to_assess` a run that cannot answer (of the tokenizer or of stage 1) is refused before its weights are read.
    """
    folder = find_run(Path(path))
    facts = _read_facts(folder / "run.json")
    if to_assess and facts["data"]["task"] != "reasoning":
        raise ModelError(f"{folder}: this run was trained for the task {facts['data']['task']!r}; assess needs a stage 2 run")
    vae = mend_vae(VQVae(**facts["vq"]))
    weights = _tensors(folder / "vae.safetensors")
    if weights_sha256(weights) != facts["vae_sha256"]:
        raise ModelError(
            f"{folder / 'vae.safetensors'}: the weights are not those that run.json describes; {AGAIN}"
        )
    vae.load_state_dict(weights)
    lm = _load_language(folder, facts, device) if facts["data"]["task"] != "tokenizer" else None
    statistics = _tensors(folder / "statistics.safetensors")
    return Run(
        folder,
        facts,
        vae.to(device).eval().requires_grad_(False),
        lm,
        statistics["mean"].double().numpy(),
        statistics["std"].double().numpy(),
    )


def _read_facts(path: Path) -> dict[str, Any]:
    try:
        facts = json.loads(path.read_text("utf8"))
    except ValueError as error:
        raise ModelError(f"{path}: expected JSON, got {error}; {AGAIN}") from None
    if not isinstance(facts, dict) or facts.get("schema") != SCHEMA:
        raise ModelError(f"{path}: expected an object with schema {SCHEMA}, from this version of agir-plugin; train it again")
    missing = sorted({"vq", "lm", "data", "codebook_size", "vae_sha256", "language_sha256", "instruction", "notices"} - set(facts))
    if missing:
        raise ModelError(f"{path}: expected the keys {', '.join(missing)}, found none; {AGAIN}")
    return facts


def _instruction(settings: DataSettings) -> str:
    """The instruction of evaluation and assessment, kept with the run so that it needs no template file later."""
    kind = "motion_to_answer" if settings.task == "reasoning" else "motion_to_description"
    template = settings.reasoning_template if settings.task == "reasoning" else settings.generative_template
    return load(template).direction(kind).input[0]


def _load_language(folder: Path, facts: dict[str, Any], device: str) -> GaitLM:
    language = folder / "language"
    if not (language / "config.json").is_file():
        raise ModelError(f"{language}: expected the exported language model, found none; {AGAIN}")
    try:
        lm = GaitLM(model_path=str(language), **facts["lm"])
    except (SafetensorError, OSError) as error:
        raise ModelError(
            f"{language}: the exported language model cannot be read ({error}); {AGAIN}"
        ) from None
    if weights_sha256(lm.language_model.state_dict()) != facts["language_sha256"]:
        raise ModelError(
            f"{language}: the weights are not those that run.json describes; copy the run's agir/ folder again, whole"
        )
    return lm.to(device).eval().requires_grad_(False)


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        return load_file(path)
    except (OSError, ValueError, SafetensorError) as error:
        raise ModelError(f"{path}: expected safetensors weights, got {error}; {AGAIN}") from None


def _facts(model: LightningModule, cfg: Any, data: Any) -> dict[str, Any]:
    plain = OmegaConf.to_container(cfg.model.params, resolve=True)
    language = {k: v for k, v in plain["lm"].get("params", {}).items() if k not in _LOCAL}
    return {
        "schema": SCHEMA,
        "name": str(cfg.NAME),
        "codebook_size": int(cfg.model.params.codebook_size),
        "vq": plain["motion_vae"]["params"],
        "lm": language,
        "data": data.settings.model_dump(),
        "vae_sha256": weights_sha256(model.vae.state_dict()),
        "language_sha256": weights_sha256(model.lm.language_model.state_dict()) if model.writes else None,
        "instruction": _instruction(data.settings) if model.writes else None,
        "train_subjects": sorted(model.seen),
        **provenance(cfg, data.cohort),
    }
