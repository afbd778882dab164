"""CARE-PD's cohort pickles: walks with their scores, or the reason why not; published folds; nothing in a file is run."""
from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

from agir_plugin.cohort.build import build_from
from agir_plugin.cohort.carepd import carepd_sources
from agir_plugin.cohort.carepd_folds import read_carepd_folds
from agir_plugin.cohort.splits import read_fold
from agir_plugin.consts import JOINT, JOINTS
from agir_plugin.errors import CohortError, UnreadableFile, UnusableRecording

FRAMES = 30


def record(score: Any = 1, **parts: Any) -> dict[str, Any]:
    """A walk in T-pose that moves ahead by 1 m/s, as the data set stores one."""
    trans = np.zeros((FRAMES, 3), np.float32)
    trans[:, 2] = np.arange(FRAMES) / 30
    return {
        "pose": np.zeros((FRAMES, 72), np.float32), "trans": trans, "beta": np.zeros((1, 10)), "fps": 30, "UPDRS_GAIT": score,
        "medication": "off", "other": None, **parts,
    }


#: Subject -> walk -> record; each odd record has one fault.
WALKS = {
    "SUB01": {"SUB01_off_walk_1": record(2), "SUB01_on_walk_1": record(np.int64(0), medication="ON")},
    "SUB02": {"walk1": record(1, medication=None), "walk2": record(None), "SUB02_on_walk/3": record(1.0, medication=None)},
    "SUB03": {"a": record(3), "b": record(4), "c": record(0, medication="Off-state")},
    "SUB04": {
        "nan": record(1, pose=np.full((FRAMES, 72), np.nan)), "short": record(1, trans=np.zeros((5, 3))),
        "rate": record(1, fps=0), "none": record(1, fps=None), "flat": record(1, pose=np.zeros(72)), "list": [1, 2],
        "far": record(1, trans=np.full((FRAMES, 3), 2e4)), "text": record(1, pose="pose"), "missing": {"UPDRS_GAIT": 1},
        "half": record(1.5), "empty": record(1, pose=np.zeros((0, 24, 3)), trans=np.zeros((0, 3))),
        "degrees": record(1, pose=np.full((FRAMES, 72), 90.0)), "endless": record(1, fps=10**400), "inf": record(float("inf")),
    },
}
REFUSED = {
    "SUB02_walk2": "no gait score",
    "SUB03_a": "gait score 3; AGIR has classes for 0, 1 and 2 only",
    "SUB03_b": "gait score 4; AGIR has classes for 0, 1 and 2 only",
    "SUB04_nan": "pose has no number in 30 of 30 frames",
    "SUB04_short": "expected a translation of shape (30, 3), got (5, 3)",
    "SUB04_rate": "expected a frame rate above 0, got 0",
    "SUB04_none": "expected a frame rate above 0, got none",
    "SUB04_flat": "expected a pose of shape (frames, 72), got (72,)",
    "SUB04_list": "expected a record with pose, trans and fps, got a list",
    "SUB04_far": "expected a translation in metres, got 2e+04",
    "SUB04_text": "expected pose as an array of numbers, got a str",
    "SUB04_missing": "expected pose, got none",
    "SUB04_empty": "expected a pose of shape (frames, 72), got (0, 72)",
    "SUB04_degrees": "expected a pose in radians, got 90",
    "SUB04_endless": "expected a frame rate above 0, got none",
    "SUB04_inf": "no gait score",
    "SUB04_half": "gait score 1.5; AGIR has classes for 0, 1 and 2 only",
}
KEPT = {
    "SUB01_off_walk_1": ("SUB01", "off", 2), "SUB01_on_walk_1": ("SUB01", "on", 0), "SUB02_walk1": ("SUB02", "", 1),
    "SUB02_on_walk_3": ("SUB02", "on", 1), "SUB03_c": ("SUB03", "off", 0),
}

Dump = Callable[[Any], Path]


