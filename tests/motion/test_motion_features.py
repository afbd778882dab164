"""HumanML3D features: the reference vectors, the way back to joints, and what must not change them."""
from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from motion_walker import recording, walk

from agir_plugin.consts import CHAINS, MODEL_FPS
from agir_plugin.errors import UnreadableFile, UnusableRecording, UsageError
from agir_plugin.motion import feature_file, resample, retarget_scale, to_features, to_joints, to_motion
from agir_plugin.motion.features import canonical
from agir_plugin.motion.skeleton import BONES_M, forward_direction

CONTACTS = slice(259, 263)


@pytest.fixture(scope="module")
def walked() -> np.ndarray:
    return resample(to_motion(recording(walk(seconds=4.0)))).joints_m


@pytest.mark.parametrize("name", ["synthetic_walk", "synthetic_slow_turned"])
def test_the_reference_vectors(vectors: Path, name: str) -> None:
    stored = np.load(vectors / "features" / f"{name}.npz")
    features = to_features(stored["joints"])
    np.testing.assert_allclose(features, stored["features"], rtol=0, atol=1e-5)
    np.testing.assert_array_equal(features[:, CONTACTS], stored["features"][:, CONTACTS])
    np.testing.assert_allclose(to_joints(features), canonical(stored["joints"])[:-1], atol=1e-4)


@pytest.mark.parametrize("name", ["walk_000021_first120", "walk_000021_scaled_turned"])
def test_the_reference_vectors_of_a_real_walk(shared_data: Path, name: str) -> None:
    path = shared_data.parent / "vectors" / "features" / f"{name}.npz"
    if not path.is_file():
        pytest.skip(f"needs {path.name} in ../shared/vectors/features")
    stored = np.load(path)
    features = to_features(stored["joints"])
    np.testing.assert_allclose(features, stored["features"], rtol=0, atol=1e-5)
    np.testing.assert_array_equal(features[:, CONTACTS], stored["features"][:, CONTACTS])


def test_the_published_pair_of_features_and_joints(shared_data: Path) -> None:
    """HumanML3D publishes one clip both as features and as joints."""
    folder = shared_data / "humanml3d_repo"
    rows, joints = (np.load(folder / f"hml_012314_{kind}.npy") for kind in ("new_joint_vecs", "new_joints"))
    np.testing.assert_allclose(to_joints(rows), joints[: len(rows)].reshape(-1, 22, 3), atol=1e-4)


def test_the_bones_are_the_reference_figures(vectors: Path) -> None:
    stored = json.loads((vectors / "features" / "humanml3d_bone_offsets.json").read_text())
    np.testing.assert_array_equal(BONES_M, stored["offsets_m"])


def test_shape_and_layout(walked: np.ndarray) -> None:
    features = to_features(walked)
    assert features.shape == (len(walked) - 1, 263) and features.dtype == np.float64
    placed = canonical(walked)
    np.testing.assert_allclose(features[:, 3], placed[:-1, 0, 1], atol=1e-6)
    np.testing.assert_allclose(features[:, 2].sum(), placed[-1, 0, 2], atol=1e-3)
    assert set(np.unique(features[:, CONTACTS])) <= {0.0, 1.0}


def test_the_canonical_walk_stands_on_the_floor_at_the_origin_and_faces_z(walked: np.ndarray) -> None:
    placed = canonical(walked + [3.0, 0.4, -2.0])
    assert placed[..., 1].min() == pytest.approx(0.0, abs=1e-6)
    np.testing.assert_allclose(placed[0, 0, [0, 2]], 0.0, atol=1e-6)
    np.testing.assert_allclose(forward_direction(placed)[0], [0, 0, 1], atol=1e-5)
    for chain in CHAINS:
        for parent, joint in zip(chain, chain[1:], strict=False):
            lengths = np.linalg.norm(placed[:, joint] - placed[:, parent], axis=-1)
            np.testing.assert_allclose(lengths, np.linalg.norm(BONES_M[joint]), atol=1e-5)


@pytest.mark.parametrize("degrees", [30, 90, 179, 250])
def test_heading_and_place_do_not_change_the_features(walked: np.ndarray, degrees: float) -> None:
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    np.testing.assert_allclose(to_features(walked @ turn.T + [5.0, 1.0, -7.0]), to_features(walked), atol=2e-4)


def test_body_size_is_lost_and_the_scale_gives_it_back(walked: np.ndarray) -> None:
    big = 1.1 * walked
    np.testing.assert_allclose(to_features(big), to_features(walked), atol=2e-5)
    assert retarget_scale(walked) / retarget_scale(big) == pytest.approx(1.1, rel=1e-6)
    seconds = (len(big) - 2) / MODEL_FPS
    path_m = np.linalg.norm(to_joints(to_features(big))[-1, 0] / retarget_scale(big) * [1, 0, 1])
    true_m = np.linalg.norm((big[-2, 0] - big[0, 0]) * [1, 0, 1])
    assert path_m / seconds == pytest.approx(true_m / seconds, rel=1e-3)


def test_contacts_follow_the_threshold(walked: np.ndarray) -> None:
    assert to_features(walked, feet_threshold=0.0)[:, CONTACTS].sum() == 0
    assert to_features(walked, feet_threshold=1e6)[:, CONTACTS].min() == 1


@pytest.mark.parametrize("joints", [np.zeros((5, 21, 3)), np.ones((1, 22, 3)), np.full((5, 22, 3), np.nan)])
def test_joints_that_make_no_features(joints: np.ndarray) -> None:
    with pytest.raises(UnusableRecording, match="to make features of, got"):
        to_features(joints)


def test_a_body_without_a_leg_is_refused() -> None:
    with pytest.raises(UnusableRecording, match="right leg"):
        to_features(np.zeros((5, 22, 3)))


def test_rows_of_another_length_are_refused() -> None:
    with pytest.raises(UsageError, match=r"\(frames, 263\)"):
        to_joints(np.zeros((5, 251)))


def test_a_feature_file_is_read_back_to_joints(tmp_path: Path, walked: np.ndarray) -> None:
    path = tmp_path / "walk.npy"
    np.save(path, to_features(walked).astype(np.float32))
    assert feature_file.sniff(path.read_bytes()[:4096], path)
    found = feature_file.read(path)
    assert found.fps == 20.0 and "reference skeleton" in found.notes[0]
    np.testing.assert_allclose(found.positions_m, canonical(walked)[:-1], atol=1e-4)


def test_feature_files_that_are_none(tmp_path: Path, walked: np.ndarray) -> None:
    path = tmp_path / "walk.npy"
    np.save(path, np.zeros((5, 263)))
    with pytest.raises(UnusableRecording, match="Std and add Mean"):
        feature_file.read(path)
    np.save(path, np.full((5, 263), np.inf))
    with pytest.raises(UnusableRecording, match="finite"):
        feature_file.read(path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(UnreadableFile, match="NumPy cannot load"):
        feature_file.read(path)
