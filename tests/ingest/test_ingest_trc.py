"""TRC texts with the faults of real exporters, and what must come of each."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agir_plugin.errors import UnreadableFile, UnusableRecording
from agir_plugin.ingest import read
from agir_plugin.ingest.cells import numbers
from agir_plugin.motion import to_motion

KEYS = "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames"
LABELS = "Frame#\tTime\tL.ASIS\t\t\tR Knee\t\t\t"
AXES = "\t\tX1\tY1\tZ1\tX2\tY2\tZ2"
ROWS = [f"{k + 7}\t{k / 50:.3f}\t{100 + k}\t900\t-50\t200\t500\t60" for k in range(4)]


def _write(
    folder: Path, *, values: str = "50\t50\t4\t2\tmm\t50\t7\t4", labels: str = LABELS, axes: str = AXES,
    rows: list[str] = ROWS, blank: str = "\n",
) -> Path:
    path = folder / "walk.trc"
    path.write_text(f"PathFileType\t4\t(X/Y/Z)\tC:\\a b\\walk.trc\n{KEYS}\n{values}\n{labels}\n{axes}\n{blank}" + "\n".join(rows))
    return path


def test_the_plain_file(tmp_path: Path) -> None:
    recording = read(_write(tmp_path))
    assert (recording.format, recording.kind, recording.fps) == ("trc", "markers", 50.0)
    assert recording.names == ("L.ASIS", "R Knee") and recording.notes == ()
    np.testing.assert_allclose(recording.positions_m[3], [[0.103, 0.9, -0.05], [0.2, 0.5, 0.06]])


@pytest.mark.parametrize("change", [
    {"values": "  50.0\t\t  50.0\t\t    4\t\t     2\t\t mm\t  50.0\t      7\t    4"},
    {"labels": "Frame#\tTimes\t\tL.ASIS\t\tR Knee\t\t"},
    {"labels": "Frame#\t\tTime\t\tL.ASIS\t\t\tR Knee"},
    {"axes": "\t\t\tX1\tY1\tZ1\tX2\tY2\tZ2"},
    {"blank": ""},
    {"blank": "\n\n\t\t\n"},
    {"rows": [f"{row}\t\t\t" for row in ROWS]},
    {"rows": [f"{row}\r" for row in ROWS] + ["", "\r"]},
    {"rows": [row.replace("\t100", "\t\t100").replace("\t101", "\t\t101").replace("\t102", "\t\t102").replace("\t103", "\t\t103")
              for row in ROWS]},
    {"rows": [row.replace("\t", "   ") for row in ROWS]},
    {"rows": [row.replace(".", ",") for row in ROWS]},
])
def test_shifted_and_padded_files_are_the_same_recording(tmp_path: Path, change: dict) -> None:
    recording = read(_write(tmp_path, **change))
    assert recording.names == ("L.ASIS", "R Knee") and recording.fps == 50.0 and recording.notes == ()
    np.testing.assert_allclose(recording.positions_m[3], [[0.103, 0.9, -0.05], [0.2, 0.5, 0.06]])


@pytest.mark.parametrize(("unit", "metres"), [("mm", 0.001), ("cm", 0.01), ("m", 1.0), ("in", 0.0254), ("(MM)", 0.001)])
def test_units(tmp_path: Path, unit: str, metres: float) -> None:
    values = f"50\t50\t4\t2\t{unit}\t50\t7\t4"
    rows = [f"{k}\t{k / 50:.3f}\t1\t2\t3\t4\t5\t6" for k in range(4)]
    np.testing.assert_allclose(read(_write(tmp_path, values=values, rows=rows)).positions_m[0, 1], np.array([4, 5, 6]) * metres)


def test_an_unknown_unit_is_said(tmp_path: Path) -> None:
    assert any("'furlong'" in note for note in read(_write(tmp_path, values="50\t50\t4\t2\tfurlong\t50\t7\t4")).notes)


def test_missing_cells_and_zeros_are_gaps(tmp_path: Path) -> None:
    rows = ["1\t0.00\t\t\t\t1\t2\t3", "2\t0.02\t1\t2\t3\t0\t0\t0", "3\t0.04\t1\t2\t3", "4\t0.06\tNaN\tNaN\tNaN\t1\t2\t3"]
    gaps = np.isnan(read(_write(tmp_path, rows=rows)).positions_m).all(axis=-1)
    assert gaps.tolist() == [[True, False], [False, True], [False, True], [True, False]]


def test_the_times_overrule_the_header(tmp_path: Path) -> None:
    recording = read(_write(tmp_path, values="200\t200\t4\t2\tmm\t200\t1\t4"))
    assert recording.fps == 50.0 and any("times are believed" in note for note in recording.notes)
    recording = read(_write(tmp_path, values="200\t50\t4\t2\tmm\t200\t1\t4"))
    assert recording.fps == 50.0 and not recording.notes
    assert read(_write(tmp_path), fps=25).fps == 25.0


def test_left_out_frames_come_back_as_gaps(tmp_path: Path) -> None:
    recording = read(_write(tmp_path, rows=[ROWS[0], ROWS[1], ROWS[3]], values="50\t50\t3\t2\tmm\t50\t1\t3"))
    assert np.isnan(recording.positions_m).all(axis=(1, 2)).tolist() == [False, False, True, False]
    assert any("1 frames are missing" in note for note in recording.notes)


def test_unnamed_and_repeated_markers(tmp_path: Path) -> None:
    rows = [f"{row}\t7\t8\t9\t1\t1\t1" for row in ROWS]
    recording = read(_write(tmp_path, rows=rows, labels="Frame#\tTime\tSub:A\t\t\t\t\t\tA\t\t\tB"))
    assert recording.names == ("A", "*2", "B")
    assert any("first kept: A" in note for note in recording.notes)
    assert any("without a label" in note for note in recording.notes)


@pytest.mark.parametrize(("change", "error", "says"), [
    ({"rows": []}, UnusableRecording, "expected rows of numbers"),
    ({"rows": ["1\t0.0", "2\t0.1"]}, UnusableRecording, "expected 1 to 5000 markers"),
    ({"rows": [*ROWS[:2], "9\t0.04\t102\t90"]}, UnreadableFile, "4 frames, but the file ends within frame 3"),
    ({"rows": [ROWS[0], ROWS[1].replace("900", "nine")]}, UnreadableFile, "line 8: expected a number.*'nine'"),
    ({"labels": "nothing"}, UnreadableFile, "starts with Frame#"),
    ({"values": "", "rows": ["1\t0\t1\t2\t3\t4\t5\t6"] * 2}, UnreadableFile, "give the frame rate with --fps"),
])
def test_damage_is_named(tmp_path: Path, change: dict, error: type, says: str) -> None:
    with pytest.raises(error, match=f"walk.trc.*{says}"):
        read(_write(tmp_path, **change))


@pytest.mark.parametrize(("name", "shape", "fps", "height"), [
    ("opensim_core/rajagopal_markers_walk.trc", (238, 41, 3), 100.0, (0.7, 1.2)),
    ("bmclab_bmc/walk1.trc", (364, 28, 3), 150.0, (0.7, 1.2)),
    ("nimblephysics_trc/fullbody_pig_clusters_markers.trc", (281, 61, 3), 100.0, (0.7, 1.2)),
])
def test_real_files_show_a_walking_person(
    shared_data: Path, name: str, shape: tuple, fps: float, height: tuple[float, float]
) -> None:
    recording = read(shared_data / name)
    assert (recording.positions_m.shape, recording.fps) == (shape, fps)
    pelvis = to_motion(recording).joints_m[:, 0]
    assert height[0] < pelvis[:, 1].mean() < height[1]
    assert np.linalg.norm(pelvis[-1] - pelvis[0]) > 2.0


def test_labels_between_blanks_behind_one_tab(tmp_path: Path) -> None:
    """As the University of Wisconsin's exporter writes them: tabs in the keys, padded columns below."""
    (tmp_path / "walk.trc").write_text(
        "PathFileType  4\t(X/Y/Z) C:\\walk\nDataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\n"
        " 200.0      200.0          2          2 mm\nFrame#\tTime            R.Shoulder                 R.Clavicle\n"
        "              X1        Y1        Z1       X2        Y2        Z2\n"
        "    1    0.000    1.0    2.0    3.0   4.0   5.0   6.0\n    2    0.005    1.0    2.0    3.0   4.0   5.0   6.0\n"
    )
    recording = read(tmp_path / "walk.trc")
    assert (recording.names, recording.fps) == (("R.Shoulder", "R.Clavicle"), 200.0)
    np.testing.assert_allclose(recording.positions_m[1], [[0.001, 0.002, 0.003], [0.004, 0.005, 0.006]])