@pytest.fixture(params=["pickle", "pickle2", "joblib", "joblib packed"])
def dump(request: pytest.FixtureRequest, tmp_path: Path) -> Dump:
    """Store a value as the data set's files may be stored."""

    def write(value: Any) -> Path:
        path = tmp_path / "BMCLab.pkl"
        if request.param.startswith("pickle"):
            path.write_bytes(pickle.dumps(value, 2 if request.param == "pickle2" else 4))
        else:
            joblib.dump(value, path, compress=3 if "packed" in request.param else 0)
        return path

    return write


@pytest.fixture
def store(tmp_path: Path) -> Dump:
    """Store a value as a pickle."""

    def write(value: Any) -> Path:
        (tmp_path / "cohort.pkl").write_bytes(pickle.dumps(value))
        return tmp_path / "cohort.pkl"

    return write


def test_every_walk_is_kept_or_refused_with_its_reason(dump: Dump) -> None:
    found = carepd_sources(dump(WALKS))
    assert len(found.sources) == len(KEPT) + len(REFUSED)
    assert {one.walk: (one.subject, one.state, one.score) for one in found.sources if not one.refusal} == KEPT
    assert {one.walk: one.refusal for one in found.sources if one.refusal} == REFUSED
    assert found.notes["scores_outside_0_to_2"] == {"SUB03_a": 3, "SUB03_b": 4, "SUB04_half": 1.5}
    assert found.notes["walks_without_score"] == 3  # None, infinity, and the list
    assert found.notes["frame_rates"] == {"30": 10}  # those of readable records
    assert found.sources[0].place == "BMCLab.pkl#SUB01_off_walk_1"


def test_a_source_travels_with_its_own_walk_only(store: Dump) -> None:
    pose = np.random.default_rng(0).normal(size=(500, 72))
    walks = {f"w{number}": record(1, pose=pose + number, trans=np.zeros((500, 3))) for number in range(20)}
    found = carepd_sources(store({"P": walks}))
    packed = pickle.dumps(found.sources[3])
    assert len(packed) < 1.2 * (pose.nbytes + 500 * 3 * 8)
    assert pickle.loads(packed).read().positions_m.shape == (500, 22, 3)
    assert len({source.sha256 for source in found.sources}) == 20


def test_the_joints_stand_upright_and_move_with_the_translation(store: Dump) -> None:
    recording = carepd_sources(store({"SUB01": {"SUB01_off_walk_1": record()}})).sources[0].read()
    assert (recording.format, recording.kind, recording.fps, recording.up) == ("carepd", "joints", 30.0, "+y")
    assert recording.names == JOINTS
    joints = recording.positions_m
    assert joints[-1, 0] - joints[0, 0] == pytest.approx([0, 0, 29 / 30], abs=1e-6)
    assert joints[0, JOINT["head"], 1] > joints[0, JOINT["pelvis"], 1] > joints[0, JOINT["left_ankle"], 1]
    assert joints[0, JOINT["left_wrist"], 0] > 0.4 > -0.4 > joints[0, JOINT["right_wrist"], 0]


def test_a_body_that_lies_along_another_axis_is_left_to_the_data(store: Dump) -> None:
    pose = np.zeros((FRAMES, 72))
    pose[:, 0] = np.pi / 2  # y up -> z up
    recording = carepd_sources(store({"P": {"w": record(1, pose=pose)}})).sources[0].read()
    assert recording.up is None
    assert recording.positions_m[0, JOINT["head"], 2] > recording.positions_m[0, JOINT["left_ankle"], 2] + 1.2


class Longer:
    """A body that is higher by the first shape number."""

    def rest_joints(self, betas: np.ndarray | None = None) -> np.ndarray:
        """Rest joints on a vertical line."""
        heights = np.arange(24.0) * (1 if betas is None else 1 + betas[0])
        return np.stack([0 * heights, heights, 0 * heights], axis=-1)


