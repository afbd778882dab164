"""Small pickles that stand for very much: each is read or refused in a moment, and in little memory."""
from __future__ import annotations

import io
import pickle
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agir_plugin import unpickle
from agir_plugin.cohort.carepd import MOST_WALKS, carepd_sources
from agir_plugin.cohort.carepd_folds import published_folds, read_carepd_folds
from agir_plugin.cohort.names import MOST_SUBJECT
from agir_plugin.errors import AgirError, UnreadableFile
from agir_plugin.motion import smpl_file
from agir_plugin.motion.smpl_arrays import MOST_VALUES, plain_array

HUGE = 10**6000


def record(frames: int = 30, **parts: Any) -> dict[str, Any]:
    return {
        "pose": np.zeros((frames, 72), np.float32), "trans": np.zeros((frames, 3), np.float32), "beta": np.zeros((1, 10)),
        "fps": 30, "UPDRS_GAIT": 1, "medication": "on", "other": None, **parts,
    }


def write(tmp_path: Path, value: Any) -> Path:
    path = tmp_path / "file.pkl"
    path.write_bytes(pickle.dumps(value, 4))
    return path


def laughs(depth: int) -> list:
    """2 ** depth values in a few hundred bytes of a pickle."""
    value: list = [0.0]
    for _ in range(depth):
        value = [value, value]
    return value


@pytest.mark.parametrize(("value", "read"), [
    ({HUGE: {"w": record()}}, carepd_sources), ({"S": {HUGE: record()}}, carepd_sources), ({(HUGE,): {}}, carepd_sources),
    ({HUGE: {"train": ["a"], "eval": ["b"]}}, read_carepd_folds), ({1: {"train": [HUGE], "eval": ["b"]}}, read_carepd_folds),
])  # fmt: skip
def test_numbers_that_cannot_be_printed(value: Any, read: Callable[[Path], Any], tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="a number of 2492 bytes"):
        read(write(tmp_path, value))


@pytest.mark.parametrize("content", [b"I%s\n.", b"L%sL\n.", b"(lp%s\n.", b"g%s\n."])
def test_endless_decimal_numbers(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "file.pkl").write_bytes(content % (b"9" * 4000))
    with pytest.raises(UnreadableFile, match="a number of 400[01] digits"):
        unpickle.load(tmp_path / "file.pkl")


def test_the_same_walks_for_very_many_subjects(tmp_path: Path) -> None:
    walks = dict.fromkeys(map(str, range(500)))
    with pytest.raises(UnreadableFile, match=f"with at most {MOST_WALKS} walks, got 250000; divide the file"):
        carepd_sources(write(tmp_path, {f"S{number}": walks for number in range(500)}))


def test_one_pose_for_many_walks_counts_once(tmp_path: Path) -> None:
    one = record()
    found = carepd_sources(write(tmp_path, {"S1": {"a": one, "b": one}, "S2": {"c": {**one, "fps": 60}}})).sources
    assert [source.refusal for source in found] == ["", "its pose is that of another walk", "its pose is that of another walk"]


def test_more_shape_numbers_than_a_walk_can_have(tmp_path: Path) -> None:
    class Body:
        def rest_joints(self, betas: np.ndarray | None) -> np.ndarray:
            return np.zeros((24, 3))

    path = write(tmp_path, {"S1": {"a": record(frames=2, beta=np.zeros((1000, 10))), "b": record(frames=2)}})
    assert [source.refusal for source in carepd_sources(path, body=Body()).sources] == [
        "expected at most one row of shape numbers (beta) per frame", "",
    ]


def test_very_many_walks_whose_names_become_one(tmp_path: Path) -> None:
    keys = ["\u4e00" * (1 + number) for number in range(3000)]
    names = [source.walk for source in carepd_sources(write(tmp_path, {"S": dict.fromkeys(keys)})).sources]
    assert names[:3] == ["S__", "S___2", "S___3"] and len({name.lower() for name in names}) == 3000


def test_a_subject_whose_name_fills_a_table(tmp_path: Path) -> None:
    source, = carepd_sources(write(tmp_path, {"S" * 500_000: {"a": record()}})).sources
    assert len(source.subject) == MOST_SUBJECT and len(source.walk) == 100


def test_folds_that_write_a_subjects_number_with_zeros(tmp_path: Path) -> None:
    sources = carepd_sources(write(tmp_path, {number: {"a": record()} for number in (1, 7, 12)})).sources
    folds, _ = published_folds(write(tmp_path, {1: {"train": ["001", "007"], "eval": [np.str_("12")]}}), sources)
    assert folds["carepd_file"][0].as_dict() == {"train": ["1", "7"], "val": [], "test": ["12"]}


@pytest.mark.parametrize("key", ["poses", "trans", "betas", "gender"])
def test_lists_within_lists_of_a_motion_file(key: str, tmp_path: Path) -> None:
    motion = {"poses": np.zeros((4, 72)), "trans": np.zeros((4, 3)), "fps": 30.0, key: laughs(40)}
    if key == "gender":  # is not read as text
        assert smpl_file.read_smpl(write(tmp_path, motion)).gender == "neutral"
        return
    with pytest.raises(UnreadableFile, match=f"numbers in {key} .2000000 in lists., got more; cut a long recording into parts"):
        smpl_file.read_smpl(write(tmp_path, motion))


def test_a_small_archive_of_very_many_frames(tmp_path: Path) -> None:
    frames = MOST_VALUES // 72 + 1
    packed = io.BytesIO()
    np.savez_compressed(packed, poses=np.zeros((frames, 72), np.int8), trans=np.zeros((frames, 3), np.int8), fps=30)
    (tmp_path / "walk.npz").write_bytes(packed.getvalue())
    with pytest.raises(UnreadableFile, match=f"expected at most {MOST_VALUES} numbers in poses"):
        smpl_file.read(tmp_path / "walk.npz")


def test_ragged_lists_are_no_array(tmp_path: Path) -> None:
    assert plain_array(tmp_path, "poses", [[1.0], [2.0, 3.0]]).dtype == object
    assert plain_array(tmp_path, "poses", [[1.0, 4.0], [2.0, 3.0]]).tolist() == [[1.0, 4.0], [2.0, 3.0]]


def test_joints_are_placed_block_by_block_alike(tmp_path: Path, monkeypatch) -> None:
    rng = np.random.default_rng(1)
    motion = smpl_file.SmplMotion("x", rng.normal(size=(50, 72)), rng.normal(size=(50, 3)), 30.0, None, "neutral")
    motion.pose[7, 3] = np.nan
    whole = smpl_file.on_body(motion, None).positions_m
    monkeypatch.setattr(smpl_file, "BLOCK", 8)
    assert np.array_equal(smpl_file.on_body(motion, None).positions_m, whole, equal_nan=True) and np.isnan(whole[7]).all()


def test_an_array_is_copied_once_only(tmp_path: Path) -> None:
    path = write(tmp_path, np.zeros(4_000_000))
    tracemalloc.start()
    loaded = unpickle.load(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert loaded.flags.writeable and peak < 3.2 * loaded.nbytes  # the file, the bytes in it, the array


@pytest.mark.parametrize("content", [b"\x80\x04" + b"]" * 200_000 + b"a" * 199_999 + b".", b"\x80\x04)" + b"\x85" * 200_000 + b"."])
def test_deep_nesting(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "file.pkl").write_bytes(content)
    with pytest.raises(AgirError, match="expected CARE-PD's form"):
        carepd_sources(tmp_path / "file.pkl")