@pytest.mark.parametrize("labels", ["LASI_x\tLASI_y\tLASI_z\tRASI_x\tRASI_y\tRASI_z", "LASI\tLASI\tLASI\tRASI\tRASI\tRASI"])
@pytest.mark.parametrize("keys", [
    "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\n50\t50\t2\t2\tm\n",
    "DataRate\t50.00\tCameraRate\t50.00\tNumFrames\t2\tNumMarkers\t2\tUnits\tm\n\n",
])
def test_a_label_for_each_column_and_values_behind_their_keys(tmp_path: Path, labels: str, keys: str) -> None:
    """As converters of markerless systems write them."""
    (tmp_path / "walk.trc").write_text(
        f"PathFileType\t4\t(X/Y/Z)\tw.trc\n{keys}Frame#\tTime\t{labels}\n\t\tX1\tY1\tZ1\tX2\tY2\tZ2\n"
        "1\t0.00\t1\t2\t3\t4\t5\t6\n2\t0.02\t1\t2\t3\t4\t5\t6\n"
    )
    recording = read(tmp_path / "walk.trc")
    assert (recording.names, recording.fps, recording.notes) == (("LASI", "RASI"), 50.0, ())
    np.testing.assert_array_equal(recording.positions_m[0], [[1, 2, 3], [4, 5, 6]])


