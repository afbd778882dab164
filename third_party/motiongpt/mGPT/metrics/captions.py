"""Caption metrics: generated and reference texts go in; BLEU, ROUGE-L and CIDEr come out (package pycocoevalcap)."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, distributed
from torchmetrics import Metric

from mGPT.errors import ConfigError

NAMES = ("Bleu_1", "Bleu_4", "ROUGE_L", "CIDEr")


class M2TMetrics(Metric):
    """Bleu_1, Bleu_4, ROUGE_L and CIDEr (exact match is 10) over all captions of a pass."""

    full_state_update = False

    def __init__(self, cfg: Any = None, dist_sync_on_step: bool = True, **kwargs: Any) -> None:
        super().__init__(dist_sync_on_step=dist_sync_on_step)
        self._scorers = {"Bleu": _scorer("bleu.bleu", "Bleu"), "ROUGE_L": _scorer("rouge.rouge", "Rouge")}
        self._scorers["CIDEr"] = _scorer("cider.cider", "Cider")
        self.made: list[str] = []
        self.meant: list[list[str]] = []

    def update(self, pred_texts: Sequence[str], gt_texts: Sequence[Sequence[str]], **kwargs: Any) -> None:
        """Add captions and, for each, all its references."""
        self.made.extend(pred_texts)
        self.meant.extend([list(texts) for texts in gt_texts])

    def reset(self) -> None:
        """Forget all captions."""
        super().reset()
        self.made, self.meant = [], []

    def compute(self, sanity_flag: bool = False) -> dict[str, Tensor]:
        """Corpus scores; words are lower-cased and split at blanks and punctuation."""
        pairs = _over_processes(list(zip(self.made, self.meant, strict=True)))
        if not pairs:
            return {name: torch.tensor(float("nan")) for name in NAMES}
        references = {index: [_words(text) for text in texts] for index, (_, texts) in enumerate(pairs)}
        made = {index: [_words(text)] for index, (text, _) in enumerate(pairs)}
        bleu, _ = self._scorers["Bleu"](4).compute_score(references, made, verbose=0)
        rouge, _ = self._scorers["ROUGE_L"]().compute_score(references, made)
        cider, _ = self._scorers["CIDEr"]().compute_score(references, made)
        values = (bleu[0], bleu[3], rouge, cider)
        return {name: torch.tensor(float(value)) for name, value in zip(NAMES, values, strict=True)}


def _scorer(module: str, name: str) -> Any:
    try:
        return getattr(import_module(f"pycocoevalcap.{module}"), name)
    except ImportError:
        raise ConfigError(
            "METRIC.TYPE M2TMetrics needs the package pycocoevalcap; pip install pycocoevalcap, or leave M2TMetrics out"
        ) from None


def _over_processes(pairs: list[tuple[str, list[str]]]) -> list[tuple[str, list[str]]]:
    if not (distributed.is_available() and distributed.is_initialized()):
        return pairs
    gathered: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(gathered, pairs)
    return [pair for part in gathered for pair in part]


def _words(text: str) -> str:
    spaced = "".join(letter if letter.isalnum() or letter in "'-" else " " for letter in text.lower())
    return " ".join(spaced.split())
