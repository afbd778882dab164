"""What MotionGPT's language model makes of templates, prompts and tables, in whichever host is in use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import CODES
from mGPT.archs.mgpt_lm import MLM
from safetensors.torch import load_file
from tiny import untied
from torch import Tensor

START, END, MASK = (f"<motion_id_{CODES + index}>" for index in range(3))
TASK = {"class": "t2m", "input": ["Generate motion: <Caption_Placeholder>"], "output": ["<Motion_Placeholder>"]}


@pytest.fixture
def lm(t5_folder: Path) -> MLM:
    """A tiny language model that never quotes."""
    torch.manual_seed(0)
    return MLM(str(t5_folder), motion_codebook_size=CODES, quota_ratio=0.0).eval()


def string(lm: MLM, count: int) -> str:
    """The motion string of `count` codes that count up, modulo CODES."""
    return lm.motion_token_to_string(torch.arange(count)[None] % CODES, [count])[0]


@pytest.mark.parametrize(("codes", "head", "masked"), [(15, 3, range(3, 11)), (49, 9, range(12, 36))])
def test_parts_of_a_motion(lm: MLM, codes: int, head: int, masked: range) -> None:
    """A fifth is given and the middle half is masked, when the length is in frames."""
    words = [f"<motion_id_{index % CODES}>" for index in range(codes)]
    motion = string(lm, codes)
    kinds = ("s1", "s2", "Masked")
    filled = {name: lm.placeholder_fulfill(f"<Motion_Placeholder_{name}>", 4 * codes, motion, "") for name in kinds}
    assert filled["s1"] == "".join([START, *words[:head], END])
    assert filled["s2"] == "".join([START, *words[head:], END])
    hidden = [MASK if index in masked else word for index, word in enumerate(words)]
    assert filled["Masked"] == "".join([START, *hidden, END])


@pytest.mark.parametrize(("ratio", "filled"), [(0.0, "walks 60"), (1.0, '"walks" 60')])
def test_captions_are_quoted_at_the_given_ratio(lm: MLM, ratio: float, filled: str) -> None:
    lm.quota_ratio = ratio
    assert lm.placeholder_fulfill("<Caption_Placeholder> <Frame_Placeholder>", 60, "", "walks") == filled


def test_a_template_draws_one_of_its_strings(lm: MLM) -> None:
    task = {"input": ["one", "two"], "output": ["<Caption_Placeholder>"]}
    inputs, outputs = lm.template_fulfill([task] * 40, [4] * 40, [string(lm, 1)] * 40, ["walks"] * 40)
    assert set(inputs) == {"one", "two"} and set(outputs) == {"walks"}


def asked(lm: MLM, **request: Any) -> tuple[list[str], dict[str, Any], Any]:
    """What `generate_conditional` hands to `generate_direct`, its settings, and what comes of the answer "a person"."""
    seen: list[tuple[list[str], dict[str, Any]]] = []

    def direct(texts: list[str], **settings: Any) -> tuple[list[Tensor], list[str]]:
        seen.append((list(texts), settings))
        return [torch.tensor([3, 4])] * len(texts), ["a person"] * len(texts)

    lm.generate_direct = direct
    answer = lm.generate_conditional(**request)
    (texts, settings) = seen[0]
    return texts, settings, answer


def test_prompts_of_text_to_motion(lm: MLM) -> None:
    texts, settings, answer = asked(lm, texts=["a person walks"], lengths=[60], task="t2m", stage="test")
    assert texts == ["Generate motion: a person walks"] and answer[0].tolist() == [3, 4]
    assert settings["max_length"] == 128 and settings["do_sample"]
    texts, _, _ = asked(lm, texts=["a person walks"], lengths=[60], task="t2m", with_len=True)
    assert texts == ["Generate motion with 60 frames: a person walks"]
    own = {"input": ["Show <Caption_Placeholder>"], "output": [""]}
    assert asked(lm, texts=["a walk"], lengths=[60], task="t2m", tasks=[own])[0] == ["Show a walk"]


def test_prompt_of_motion_to_text(lm: MLM) -> None:
    texts, settings, answer = asked(lm, motion_tokens=[torch.tensor([5, 6, 7])], lengths=[2], task="m2t", stage="test")
    assert texts == [f"Generate text: {START}<motion_id_5><motion_id_6>{END}"] and answer == ["a person"]
    assert settings["max_length"] == 40 and not settings["do_sample"]


@pytest.mark.parametrize(("task", "begins"), [("pred", "Predict motion: "), ("inbetween", "Complete the masked motion: ")])
def test_prompts_of_motion_to_motion(lm: MLM, task: str, begins: str) -> None:
    texts, settings, answer = asked(lm, motion_tokens=[torch.arange(8)], lengths=[8], task=task, stage="test")
    assert texts[0].startswith(begins + START) and answer[0].tolist() == [3, 4] and settings["max_length"] == 128


def test_the_loss_of_a_batch_ignores_what_lies_beyond_a_length(lm: MLM) -> None:
    codes = torch.tensor([[1.0, 2.0, 3.0], [4.0, 0.0, 0.0]])  # the loader gives codes as floats, 0 is a code too
    loss = lm(["a person walks", "a person"], codes, [3, 1], [TASK] * 2).loss
    codes[1, 1:] = 9.0
    assert loss.ndim == 0 and loss.requires_grad and torch.isfinite(loss)
    assert torch.equal(lm(["a person walks", "a person"], codes, [3, 1], [TASK] * 2).loss, loss)


def test_generation_gives_codes_and_words(lm: MLM) -> None:
    torch.manual_seed(0)
    codes, texts = lm.generate_direct(["Generate motion: a person"], max_length=6, num_beams=1, do_sample=False)
    assert len(codes) == len(texts) == 1 and codes[0].dtype == torch.int64 and isinstance(texts[0], str)


def test_both_tables_keep_their_rows_through_two_resizes_and_a_strict_load(t5_folder: Path) -> None:
    saved = load_file(t5_folder / "model.safetensors")
    with untied():
        lm = MLM(str(t5_folder), motion_codebook_size=CODES)
    old = len(lm.tokenizer) - CODES - 3  # rows of words that were there before
    lm.tokenizer.add_tokens([f"<more_{index}>" for index in range(7)])
    lm.language_model.resize_token_embeddings(len(lm.tokenizer))
    state = {name: value.clone() for name, value in lm.state_dict().items()}
    tables = {name: state[f"language_model.{name}.weight"] for name in ("shared", "lm_head")}
    for name, table in tables.items():
        assert len(table) == old + CODES + 10 and torch.equal(table[:old], saved[f"{name}.weight"][:old])
    assert not torch.equal(tables["shared"], tables["lm_head"])
    for name in ("encoder.embed_tokens", "decoder.embed_tokens"):
        assert torch.equal(state[f"language_model.{name}.weight"], tables["shared"])
    state["language_model.lm_head.weight"] = state["language_model.lm_head.weight"] + 1
    lm.load_state_dict(state, strict=True)
    assert all(torch.equal(value, state[name]) for name, value in lm.state_dict().items())
