"""Loads a T5 folder with untied heads and grows its vocabulary; the rows that were there stay bit-identical.

transformers 5 forces `tie_word_embeddings` to true for T5, and the next resize then overwrites `lm_head` (huggingface
transformers 48154). So the flag is put to false at once, before any resize; the same is harmless in transformers 4.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from mGPT.errors import CheckpointError

#: New embedding rows scatter around the mean of the old by this share of their spread (after Hewitt 2021).
NEW_ROW_SPREAD = 0.01


def load_tokenizer(model_path: str) -> Any:
    """The tokenizer of a Hugging Face folder; CheckpointError when folder, end token or padding token is missing."""
    from transformers import AutoTokenizer

    folder = _folder(model_path)
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder))
    except (OSError, ValueError, ImportError) as error:
        raise CheckpointError(f"no tokenizer could be read from {folder}: {_first_line(error)}") from None
    missing = [name for name in ("pad_token", "eos_token") if getattr(tokenizer, name) is None]
    if missing:
        raise CheckpointError(
            f"the tokenizer in {folder} has no {' and no '.join(missing)}; set them in its tokenizer_config.json"
        )
    return tokenizer


def load_t5(model_path: str) -> nn.Module:
    """T5 of a Hugging Face folder with an `lm_head` of its own, whatever the installed transformers thinks of ties."""
    from transformers import T5ForConditionalGeneration
    from transformers.utils import logging as transformers_logging

    folder = _folder(model_path)
    level = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()  # it would warn that the heads are not tied, which is what is wanted
    try:
        model = T5ForConditionalGeneration.from_pretrained(str(folder))
    except (OSError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"no T5 weights could be read from {folder}: {_first_line(error)}") from None
    finally:
        transformers_logging.set_verbosity(level)
    untie(model)
    return model.train()  # from_pretrained leaves eval mode, and Lightning keeps the mode it finds


def untie(model: nn.Module) -> None:
    """Give the model an `lm_head` that no tie rule touches any more.

    A checkpoint whose head really is the embedding gets a copy of it; T5 then scales the decoder's output by
    d_model**-0.5,
    and that factor moves into the copy, so that the model's answers do not change.
    """
    shared = model.get_input_embeddings().weight
    head = model.get_output_embeddings()
    if head.weight is shared or head.weight.data_ptr() == shared.data_ptr():
        head.weight = nn.Parameter(shared.detach() * model.config.d_model**-0.5)
        if hasattr(model.config, "scale_decoder_outputs"):
            model.config.scale_decoder_outputs = False
    model.config.tie_word_embeddings = False


def grow(model: nn.Module, rows: int) -> None:
    """Resize both embeddings to `rows`; old rows stay bit-identical, new ones start near the mean of the old."""
    before = {name: weight.detach().clone() for name, weight in _tables(model).items()}
    model.resize_token_embeddings(rows, mean_resizing=False)
    after = _tables(model)
    with torch.no_grad():
        for name, old in before.items():
            _fill_new_rows(after[name], old)
    kept = all(torch.equal(after[name][: len(old)], old[:rows]) for name, old in before.items())
    if not kept or after["shared"].data_ptr() == after["lm_head"].data_ptr():
        raise CheckpointError(
            "growing the vocabulary changed old rows or tied the head; this transformers release is not supported"
        )


def _tables(model: nn.Module) -> dict[str, torch.Tensor]:
    return {"shared": model.get_input_embeddings().weight, "lm_head": model.get_output_embeddings().weight}


def _fill_new_rows(table: torch.Tensor, old: torch.Tensor) -> None:
    new = table[len(old) :]
    if len(new):
        new.copy_(old.mean(0) + NEW_ROW_SPREAD * old.std(0) * torch.randn_like(new))


def _folder(model_path: str) -> Path:
    folder = Path(model_path)
    if not folder.is_dir():
        raise CheckpointError(
            f"language model: expected a Hugging Face T5 folder at {folder}, found none; "
            "put flan-t5-base there, or name another T5 folder in lm.default.params.model_path "
            "(model.params.lm.params.model_path where lm is inline)"
        )
    return folder


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
