"""A cohort's features and a trained motion tokenizer -> `TOKENS/<walk>.npy` and the tokenizer's fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from mGPT.archs.mgpt_vq import VQVae
from torch import Tensor

from agir_plugin.bridge.windows import pad_to_tokens
from agir_plugin.cohort import Cohort
from agir_plugin.cohort.files import write_array, write_json
from agir_plugin.errors import ModelError

if TYPE_CHECKING:
    from agir_plugin.bridge.run import Run

#: Walks encoded at once.
BATCH = 64


def encode(vae: VQVae, clips: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Codes (n,) int64 of normalised feature clips (T, 263); only clips of equal length go together: padding never mixes in."""
    device = next(vae.parameters()).device
    whole = [pad_to_tokens(clip) for clip in clips]
    by_length: dict[int, list[int]] = defaultdict(list)
    for index, clip in enumerate(whole):
        by_length[len(clip)].append(index)
    codes: dict[int, np.ndarray] = {}
    for indices in by_length.values():
        for start in range(0, len(indices), BATCH):
            part = indices[start : start + BATCH]
            batch = torch.from_numpy(np.stack([whole[i] for i in part]).astype(np.float32)).to(device)
            with torch.no_grad():
                rows = vae.encode(batch)[0].cpu().numpy()
            codes.update(zip(part, rows, strict=True))
    return [codes[index].astype(np.int64) for index in range(len(clips))]


def tokenise(cohort: Cohort, run: Run, progress: Callable[[int, int], None] | None = None) -> dict[str, int]:
    """Write the codes of every kept walk; returns counts {"written", "kept"}. Walks whose codes are there already are kept.

    `TOKENS/tokenizer.json` names the weights; codes of other weights are made anew. Raises ModelError when the cohort's
    statistics are not those that the tokenizer was trained with: the codes would mean something else.
    """
    mean, std = cohort.statistics()
    if not (np.allclose(mean, run.mean, atol=1e-6) and np.allclose(std, run.std, atol=1e-6)):
        raise ModelError(
            f"{cohort.folder}: its Mean.npy and Std.npy are not those that {run.folder} was trained with; take over the run's with "
            f"`agir tokenize --adopt-statistics`, or train a tokenizer on this cohort"
        )
    folder = cohort.folder / "TOKENS"
    facts = {"sha256": run.facts["vae_sha256"], "codebook_size": run.facts["codebook_size"], "run": run.facts["name"]}
    same = recorded(cohort).get("sha256") == facts["sha256"]
    if not same:
        for stale in folder.glob("*.npy"):
            stale.unlink()
    todo = [w.walk for w in cohort.kept if not (same and (folder / f"{w.walk}.npy").is_file())]
    write_json(folder / "tokenizer.json", facts)
    for start in range(0, len(todo), 4 * BATCH):
        part = todo[start : start + 4 * BATCH]
        clips = [(cohort.features(walk) - mean) / std for walk in part]
        for walk, codes in zip(part, encode(run.vae, clips), strict=True):
            write_array(folder / f"{walk}.npy", codes[None])
        if progress:
            progress(min(start + len(part), len(todo)), len(todo))
    return {"written": len(todo), "kept": len(cohort.kept) - len(todo)}


def adopt_statistics(cohort: Cohort, run: Run) -> None:
    """Replace the cohort's Mean.npy and Std.npy by those of a trained tokenizer, and write down in cohort.json that it was done."""
    write_array(cohort.folder / "Mean.npy", run.mean.astype(np.float32))
    write_array(cohort.folder / "Std.npy", run.std.astype(np.float32))
    path = cohort.folder / "cohort.json"
    facts = json.loads(path.read_text("utf8"))
    write_json(path, {**facts, "statistics": {"adopted_from": run.facts["name"], "sha256": run.facts["vae_sha256"]}})


def check_tokens(cohort: Cohort, vae: VQVae) -> None:
    """ModelError unless the cohort's codes were made by exactly these weights."""
    made_by, loaded = recorded(cohort).get("sha256"), weights_sha256(vae.state_dict())
    if made_by is None:
        raise ModelError(
            f"{cohort.folder}: expected motion tokens in TOKENS/, found none; run `agir tokenize {cohort.folder} --model RUN`"
        )
    if made_by != loaded:
        raise ModelError(
            f"{cohort.folder}: its TOKENS were made by another tokenizer ({made_by[:12]}) than the one loaded ({loaded[:12]}); set "
            f"TRAIN.PRETRAINED_VAE to the weights that made them, or run `agir tokenize` again"
        )


def recorded(cohort: Cohort) -> dict[str, Any]:
    """What TOKENS/tokenizer.json says of the weights that made the codes; empty where there is none."""
    path = cohort.folder / "TOKENS" / "tokenizer.json"
    if not path.is_file():
        return {}
    try:
        facts = json.loads(path.read_text("utf8"))
    except ValueError as error:
        raise ModelError(f"{path}: expected JSON, got {error}; run `agir tokenize` again") from None
    return facts if isinstance(facts, dict) else {}


def weights_sha256(weights: Mapping[str, Tensor]) -> str:
    """sha256 of a tokenizer's weights: names, shapes and values as float32, in the order of names.

    The codebook's running sums are left out: they change nothing that the tokenizer does. Our host's tokenising script
    records the same number.
    """
    digest = hashlib.sha256()
    for name in sorted(name for name in weights if not name.endswith(("code_sum", "code_count", "initted"))):
        value = weights[name].detach().cpu().float().contiguous()
        digest.update(f"{name}{tuple(value.shape)}".encode())
        digest.update(value.numpy().tobytes())
    return digest.hexdigest()
