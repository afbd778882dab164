"""Tables of named points, wide and long, and the mapping file beside them."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agir_plugin.errors import ConfigError, UnreadableFile, UnusableRecording
from agir_plugin.ingest import read

ROWS = [(k / 25, 0.1 + k / 100, 1.0, 0.2, 0.3, 2.4, 0.4) for k in range(3)]


def _wide(folder: Path, *, header: str = "time,hip_x,hip_y,hip_z,head_x,head_y,head_z", scale: float = 1, sep: str = ",") -> Path:
    lines = [sep.join(f"{v:g}" for v in (row[0], *(np.array(row[1:]) * scale))) for row in ROWS]
    path = folder / "walk.csv"
    path.write_text("\n".join([header.replace(",", sep), *lines]) + "\n")
    return path


@pytest.mark.parametrize("header", [
    "time,hip_x,hip_y,hip_z,head_x,head_y,head_z", "Time (s),hip.X,hip.Y,hip.Z,head.X,head.Y,head.Z",
    '"t","hip x","hip y","hip z","head x","head y","head z"', "\ufefftime,hip:x,hip:y,hip:z,head:x,head:y,head:z",
])
@pytest.mark.parametrize("sep", [",", ";", "\t"])
def test_wide_tables(tmp_path: Path, header: str, sep: str) -> None:
    recording = read(_wide(tmp_path, header=header, sep=sep))
    assert (recording.format, recording.kind, recording.fps, recording.names) == ("csv", "joints", 25.0, ("hip", "head"))
    np.testing.assert_allclose(recording.positions_m[2], [[0.12, 1.0, 0.2], [0.3, 2.4, 0.4]])


@pytest.mark.parametrize(("scale", "unit"), [(1, "m"), (100, "cm"), (1000, "mm")])
def test_the_unit_is_guessed_and_said_or_read_from_the_header(tmp_path: Path, scale: float, unit: str) -> None:
    recording = read(_wide(tmp_path, scale=scale))
    np.testing.assert_allclose(recording.positions_m[0, 1], [0.3, 2.4, 0.4])
    assert any(f"; {unit} guessed" in note for note in recording.notes)
    header = ",".join(["time", *(f"{name}_{axis}_{unit}" for name in ("hip", "head") for axis in "xyz")])
    assert not read(_wide(tmp_path, scale=scale, header=header)).notes


def test_long_tables_with_gaps(tmp_path: Path) -> None:
    path = tmp_path / "walk.csv"
    path.write_text("frame,name,x,y,z\n4,A,1,2,3\n4,B,1,3.5,3\n5,A,1,2,3\n7,B,1,3.5,3\n7,A,,,\n")
    with pytest.raises(UnreadableFile, match="walk.csv.*--fps"):
        read(path)
    recording = read(path, fps=50)
    assert recording.names == ("A", "B") and recording.fps == 50.0
    assert np.isnan(recording.positions_m).all(axis=-1).tolist() == [[False, False], [False, True], [True, True], [True, False]]


def test_the_rate_may_be_a_column(tmp_path: Path) -> None:
    (tmp_path / "walk.csv").write_text("fps,hip_x,hip_y,hip_z,conf\n30,1,2,3,0.9\n30,1,2,3,0.9\n")
    recording = read(tmp_path / "walk.csv")
    assert recording.fps == 30.0 and any("columns left out: conf" in note for note in recording.notes)


def test_a_mapping_file_gives_names_unit_vertical_and_kind(tmp_path: Path) -> None:
    path = _wide(tmp_path, scale=100)
    (tmp_path / "walk.yaml").write_text("names: {hip: Pelvis}\nunit: cm\nup: -y\nkind: markers\n")
    recording = read(path)
    assert (recording.names, recording.up, recording.kind) == (("Pelvis", "head"), "-y", "markers")
    for text, says in [("unit: ell", "expected unit"),
                       ("speed: 3", "got speed"), ("[1", "expected YAML"), ("names: 3", "expected names"),
                       ("fps: -1", "expected fps")]:
        (tmp_path / "walk.yaml").write_text(text)
        with pytest.raises(ConfigError, match=f"walk.yaml.*{says}"):
            read(path)


@pytest.mark.parametrize(("text", "error", "says"), [
    ("a,b,c\n1,2,3\n", UnreadableFile, "unknown type"),
    ("time,hip_x,hip_y,hip_z\n", UnusableRecording, "got none"),
    ("time,hip_x,hip_y,hip_z\n0,1,2,3\n0.1,1\n", UnreadableFile, "got 2 in row 2 of 2"),
    ("time,hip_x,hip_y,hip_z\n0,1,2,3\n0.1,1,two,3\n", UnreadableFile, "row 2: expected a number"),
])
def test_damage_is_named(tmp_path: Path, text: str, error: type, says: str) -> None:
    (tmp_path / "walk.csv").write_text(text)
    with pytest.raises(error, match=f"walk.csv.*{says}"):
        read(tmp_path / "walk.csv")


def test_marker_names_make_a_marker_recording(tmp_path: Path) -> None:
    assert read(_wide(tmp_path, header="time,LASI_x,LASI_y,LASI_z,C7_x,C7_y,C7_z")).kind == "markers"


def test_nan_everywhere_and_one_point_do_not_stop_reading(tmp_path: Path) -> None:
    path = tmp_path / "walk.csv"
    path.write_text("time,hip_x,hip_y,hip_z\n0,nan,nan,nan\n0.04,,,\n")
    recording = read(path)
    assert np.isnan(recording.positions_m).all() and any("unit unknown" in note for note in recording.notes)
