"""What a checkpoint file holds, in words and numbers; and a tokenizer run made of a checkpoint alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mGPT.archs.mgpt_vq import VQVae
from safetensors.torch import save
from torch import Tensor

from agir_plugin.bridge.checkpoint import Checkpoint, read_checkpoint
from agir_plugin.bridge.compat import mend_vae
from agir_plugin.bridge.results import versions
from agir_plugin.bridge.run import EXPORT, SCHEMA
from agir_plugin.bridge.tokenizer import weights_sha256
from agir_plugin.cohort.files import write_bytes, write_json
from agir_plugin.consts import N_FEATURES, NOT_A_DEVICE
from agir_plugin.errors import ModelError

#: Names of a statistics file, as MotionGPT and as HumanML3D have it.
MEAN_NAMES, STD_NAMES = ("mean.npy", "Mean.npy"), ("std.npy", "Std.npy")


def describe(path: Path | str) -> dict[str, Any]:
    """Tensors, tokenizer, language model and facts of a checkpoint, ready for JSON. ModelError as `read_checkpoint`."""
    found = read_checkpoint(path)
    vae, language = _part(found, "vae."), _part(found, "lm.language_model.")
    rest = [name for name in found.tensors if not name.startswith(("vae.", "lm."))]
    return {
        "file": str(path),
        "tensors": len(found.tensors),
        "parameters": sum(value.numel() for value in found.tensors.values()),
        "tokenizer": _sizes_or_why(vae) if vae else None,
        "tokenizer_sha256": weights_sha256(vae) if vae else None,
        "language_model": _language_sizes(language) if language else None,
        "metrics_and_losses": len([name for name in rest if "Metrics" in name or "_losses" in name]),
        "other_tensors": sorted(name for name in rest if "Metrics" not in name and "_losses" not in name),
        "facts": {key: value for key, value in found.facts.items() if key != "agir"},
        "trained_on_subjects": (found.facts.get("agir") or {}).get("train_subjects", []),
        "left_out": list(found.left_out),
    }


def tokenizer_sizes(weights: dict[str, Tensor]) -> dict[str, Any]:
    """Parameters of MotionGPT's `VQVae` that fit these weights (names without `vae.`), read off their shapes.

    The growth of dilations and the activation leave no trace in the shapes; MotionGPT's own (3, relu) are assumed.
    """
    try:
        first = weights["encoder.model.0.weight"]
        down = [re.fullmatch(r"encoder\.model\.(\d+)\.0\.weight", name) for name in weights]
        halvings = [weights[match[0]] for match in down if match]
        blocks = {m[1] for m in map(re.compile(r"encoder\.model\.2\.1\.model\.(\d+)\..*").fullmatch, weights) if m}
        last = weights[f"encoder.model.{2 + len(halvings)}.weight"]
        book = weights["quantizer.codebook"]
        return {
            "nfeats": first.shape[1],
            "quantizer": "ema_reset",
            "code_num": book.shape[0],
            "code_dim": book.shape[1],
            "output_emb_width": last.shape[0],
            "down_t": len(halvings),
            "stride_t": halvings[0].shape[2] // 2,
            "width": first.shape[0],
            "depth": len(blocks),
            "dilation_growth_rate": 3,
            "activation": "relu",
            "norm": None,
        }
    except (KeyError, IndexError) as error:
        raise ModelError(f"expected the weights of MotionGPT's VQ-VAE (encoder, decoder, quantizer.codebook); no {error}") from None


def write_tokenizer_run(path: Path | str, folder: Path | str, statistics: Path | str | None) -> Checkpoint:
    """Make a tokenizer run of a checkpoint's `vae.` weights, so that `agir tokenize` can use MotionGPT's released tokenizer.

    `statistics` is the folder with the mean and standard deviation (263,) that the tokenizer was trained with. ModelError when
    they are missing or the checkpoint holds no motion tokenizer for HumanML3D features.
    """
    found = read_checkpoint(path)
    weights = _part(found, "vae.")
    if not weights:
        raise ModelError(f"{path}: expected a checkpoint with a motion tokenizer (keys that start with vae.), found none")
    sizes = tokenizer_sizes(weights)
    if sizes["nfeats"] != N_FEATURES:
        raise ModelError(f"{path}: its tokenizer reads {sizes['nfeats']} features per frame, AGIR's walks have {N_FEATURES}")
    vae = mend_vae(VQVae(**sizes))
    try:
        vae.load_state_dict(dict(weights))
    except RuntimeError as error:
        raise ModelError(f"{path}: its vae. weights do not fit MotionGPT's VQ-VAE: {' '.join(str(error).split())[:300]}") from None
    mean, std = _statistics(statistics)
    target = Path(folder) / EXPORT
    clean = {name: value.contiguous() for name, value in vae.state_dict().items()}
    write_bytes(target / "vae.safetensors", save(clean))
    arrays = {"mean": torch.from_numpy(mean), "std": torch.from_numpy(std)}
    write_bytes(target / "statistics.safetensors", save(arrays))
    write_json(target / "run.json", _run_facts(Path(path), sizes, weights_sha256(clean), found))
    return found


def _sizes_or_why(weights: dict[str, Tensor]) -> dict[str, Any]:
    try:
        return tokenizer_sizes(weights)
    except ModelError as error:
        return {"tensors": len(weights), "not_understood": str(error)}


def _run_facts(path: Path, sizes: dict[str, Any], sha256: str, found: Checkpoint) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "name": path.stem,
        "codebook_size": sizes["code_num"],
        "vq": sizes,
        "lm": {},
        "data": {"task": "tokenizer", "cohort": ""},
        "vae_sha256": sha256,
        "language_sha256": None,
        "instruction": None,
        "notices": [NOT_A_DEVICE],
        "train_subjects": (found.facts.get("agir") or {}).get("train_subjects", []),
        "converted_from": path.name,
        "versions": versions(),
    }


def _statistics(folder: Path | str | None) -> tuple[np.ndarray, np.ndarray]:
    if folder is None:
        raise ModelError(
            "a tokenizer run needs the statistics its features were normalised with: name the folder of mean.npy and std.npy "
            "with --statistics (MotionGPT keeps them in deps/t2m/t2m/VQVAEV3_CB1024_CMT_H1024_NRES3/meta)"
        )
    return _array(Path(folder), MEAN_NAMES), _array(Path(folder), STD_NAMES)


def _array(folder: Path, names: tuple[str, ...]) -> np.ndarray:
    path = next((folder / name for name in names if (folder / name).is_file()), None)
    if path is None:
        raise ModelError(f"{folder}: expected {' or '.join(names)} there, found neither; check --statistics")
    try:
        values = np.load(path, allow_pickle=False)
    except (ValueError, OSError) as error:
        raise ModelError(f"{path}: expected a NumPy array of {N_FEATURES} numbers, got {error}") from None
    if values.shape != (N_FEATURES,) or not np.isfinite(values).all():
        raise ModelError(f"{path}: expected {N_FEATURES} finite numbers, got an array of shape {values.shape}")
    return values.astype(np.float64)


def _part(found: Checkpoint, prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in found.tensors.items() if name.startswith(prefix)}


def _language_sizes(weights: dict[str, Tensor]) -> dict[str, Any]:
    rows, head = weights.get("shared.weight"), weights.get("lm_head.weight")
    layers = {m[1] for m in map(re.compile(r"encoder\.block\.(\d+)\..*").fullmatch, weights) if m}
    return {
        "vocabulary_rows": None if rows is None else rows.shape[0],
        "width": None if rows is None else rows.shape[1],
        "encoder_layers": len(layers),
        "head_apart": None if rows is None or head is None else not torch.equal(rows, head),
        "parameters": sum(value.numel() for value in weights.values()),
    }
