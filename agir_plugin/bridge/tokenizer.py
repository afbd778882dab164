"""A cohort's features and a trained motion tokenizer -> `TOKENS/<walk>.npy` and the tokenizer's fingerprint."""
from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from mGPT.archs.mgpt_vq import VQVae

from agir_plugin.bridge.files import write_atomic, write_json
from agir_plugin.bridge.run import Run
from agir_plugin.bridge.windows import pad_to_tokens
from agir_plugin.cohort import Cohort
from agir_plugin.errors import ModelError

#: Walks encoded at once.
BATCH = 64


def encode(vae: VQVae, clips: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Codes (n,) int64 of normalised feature clips (T, 263); clips of equal length are encoded together, so padding never mixes in."""
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
            f"{cohort.folder}: its Mean.npy and Std.npy are not those that {run.folder} was trained with; copy the run's "
            f"statistics into the cohort, or train a tokenizer on this cohort"
        )
    folder = cohort.folder / "TOKENS"
    facts = {"vae_hash": run.facts["vae_hash"], "codebook_size": run.facts["codebook_size"], "run": run.facts["name"]}
    same = _read(folder / "tokenizer.json") == facts
    todo = [w.walk for w in cohort.kept if not (same and (folder / f"{w.walk}.npy").is_file())]
    write_json(folder / "tokenizer.json", {**facts, "complete": False})
    for start in range(0, len(todo), 4 * BATCH):
        part = todo[start : start + 4 * BATCH]
        clips = [(cohort.features(walk) - mean) / std for walk in part]
        for walk, codes in zip(part, encode(run.vae, clips), strict=True):
            write_atomic(folder / f"{walk}.npy", lambda path, row=codes: _save(path, row[None]))
        if progress:
            progress(min(start + len(part), len(todo)), len(todo))
    write_json(folder / "tokenizer.json", facts)
    return {"written": len(todo), "kept": len(cohort.kept) - len(todo)}


def _save(path: Path, codes: np.ndarray) -> None:
    with open(path, "wb") as file:
        np.save(file, codes)


def _read(path: Path) -> dict | None:
    return json.loads(path.read_text("utf8")) if path.is_file() else None
