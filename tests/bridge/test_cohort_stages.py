"""Both language stages, test and assessment on a small synthetic cohort, through MotionGPT's own scripts."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from mGPT.test import main as run_test
from mGPT.train import main as run_train

from agir_plugin.bridge.assess import assess
from agir_plugin.bridge.run import load_run
from agir_plugin.bridge.small_t5 import make_small_t5
from agir_plugin.bridge.tokenizer import adopt_statistics, tokenise
from agir_plugin.bridge.vocabulary import training_texts
from agir_plugin.cli.annotate import annotate
from agir_plugin.cli.demo_steps import write_example_walk
from agir_plugin.cohort import Cohort, synthesise
from agir_plugin.config import configs_dir
from agir_plugin.errors import ModelError
from agir_plugin.tasks.structure import parse

#: Settings that make the demo configurations tiny.
TINY = [
    "model.params.codebook_size=32",
    "model.params.motion_vae.params.code_num=32",
    "model.params.motion_vae.params.width=16",
    "model.params.motion_vae.params.code_dim=16",
    "model.params.motion_vae.params.output_emb_width=16",
    "LOGGER.VAL_EVERY_STEPS=1",
]


class Workshop:
    """A folder with a tokenised cohort and a small T5, and the commands to train in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.cohort = synthesise(root / "cohort", subjects=6, seed=3, walks_per_session=2)
        annotate(self.cohort.folder)
        self.cohort = Cohort.open(self.cohort.folder)
        assert self.train("vq", "TRAIN.END_EPOCH=2") == 0
        tokenise(self.cohort, load_run(self.run("vq")))
        make_small_t5(root / "t5", training_texts(self.cohort), width=32, layers=1, heads=2, vocabulary=400)

    def run(self, stage: str, name: str | None = None) -> Path:
        return self.root / "experiments" / "model" / (name or f"AGIR_{stage}_demo")

    def settings(self, stage: str, *more: str) -> list[str]:
        places = [
            f"FOLDER={self.root / 'experiments'}",
            f"TEST.FOLDER={self.root / 'results'}",
            f"DATASET.AGIR.cohort={self.cohort.folder}",
        ]
        language = (
            []
            if stage == "vq"
            else [
                f"model.params.lm.params.model_path={self.root / 't5'}",
                "model.params.lm.params.motion_codebook_size=32",
                f"TRAIN.PRETRAINED_VAE={self.run('vq')}/checkpoints/last.ckpt",
            ]
        )
        return [
            "--cfg",
            str(configs_dir() / f"agir_{stage}_demo.yaml"),
            "ACCELERATOR=cpu",
            *TINY,
            *places,
            *language,
            *more,
        ]

    def train(self, stage: str, *more: str) -> int:
        return run_train(self.settings(stage, *more))

    def test(self, stage: str, *more: str) -> int:
        return run_test(self.settings(stage, *more))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    torch.set_num_threads(1)
    workshop = Workshop(tmp_path_factory.mktemp("shop"))
    assert workshop.train("stage1", "TRAIN.END_EPOCH=2") == 0
    first = f"TRAIN.PRETRAINED={workshop.run('stage1')}/checkpoints/best.ckpt"
    assert workshop.train("stage2", "TRAIN.END_EPOCH=2", first) == 0
    return workshop


def test_checkpoints_load_without_pickled_objects(shop: Workshop) -> None:
    for stage, names in (("vq", ["last"]), ("stage1", ["best", "last"]), ("stage2", ["best", "last"])):
        for name in names:
            loaded = torch.load(shop.run(stage) / "checkpoints" / f"{name}.ckpt", weights_only=True)
            assert any(key.startswith("vae.") for key in loaded["state_dict"])


def test_tokenizer_stays_frozen_through_both_stages(shop: Workshop) -> None:
    reference = load_run(shop.run("vq")).vae.state_dict()
    for stage in ("stage1", "stage2"):
        assert all(
            torch.equal(reference[name], value) for name, value in load_run(shop.run(stage)).vae.state_dict().items()
        )


def test_test_writes_predictions_and_metrics(shop: Workshop) -> None:
    assert shop.test("stage2", f"TEST.CHECKPOINTS={shop.run('stage2')}/checkpoints/best.ckpt") == 0
    folder = shop.root / "results" / "model" / "AGIR_stage2_demo"
    rows = [json.loads(line) for line in (folder / "predictions.jsonl").read_text("utf8").splitlines()]
    expected = {w.walk for w in shop.cohort.walks_of(shop.cohort.fold().test)}
    assert {row["walk"] for row in rows} == expected
    assert all(row["well_formed_constrained"] for row in rows)
    assert all(sum(row["probabilities"]) == pytest.approx(1) for row in rows)
    metrics = json.loads((folder / "metrics.json").read_text("utf8"))
    assert metrics["headline"]["accuracy"] == np.mean([row["score"] == row["score_true"] for row in rows])
    assert metrics["headline"]["well_formed_constrained"] == 1
    assert (
        metrics["seed"] == 1234 and metrics["cohort"]["synthetic"] and metrics["config"]["NAME"] == "AGIR_stage2_demo"
    )
    assert "Trained on synthetic data." in metrics["notices"]


def test_marker_recording_is_assessed(shop: Workshop, tmp_path: Path) -> None:
    path = write_example_walk(tmp_path / "walk.c3d", seed=3)
    result = assess(path, shop.run("stage2"))
    assert sum(result.probabilities) == pytest.approx(1, abs=1e-6)
    assert result.score == int(np.argmax(result.probabilities))
    assert result.gait.status == "ok" and result.rationale.foot
    assert result.provenance["cohort"]["synthetic"] and "Trained on synthetic data." in result.notices


