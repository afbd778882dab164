"""The HumanML3D folder: nothing is dropped silently, short clips are kept, draws depend on seed and epoch only."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from mGPT import config
from mGPT.data.build_data import build_data
from mGPT.data.humanml.joints import feature_joints
from mGPT.errors import ConfigError, DataError


@pytest.fixture
def folder(tmp_path: Path, humanml: Path) -> Path:
    """A copy of the data folder that a test may harm."""
    return Path(shutil.copytree(humanml, tmp_path / "harmed"))


def module(words: list[str], *more: str) -> object:
    """The data module of a configuration."""
    return build_data(config.parse_args("train", [*words, *more]))


def test_windows_are_64_frames_and_lengths_are_whole_clips(words: list[str]) -> None:
    batch = next(iter(module(words, "TRAIN.STAGE=vae").train_dataloader()))
    assert batch["motion"].shape == (4, 64, 263) and batch["motion"].dtype == torch.float32
    for row, length in zip(batch["motion"], batch["length"], strict=True):
        assert length in range(40, 81)
        assert not row[length:].any() and row[min(length, 64) - 1].any()


def test_language_batches_hold_codes_texts_and_tasks(words: list[str]) -> None:
    data = module(words, "TRAIN.STAGE=lm_pretrain")
    assert len(data.train_dataset) == 6 * 3  # clips x subtasks
    batch = next(iter(data.train_dataloader()))
    assert batch["motion"].dtype == torch.int64 and batch["text"] == ["a person walks slowly"] * 4
    assert max(batch["length"]) == batch["motion"].shape[1] and all("input" in task for task in batch["tasks"])
    clip = next(iter(data.val_dataloader()))
    assert clip["motion"].shape[2] == 263 and all(length % 4 == 0 for length in clip["length"])


def test_order_and_draws_depend_on_seed_and_epoch(words: list[str]) -> None:
    def epoch(number: int, *more: str) -> tuple[list[str], torch.Tensor]:
        data = module(words, "TRAIN.STAGE=vae", *more)
        loader = data.train_dataloader()
        loader.sampler.set_epoch(number)
        batches = list(loader)
        return [name for batch in batches for name in batch["fname"]], torch.cat([batch["motion"] for batch in batches])

    names, motion = epoch(1)
    torch.manual_seed(99)
    np.random.seed(99)
    assert epoch(1)[0] == names and torch.equal(epoch(1)[1], motion)
    assert sorted(names) == sorted(epoch(2)[0]) and names != epoch(2)[0]
    assert names != epoch(1, "SEED_VALUE=5")[0]


def test_every_clip_that_is_left_out_has_a_reason(folder: Path, words: list[str]) -> None:
    np.save(folder / "new_joint_vecs" / "W00.npy", np.zeros((39, 263), np.float32))
    np.save(folder / "new_joint_vecs" / "W01.npy", np.full((50, 263), np.nan, np.float32))
    np.save(folder / "new_joint_vecs" / "W02.npy", np.zeros((50, 3), np.float32))
    (folder / "new_joint_vecs" / "W03.npy").write_bytes(b"no array")
    (folder / "new_joint_vecs" / "W04.npy").unlink()
    data = module(words, f"DATASET.HUMANML3D.ROOT={folder}", "TRAIN.STAGE=vae")
    assert len(data.train_dataset) == 1
    assert data.skipped()["train"] == {
        "left out: shorter than 40 frames": ["W00"],
        "left out: features hold NaN or infinity": ["W01"],
        "left out: features are not (T, 263)": ["W02"],
        "left out: features file cannot be read": ["W03"],
        "left out: no features file in new_joint_vecs": ["W04"],
    }


def test_captions_codes_and_parts_that_do_not_serve_are_counted(folder: Path, words: list[str]) -> None:
    texts = folder / "texts"
    (texts / "W00.txt").unlink()
    (texts / "W01.txt").write_text("no marks at all\n")
    (texts / "W02.txt").write_text("fine#a/DET#0.0#0.0\nbroken#a#x#y\nlate#a/DET#0.5#1.0\nearly#a/DET#nan#nan\n")
    (folder / "TOKENS" / "W03.npy").unlink()
    np.save(folder / "TOKENS" / "W04.npy", np.zeros((1, 60), np.int64))
    data = module(words, f"DATASET.HUMANML3D.ROOT={folder}", "TRAIN.STAGE=lm_pretrain")
    assert {name for name, _, _ in data.train_dataset.items} == {"W02", "W04", "W05"}
    assert data.train_dataset.items[0][2] == ["fine", "early"]
    assert data.skipped()["train"] == {
        "left out: no caption file": ["W00"],
        "caption line does not parse (text#words#start#end)": ["W01:1", "W02:2"],
        "left out: no usable caption": ["W01"],
        "captioned part left out: shorter than 40 frames": ["W02"],
        "left out: no codes file in TOKENS": ["W03"],
        "cut to 196 frames": ["W04"],
    }
    assert len(data.train_dataset.items[1][1][0]) == 49


def test_long_clips_are_cut_not_dropped(folder: Path, words: list[str]) -> None:
    np.save(folder / "new_joint_vecs" / "W06.npy", np.ones((230, 263), np.float32))
    data = module(words, f"DATASET.HUMANML3D.ROOT={folder}", "TRAIN.STAGE=vae")
    assert data.val_dataset[0]["length"] == 196
    assert data.skipped()["val"] == {"cut to 196 frames": ["W06"]}


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda root: (root / "train.txt").unlink(), "expected the list of clips .*train.txt"),
        (lambda root: (root / "train.txt").write_text("\n"), "lists no clips"),
        (lambda root: (root / "train.txt").write_text("X1\nX2\n"), "every clip was left out .*no features file.*: 2"),
        (lambda root: (root / "Std.npy").unlink(), "std.npy or Std.npy"),
        (lambda root: np.save(root / "Std.npy", np.zeros(263)), "263 finite positive numbers"),
        (shutil.rmtree, "expected a data folder"),
    ],
)
def test_folders_that_do_not_serve_are_refused_by_name(
    folder: Path, words: list[str], harm: object, message: str
) -> None:
    harm(folder)
    with pytest.raises(DataError, match=message):
        module(words, f"DATASET.HUMANML3D.ROOT={folder}", "TRAIN.STAGE=vae").train_dataset  # noqa: B018


def test_templates_are_checked(tmp_path: Path, words: list[str]) -> None:
    template = tmp_path / "t.json"
    for text, message in (
        ('{"a": {"b": {"input": ["x"], "output": []}}}', r"a\.b\.output must be a list"),
        ('{"a": {"b": {"input": ["<Mood_Placeholder>"], "output": ["y"]}}}', "unknown placeholder <Mood_Placeholder>"),
        ("{}", "holds no subtasks"),
        ("[", "expected a template JSON"),
    ):
        template.write_text(text)
        with pytest.raises(ConfigError, match=message):
            module(words, "TRAIN.STAGE=lm_instruct", f"DATASET.TASK_PATH={template}").train_dataset  # noqa: B018


def test_debug_mode_takes_about_a_hundred_clips(tmp_path: Path, folder: Path, words: list[str]) -> None:
    (folder / "train.txt").write_text("W00\n" * 150)
    data = module(words, f"DATASET.HUMANML3D.ROOT={folder}", "TRAIN.STAGE=vae", "DEBUG=true")
    assert len(data.train_dataset) == 100


def test_joints_of_a_straight_walk_and_of_a_turn() -> None:
    features = torch.zeros(4, 263)
    features[:, 2], features[:, 3] = 0.5, 0.9  # half a metre forward per frame, pelvis at 0.9 m
    features[:, 4:7] = torch.tensor([0.1, 0.8, 0.0])  # joint 1 ten centimetres to the walker's left
    joints = feature_joints(features)
    assert joints.shape == (4, 22, 3)
    torch.testing.assert_close(joints[:, 0], torch.tensor([[0.0, 0.9, 0.5 * frame] for frame in range(4)]))
    torch.testing.assert_close(joints[2, 1], torch.tensor([0.1, 0.8, 1.0]))
    features[0, 0] = torch.pi / 4  # channel 0 is half the yaw: a quarter turn between frames 0 and 1
    turned = feature_joints(features)
    assert abs(float(turned[1, 0, 0])) == pytest.approx(0.5, abs=1e-6)  # the step now goes along x
    assert float(turned[1, 0, 2]) == pytest.approx(0.0, abs=1e-6)
    lengths = (turned[:, 1] - turned[:, 0]).norm(dim=-1)
    torch.testing.assert_close(lengths, lengths[:1].expand(4))


def test_joints_of_the_reference_walk_are_the_ones_it_was_made_of() -> None:
    file = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "features" / "walk_000021_first120.npz"
    if not file.is_file():
        pytest.skip("needs ../shared/vectors/features/walk_000021_first120.npz")
    with np.load(file) as arrays:
        # at frame 99 the published processing flips the sign of the yaw step: from there the path cannot be recovered
        meant, features = torch.from_numpy(arrays["joints"])[:99], torch.from_numpy(arrays["features"])[:99]
    made = feature_joints(features)
    # the features hold the same walk moved and turned as a whole, so all distances agree
    torch.testing.assert_close(torch.cdist(made, made), torch.cdist(meant, meant), atol=1e-4, rtol=0)
    for start in (0, 60):
        for joint in (0, 10, 21):
            moved = [(walk[:, joint] - walk[start, 0]).norm(dim=-1) for walk in (made, meant)]
            torch.testing.assert_close(moved[0], moved[1], atol=1e-4, rtol=0)
