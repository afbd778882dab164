"""A tiny language model made on the spot, shared by the bridge's tests."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from agir_plugin.bridge.language import GaitLM
from agir_plugin.bridge.small_t5 import make_small_t5
from agir_plugin.records import Rationale

#: Number of motion codes of the tiny model.
CODES = 16
RATIONALES = (
    Rationale("Speed is normal and steps are long.", "Both arms swing freely.", "The walk is steady."),
    Rationale("Speed is low and steps are short.", "The left arm hardly swings.", "The walk is impaired."),
)


@pytest.fixture(scope="session")
def t5_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a small T5 whose tokenizer knows the words of `RATIONALES`."""
    texts = [r.text() for r in RATIONALES] + [
        "Assess this walk and give your reasoning.",
        "What does this motion show?",
    ]
    return make_small_t5(tmp_path_factory.mktemp("t5"), texts, width=32, layers=1, heads=2, vocabulary=150)


@pytest.fixture
def lm(t5_folder: Path) -> GaitLM:
    """A fresh tiny language model with AGIR's tokens."""
    torch.manual_seed(0)
    return GaitLM(
        str(t5_folder), stage="lm_instruct", motion_codebook_size=CODES, max_length=200, max_reasoning_tokens=60
    ).eval()