def test_a_run_that_cannot_answer_is_refused(shop: Workshop, tmp_path: Path) -> None:
    path = write_example_walk(tmp_path / "walk.c3d", seed=3)
    for stage in ("vq", "stage1"):
        with pytest.raises(ModelError, match="assess needs a stage 2 run"):
            assess(path, shop.run(stage))
    with pytest.raises(ModelError, match="does not exist; expected the folder of a finished training run"):
        assess(path, tmp_path / "nothing")


def test_altered_weights_are_noticed(shop: Workshop, tmp_path: Path) -> None:
    copy = shutil.copytree(shop.run("stage2") / "agir", tmp_path / "agir")
    shutil.copy(load_run(shop.run("vq")).folder / "vae.safetensors", copy / "other.safetensors")
    facts = json.loads((copy / "run.json").read_text("utf8"))
    (copy / "run.json").write_text(json.dumps({**facts, "vae_sha256": "0" * 64}), "utf8")
    with pytest.raises(ModelError, match="not those that run.json describes"):
        load_run(copy)


def test_codes_of_another_tokenizer_are_refused(shop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    record = shop.cohort.folder / "TOKENS" / "tokenizer.json"
    before = record.read_text("utf8")
    record.write_text(json.dumps({**json.loads(before), "sha256": "f" * 64}), "utf8")
    try:
        assert shop.train("stage1", "TRAIN.END_EPOCH=1", "NAME=other") != 0
    finally:
        record.write_text(before, "utf8")
    assert "made by another tokenizer" in capsys.readouterr().err


def test_an_unknown_setting_is_one_line_with_the_nearest_key(
    shop: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shop.train("stage2", "DATASET.AGIR.windw_tokens=20", "NAME=other") == 2
    err = capsys.readouterr().err.strip().splitlines()
    assert err[-1].endswith("window_tokens)") or "did you mean 'window_tokens'" in err[-1]


def test_killed_and_started_again_ends_at_the_same_weights(shop: Workshop) -> None:
    whole, parts = "NAME=whole", "NAME=parts"
    assert shop.train("stage1", "TRAIN.END_EPOCH=3", whole) == 0
    with pytest.raises(KeyboardInterrupt):
        _interrupted(shop, parts)
    assert shop.train("stage1", "TRAIN.END_EPOCH=3", parts) == 0
    one, two = (
        torch.load(shop.run("", name) / "checkpoints" / "last.ckpt", weights_only=True) for name in ("whole", "parts")
    )
    assert all(torch.equal(value, two["state_dict"][name]) for name, value in one["state_dict"].items())
    assert (shop.run("", "whole") / "metrics.csv").read_text() == (shop.run("", "parts") / "metrics.csv").read_text()


def test_shuffled_labels_keep_their_shares_and_change_no_test_walk(shop: Workshop) -> None:
    from mGPT.config import parse_args

    from agir_plugin.bridge.datamodule import GaitDataModule

    plain, shuffled = (
        GaitDataModule(parse_args("train", shop.settings("stage2", f"DATASET.AGIR.shuffle_labels={flag}")))
        for flag in (False, True)
    )
    true, wrong = ([w.score for w in module.train_dataset.windows] for module in (plain, shuffled))
    assert sorted(true) == sorted(wrong) and true != wrong
    for one, two in zip(plain.test_dataset.windows, shuffled.test_dataset.windows, strict=True):
        assert (one.walk, one.score, one.rationale) == (two.walk, two.score, two.rationale)
    for window in shuffled.train_dataset.windows:
        row = shuffled.train_dataset.writer.evaluation_row(window)
        assert parse(row.target).score == window.score


def _interrupted(shop: Workshop, name: str) -> None:
    """Train until the second epoch has begun, then stop as ctrl-C does."""
    from agir_plugin.bridge.model import AgirModel

    original = AgirModel.allsplit_step

    def stopping(self: AgirModel, split: str, batch: dict, batch_idx: int) -> object:
        if split == "train" and self.current_epoch == 1:
            raise KeyboardInterrupt
        return original(self, split, batch, batch_idx)

    AgirModel.allsplit_step = stopping
    try:
        if shop.train("stage1", "TRAIN.END_EPOCH=3", name) != 0:
            raise KeyboardInterrupt
    except SystemExit as stop:
        raise KeyboardInterrupt from stop
    finally:
        AgirModel.allsplit_step = original


def test_a_tokenizer_is_used_on_another_cohort_only_with_its_own_statistics(shop: Workshop, tmp_path: Path) -> None:
    other = synthesise(tmp_path / "other", subjects=3, seed=9, walks_per_session=1)
    run = load_run(shop.run("vq"))
    with pytest.raises(ModelError, match="adopt-statistics"):
        tokenise(other, run)
    adopt_statistics(other, run)
    other = Cohort.open(other.folder)
    assert tokenise(other, run) == {"written": len(other.kept), "kept": 0}
    assert tokenise(other, run) == {"written": 0, "kept": len(other.kept)}
    assert other.facts["statistics"]["adopted_from"] == "AGIR_vq_demo"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda run: (run / "run.json").write_text("{", "utf8"), "expected JSON"),
        (lambda run: (run / "run.json").write_text('{"schema": "agir-run/1"}', "utf8"), "expected the keys"),
        (lambda run: (run / "vae.safetensors").write_bytes(b"short"), "expected safetensors weights"),
        (lambda run: (run / "language" / "model.safetensors").write_bytes(b"short"), "cannot be read"),
    ],
)
def test_a_damaged_run_is_one_clear_error(
    shop: Workshop, tmp_path: Path, damage: Callable[[Path], object], message: str
) -> None:
    copy = shutil.copytree(shop.run("stage2") / "agir", tmp_path / "agir")
    damage(copy)
    with pytest.raises(ModelError, match=message):
        load_run(copy)