@pytest.mark.parametrize("beta", [np.full(10, 0.5), np.full((1, 10), 0.5), np.full((FRAMES, 10), 0.5)])
def test_the_shape_numbers_make_the_body(store: Dump, beta: np.ndarray) -> None:
    found = carepd_sources(store({"P": {"w": record(1, beta=beta), "v": record(1, beta=None)}}), body=Longer())
    assert found.sources[0].read().positions_m[0, 21, 1] == pytest.approx(21 * 1.5)
    assert found.sources[1].read().positions_m[0, 21, 1] == pytest.approx(21)
    assert found.sources[0].sha256 != found.sources[1].sha256


def test_shape_numbers_that_change_are_refused(store: Dump) -> None:
    beta = np.arange(FRAMES * 10.0).reshape(FRAMES, 10)
    found = carepd_sources(store({"P": {"w": record(1, beta=beta), "v": record(1)}}), body=Longer())
    assert found.sources[0].refusal.startswith("expected one row of shape numbers (beta)")
    with pytest.raises(UnusableRecording, match="cohort.pkl#P_w: expected one row of shape numbers"):
        found.sources[0].read()


def test_a_file_without_any_score_is_an_unlabelled_cohort(store: Dump) -> None:
    found = carepd_sources(store({"P": {"w": record(None), "v": record(float("nan"))}}))
    assert [(source.walk, source.score, source.refusal) for source in found.sources] == [("P_w", None, ""), ("P_v", None, "")]
    assert found.notes["walks_without_score"] == 2


def stepping(score: int, start: float) -> dict[str, Any]:
    """Five seconds of walking at 1 m/s with 0.9 strides per second, hence 108 steps per minute, `start` radians into the stride."""
    seconds = np.arange(150) / 30
    phase = 2 * np.pi * 0.9 * seconds + start
    pose = np.zeros((150, 72))
    for side, turn in ((1, 0.0), (2, np.pi)):  # hips, knees three joints on, shoulders
        pose[:, 3 * side] = -0.4 * np.sin(phase + turn)
        pose[:, 3 * (side + 3)] = 0.5 * (1 + np.sin(phase + 2.0 + turn))
        pose[:, 3 * (side + 15) + 2] = -1.2 if side == 1 else 1.2
    trans = np.stack([0 * seconds, 0.95 + 0 * seconds, 1.0 * seconds], axis=-1)
    return record(score, pose=pose.astype(np.float32), trans=trans.astype(np.float32))


def test_a_file_becomes_a_cohort_with_its_published_folds(store: Dump, tmp_path: Path) -> None:
    names = [f"SUB{number:02d}" for number in range(1, 7)]
    walks = {name: {f"{name}_off_walk_1": stepping(number % 3, number)} for number, name in enumerate(names)}
    folds = folds_file(tmp_path, {1: {"train": names[2:], "eval": names[:2]}}, "two.pkl")
    cohort = build_from(carepd_sources(store(walks), folds), tmp_path / "cohort")
    assert [walk.walk for walk in cohort.kept] == [f"{name}_off_walk_1" for name in names]
    for walk in cohort.kept:
        gait = cohort.gait(walk.walk)
        assert gait.value("cadence_spm") == pytest.approx(108, abs=0.5)
        assert gait.value("speed_mps") == pytest.approx(1.0, abs=0.01)
    assert read_fold(tmp_path / "cohort" / "folds" / "carepd_two" / "0.json").test == ("SUB01", "SUB02")


def test_names_are_unique_and_safe(store: Dump) -> None:
    one = record()
    found = carepd_sources(store({1: {2: one}, "1_2": {"../x": one, "1_2_..x": one}, "A": {"b": one, "B": one}}))
    assert [source.walk for source in found.sources] == ["1_2", "1_2_.._x", "1_2_..x", "A_b", "A_B_2"]
    assert [source.subject for source in found.sources][:2] == ["1", "1_2"]


