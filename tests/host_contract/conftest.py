"""One suite, two hosts: our own by default, an upstream checkout when MOTIONGPT_ROOT names one. Stand-ins made on the spot.

The stand-ins: a T5 folder with its own tokenizer, a folder of the HumanML3D layout, and what upstream opens at start-up.
"""

from __future__ import annotations

import json
import logging
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
OWN = ROOT / "third_party" / "motiongpt"
UPSTREAM = Path(os.environ["MOTIONGPT_ROOT"]).resolve() if "MOTIONGPT_ROOT" in os.environ else None
HOST = UPSTREAM or OWN
#: Scripts that run in a process of their own, and the plugin that exists only for this suite.
PROBE = Path(__file__).parent / "probe"
for folder in (PROBE, HOST):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", "host_only(reason): what only our host does; skipped by name in any other")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With MOTIONGPT_ROOT, tests marked `host_only` are skipped and say why."""
    for item in items:
        marker = item.get_closest_marker("host_only")
        if marker is not None and UPSTREAM is not None:
            item.add_marker(pytest.mark.skip(reason=f"our host alone: {marker.args[0]}"))


@pytest.fixture(scope="session", autouse=True)
def _checkout_stays_clean() -> Iterator[None]:
    """Nothing that the suite does may show in `git status` of the checkout."""
    if UPSTREAM is None:
        yield
        return
    status = ["git", "-C", str(UPSTREAM), "status", "--porcelain"]
    before = subprocess.run(status, capture_output=True, text=True, check=True).stdout
    yield
    assert subprocess.run(status, capture_output=True, text=True, check=True).stdout == before


#: Mean and standard deviation of the features, those of training and those of upstream's evaluators.
MEAN, STD, EVALUATOR_MEAN, EVALUATOR_STD = 0.5, 2.0, 1.0, 4.0
WORDS = "a person walks forward slowly turns left right stops : Generate motion text Predict Complete the masked"
CODES = 16


