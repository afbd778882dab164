"""Growing the vocabulary under the installed transformers: old rows bit-identical, the same logits under 4.57 and 5.x.

The model is written file by file from a fixed recipe, so that no library version has a say in it. `make test-matrix` runs this
under both majors and compares what each wrote into AGIR_MATRIX_DIR.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoTokenizer, T5ForConditionalGeneration

from agir_plugin.bridge.language import GaitLM, add_special_tokens
from agir_plugin.bridge.small_t5 import make_small_t5
from agir_plugin.consts import SPECIAL_TOKENS

#: Logits of the recipe's model, written once under transformers 5.23 with torch 2.13: first values of each target position.
REFERENCE = Path(__file__).parent / "t5_logits.json"
WIDTH, HEADS, CODES = 16, 2, 5
TEXTS = (
    "Foot: Steps are short. Arm: Both arms swing freely. Overall: The walk is steady.",
    "Assess this walk and give your reasoning.",
    "What does this motion show?",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A T5 whose head differs from its embedding, as flan-t5's does, its weights a function of their names alone."""
    place = make_small_t5(tmp_path_factory.mktemp("fixed") / "t5", TEXTS, width=WIDTH, layers=1, heads=HEADS, vocabulary=150)
    config = json.loads((place / "config.json").read_text("utf8"))
    rows = config["vocab_size"]
    names = T5ForConditionalGeneration.from_pretrained(place).state_dict()
    weights = {name: fixed(name, value.shape) for name, value in names.items() if "embed_tokens" not in name}
    assert weights["shared.weight"].shape == weights["lm_head.weight"].shape == (rows, WIDTH)
    save_file(weights, place / "model.safetensors", metadata={"format": "pt"})
    return place


def fixed(name: str, shape: torch.Size) -> torch.Tensor:
    """A smooth function of the place in the tensor and the name's length."""
    count = int(np.prod(shape))
    return torch.from_numpy(np.sin(0.37 * np.arange(count) + len(name)).astype(np.float32).reshape(shape) * 0.4)


def test_old_rows_of_embedding_and_head_stay_bit_identical(folder: Path) -> None:
    tokenizer, model = AutoTokenizer.from_pretrained(folder), T5ForConditionalGeneration.from_pretrained(folder)
    old = fixed("shared.weight", (len(tokenizer), WIDTH)), fixed("lm_head.weight", (len(tokenizer), WIDTH))
    assert add_special_tokens(tokenizer, model) == len(SPECIAL_TOKENS)
    for table, before in zip((model.shared.weight, model.lm_head.weight), old, strict=True):
        assert torch.equal(table[: len(before)], before) and len(table) == len(before) + len(SPECIAL_TOKENS)
    assert not torch.equal(model.shared.weight, model.lm_head.weight)
    assert add_special_tokens(tokenizer, model) == 0


def test_motiongpts_rows_stay_too_when_the_seven_are_added(folder: Path) -> None:
    lm = GaitLM(str(folder), stage="lm_instruct", motion_codebook_size=CODES, max_length=200)
    rows = len(fixed("shared.weight", torch.Size([json.loads((folder / "config.json").read_text())["vocab_size"], WIDTH])))
    for name in ("shared", "lm_head"):
        table = getattr(lm.language_model, name).weight
        assert torch.equal(table[:rows], fixed(f"{name}.weight", torch.Size([rows, WIDTH])))
        assert len(table) == rows + CODES + 3 + len(SPECIAL_TOKENS)


def test_logits_are_the_same_under_every_version(folder: Path) -> None:
    tokenizer, model = AutoTokenizer.from_pretrained(folder), T5ForConditionalGeneration.from_pretrained(folder)
    rows = len(tokenizer)
    add_special_tokens(tokenizer, model)
    source = torch.arange(24).reshape(2, 12) % rows
    target = torch.arange(16).reshape(2, 8) * 5 % rows
    with torch.no_grad():
        logits = model.eval()(input_ids=source, labels=target).logits[..., :rows].numpy()
    matrix = os.environ.get("AGIR_MATRIX_DIR")
    if matrix:
        np.save(Path(matrix) / f"logits-{transformers.__version__}.npy", logits)
        for other in Path(matrix).glob("logits-*.npy"):
            assert np.abs(np.load(other) - logits).max() <= 1e-5, other.name
    expected = np.array(json.loads(REFERENCE.read_text("utf8"))["logits"])
    assert np.abs(logits[..., :6] - expected).max() <= 1e-5