@pytest.mark.parametrize("value", [[], {}, {"SUB01": [1]}, np.zeros(3), "text", {"SUB01": record()["pose"]}])
def test_another_kind_of_file_is_refused(store: Dump, value: Any) -> None:
    with pytest.raises(UnreadableFile, match=r"cohort.pkl: expected CARE-PD's form .* got an? "):
        carepd_sources(store(value))


def test_a_fold_file_in_place_of_walks_is_named(store: Dump) -> None:
    with pytest.raises(UnreadableFile, match="got one of folds .*; name it after --folds"):
        carepd_sources(store({1: {"train": ["A"], "eval": ["B"]}}))


class Attack:
    """Pickles as a command."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple:
        return os.system, (self.command,)


def test_a_file_that_would_run_something_is_refused_by_name(dump: Dump, tmp_path: Path) -> None:
    witness = tmp_path / "was-run"
    path = dump({**WALKS, "SUB05": {"w": Attack(f"touch {witness}")}})
    for read in (carepd_sources, read_carepd_folds):
        with pytest.raises(UnreadableFile, match=r"(posix|nt).system, which was not run"):
            read(path)
    assert not witness.exists()


EIGHT = {f"S{number}": {"w": record(number % 3)} for number in range(8)}


def folds_file(folder: Path, folds: Any, name: str = "BMCLab 2fold.pkl") -> Path:
    """Store folds beside the cohort."""
    (folder / name).write_bytes(pickle.dumps(folds))
    return folder / name


def test_published_folds_keep_their_test_subjects(store: Dump, tmp_path: Path) -> None:
    names = sorted(EIGHT)
    two = {2: {"train": names[4:], "eval": names[:4]}, 10: {"train": names[:4], "eval": np.array(names[4:])}}
    found = carepd_sources(store(EIGHT), folds_file(tmp_path, two)).folds
    assert list(found) == ["carepd_BMCLab_2fold"]
    first, second = found["carepd_BMCLab_2fold"]
    assert (list(first.test), list(second.test)) == (names[:4], names[4:])
    assert sorted((*first.train, *first.val)) == names[4:] and len(first.val) == 1


def test_subjects_without_usable_walks_are_left_out_of_folds_and_listed(store: Dump, tmp_path: Path) -> None:
    folds = folds_file(tmp_path, {1: {"train": ["S0", "S1"], "eval": ["S9"]}, 2: {"train": ["S1", "S9"], "eval": ["S0"]}})
    found = carepd_sources(store({**EIGHT, "S9": {"w": record(4)}}), folds)
    (fold,) = found.folds["carepd_BMCLab_2fold"]
    assert (fold.train, fold.val, fold.test) == (("S1",), (), ("S0",))
    assert found.notes["fold_subjects_without_walks"] == ["S9"] and found.notes["folds_left_out"] == [0]


@pytest.mark.parametrize(
    ("folds", "error", "match"),
    [
        ({1: {"train": ["S0", "S1"], "eval": ["S1"]}}, CohortError, "each subject in one part of fold 1, got S1 in both"),
        ({1: {"train": ["S0"], "eval": []}}, CohortError, "got an empty part"),
        ({1: {"train": ["S0"], "eval": ["X7"]}}, CohortError, "expected the folds of this cohort, but X7 is not in it"),
        ({1: {"train": ["S0"]}}, UnreadableFile, "expected lists of subjects train and eval in fold 1"),
        ({1: {"train": [["S0"]], "eval": ["S1"]}}, UnreadableFile, "expected names of subjects in folds"),
        ([1], UnreadableFile, "got a list"),
    ],
)
def test_faulty_folds_are_refused(store: Dump, tmp_path: Path, folds: Any, error: type, match: str) -> None:
    with pytest.raises(error, match=match):
        carepd_sources(store(EIGHT), folds_file(tmp_path, folds))
