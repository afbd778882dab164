"""Tables as Vicon Nexus, Qualisys Track Manager, OptiTrack Motive, D-Flow and Kinetics Toolkit export them; folder search."""
from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from ingest_samples import (
    D_FLOW,
    DEVICES,
    EXPECTED_M,
    LONG,
    MODEL,
    MOTIVE,
    MOTIVE_KEYS,
    MOTIVE_OLD,
    NAMES,
    QTM,
    QTM_HEAD,
    QTM_TIMED,
    ROWS,
    TOOLKIT,
    TRAJECTORIES,
    TRC,
    VISUAL3D,
    WIDE,
    WORKSTATION,
)

from agir_plugin.errors import UnreadableFile, UnusableRecording
from agir_plugin.ingest import read
from agir_plugin.ingest.kinds import kind_of
from agir_plugin.ingest.reading import is_recording

EXPORTS = {
    "nexus": TRAJECTORIES, "blank lines": f"\n\n{TRAJECTORIES}", "devices": f"{DEVICES}\n{TRAJECTORIES}\n{MODEL}",
    "model outputs": f"{MODEL}\n{TRAJECTORIES}", "semicolons": TRAJECTORIES.replace(",", ";"),
    "tabs": TRAJECTORIES.replace(",", "\t"), "workstation": WORKSTATION, "qtm": QTM, "qtm with times": QTM_TIMED,
    "visual3d": VISUAL3D, "motive": MOTIVE, "older motive": MOTIVE_OLD, "d-flow": D_FLOW, "kinetics toolkit": TOOLKIT,
}


@pytest.mark.parametrize("name", EXPORTS)
def test_exports_of_capture_software(tmp_path: Path, name: str) -> None:
    """Some name no unit, and two points alone do not tell it; Visual3D names no rate."""
    (tmp_path / "walk.csv").write_text(EXPORTS[name])
    if name in ("d-flow", "kinetics toolkit", "visual3d"):
        (tmp_path / "walk.yaml").write_text("unit: m\nfps: 200\n")
    recording = read(tmp_path / "walk.csv")
    kind = "joints" if "motive" in name else "markers"
    assert (recording.names, recording.fps, recording.kind, recording.format) == (NAMES, 200.0, kind, "csv")
    np.testing.assert_allclose(recording.positions_m, EXPECTED_M, atol=1e-9)


@pytest.mark.parametrize("text", [MODEL, DEVICES, QTM_HEAD, MOTIVE_KEYS])
def test_exports_without_trajectories_say_so(tmp_path: Path, text: str) -> None:
    (tmp_path / "walk.csv").write_text(text)
    with pytest.raises(UnusableRecording, match="walk.csv: expected an export with marker positions.*export the trajectories"):
        read(tmp_path / "walk.csv")


def test_damage_in_an_export_is_named_and_not_taken_for_its_end(tmp_path: Path) -> None:
    (tmp_path / "walk.csv").write_text(TRAJECTORIES.replace("696,0,11", "696,0,eleven"))
    with pytest.raises(UnreadableFile, match="row 2: expected a number or an empty cell, got 'eleven'"):
        read(tmp_path / "walk.csv")
    (tmp_path / "walk.csv").write_text(TRAJECTORIES.rsplit(",", 3)[0])
    with pytest.raises(UnreadableFile, match="got 5 in row 3 of 3"):
        read(tmp_path / "walk.csv")


def test_two_subjects_of_an_export_are_noted(tmp_path: Path) -> None:
    (tmp_path / "walk.csv").write_text(TRAJECTORIES.replace("Anna:RKNE", "Bo:LASI"))
    recording = read(tmp_path / "walk.csv")
    assert recording.names == ("LASI",) and any("repeated labels, first kept: Bo:LASI" in note for note in recording.notes)


def test_quaternions_are_no_places(tmp_path: Path) -> None:
    header = ",".join([*(f"PELV_{k}" for k in (1, 2, 3)), *(f"qRPV_{k}" for k in (1, 2, 3, 4))])
    (tmp_path / "walk.csv").write_text(f"// fs=100\n{header}\n1,2,3,1,0,0,0\n1,2,3,1,0,0,0\n")
    assert read(tmp_path / "walk.csv", fps=100).names == ("PELV",)


@pytest.mark.parametrize("lines", [
    [",LASI,LASI,LASI,RKNE,RKNE,RKNE", ",x,y,z,x,y,z"], ["scorer,a,a,a,a,a,a", "bodyparts,LASI,,,RKNE,,", "coords,x,y,z,x,y,z"],
])
def test_names_in_a_row_above_the_axes(tmp_path: Path, lines: list[str]) -> None:
    rows = [f"{k},{','.join(row)}" for k, row in enumerate(ROWS)]
    (tmp_path / "walk.csv").write_text("\n".join([*lines, *rows]) + "\n")
    (tmp_path / "walk.yaml").write_text("unit: mm\nfps: 200\n")
    recording = read(tmp_path / "walk.csv")
    assert (recording.names, recording.kind, recording.fps) == (NAMES, "markers", 200.0)
    np.testing.assert_allclose(recording.positions_m, EXPECTED_M, atol=1e-9)


