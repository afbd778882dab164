"""The average skeleton, forward kinematics worked out by hand, and SMPL files held against smplx."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import smpl_body
from hypothesis import given, settings
from hypothesis import strategies as st

from agir_plugin.consts import JOINT, LEFT_JOINTS, PARENTS, RIGHT_JOINTS
from agir_plugin.errors import UnreadableFile, UsageError
from agir_plugin.motion.average_body import PARENTS_24, rest_joints
from agir_plugin.motion.body_model import Body, joints_from_pose, load_body, rotations


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("smpl")
    smpl_body.save_npz(place / "smpl")
    return place


@pytest.fixture(scope="module")
def body(folder: Path) -> Body:
    return load_body(folder=folder)


def test_the_average_skeleton_has_the_tables_lengths() -> None:
    joints = rest_joints(1.80)

    def bone(end: str) -> float:
        return float(np.linalg.norm(joints[JOINT[end]] - joints[PARENTS[JOINT[end]]]))

    assert bone("left_knee") == pytest.approx(0.245 * 1.80)
    assert bone("left_ankle") == pytest.approx(0.246 * 1.80)
    assert bone("left_elbow") == pytest.approx(0.186 * 1.80)
    assert bone("left_wrist") == pytest.approx(0.146 * 1.80)
    assert joints[JOINT["left_shoulder"], 0] > 0 > joints[JOINT["right_shoulder"], 0]
    assert joints[JOINT["left_foot"], 2] > joints[JOINT["left_ankle"], 2]
    assert not joints[0].any() and joints.shape == (24, 3)


def test_the_average_skeleton_is_symmetric_and_scales() -> None:
    joints = rest_joints()
    mirrored = joints * [-1, 1, 1]
    np.testing.assert_array_equal(joints[list(LEFT_JOINTS)], mirrored[list(RIGHT_JOINTS)])
    np.testing.assert_allclose(rest_joints(2.0), joints * 2.0 / 1.7)
    assert PARENTS_24[:22] == PARENTS


def test_no_rotation_gives_the_rest_joints_at_the_path() -> None:
    path = np.array([[0.0, 0.0, 0.0], [1.0, 2.0, 3.0]])
    joints = joints_from_pose(np.zeros((2, 72)), path)
    np.testing.assert_allclose(joints, rest_joints()[None, :22] + path[:, None])


def test_a_knee_bent_by_a_quarter_turn_points_the_shank_backwards() -> None:
    pose = np.zeros((1, 66))
    pose[0, 3 * JOINT["left_knee"]] = np.pi / 2
    joints = joints_from_pose(pose, np.zeros((1, 3)))[0]
    shank = joints[JOINT["left_ankle"]] - joints[JOINT["left_knee"]]
    np.testing.assert_allclose(shank, [0.0, 0.0, -0.246 * 1.70], atol=1e-12)
    np.testing.assert_allclose(joints[JOINT["right_ankle"]], rest_joints()[JOINT["right_ankle"]])


def test_the_root_turns_the_whole_body_about_the_pelvis() -> None:
    pose = np.zeros((1, 66))
    pose[0, 1] = np.pi / 2  # to the left: +z becomes +x
    joints = joints_from_pose(pose, np.array([[5.0, 1.0, 2.0]]))[0]
    np.testing.assert_allclose(joints - joints[0], rest_joints()[:22][:, [2, 1, 0]] * [1, 1, -1], atol=1e-12)


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_bones_keep_their_lengths_and_matrices_equal_axis_angle(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pose = rng.normal(size=(4, 72))
    path = rng.normal(size=(4, 3))
    joints = joints_from_pose(pose, path)
    bones = np.linalg.norm(joints[:, 1:] - joints[:, list(PARENTS[1:])], axis=-1)
    rest = rest_joints()[:22]
    np.testing.assert_allclose(bones, np.tile(np.linalg.norm(rest[1:] - rest[list(PARENTS[1:])], axis=-1), (4, 1)))
    np.testing.assert_allclose(joints_from_pose(rotations(pose.reshape(4, 24, 3)), path), joints)


def test_rotations_are_exact_near_no_turn() -> None:
    tiny = np.array([1e-9, -2e-9, 3e-9])
    np.testing.assert_allclose(rotations(tiny) - np.eye(3), np.cross(tiny, np.eye(3)).T, rtol=0, atol=1e-16)
    np.testing.assert_allclose(rotations(np.array([0.0, 0.0, np.pi])), np.diag([-1.0, -1.0, 1.0]), atol=1e-12)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UsageError, match=r"\(frames, 66 or more\).*got \(2, 63\)"):
        joints_from_pose(np.zeros((2, 63)), np.zeros((2, 3)))
    with pytest.raises(UsageError, match=r"shape \(2, 3\), got \(3, 3\)"):
        joints_from_pose(np.zeros((2, 66)), np.zeros((3, 3)))


def test_a_body_agrees_with_smplx(body: Body, folder: Path) -> None:
    smplx, torch = pytest.importorskip("smplx"), pytest.importorskip("torch")
    rng = np.random.default_rng(3)
    pose, path, betas = rng.normal(0, 0.5, (5, 72)), rng.normal(size=(5, 3)), rng.normal(size=10)
    data = smpl_body.arrays()
    theirs = smplx.SMPL("", data_struct=smplx.utils.Struct(**data), dtype=torch.float64, batch_size=5)
    out = theirs(
        betas=torch.tensor(betas)[None].expand(5, -1), global_orient=torch.tensor(pose[:, :3]),
        body_pose=torch.tensor(pose[:, 3:]), transl=torch.tensor(path),
    )
    np.testing.assert_allclose(joints_from_pose(pose, path, betas, body), out.joints[:, :22].detach().numpy(), atol=1e-7)


def test_the_rest_joints_are_the_regressors_and_linear_in_betas(body: Body) -> None:
    np.testing.assert_allclose(body.rest_joints(), rest_joints(), atol=1e-12)
    betas = np.array([1.0, 0.5, -0.25])
    shaped = body.template_m + body.shape_m[..., :3] @ betas
    np.testing.assert_allclose(body.rest_joints(betas), body.regressor @ shaped, atol=1e-12)


def test_normals_point_outwards(body: Body) -> None:
    ids = list(smpl_body.marker_vertices(body).values())
    out = {name: body.normals()[vertex] for name, vertex in zip(smpl_body.marker_vertices(body), ids, strict=True)}
    assert out["CLAV"][2] > 0.9 and out["C7"][2] < -0.9 and out["L.Knee"][0] > 0.9 and out["R.Knee"][0] < -0.9


def test_an_unset_folder_names_the_registration_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AGIR_SMPL_DIR", raising=False)
    with pytest.raises(UsageError, match=r"AGIR_SMPL_DIR.*SMPL_NEUTRAL.pkl.*smpl.is.tue.mpg.de"):
        load_body()


def test_an_empty_folder_names_the_expected_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AGIR_SMPL_DIR", str(tmp_path))
    with pytest.raises(UsageError, match=r"SMPL_FEMALE.pkl or SMPL_FEMALE.npz.*smpl.is.tue.mpg.de"):
        load_body("female")
    with pytest.raises(UsageError, match="neutral, female, male, got 'tall'"):
        load_body("tall")


def test_the_folder_may_hold_the_file_itself(body: Body, folder: Path) -> None:
    assert load_body(folder=folder / "smpl") is body  # found without the subfolder, and read once
    assert body.name == "SMPL neutral" and body.template_m.shape == (6890, 3)


def test_a_pickled_body_with_a_sparse_regressor_is_the_same(body: Body, tmp_path: Path) -> None:
    pytest.importorskip("agir_plugin.unpickle")
    smpl_body.save_pkl(tmp_path)
    pickled = load_body(folder=tmp_path)
    np.testing.assert_allclose(pickled.joints_m, body.joints_m)
    np.testing.assert_array_equal(pickled.weights, body.weights)


@pytest.mark.parametrize("spoil, message", [
    (lambda data: data.pop("weights"), "weights cannot be read"),
    (lambda data: data.update(weights=data["weights"][:, :20]), r"shape \(6890, 24\) in weights, got \(6890, 20\)"),
    (lambda data: data.update(v_template=data["v_template"] * np.nan), "finite numbers .* v_template"),
    (lambda data: data.update(kintree_table=data["kintree_table"][:, ::-1]), "joint tree"),
    (lambda data: data.update(f=data["f"] + 6890), "faces of vertices 0 to 6889"),
    (lambda data: data.update(posedirs=np.array(["a"])), "numbers in posedirs"),
])
def test_a_file_that_is_no_body_is_refused(tmp_path: Path, spoil, message: str) -> None:
    data = smpl_body.arrays()
    spoil(data)
    np.savez(tmp_path / "SMPL_NEUTRAL.npz", **data)
    with pytest.raises(UnreadableFile, match=message):
        load_body(folder=tmp_path)
