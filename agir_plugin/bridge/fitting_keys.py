"""A checkpoint's tensors against a model's: the rows of AGIR's tokens added, what does not fit told by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from agir_plugin.consts import SPECIAL_TOKENS

#: Ends of the names of the tensors that have one row per vocabulary entry.
VOCABULARY_TABLES = ("shared.weight", "embed_tokens.weight", "lm_head.weight")
#: Parts of names that belong to a run, not to a model: MotionGPT takes them from the fresh model.
RUN_PARTS = ("_losses", "Metrics")
#: Ends of the names of the codebook's running sums, which one MotionGPT saves and another does not.
RUNNING_SUMS = ("quantizer.code_sum", "quantizer.code_count", "quantizer.initted")
#: How many names a message lists.
SHOWN = 4


@dataclass(frozen=True)
class Misfits:
    """Names that the model has and the checkpoint lacks, the other way round, and those whose shapes differ."""

    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    other_shape: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.missing or self.unexpected or self.other_shape)

    def __str__(self) -> str:
        parts = (("missing", self.missing), ("unexpected", self.unexpected), ("of another shape", self.other_shape))
        return "; ".join(f"{len(names)} {what} ({_some(names)})" for what, names in parts if names)

    @property
    def names(self) -> frozenset[str]:
        """Names of the checkpoint that cannot be loaded."""
        return frozenset((*self.unexpected, *self.other_shape))


def with_special_rows(given: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The checkpoint's tensors; a vocabulary table that lacks exactly AGIR's seven rows gets the mean of its rows for each."""
    grown = dict(given)
    for name in [name for name in given if name.startswith("lm.") and name.endswith(VOCABULARY_TABLES)]:
        missing = len(own[name]) - len(given[name]) if name in own else 0
        if missing == len(SPECIAL_TOKENS):
            rows = given[name].mean(dim=0).expand(missing, -1)
            grown[name] = torch.cat([given[name], rows.to(given[name])])
    return grown


def find_misfits(given: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> Misfits:
    """What keeps a checkpoint from fitting a model; falsy when nothing does."""
    given_names, own_names = ({name for name in names if _counts(name)} for names in (given, own))
    shapes = (name for name in given_names & own_names if given[name].shape != own[name].shape)
    return Misfits(tuple(sorted(own_names - given_names)), tuple(sorted(given_names - own_names)), tuple(sorted(shapes)))


def _counts(name: str) -> bool:
    return not any(part in name for part in RUN_PARTS) and not name.endswith(RUNNING_SUMS)


def _some(names: tuple[str, ...]) -> str:
    rest = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")
