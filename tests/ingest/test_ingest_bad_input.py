"""Bad input under every reader: mutated files and random bytes end with one of our errors, or are read."""
from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ingest_samples import AMC, KINDS, LONG, TRC, WIDE, correct_files, place

from agir_plugin.errors import AgirError, UnreadableFile
from agir_plugin.ingest import read

#: What each format starts with, so that its reader and no other gets what follows.
MAGIC = {
    "c3d": b"\x02\x50", "trc": b"PathFileType\t4\nFrame#\tTime\tA\n", "bvh": b"HIERARCHY\nROOT a\n{\n",
    "amc": b":DEGREES\n1\nroot ", "asf": b":bonedata\nbegin\n",
    "wide": b"time,a_x,a_y,a_z\n", "long": b"frame,name,x,y,z\n", "yaml": b"names: ",
    "joints": b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f8', 'fortran_order': False, 'shape': (",
    "nexus": b"Trajectories\n100\n,,LASI,,\n", "qtm": b"NO_OF_FRAMES\t2\nMARKER_NAMES\tLASI\n", "motive": b"Format Version,1.2\n\n",
    "visual3d": b"\ta\ta\ta\n\tL\tL\tL\n\tTARGET\tTARGET\tTARGET\n\tO\tO\tO\nITEM\tX\tY\tZ\n",
    "features": b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f8', 'fortran_order': False, 'shape': (3, 263), }",
}
FUZZ = settings(
    max_examples=120, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def correct(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """One small correct file of each kind."""
    return correct_files(tmp_path_factory.mktemp("source"))


def _read_or_refuse(path: Path, fps: float | None = None) -> None:
    """Any other exception than ours fails the test; a refusal is one line that names a file of the folder."""
    try:
        recording = read(path, fps)
    except AgirError as error:
        assert str(path.parent) in str(error) and "\n" not in str(error)
        return
    assert recording.positions_m.shape[1:] == (len(recording.names), 3)
    assert recording.positions_m.dtype == np.float64 and not np.isinf(recording.positions_m).any()
    assert 0 < recording.fps <= 10000


@st.composite
def _mutated(draw: st.DrawFn, raw: bytes) -> bytes:
    """`raw` after one to four of: bytes flipped, cut out, put in, repeated, copied from elsewhere over others."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, max(len(raw) - 1, 0)))
        stop = min(len(raw), start + draw(st.sampled_from([1, 2, 5, 30, 400])))
        piece = raw[start:stop]
        kind = draw(st.sampled_from(["flip", "cut", "insert", "repeat", "splice", "end"]))
        if kind == "flip":
            raw = raw[:start] + bytes(byte ^ draw(st.integers(1, 255)) for byte in piece[:3]) + raw[start + len(piece[:3]) :]
        elif kind == "cut":
            raw = raw[:start] + raw[stop:]
        elif kind == "insert":
            raw = raw[:start] + draw(_INSERTED) + raw[start:]
        elif kind == "repeat":
            raw = raw[:start] + piece * draw(st.integers(2, 60)) + raw[stop:]
        elif kind == "splice":
            to = draw(st.integers(0, max(len(raw) - 1, 0)))
            raw = raw[:to] + piece + raw[to + len(piece) :]
        else:
            raw = raw[:start]
    return raw


_INSERTED = st.one_of(
    st.binary(min_size=1, max_size=12),
    st.sampled_from([b"nan", b"-1", b"1e999", b"\0", b"{", b"}", b"\r", b"\n", b"\t", b",", b'"', b"9" * 30, b"\xff\xfe"]),
)


@pytest.mark.parametrize("kind", KINDS)
@FUZZ
@given(data=st.data())
def test_mutated_files_end_with_our_errors(tmp_path: Path, correct: dict[str, bytes], kind: str, data: st.DataObject) -> None:
    _read_or_refuse(place(tmp_path, kind, data.draw(_mutated(correct[kind]))), data.draw(st.sampled_from([None, 50.0])))


@pytest.mark.parametrize("kind", KINDS)
@settings(FUZZ, max_examples=60)
@given(rest=st.one_of(st.binary(max_size=1200), st.text("0123456789 .-\n\te,;:{}()'xyz", max_size=300).map(str.encode)))
def test_random_bytes_behind_each_magic_number(tmp_path: Path, kind: str, rest: bytes) -> None:
    _read_or_refuse(place(tmp_path, kind, MAGIC[kind] + rest))


def test_what_the_mutations_start_from_is_read(tmp_path: Path, correct: dict[str, bytes]) -> None:
    for kind, raw in correct.items():
        assert read(place(tmp_path, kind, raw), fps=50 if kind == "visual3d" else None).names, kind


@pytest.mark.parametrize("ending", ["c3d", "trc", "bvh", "amc", "npy", "csv", ""])
def test_what_is_no_file_is_said(tmp_path: Path, ending: str) -> None:
    name = f"walk.{ending}" if ending else "walk"
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / name).mkdir()
    with pytest.raises(UnreadableFile, match="got a folder"):
        read(tmp_path / "folder" / name)
    (tmp_path / name).symlink_to(tmp_path / name)
    with pytest.raises(UnreadableFile, match="cannot be opened"):
        read(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_that_nobody_fills_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "walk.c3d")
    with pytest.raises(UnreadableFile, match="got a pipe or device"):
        read(tmp_path / "walk.c3d")


def test_a_skeleton_that_is_no_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "walk.amc").write_text(AMC)
    (tmp_path / "walk.asf").mkdir()
    with pytest.raises(UnreadableFile, match="walk.asf: the file cannot be read"):
        read(tmp_path / "walk.amc")
    (tmp_path / "walk.asf").rmdir()
    (tmp_path / "walk.asf").symlink_to(tmp_path / "walk.asf")
    with pytest.raises(UnreadableFile, match="walk.asf: the file cannot be read"):
        read(tmp_path / "walk.amc")


@pytest.mark.parametrize(("kind", "text"), [("wide", WIDE), ("long", LONG), ("trc", TRC)])
def test_tables_that_a_spreadsheet_saved_as_utf_16_are_read(tmp_path: Path, kind: str, text: str) -> None:
    plain = read(place(tmp_path, kind, text.encode()))
    wider = read(place(tmp_path, kind, text.encode("utf-16")))
    assert (wider.names, wider.fps, wider.notes) == (plain.names, plain.fps, plain.notes)
    np.testing.assert_array_equal(wider.positions_m, plain.positions_m)