LEGS = tuple(f"{side}{joint}" for side in "LR" for joint in ("Hip", "Knee", "Ankle"))


@pytest.mark.parametrize(("names", "otherwise", "kind"), [
    ((*LEGS, "Nose", "LBigToe"), "markers", "joints"), ((*LEGS, "LeftEye"), "markers", "joints"),
    ((*LEGS, "Nose", "r.ASIS_study"), "joints", "markers"), (LEGS, "markers", "markers"), (LEGS, "joints", "joints"),
    (("L.Knee", "L.Heel"), "markers", "markers"), (("LHJC", "LKJC"), "joints", "markers"), (("hip", "knee"), "joints", "joints"),
])
def test_keypoints_are_joints_whatever_file_they_come_in(names: tuple[str, ...], otherwise: str, kind: str) -> None:
    assert kind_of(names, otherwise) == kind


def test_a_trc_of_keypoints_is_a_recording_of_joints(tmp_path: Path) -> None:
    names = (*LEGS, "Nose")
    head = TRC.replace("LKNE\t\t\tRKNE", "\t\t\t".join(names)).split("\n1\t")[0]
    (tmp_path / "walk.trc").write_text(f"{head}\n" + "".join(f"{k}\t{k / 100}" + "\t1\t2\t3" * 7 + "\n" for k in range(3)))
    assert (read(tmp_path / "walk.trc").kind, read(tmp_path / "walk.trc").names) == ("joints", names)


def test_a_header_longer_than_the_first_bytes_is_known_by_its_first_line(tmp_path: Path) -> None:
    count = 150
    names = [f"M{k // 3}" for k in range(3 * count)]
    heads = [["C:\\trials\\walk.c3d"] * len(names), names, ["TARGET"] * len(names), ["ORIGINAL"] * len(names)]
    rows = [["ITEM", *["X", "Y", "Z"] * count], ["1", *["0.5"] * len(names)], ["2", *["0.5"] * len(names)]]
    lines = [*(["", *cells] for cells in heads), *rows]
    (tmp_path / "walk.txt").write_text("".join("\t".join(cells) + "\n" for cells in lines))
    assert is_recording(tmp_path / "walk.txt")
    assert read(tmp_path / "walk.txt", fps=100).positions_m.shape == (2, count, 3)


BODY = ",".join(f"{name}_{axis}" for name in ("lhip", "rhip", "lknee", "rknee", "lankle", "rankle") for axis in "xyz")


@pytest.mark.parametrize(("name", "text", "is_one"), [
    ("walk.csv", f"time,{BODY}\n", True), ("walk.TSV", QTM, True), ("walk.txt", D_FLOW, False), ("walk.csv", TRAJECTORIES, True),
    ("walk.csv", f"{DEVICES}\n{TRAJECTORIES}", True), ("walk.csv", MOTIVE, True), ("walk.csv", LONG, True), ("walk.trc", TRC, True),
    ("walk.csv", "walk,subject,state,score\nw1,S1,off,2\n", False), ("walk.csv", WIDE, False),
    ("walk.csv", "walk,speed_mps,step_width_m\nw1,1.2,0.1\n", False),
    ("imu.csv", "time,acc_x,acc_y,acc_z,gyr_x,gyr_y,gyr_z,mag_x,mag_y,mag_z\n0,1,2,3,4,5,6,7,8,9\n", False),
    ("notes.txt", "The subject walked, then, he stopped.\n", False), ("walk.csv", "", False), ("walk.md", f"time,{BODY}\n", False),
])
def test_what_a_folder_search_takes_for_a_recording(tmp_path: Path, name: str, text: str, is_one: bool) -> None:
    (tmp_path / name).write_text(text)
    assert is_recording(tmp_path / name) is is_one


def test_folders_links_to_nothing_and_pipes_are_no_recordings(tmp_path: Path) -> None:
    (tmp_path / "folder.c3d").mkdir()
    (tmp_path / "loop.csv").symlink_to(tmp_path / "loop.csv")
    os.mkfifo(tmp_path / "pipe.csv")
    assert not any(is_recording(path) for path in (*tmp_path.iterdir(), tmp_path / "nothing.trc"))


def test_what_macos_keeps_beside_a_file_is_no_recording(tmp_path: Path) -> None:
    """Archives made on a Mac hold `._walk.c3d` beside `walk.c3d`; a walk that is only called so stays one."""
    (tmp_path / "._walk.c3d").write_bytes(b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X")
    (tmp_path / "._other.c3d").write_bytes(b"\x02\x50" + bytes(600))
    assert not is_recording(tmp_path / "._walk.c3d")
    assert is_recording(tmp_path / "._other.c3d")
