"""`read` finds the reader by content, each wrong file gets its own sentence, damaged bytes never get a traceback."""
from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from agir_plugin.errors import AgirError, UnreadableFile, UnusableRecording
from agir_plugin.ingest import read, write_c3d
from agir_plugin.motion import to_motion

BVH = (
    "HIERARCHY\nROOT Hips\n{\nOFFSET 0 0 0\nCHANNELS 3 Zrotation Xrotation Yrotation\nJOINT LeftUpLeg\n{\n"
    "OFFSET 0.1 -0.1 0\nCHANNELS 3 Zrotation Xrotation Yrotation\nEnd Site\n{\nOFFSET 0 -0.4 0\n}\n}\n}\n"
    "MOTION\nFrames: 2\nFrame Time: 0.01\n1 2 3 4 5 6\n1 2 3 4 5 6\n"
)


TRC = (
    "PathFileType\t4\t(X/Y/Z)\tw.trc\nDataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\n100\t100\t2\t2\tmm\n"
    "Frame#\tTime\tLKNE\t\t\tRKNE\t\t\n\t\tX1\tY1\tZ1\tX2\tY2\tZ2\n\n1\t0.00\t1\t2\t3\t4\t5\t6\n2\t0.01\t1\t2\t3\t4\t5\t6\n"
)
ASF = (
    ":units\n length 0.45\n angle deg\n:root\n order TX TY TZ RX RY RZ\n axis XYZ\n:bonedata\nbegin\nname lfemur\n"
    "direction 0 -1 0\nlength 7\naxis 0 0 20 XYZ\ndof rx ry rz\nend\n:hierarchy\nbegin\nroot lfemur\nend\n"
)
AMC = ":FULLY-SPECIFIED\n:DEGREES\n1\nroot 1 2 3 4 5 6\nlfemur 1 2 3\n2\nroot 1 2 3 4 5 6\nlfemur 1 2 3\n"
CSV = "time,hip_x,hip_y,hip_z,knee_x,knee_y,knee_z\n0.00,1,2,3,1,1.5,3\n0.01,1,2,3,1,1.5,3\n"


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged")


@pytest.fixture(scope="session")
def good_bytes(folder: Path) -> dict[str, bytes]:
    """One small correct file of each format."""
    rng = np.random.default_rng(0)
    (folder / "flipped.asf").write_text(ASF)
    write_c3d(folder / "good.c3d", ["LASI", "RASI", "SACR", "LKNE", "RKNE"], rng.uniform(0.1, 1, (8, 5, 3)), 100.0)
    joints = _npy(rng.uniform(0, 1, (4, 22, 3)))
    return {".c3d": (folder / "good.c3d").read_bytes(), ".bvh": BVH.encode(), ".npy": joints,
            ".trc": TRC.encode(), ".amc": AMC.encode(), ".asf": ASF.encode(), ".csv": CSV.encode()}


@pytest.mark.parametrize(("name", "content", "says"), [
    ("none.c3d", None, "no such file"),
    ("empty.c3d", b"", "empty"),
    ("walk.xyz", b"hello, this is text", "unknown type"),
    ("walk", b"hello, this is text", "unknown type.*no ending"),
    ("walk.c3d", BVH.encode(), "ending .c3d says c3d, but the first bytes are those of a bvh file; rename"),
    ("walk.bvh", b"nothing like it", "ending .bvh says bvh, but the first bytes .* are not"),
])
def test_each_wrong_file_has_its_own_sentence(tmp_path: Path, name: str, content: bytes | None, says: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableFile, match=f"{name}.*{says}"):
        read(tmp_path / name)


def test_a_folder_is_no_recording(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="got a folder"):
        read(tmp_path)


def test_content_decides_where_the_ending_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "take_7.dat").write_text(BVH)
    assert read(tmp_path / "take_7.dat").format == "bvh"


def test_joints_from_numpy(tmp_path: Path) -> None:
    joints = np.random.default_rng(0).uniform(0, 1, (7, 22, 3))
    np.save(tmp_path / "walk.npy", joints)
    recording = read(tmp_path / "walk.npy")
    assert (recording.fps, recording.up, recording.kind) == (20.0, "+y", "joints")
    np.testing.assert_array_equal(recording.positions_m, joints)
    assert read(tmp_path / "walk.npy", fps=60).fps == 60.0
    np.save(tmp_path / "smplh.npy", np.concatenate([joints, np.ones((7, 30, 3))], axis=1).astype(np.float32))
    assert read(tmp_path / "smplh.npy").positions_m.shape == (7, 22, 3)


@pytest.mark.parametrize("array", [np.zeros((5, 21, 3)), np.zeros((0, 22, 3)), np.zeros((5, 66)), np.array(3.0),
                                   np.zeros((5, 22, 3), complex), np.full((5, 22, 3), "a")])
def test_numpy_files_of_another_kind_are_unusable(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "walk.npy", array)
    with pytest.raises(UnusableRecording, match="walk.npy.*expected joints"):
        read(tmp_path / "walk.npy")


def test_a_pickle_inside_a_numpy_file_does_not_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple:
            return (Path.touch, (tmp_path / "ran",))

    np.save(tmp_path / "trap.npy", np.array([Trap()], dtype=object), allow_pickle=True)
    with pytest.raises(UnreadableFile, match="trap.npy"):
        read(tmp_path / "trap.npy")
    assert not (tmp_path / "ran").exists()


def _only_agir_errors(path: Path) -> None:
    try:
        to_motion(read(path))
    except AgirError as error:
        assert path.name in str(error) and "\n" not in str(error)


FUZZ = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.parametrize("suffix", [".c3d", ".bvh", ".npy", ".trc", ".amc", ".csv"])
@pytest.mark.parametrize("start", [b"", b"\x02\x50", b"HIERARCHY\n", b"\x93NUMPY\x01\x00", b"PathFileType\nFrame#\tTime\tA\n",
                                   b":DEGREES\n1\nroot ", b"frame,name,x,y,z\n"])
@FUZZ
@given(rest=st.binary(max_size=1500))
@example(rest=b"\0" * 1500)
@example(rest=b"\xff" * 1500)
def test_random_bytes_under_each_ending(folder: Path, suffix: str, start: bytes, rest: bytes) -> None:
    path = folder / f"random{suffix}"
    path.write_bytes(start + rest)
    _only_agir_errors(path)


@pytest.mark.parametrize("suffix", [".c3d", ".bvh", ".npy", ".trc", ".amc", ".csv"])
@settings(FUZZ, max_examples=300)
@given(data=st.data())
def test_flipped_bytes_in_correct_files(
    folder: Path, good_bytes: dict[str, bytes], suffix: str, data: st.DataObject
) -> None:
    raw = bytearray(good_bytes[suffix])
    for _ in range(data.draw(st.integers(1, 6))):
        raw[data.draw(st.integers(0, min(len(raw), 2048) - 1))] = data.draw(st.integers(0, 255))
    path = folder / f"flipped{suffix}"
    path.write_bytes(raw[: data.draw(st.integers(len(raw) // 2, len(raw)))])
    _only_agir_errors(path)
