"""SMPL and AMASS files: every spelling, what is missing or damaged, and what a hostile file may not do."""
from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import smpl_body

from agir_plugin.consts import JOINTS
from agir_plugin.errors import AgirError, UnreadableFile, UnusableRecording, UsageError
from agir_plugin.gait import measure
from agir_plugin.ingest import read
from agir_plugin.motion import smpl_arrays, to_motion
from agir_plugin.motion.body_model import joints_from_pose, load_body

POSE, PATH = smpl_body.walking(frames=90, fps=30.0)


@pytest.fixture(autouse=True)
def no_licensed_body(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AGIR_SMPL_DIR", raising=False)


def save(path: Path, **arrays: object) -> Path:
    np.savez(path, **arrays)
    return path


def amass(**changed: object) -> dict[str, object]:
    return {
        "poses": np.concatenate([POSE[:, :66], np.zeros((90, 90))], axis=1), "trans": PATH, "betas": np.zeros(16),
        "gender": np.array("female"), "mocap_framerate": np.array(30.0), **changed,
    }


def test_an_amass_file_gives_the_joints_of_its_poses(tmp_path: Path) -> None:
    recording = read(save(tmp_path / "walk_poses.npz", **amass()))
    assert (recording.format, recording.kind, recording.fps, recording.names) == ("smpl", "joints", 30.0, JOINTS)
    assert recording.up is None and "average skeleton" in recording.notes[0]
    np.testing.assert_allclose(recording.positions_m, joints_from_pose(POSE, PATH))


@pytest.mark.parametrize("arrays", [
    {"poses": POSE, "trans": PATH, "fps": 30},
    {"pose": POSE, "transl": PATH, "mocap_frame_rate": 30},
    {"poses": POSE.reshape(90, 24, 3), "trans": PATH, "fps": 30},
    {"poses": np.concatenate([POSE[:, :66], np.zeros((90, 99))], axis=1), "trans": PATH, "mocap_frame_rate": 30.0},
    {"global_orient": POSE[:, :3], "body_pose": POSE[:, 3:], "transl": PATH, "fps": 30},
    {"root_orient": POSE[:, :3], "pose_body": POSE[:, 3:66], "trans": PATH, "mocap_frame_rate": 30},
    {"global_orient": POSE[:, None, :3], "body_pose": POSE[:, 3:].reshape(90, 23, 3), "transl": PATH[:, None], "fps": [30]},
], ids=["poses", "pose", "by joint", "SMPL-X", "smplx", "AMASS-X", "by joint in two"])
def test_every_spelling_is_the_same_walk(tmp_path: Path, arrays: dict) -> None:
    recording = read(save(tmp_path / "walk.npz", **arrays))
    assert recording.fps == 30.0
    np.testing.assert_allclose(recording.positions_m, joints_from_pose(POSE, PATH), atol=1e-12)


def test_rotation_matrices_are_poses_too(tmp_path: Path) -> None:
    from agir_plugin.motion.body_model import rotations

    turns = rotations(POSE.reshape(90, 24, 3))
    for arrays in ({"poses": turns}, {"global_orient": turns[:, :1], "body_pose": turns[:, 1:]}):
        recording = read(save(tmp_path / "walk.npz", trans=PATH, fps=30, **arrays))
        np.testing.assert_allclose(recording.positions_m, joints_from_pose(POSE, PATH), atol=1e-12)


def test_a_pickled_dictionary_is_read_and_runs_nothing(tmp_path: Path) -> None:
    pytest.importorskip("agir_plugin.unpickle")
    path = tmp_path / "walk.pkl"
    path.write_bytes(pickle.dumps({"pose": POSE, "trans": PATH, "beta": np.zeros((1, 10)), "fps": 30.0}))
    np.testing.assert_allclose(read(path).positions_m, joints_from_pose(POSE, PATH))
    mark = tmp_path / "ran"
    path.write_bytes(b"\x80\x02cos\nsystem\nX" + len(f"touch {mark}").to_bytes(4, "little") + f"touch {mark}".encode() + b"\x85R.")
    with pytest.raises(UnreadableFile):
        read(path)
    assert not mark.exists()


def test_a_z_up_walk_is_turned_upright_and_measured(tmp_path: Path) -> None:
    """AMASS has z up: the whole y-up walk turned by a quarter about x, path included."""
    from scipy.spatial.transform import Rotation

    pose, path = smpl_body.walking(frames=200, fps=30.0)
    quarter = Rotation.from_rotvec([np.pi / 2, 0, 0])
    turned = pose.copy()
    turned[:, :3] = (quarter * Rotation.from_rotvec(pose[:, :3])).as_rotvec()
    files = {"y": (pose, path), "z": (turned, path @ quarter.as_matrix().T)}
    motions = {up: to_motion(read(save(tmp_path / f"{up}.npz", poses=p, trans=t, fps=30))) for up, (p, t) in files.items()}
    np.testing.assert_allclose(np.ptp(motions["z"].joints_m[..., 1]), np.ptp(motions["y"].joints_m[..., 1]), atol=1e-9)
    speeds = [measure(motion).value("speed_mps") for motion in motions.values()]
    assert speeds[0] == pytest.approx(speeds[1]) == pytest.approx(1.1, abs=0.05)


def test_frames_without_numbers_are_gaps(tmp_path: Path) -> None:
    pose, path = POSE.copy(), PATH.copy()
    pose[3, 40], path[5, 1], path[7] = np.nan, np.inf, 1e9
    places = read(save(tmp_path / "walk.npz", poses=pose, trans=path, fps=30)).positions_m
    assert np.isnan(places[[3, 5, 7]]).all() and np.isfinite(np.delete(places, [3, 5, 7], axis=0)).all()


def test_the_frame_rate_is_the_files_or_the_users_and_never_guessed(tmp_path: Path) -> None:
    path = save(tmp_path / "walk.npz", poses=POSE, trans=PATH)
    with pytest.raises(UnusableRecording, match="mocap_framerate.*--fps"):
        read(path)
    assert read(path, fps=60).fps == 60
    with pytest.raises(UnusableRecording, match="one frame rate above 0 .* got -1"):
        read(save(tmp_path / "walk.npz", poses=POSE, trans=PATH, fps=-1))
    assert read(save(tmp_path / "walk.npz", **amass()), fps=25.0).fps == 25.0


def test_the_licensed_body_is_used_where_it_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    smpl_body.save_npz(tmp_path / "smpl", "SMPL_FEMALE.npz")
    monkeypatch.setenv("AGIR_SMPL_DIR", str(tmp_path))
    betas = np.array([2.0, 1.0, *[0.0] * 14])
    recording = read(save(tmp_path / "walk.npz", **amass(betas=betas)))
    assert recording.notes == ("joints of the SMPL female body, the file's betas",)
    np.testing.assert_allclose(recording.positions_m, joints_from_pose(POSE, PATH, betas, load_body("female", tmp_path)))
    with pytest.raises(UsageError, match="SMPL_MALE.pkl"):
        read(save(tmp_path / "walk.npz", **amass(gender=np.array(b"male"))))


@pytest.mark.parametrize("arrays, message", [
    ({"a": POSE, "b": PATH}, r"SMPL poses .*got a, b; "),
    ({"poses": POSE[:, :63], "trans": PATH, "fps": 30}, r"\(frames, 72\).*got \(90, 63\)"),
    ({"poses": POSE[:0], "trans": PATH[:0], "fps": 30}, r"got \(0, 72\)"),
    ({"poses": POSE, "fps": 30}, "path under trans, transl"),
    ({"poses": POSE, "trans": PATH[:-1], "fps": 30}, r"shape \(90, 3\).*got \(89, 3\)"),
    ({"poses": np.full((90, 72), "x"), "trans": PATH, "fps": 30}, "numbers under poses"),
    ({"poses": np.full((90, 72), None), "trans": PATH, "fps": 30}, "SMPL poses"),
])
def test_other_archives_are_refused_by_what_they_hold(tmp_path: Path, arrays: dict, message: str) -> None:
    with pytest.raises((UnreadableFile, UnusableRecording), match=message):
        read(save(tmp_path / "walk.npz", **arrays))


def test_a_claim_of_gigabytes_takes_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    claim = b"{'descr': '<f8', 'fortran_order': False, 'shape': (300000000, 72), }"
    header = b"\x93NUMPY\x01\x00\x76\x00" + claim.ljust(117) + b"\n"
    path = tmp_path / "walk.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("poses.npy", header + bytes(1000))
    with pytest.raises(UnreadableFile, match="expected 172800000000 bytes in poses.npy, got 1128"):
        read(path)
    monkeypatch.setattr(smpl_arrays, "MOST_BYTES", 2**20)
    with pytest.raises(UnreadableFile, match="at most 1 MiB, got a claim of 8 MiB"):
        np.savez_compressed(path, poses=np.zeros((14000, 72)), trans=np.zeros((14000, 3)), fps=30)
        assert path.stat().st_size < 2**20
        read(path)


@pytest.mark.parametrize("ending", [".npz", ".pkl", ".bin"])
def test_random_bytes_are_unreadable(tmp_path: Path, ending: str) -> None:
    rng = np.random.default_rng(0)
    for start in (b"", b"PK\x03\x04", b"\x80\x04", b"(d"):
        path = tmp_path / f"noise{ending}"
        path.write_bytes(start + rng.bytes(500))
        with pytest.raises(AgirError):
            _read_or_skip(path)


def test_truncated_and_changed_files_never_end_in_a_traceback(tmp_path: Path) -> None:
    whole = save(tmp_path / "walk.npz", **amass(poses=POSE[:20], trans=PATH[:20])).read_bytes()
    rng = np.random.default_rng(1)
    path = tmp_path / "cut.npz"
    for length in rng.integers(1, len(whole), size=40):
        path.write_bytes(whole[:length])
        with pytest.raises(UnreadableFile):
            read(path)
    for _ in range(150):
        spoilt = bytearray(whole)
        for place in rng.integers(0, len(whole), size=3):
            spoilt[place] = rng.integers(256)
        path.write_bytes(bytes(spoilt))
        try:
            read(path)
        except AgirError:
            continue


def _read_or_skip(path: Path) -> None:
    try:
        read(path)
    except ImportError as error:
        if "unpickle" not in str(error):
            raise
        pytest.skip("needs agir_plugin.unpickle")