def make_t5(folder: Path, head_apart: bool = True, seed: int = 0, **sizes: int) -> Path:
    """A tiny T5 folder: word-level tokenizer with sentinels, width 16; `head_apart` gives it an lm_head of its own.

    `sizes` replace those of T5Config that are used here (d_model, d_kv, d_ff, num_layers, num_heads).
    """
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

    vocabulary = {word: index for index, word in enumerate(["<pad>", "</s>", "<unk>", *dict.fromkeys(WORDS.split())])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")
    fast.add_tokens([f"<extra_id_{index}>" for index in range(100)], special_tokens=True)
    torch.manual_seed(seed)
    config = T5Config(
        vocab_size=len(fast) + 4, feed_forward_proj="gated-gelu",
        **({"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2} | sizes),
        decoder_start_token_id=0, pad_token_id=0, eos_token_id=1, tie_word_embeddings=not head_apart,
    )  # fmt: skip
    model = T5ForConditionalGeneration(config)
    if head_apart:
        model.config.tie_word_embeddings = False
        model.lm_head.weight = torch.nn.Parameter(torch.randn_like(model.lm_head.weight) * 0.1)
    model.save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder


def make_humanml(folder: Path, clips: int = 8, seed: int = 0, shortest: int = 40) -> Path:
    """A folder of the HumanML3D layout: smooth random features of `shortest` to 40 more frames, captions and codes."""
    rng = np.random.default_rng(seed)
    for name in ("new_joint_vecs", "texts", "TOKENS"):
        (folder / name).mkdir(parents=True)
    names = [f"W{index:02d}" for index in range(clips)]
    for index, name in enumerate(names):
        frames = shortest + 8 * (index % 6)
        time_s = np.arange(frames)[:, None] / 20.0
        features = np.sin(2 * np.pi * time_s * rng.uniform(0.5, 1.5, 263) + rng.uniform(0, 6, 263)) * 0.1
        np.save(folder / "new_joint_vecs" / f"{name}.npy", features.astype(np.float32))
        (folder / "texts" / f"{name}.txt").write_text(
            "a person walks slowly#a/DET person/NOUN walks/VERB slowly/ADV#0.0#0.0\n", encoding="utf-8"
        )
        np.save(folder / "TOKENS" / f"{name}.npy", rng.integers(0, CODES, (1, frames // 4)))
    np.save(folder / "Mean.npy", np.zeros(263, np.float32))
    np.save(folder / "Std.npy", np.full(263, 0.1, np.float32))
    (folder / "train.txt").write_text("\n".join(names[:-2]) + "\n")
    for split in ("val", "test"):
        (folder / f"{split}.txt").write_text("\n".join(names[-2:]) + "\n")
    return folder


def make_assets(folder: Path) -> Path:
    """What upstream opens for HumanML3D beside the data: word vectors, statistics, and a spaCy model below `folder`.

    Our host reads `statistics/mean.npy` and `std.npy` alone.
    """
    names = ["unk", "sos", "eos", "a", "person", "walks", "slowly"]
    (folder / "glove").mkdir(parents=True)
    np.save(folder / "glove" / "our_vab_data.npy", np.eye(len(names), 300, dtype=np.float32))
    (folder / "glove" / "our_vab_words.pkl").write_bytes(pickle.dumps(names))
    (folder / "glove" / "our_vab_idx.pkl").write_bytes(pickle.dumps({name: index for index, name in enumerate(names)}))
    places = {
        "statistics": (MEAN, STD),
        "statistics/t2m/VQVAEV3_CB1024_CMT_H1024_NRES3/meta": (MEAN, STD),
        "statistics/t2m/Comp_v6_KLD01/meta": (EVALUATOR_MEAN, EVALUATOR_STD),
    }
    for place, values in places.items():
        (folder / place).mkdir(parents=True, exist_ok=True)
        for name, value in zip(("mean", "std"), values, strict=True):
            np.save(folder / place / f"{name}.npy", np.full(263, value, np.float32))
    if UPSTREAM is not None:
        import spacy

        spacy.blank("en").to_disk(folder / "en_core_web_sm")
    return folder


#: Parses a command line: experiment file as a mapping, assets file as a mapping, then the words; `phase=` train or test.
Parse = Callable[..., Any]


@pytest.fixture
def parse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Parse:
    """`mGPT.config.parse_args` as train.py and test.py call it, from the checkout's root, with files outside of it."""
    from mGPT.config import parse_args
    from omegaconf import OmegaConf

    def parsed(experiment: dict[str, Any], assets: dict[str, Any], *words: str, phase: str = "train") -> Any:
        (tmp_path / "experiment.yaml").write_text(json.dumps({**REQUIRED, **experiment}))
        (tmp_path / "assets.yaml").write_text(json.dumps({"CONFIG_FOLDER": "configs", **assets}))
        files = ["--cfg", str(tmp_path / "experiment.yaml"), "--cfg_assets", str(tmp_path / "assets.yaml")]
        OmegaConf.clear_resolver("eval")  # upstream registers it at every call, which works once per process
        with monkeypatch.context() as patch:
            patch.chdir(HOST)
            patch.setattr(sys, "argv", [f"{phase}.py", *files, *words])
            return parse_args(phase=phase)

    return parsed


#: Keys that upstream needs in every experiment file.
REQUIRED = {"NAME": "n", "ACCELERATOR": "cpu", "DEVICE": [0], "NUM_NODES": 1, "TRAIN": {"STAGE": "vae"}}


@pytest.fixture(scope="session")
def t5_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny T5 whose lm_head differs from its embedding, as flan-t5's does."""
    return make_t5(tmp_path_factory.mktemp("t5"))


@pytest.fixture(scope="session")
def humanml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small data folder; tests that change it copy it first."""
    return make_humanml(tmp_path_factory.mktemp("data") / "humanml3d")


@pytest.fixture
def words(tmp_path: Path, t5_folder: Path, humanml: Path) -> list[str]:
    """Command-line words of a tiny run on the CPU; the experiment file adds nothing to the defaults."""
    cfg, assets = tmp_path / "tiny.yaml", tmp_path / "assets.yaml"
    cfg.write_text("NAME: tiny\n")
    assets.write_text(json.dumps({"FOLDER": str(tmp_path / "runs"), "TEST": {"FOLDER": str(tmp_path / "results")}}))
    vq = {"code_num": CODES, "code_dim": 8, "output_emb_width": 8, "width": 8, "depth": 1}
    return [
        "--cfg", str(cfg), "--cfg_assets", str(assets),
        "ACCELERATOR=cpu", "TRAIN.END_EPOCH=1", "TRAIN.BATCH_SIZE=4", "LOGGER.VAL_EVERY_STEPS=1", "LOGGER.TYPE=[csv]",
        f"DATASET.HUMANML3D.ROOT={humanml}", f"lm.default.params.model_path={t5_folder}",
        *(f"vq.default.params.{key}={value}" for key, value in vq.items()),
    ]  # fmt: skip


@pytest.fixture(autouse=True)
def _closed_log_files() -> Iterator[None]:
    """Runs in this process leave no open log file behind."""
    yield
    logger = logging.getLogger("mGPT")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    logger.propagate = True