@pytest.mark.parametrize("word", ["nan", "-nan(ind)", "NaN", "nan(snan)", "1.#QNAN", "-1.#IND00", "1.#IND"])
def test_not_a_number_in_every_spelling_is_a_gap(word: str) -> None:
    """Microsoft's and GNU's libraries write not-a-number in their own ways."""
    np.testing.assert_array_equal(numbers(["1.5", word], "walk.trc, line 7"), [1.5, np.nan])


@pytest.mark.parametrize("separator", [",", ";"])
def test_a_file_that_a_spreadsheet_saved(tmp_path: Path, separator: str) -> None:
    """Commas for tabs, and each line filled up with empty cells."""
    text = (
        "PathFileType\t4\t(X/Y/Z)\tw.trc\nDataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\n100\t100\t3\t2\tmm\n"
        "Frame#\tTime\tLKNE\t\t\tRKNE\t\t\n\t\tX1\tY1\tZ1\tX2\tY2\tZ2\n"
        "1\t0.00\t1\t2\t3\t4\t5\t6\n2\t0.01\t1\t2\t3\t4\t5\t6\n3\t0.02\t1\t2\t3\t4\t5\t7\n"
    )
    (tmp_path / "tabs.trc").write_text(text)
    (tmp_path / "saved.trc").write_text("".join(line + separator * 5 + "\n" for line in text.replace("\t", separator).splitlines()))
    wanted, saved = read(tmp_path / "tabs.trc"), read(tmp_path / "saved.trc")
    assert (saved.names, saved.fps) == (("LKNE", "RKNE"), 100.0)
    np.testing.assert_array_equal(saved.positions_m, wanted.positions_m)
