"""`python -m mGPT.get_motion_code --cfg CFG`: a data set and a tokenizer go in; <CODE_PATH>/<clip>.npy come out."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from omegaconf import DictConfig
from torch import Tensor, nn

import mGPT
from mGPT.command import run_command
from mGPT.config import instantiate_from_config
from mGPT.data.build_data import build_data
from mGPT.errors import CheckpointError, DataError
from mGPT.trainer import devices
from mGPT.utils.load_checkpoint import load_vae, weights_sha256
from mGPT.utils.logger import create_logger
from mGPT.utils.run_folder import write_atomically

log = logging.getLogger("mGPT")

#: Beside the codes: which weights made them.
RECORD = "tokenizer.json"

Clip = tuple[str, Tensor]


def get_motion_code(cfg: DictConfig) -> Path:
    """Tokenise every clip of the data module's `code_clips()` with TRAIN.PRETRAINED_VAE; returns the codes' folder."""
    create_logger()
    if not cfg.TRAIN.PRETRAINED_VAE:
        raise CheckpointError(
            "TRAIN.PRETRAINED_VAE: codes need a trained tokenizer; add TRAIN.PRETRAINED_VAE=RUN/checkpoints/last.ckpt"
        )
    vae = instantiate_from_config(cfg.model.params.motion_vae)
    load_vae(vae, cfg.TRAIN.PRETRAINED_VAE)
    vae.eval().to(_device(cfg))
    datamodule = build_data(cfg, phase="codes")
    folder = Path(datamodule.code_folder())
    written = 0
    for name, codes in encode_clips(vae, datamodule.code_clips(), int(cfg.EVAL.BATCH_SIZE)):
        save_codes(folder / f"{name}.npy", codes)
        written += 1
    if not written:
        raise DataError(f"no clip could be tokenised into {folder}: {datamodule.skipped()}")
    _record(folder, vae, cfg, written, datamodule.skipped())
    return folder


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    return run_command(get_motion_code, "codes", argv)


@torch.no_grad()
def encode_clips(vae: nn.Module, clips: Sequence[Clip], batch_size: int) -> Iterator[tuple[str, np.ndarray]]:
    """(name, codes (1, T // 4) int64) of (name, normalised features (T, F)); clips of like length share a batch."""
    unit = vae.frames_per_token
    place = next(vae.parameters()).device
    ordered = sorted((clip for clip in clips if len(clip[1]) >= unit), key=lambda clip: (len(clip[1]), clip[0]))
    for start in range(0, len(ordered), batch_size):
        batch = ordered[start : start + batch_size]
        lengths = [len(features) // unit * unit for _, features in batch]
        padded = torch.zeros(len(batch), max(lengths), vae.nfeats)
        for row, (_, features), length in zip(padded, batch, lengths, strict=True):
            row[:length] = features[:length]
        codes = vae.encode(padded.to(place), lengths)[0].cpu().numpy()
        for (name, _), row, length in zip(batch, codes, lengths, strict=True):
            yield name, row[None, : length // unit]
        log.info("tokenised %d of %d clips", min(start + batch_size, len(ordered)), len(ordered))


def save_codes(file: Path, codes: np.ndarray) -> None:
    """Write one array so that a kill leaves either the old file or the new one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.stem}.{os.getpid()}.npy")
    np.save(temporary, codes.astype(np.int64))
    os.replace(temporary, file)


def check_codes(folder: Path, vae: nn.Module) -> None:
    """CheckpointError when the codes in a folder are recorded as made by other weights than this tokenizer's."""
    file = folder / RECORD
    if not file.is_file():
        return
    try:
        made_by = json.loads(file.read_text(encoding="utf-8"))["sha256"]
    except (ValueError, KeyError, TypeError):
        raise DataError(
            f"{file}: expected a JSON object with the key sha256; make the codes again with mGPT.get_motion_code"
        ) from None
    if made_by != weights_sha256(vae.state_dict()):
        raise CheckpointError(
            f"the codes in {folder} were made by another tokenizer than the one that is loaded ({RECORD} differs); "
            "run mGPT.get_motion_code again, or give the checkpoint that made them"
        )


def _record(folder: Path, vae: nn.Module, cfg: DictConfig, written: int, skipped: dict[str, Any]) -> None:
    record = {
        "sha256": weights_sha256(vae.state_dict()),
        "codebook_size": len(vae.quantizer.codebook),
        "frames_per_token": vae.frames_per_token,
        "clips": written,
        "skipped": skipped,
        "checkpoint": Path(str(cfg.TRAIN.PRETRAINED_VAE)).name,
        "version": mGPT.__version__,
    }
    write_atomically(folder / RECORD, json.dumps(record, indent=1) + "\n")
    log.info("codes of %d clips in %s", written, folder)
    for split, reasons in skipped.items():
        for reason, names in reasons.items():
            log.warning("%s: %d x %s", split, len(names), reason)


def _device(cfg: DictConfig) -> torch.device:
    accelerator, used, _ = devices(cfg)
    return torch.device("cpu") if accelerator == "cpu" else torch.device("cuda", used[0])


if __name__ == "__main__":
    raise SystemExit(main())
