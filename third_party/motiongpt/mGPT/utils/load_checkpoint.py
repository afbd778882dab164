"""Reads weights and puts them into models: a file path goes in, tensors only come out (never a pickled object)."""

from __future__ import annotations

import hashlib
import logging
import pickle
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mGPT.errors import CheckpointError

log = logging.getLogger("mGPT")

#: Entry-point group of readers for checkpoints that hold pickled objects: path -> {"state_dict": tensors, ...}. A reader must
#: run nothing of what is in the file.
READERS = "motiongpt.checkpoints"


def load_pretrained(cfg: Any, model: nn.Module, logger: logging.Logger | None = None, phase: str = "train") -> None:
    """Whole model, strictly, from TRAIN.PRETRAINED (train) or TEST.CHECKPOINTS (test)."""
    key = "TRAIN.PRETRAINED" if phase == "train" else "TEST.CHECKPOINTS"
    path = cfg.TRAIN.PRETRAINED if phase == "train" else cfg.TEST.CHECKPOINTS
    (logger or log).info("weights of the whole model: %s", path)
    model.load_state_dict(read_state_dict(path, key), strict=True)


def load_pretrained_vae(cfg: Any, model: nn.Module, logger: logging.Logger | None = None) -> None:
    """The tokenizer, strictly, from the `vae.` keys of TRAIN.PRETRAINED_VAE."""
    path = cfg.TRAIN.PRETRAINED_VAE
    (logger or log).info("weights of the tokenizer: %s", path)
    load_vae(model.vae, path)


def load_vae(vae: nn.Module, path: str | Path, key: str = "TRAIN.PRETRAINED_VAE") -> None:
    """Put the `vae.` weights of a checkpoint into a tokenizer; CheckpointError lists what does not fit."""
    weights = vae_part(read_state_dict(path, key))
    if not weights:
        raise CheckpointError(
            f"{key}: {path} holds no keys that start with vae.; give the checkpoint of a stage vae run"
        )
    try:
        vae.load_state_dict(weights, strict=True)
    except RuntimeError as error:
        raise CheckpointError(
            f"{key}: {path} does not fit the tokenizer of this configuration (vq.default): "
            f"{' '.join(str(error).split())[:400]}"
        ) from None


def vae_part(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tokenizer's weights of a whole model's state dict, without their prefix."""
    return {key.split("vae.", 1)[1]: value for key, value in state.items() if key.startswith(("vae.", "motion_vae."))}


def read_checkpoint(path: str | Path, key: str) -> dict[str, Any]:
    """A checkpoint as plain values (`weights_only=True`, CPU); `key` is the configuration key to name in an error."""
    file = Path(str(path))
    if not str(path) or not file.is_file():
        raise CheckpointError(f"{key}: expected a checkpoint file, found none at {str(path)!r}")
    try:
        loaded = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        return _read_otherwise(file, key, error)
    except (RuntimeError, EOFError, OSError, ValueError) as error:
        raise CheckpointError(f"{key}: {file} could not be read as a checkpoint: {_first_line(error)}") from None
    if not isinstance(loaded, dict):
        raise CheckpointError(f"{key}: {file} holds a {type(loaded).__name__}; expected a dict with the key state_dict")
    return loaded


def _read_otherwise(file: Path, key: str, error: Exception) -> dict[str, Any]:
    """A file with pickled objects, by a reader that a plugin registered because it runs none of them."""
    reader = next(iter(entry_points(group=READERS)), None)
    if reader is None:
        raise CheckpointError(
            f"{key}: {file} holds pickled objects, which are never loaded; convert it where you trust it to "
            f'{{"state_dict": tensors}} with torch.save ({_first_line(error)})'
        ) from None
    log.warning("%s: %s holds pickled objects; only its tensors are taken, by %s", key, file, reader.value)
    return reader.load()(file)


def read_state_dict(path: str | Path, key: str) -> dict[str, Tensor]:
    """The state dict of a checkpoint file."""
    loaded = read_checkpoint(path, key)
    if "state_dict" not in loaded:
        raise CheckpointError(f"{key}: {path} has no state_dict (its keys: {', '.join(map(str, list(loaded)[:8]))})")
    return loaded["state_dict"]


def weights_sha256(state: Mapping[str, Tensor]) -> str:
    """SHA-256 of the network weights and codebook: names, shapes and bytes in the order of names.

    The codebook's running sums are left out: they change nothing that the tokenizer does.
    """
    digest = hashlib.sha256()
    for key in sorted(state):
        if key.endswith(("code_sum", "code_count", "initted")):
            continue
        value = state[key].detach().cpu().float().contiguous()
        digest.update(f"{key}{tuple(value.shape)}".encode())
        digest.update(value.numpy().tobytes())
    return digest.hexdigest()


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
