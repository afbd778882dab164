"""Which subjects a checkpoint has learnt from, so that a model is never tested on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from agir_plugin.cohort import Cohort
from agir_plugin.errors import CohortError

#: Key of a checkpoint file under which the facts stand.
KEY = "agir"
#: What Lightning stores of a module's arguments: configuration objects, which a safe load refuses.
OBJECT_KEYS = ("hparams_name", "hyper_parameters", "datamodule_hparams_name", "datamodule_hyper_parameters")


def mark(checkpoint: dict[str, Any], cohort: Cohort, subjects: set[str]) -> None:
    """Write cohort and training subjects into a checkpoint, and drop the configuration objects Lightning adds.

    The file then loads with `weights_only=True`.
    """
    for key in OBJECT_KEYS:
        checkpoint.pop(key, None)
    checkpoint[KEY] = {"cohort": cohort.hash(), "train_subjects": sorted(subjects)}


def subjects_of(path: str, cohort: Cohort) -> set[str]:
    """The subjects of this cohort that a checkpoint was trained on; empty where it does not say, or for another cohort."""
    if not path or not Path(path).is_file():
        return set()
    facts = torch.load(path, map_location="cpu", weights_only=True).get(KEY) or {}
    return set(facts.get("train_subjects", ())) if facts.get("cohort") == cohort.hash() else set()


def refuse_leak(path: str, seen: set[str], test: tuple[str, ...], key: str) -> None:
    """CohortError when a checkpoint has learnt from subjects that are to be tested on."""
    leaked = sorted(seen & set(test))
    if leaked:
        raise CohortError(
            f"{key}: {path} was trained on {', '.join(leaked)}, who are in the test part of this fold; train it anew on this "
            f"fold (DATASET.AGIR.scheme and fold), or test it on the fold it was trained for"
        )
