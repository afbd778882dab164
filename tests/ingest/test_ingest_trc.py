"""TRC files as they are met: headers that are one column off, cells that are missing, rates that are rounded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agir_plugin.errors import UnreadableFile
from agir_plugin.gait import measure
from agir_plugin.ingest import read
from agir_plugin.motion import to_motion

#: What the header's third line says of two markers at 100 frames per second.
FACTS = "100\t100\t3\t2\tmm\t100\t1\t3"
ROWS = "1\t0.00\t1\t2\t3\t4\t5\t6\n2\t0.01\t1\t2\t3\t4\t5\t6\n3\t0.02\t1\t2\t3\t4\t5\t6\n"


def trc(rows: str = ROWS, labels: str = "Frame#\tTime\tA\t\t\tB\t\t", facts: str = FACTS, blank: str = "\n") -> str:
    """A TRC text of two markers."""
    names = "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames"
    return f"PathFileType\t4\t(X/Y/Z)\tx.trc\n{names}\n{facts}\n{labels}\n\t\tX1\tY1\tZ1\tX2\tY2\tZ2\n{blank}{rows}"


def write(folder: Path, text: str) -> Path:
    """The text as a file."""
    path = folder / "walk.trc"
    path.write_text(text)
    return path


def test_markers_come_in_metres(tmp_path: Path) -> None:
    recording = read(write(tmp_path, trc()))
    assert (recording.format, recording.kind, recording.fps, recording.names) == ("trc", "markers", 100.0, ("A", "B"))
    np.testing.assert_allclose(recording.positions_m[1], [[0.001, 0.002, 0.003], [0.004, 0.005, 0.006]])
    assert recording.notes == () and recording.up is None


@pytest.mark.parametrize(("unit", "metres"), [("mm", 0.001), ("cm", 0.01), ("m", 1.0), ("M", 1.0), ("in", 0.0254)])
def test_units(tmp_path: Path, unit: str, metres: float) -> None:
    recording = read(write(tmp_path, trc(facts=FACTS.replace("mm", unit))))
    assert recording.positions_m[0, 0, 0] == pytest.approx(metres)


@pytest.mark.parametrize(
    "text",
    [
        trc(labels="Frame#\tTimes\t\tA\t\t\tB\t\t"),  # one column off
        trc(labels="Frame#\tTime\tA\t\t\tB\t\t\t\t"),  # tabs at the end
        trc(blank=""),
        trc(blank="\t\t\n\n"),
        trc(rows=ROWS.replace("\n", "\t\n")),
        trc(rows=ROWS.replace("\t", "   "), labels="Frame#   Time  A B"),  # blanks instead of tabs
        trc().replace("\n", "\r\n"),
        "\ufeff" + trc(),
        trc(facts="100   100   3   2   mm   100   1   3"),
        trc(facts=FACTS.replace("3\t2", "900\t2")),  # the count of an untrimmed file
    ],
)
def test_headers_of_many_makes_give_the_same(tmp_path: Path, text: str) -> None:
    recording = read(write(tmp_path, text))
    assert recording.names == ("A", "B") and recording.positions_m.shape == (3, 2, 3)
    assert recording.positions_m[2, 1, 2] == pytest.approx(0.006)


def test_missing_cells_and_zeros_are_gaps(tmp_path: Path) -> None:
    rows = "1\t0.00\t1\t\t3\t4\t5\t6\n2\t0.01\t0\t0\t0\t4\t5\t6\n3\t0.02\t1\t2\t3\n"
    recording = read(write(tmp_path, trc(rows=rows)))
    gaps = np.isnan(recording.positions_m).all(axis=-1)
    assert gaps.tolist() == [[True, False], [True, False], [False, True]]
    assert recording.notes == ("1 places of exactly (0, 0, 0) taken as gaps",)


def test_frames_need_not_start_at_one(tmp_path: Path) -> None:
    rows = "".join(f"{frame}\t{frame / 100:.2f}\t1\t2\t3\t4\t5\t6\n" for frame in (57, 58, 59))
    assert read(write(tmp_path, trc(rows=rows))).fps == 100.0


def test_the_times_win_over_a_rate_that_is_not_theirs(tmp_path: Path) -> None:
    recording = read(write(tmp_path, trc(facts=FACTS.replace("100", "250", 1))))
    assert recording.fps == pytest.approx(100.0)
    assert "the header says 250 frames per second, the times say 100" in recording.notes[0]
    assert read(write(tmp_path, trc()), fps=50).fps == 50.0


def test_names_with_blanks_and_too_few_of_them(tmp_path: Path) -> None:
    recording = read(write(tmp_path, trc(labels="Frame#\tTime\tR. Heel\t\t")))
    assert recording.names == ("R. Heel", "unnamed 2") and "1 labels for 2 markers" in recording.notes[0]
    recording = read(write(tmp_path, trc(labels="Frame#\tTime\tA\t\t\tB\t\t\tC\t\t")))
    assert recording.names == ("A", "B") and "3 labels for 2 markers" in recording.notes[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("PathFileType\n", "expected TRC's header line `DataRate"),
        (trc(facts=FACTS.replace("mm", "furlongs")), "expected Units to be one of mm, cm, m"),
        (trc(labels="nothing"), "expected a line of labels that starts with Frame#"),
        (trc(rows=""), "expected rows of frame, time and coordinates"),
        (trc(rows="1\t0.0\tx\t2\t3\t4\t5\t6\n"), "expected numbers in the rows, got could not convert string to float: 'x'"),
        (trc(rows="1\t0.0\n2\t0.1\n"), "expected at least one marker in the rows"),
        (trc(facts=FACTS.replace("100", "nan"), rows=ROWS.splitlines()[0]), "give the rate with --fps"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UnreadableFile, match="walk.trc") as told:
        read(write(tmp_path, text))
    assert says in str(told.value)


@pytest.mark.parametrize(
    ("file", "shape", "speed_mps"),
    [
        ("bmclab_bmc/walk1.trc", (364, 28, 3), 1.17),
        ("nimblephysics_trc/fullbody_pig_clusters_markers.trc", (281, 61, 3), 1.49),
        ("opensim_core/rajagopal_markers_walk.trc", (238, 41, 3), 1.26),
        ("opensim_core/gait2354_subject01_walk1_treadmill.trc", (151, 41, 3), None),
    ],
)
def test_files_of_three_laboratories(shared_data: Path, file: str, shape: tuple, speed_mps: float | None) -> None:
    recording = read(shared_data / file)
    assert recording.positions_m.shape == shape and len(set(recording.names)) == shape[1]
    if speed_mps is not None:
        assert measure(to_motion(recording)).value("speed_mps") == pytest.approx(speed_mps, abs=0.03)
