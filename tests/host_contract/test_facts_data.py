"""Folders of the HumanML3D layout and the batches made of them, in whichever host is in use."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import MEAN, STD, Parse, make_assets, make_humanml
from mGPT.data import BASEDataModule
from mGPT.data.build_data import build_data
from omegaconf import OmegaConf
from torch.utils.data import Dataset

pytestmark = pytest.mark.filterwarnings("ignore:register_new_resolver:UserWarning")

TEMPLATES = {
    "Text-to-Motion": {"caption": {"class": "t2m", "input": ["<Caption_Placeholder>"], "output": ["<Motion_Placeholder>"]}},
    "Motion-to-Text": {
        "caption": {"class": "m2t", "input": ["What is <Motion_Placeholder>?"], "output": ["<Caption_Placeholder>"]},
        "frames": {"class": "m2t", "input": ["How long?"], "output": ["<Frame_Placeholder>"]},
    },
}
#: Makes the data module of a stage over a fresh folder; further keys go below DATASET.
Made = Callable[..., Any]


@pytest.fixture(scope="session")
def assets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What upstream opens beside the data."""
    return make_assets(tmp_path_factory.mktemp("assets"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Eight clips of 64 to 104 frames, six of them for training, with templates."""
    folder = make_humanml(tmp_path / "humanml3d", shortest=64)
    for name in ("template_pretrain", "template_instructions"):
        (folder / f"{name}.json").write_text(json.dumps(TEMPLATES))
    return folder


@pytest.fixture
def made(root: Path, assets: Path, parse: Parse, monkeypatch: pytest.MonkeyPatch) -> Made:
    """Data modules over `root`; the working folder holds the spaCy model."""

    def make(stage: str, phase: str = "train", **dataset: Any) -> Any:
        places = {
            "HUMANML3D": {"ROOT": str(root), "MEAN_STD_PATH": str(assets / "statistics")},
            "WORD_VERTILIZER_PATH": str(assets / "glove"),
        }
        experiment = {"TRAIN": {"STAGE": stage}, "DATASET": {"CODE_PATH": "TOKENS", **dataset}}
        cfg = parse(experiment, {"DATASET": places}, "--nodebug")
        monkeypatch.chdir(assets)
        return build_data(cfg, phase=phase)

    return make


def batch(data: Any, dataset: Dataset) -> dict[str, Any]:
    """All items of a data set as one batch."""
    return data.dataloader_options["collate_fn"]([dataset[index] for index in range(len(dataset))])


def raw(root: Path, split: str) -> list[np.ndarray]:
    """The features of a split's clips, normalised with the set's statistics."""
    names = (root / f"{split}.txt").read_text().split()
    return [(np.load(root / "new_joint_vecs" / f"{name}.npy") - MEAN) / STD for name in names]


def within(piece: torch.Tensor, clips: list[np.ndarray]) -> list[int]:
    """The lengths of the clips that hold this piece."""
    found = []
    for clip in clips:
        starts = range(len(clip) - len(piece) + 1)
        if any(np.allclose(clip[start : start + len(piece)], piece.numpy(), atol=1e-5) for start in starts):
            found.append(len(clip))
    return found


def test_what_models_and_metrics_read_of_a_data_module(made: Made) -> None:
    data = made("vae")
    assert (data.name, data.njoints, data.is_mm) == ("humanml3d", 22, False)
    assert data.cfg.DATASET.JOINT_TYPE == "humanml3d" and data.cfg.DATASET.NFEATS == 263
    features = torch.zeros(2, 3, 263)
    features[..., 2], features[..., 3] = 0.5, 0.9  # half a metre forward per frame, pelvis at 0.9 m
    joints = data.feats2joints((features - MEAN) / STD)
    assert joints.shape == (2, 3, 22, 3)
    torch.testing.assert_close(joints[1, :, 0], torch.tensor([[0.0, 0.9, 0.5 * frame] for frame in range(3)]))


def test_training_windows_of_the_tokenizer(made: Made, root: Path) -> None:
    data = made("vae")
    windows = batch(data, data.train_dataset)
    assert windows["motion"].shape == (6, 64, 263) and windows["motion"].dtype == torch.float32
    for window, length in zip(windows["motion"], windows["length"], strict=True):
        assert length in within(window, raw(root, "train"))  # of the whole clip, not of the window


def test_training_items_are_clips_times_subtasks(made: Made) -> None:
    data = made("lm_pretrain")
    assert len(data.train_dataset) == 6 * 3
    items = batch(data, data.train_dataset)
    flat = [task for group in TEMPLATES.values() for task in group.values()]
    assert items["tasks"] == [flat[index // 6] for index in range(18)]
    assert items["text"] == ["a person walks slowly"] * 18 and len(items["all_captions"]) == 18


def test_training_codes_are_whole_rows_or_lack_one_code(made: Made, root: Path) -> None:
    other = np.arange(16)[None]  # a second row for the first clip
    first = np.load(root / "TOKENS" / "W00.npy")
    np.save(root / "TOKENS" / "W00.npy", np.concatenate([first, other]))
    data = made("lm_pretrain")
    names = (root / "train.txt").read_text().split()
    rows = [row.tolist() for name in names for row in np.load(root / "TOKENS" / f"{name}.npy")]
    allowed = [row[start:end] for row in rows for start, end in ((0, None), (1, None), (0, -1))]
    items = batch(data, data.train_dataset)
    for codes, length in zip(items["motion"], items["length"], strict=True):
        assert codes[:length].long().tolist() in allowed and not codes[length:].any()


@pytest.mark.parametrize("stage", ["vae", "lm_pretrain", "lm_instruct"])
@pytest.mark.parametrize("split", ["val", "test"])
def test_clips_to_evaluate_are_whole_codes_long_and_padded_with_zeros(stage: str, split: str, made: Made, root: Path) -> None:
    data = made(stage)
    clips = batch(data, data.val_dataset if split == "val" else data.test_dataset)
    assert clips["motion"].dtype == torch.float32 and clips["motion"].shape == (2, max(clips["length"]), 263)
    for motion, length in zip(clips["motion"], clips["length"], strict=True):
        (whole,) = within(motion[:length], raw(root, split))
        assert length % 4 == 0 and whole - 8 < length <= whole and not motion[length:].any()
    if stage != "vae":
        assert clips["text"] == ["a person walks slowly"] * 2
        assert [set(captions) for captions in clips["all_captions"]] == [{"a person walks slowly"}] * 2


def test_a_captioned_part_is_an_item_of_its_own(made: Made, root: Path) -> None:
    line = "a person walks#a/DET person/NOUN#1.0#3.0\n"  # frames 20 to 60, codes 5 to 15
    for name in ("W00", "W06"):
        with (root / "texts" / f"{name}.txt").open("a") as texts:
            texts.write(line)
    np.save(root / "TOKENS" / "W00.npy", np.arange(16)[None] + 100)
    data = made("lm_pretrain")
    assert len(data.train_dataset) == 7 * 3
    items = batch(data, data.train_dataset)
    rows = zip(items["motion"], items["text"], items["length"], strict=True)
    parts = [codes[:length].long().tolist() for codes, text, length in rows if text == "a person walks"]
    whole = [*range(105, 115)]
    assert len(parts) == 3 and all(part in (whole, whole[1:], whole[:-1]) for part in parts)
    clips = batch(data, data.val_dataset)
    assert len(clips["length"]) == 3
    assert clips["length"][clips["text"].index("a person walks")] in (36, 40)


def test_a_template_file_takes_the_place_of_the_default_one(made: Made, tmp_path: Path) -> None:
    own = {"Gait": {"assess": {"class": "gait", "input": ["Assess <Motion_Placeholder>"], "output": ["fine"]}}}
    (tmp_path / "own.json").write_text(json.dumps(own))
    data = made("lm_instruct", TASK_PATH=str(tmp_path / "own.json"))
    assert len(data.train_dataset) == 6 and batch(data, data.train_dataset)["tasks"] == [own["Gait"]["assess"]] * 6


def test_clips_shorter_than_the_shortest_are_left_out(made: Made, root: Path) -> None:
    np.save(root / "new_joint_vecs" / "W06.npy", np.zeros((39, 263), np.float32))
    assert len(made("lm_pretrain").val_dataset) == 1


class Recorded(Dataset):
    """Keeps what it was made with."""

    def __init__(self, **given: Any) -> None:
        self.given = given

    def __len__(self) -> int:
        return 1


class OwnData(BASEDataModule):
    """A data module that names its data sets and leaves the rest to MotionGPT's base."""

    def __init__(self, cfg: Any, colour: str) -> None:
        super().__init__(collate_fn=list)
        self.save_hyperparameters(logger=False, ignore=["cfg"])
        self.cfg, self.name = cfg, "own"
        self.Dataset = self.DatasetEval = Recorded


def test_the_base_makes_data_sets_from_hparams_and_the_split_keys() -> None:
    cfg = OmegaConf.create({"TRAIN": {"SPLIT": "a"}, "EVAL": {"SPLIT": "b"}, "TEST": {"SPLIT": "c"}})
    data = OwnData(cfg, colour="red")
    data.hparams.code_path = "TOKENS"
    assert data.train_dataset.given == {"split": "a", "colour": "red", "code_path": "TOKENS"}
    assert data.val_dataset.given == {"split": "b", "colour": "red", "code_path": None}
    assert data.test_dataset.given == {"split": "c", "colour": "red", "code_path": None}
    assert data.train_dataset is data.train_dataset
