"""C3D files made by hand or by ezc3d: units, labels, gaps, rates and events come out as they went in."""
from __future__ import annotations

from pathlib import Path

import ezc3d
import numpy as np
import pytest

from agir_plugin.errors import UnreadableFile, UnusableRecording, UsageError
from agir_plugin.ingest import read, write_c3d
from agir_plugin.records import LabelledEvent

FRAMES = 30


def _track(seed: int = 0, points: int = 3, frames: int = FRAMES) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.1, 1.5, (frames, points, 3))


def _ezc3d_file(path: Path, labels: list[str], points_in_unit: np.ndarray, **point: list) -> ezc3d.c3d:
    """A 100 Hz file in millimetres, written by ezc3d and returned for changes."""
    file = ezc3d.c3d()
    file["parameters"]["POINT"]["RATE"]["value"] = [100.0]
    file["parameters"]["POINT"]["UNITS"]["value"] = ["mm"]
    file["parameters"]["POINT"]["LABELS"]["value"] = labels
    for name, value in point.items():
        file.add_parameter("POINT", name, value)
    file["data"]["points"] = np.concatenate(
        [np.moveaxis(points_in_unit, (0, 1, 2), (2, 1, 0)), np.ones((1, points_in_unit.shape[1], len(points_in_unit)))]
    )
    file.write(str(path))
    return file


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    places = _track()
    places[4:7, 1] = np.nan
    events = [LabelledEvent("right", "toe_off", 0.12), LabelledEvent("left", "heel_strike", 0.05)]
    write_c3d(tmp_path / "walk.c3d", ["LASI", "RASI", "C7"], places, 150.0, events, up="+y")
    recording = read(tmp_path / "walk.c3d")
    assert recording.fps == 150.0 and recording.names == ("LASI", "RASI", "C7") and recording.up == "+y"
    assert np.isnan(recording.positions_m[4:7, 1]).all()
    np.testing.assert_allclose(recording.positions_m, places, atol=1e-6)
    assert [(event.side, event.kind) for event in recording.events] == [("left", "heel_strike"), ("right", "toe_off")]
    np.testing.assert_allclose([event.time_s for event in recording.events], [0.05, 0.12], atol=1e-6)
    assert list(tmp_path.iterdir()) == [tmp_path / "walk.c3d"]


@pytest.mark.parametrize(
    ("unit", "metres"), [("mm", 0.001), ("cm", 0.01), ("m", 1.0), ("inches", 0.0254), (" MM ", 0.001)]
)
def test_units_become_metres(tmp_path: Path, unit: str, metres: float) -> None:
    path = tmp_path / "walk.c3d"
    file = _ezc3d_file(path, ["A"], np.full((4, 1, 3), 12.5))
    file["parameters"]["POINT"]["UNITS"]["value"] = [unit]
    file.write(str(path))
    np.testing.assert_allclose(read(path).positions_m, 12.5 * metres, rtol=1e-6)


def test_an_unknown_unit_is_taken_for_millimetres_and_said(tmp_path: Path) -> None:
    file = _ezc3d_file(tmp_path / "walk.c3d", ["A"], np.full((4, 1, 3), 500.0))
    file["parameters"]["POINT"]["UNITS"]["value"] = ["furlong"]
    file.write(str(tmp_path / "walk.c3d"))
    recording = read(tmp_path / "walk.c3d")
    assert recording.positions_m[0, 0, 0] == pytest.approx(0.5)
    assert any("furlong" in note for note in recording.notes)


def test_prefixes_blanks_and_repeated_labels(tmp_path: Path) -> None:
    points = np.arange(1, 5)[None, :, None] * np.full((5, 4, 3), 100.0)
    _ezc3d_file(tmp_path / "walk.c3d", ["Anna: LASI ", "RASI", "LASI", "V_R.TT"], points)
    recording = read(tmp_path / "walk.c3d")
    assert recording.names == ("LASI", "RASI", "V_R.TT")
    np.testing.assert_allclose(recording.positions_m[0, :, 0], [0.1, 0.2, 0.4], rtol=1e-6)
    assert any("repeated labels" in note and "LASI" in note for note in recording.notes)


def test_more_than_255_labels_go_on_in_labels2(tmp_path: Path) -> None:
    names = [f"P{k}" for k in range(300)]
    write_c3d(tmp_path / "many.c3d", names, _track(points=300, frames=3), 100.0)
    assert read(tmp_path / "many.c3d").names == tuple(names)


def test_fewer_labels_than_points(tmp_path: Path) -> None:
    _ezc3d_file(tmp_path / "walk.c3d", ["A", "B"], np.full((3, 2, 3), 100.0))
    raw = bytearray((tmp_path / "walk.c3d").read_bytes())
    at = raw.find(b"LABELS") + 8
    assert raw[at : at + 2] == b"\xff\x02", "a list of characters with two axes follows"
    raw[at + 3] = 1
    (tmp_path / "walk.c3d").write_bytes(raw)
    recording = read(tmp_path / "walk.c3d")
    assert recording.names == ("A", "*2")
    assert any("1 points without a label" in note for note in recording.notes)


def test_more_labels_than_points(tmp_path: Path) -> None:
    _ezc3d_file(tmp_path / "walk.c3d", ["A", "B"], np.full((3, 2, 3), 100.0))
    raw = bytearray((tmp_path / "walk.c3d").read_bytes())
    raw[2:4] = b"\x01\x00"
    (tmp_path / "walk.c3d").write_bytes(raw)
    recording = read(tmp_path / "walk.c3d")
    assert recording.names == ("A",)
    assert any("1 labels beyond" in note for note in recording.notes)


def test_gaps_as_zero_and_as_negative_residual(tmp_path: Path) -> None:
    points = np.full((6, 2, 3), 250.0)
    points[2, 0] = 0.0
    _ezc3d_file(tmp_path / "walk.c3d", ["A", "B"], points)
    gone = np.isnan(read(tmp_path / "walk.c3d").positions_m).all(axis=-1)
    assert gone.sum() == 1 and gone[2, 0]


def _with_residuals(path: Path, places: np.ndarray, negative: np.ndarray) -> Path:
    """A file of float words whose fourth word per point is -1 where `negative`, as Kwon3D writes it for every point."""
    write_c3d(path, ["A", "B"], places, 100.0)
    raw = path.read_bytes()
    words = np.concatenate([places * 1000, np.where(negative, -1.0, 0.0)[..., None]], axis=2).astype("<f4").tobytes()
    start = (int.from_bytes(raw[16:18], "little") - 1) * 512
    path.write_bytes(raw[:start] + words + raw[start + len(words) :])
    return path


def test_residuals_that_are_all_negative_say_nothing(tmp_path: Path) -> None:
    places = _track(points=2)
    every = np.ones(places.shape[:2], bool)
    recording = read(_with_residuals(tmp_path / "kwon.c3d", places, every))
    np.testing.assert_allclose(recording.positions_m, places, atol=1e-6)
    assert any("every residual is negative" in note for note in recording.notes)
    every[3, 1] = False
    usual = read(_with_residuals(tmp_path / "usual.c3d", places, every))
    assert np.isfinite(usual.positions_m).all(axis=-1).sum() == 1 and not usual.notes


def test_a_file_of_model_outputs_alone_has_no_points(tmp_path: Path) -> None:
    _ezc3d_file(tmp_path / "angles.c3d", ["LHipAngles"], np.full((6, 1, 3), 20.0), ANGLES=["LHipAngles"])
    with pytest.raises(UnusableRecording, match="expected 3D points, got 0 points in 6 frames"):
        read(tmp_path / "angles.c3d")


def test_analog_channels_at_a_higher_rate_do_not_disturb_the_points(tmp_path: Path) -> None:
    file = ezc3d.c3d()
    file["parameters"]["POINT"]["RATE"]["value"] = [150.0]
    file["parameters"]["POINT"]["UNITS"]["value"] = ["mm"]
    file["parameters"]["POINT"]["LABELS"]["value"] = ["A", "B"]
    file["parameters"]["ANALOG"]["RATE"]["value"] = [450.0]
    file["parameters"]["ANALOG"]["LABELS"]["value"] = ["F1", "F2"]
    places = _track(points=2)
    file["data"]["points"] = np.concatenate([np.moveaxis(places, (0, 1, 2), (2, 1, 0)) * 1000, np.ones((1, 2, FRAMES))])
    file["data"]["analogs"] = np.random.default_rng(1).normal(size=(1, 2, 3 * FRAMES))
    file.write(str(tmp_path / "forces.c3d"))
    recording = read(tmp_path / "forces.c3d")
    assert recording.fps == 150.0
    np.testing.assert_allclose(recording.positions_m, places, atol=1e-6)


def test_event_times_count_from_the_files_first_frame(tmp_path: Path) -> None:
    """The header starts at frame 201 of 100 Hz: an event at the absolute time 2.30 s happens 0.30 s into the file."""
    path = tmp_path / "late.c3d"
    file = _ezc3d_file(path, ["A"], np.full((100, 1, 3), 100.0))
    file["header"]["points"]["first_frame"] = 200
    file.add_parameter("EVENT", "USED", [3])
    file.add_parameter("EVENT", "CONTEXTS", ["Left", "Right", "General"])
    file.add_parameter("EVENT", "LABELS", ["Foot Strike", "RTO", "Clap"])
    file.add_parameter("EVENT", "TIMES", np.array([[0.0, 0.0, 0.0], [2.30, 2.55, 2.60]]))
    file.write(str(path))
    raw = bytearray(path.read_bytes())
    raw[6:10] = (201).to_bytes(2, "little") + (300).to_bytes(2, "little")
    path.write_bytes(raw)
    recording = read(path)
    assert [(event.side, event.kind) for event in recording.events] == [("left", "heel_strike"), ("right", "toe_off")]
    np.testing.assert_allclose([event.time_s for event in recording.events], [0.30, 0.55], atol=1e-5)
    assert any("1 events left out" in note for note in recording.notes)


def test_model_outputs_are_not_places(tmp_path: Path) -> None:
    _ezc3d_file(tmp_path / "walk.c3d", ["LASI", "LKneeAngles"], np.full((3, 2, 3), 40.0), ANGLES=["LKneeAngles"])
    recording = read(tmp_path / "walk.c3d")
    assert recording.names == ("LASI",)
    assert any("1 model outputs" in note for note in recording.notes)


def test_the_given_rate_replaces_the_files(tmp_path: Path) -> None:
    write_c3d(tmp_path / "walk.c3d", ["A"], _track(points=1), 100.0)
    assert read(tmp_path / "walk.c3d", fps=120.0).fps == 120.0
    with pytest.raises(UsageError, match="above 0"):
        read(tmp_path / "walk.c3d", fps=0.0)


@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
def test_a_truncated_file_is_one_clear_line(tmp_path: Path, part: float) -> None:
    path = tmp_path / "cut.c3d"
    write_c3d(path, ["A", "B", "C"], _track(frames=200), 100.0)
    raw = path.read_bytes()
    path.write_bytes(raw[: int(part * len(raw))])
    with pytest.raises(UnreadableFile, match="cut.c3d.*(truncated|damaged)"):
        read(path)


def test_a_header_that_promises_gigabytes_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "huge.c3d"
    write_c3d(path, ["A"], _track(points=1), 100.0)
    raw = bytearray(path.read_bytes())
    raw[2:4], raw[8:10] = b"\xff\xff", b"\xff\xff"
    path.write_bytes(raw)
    with pytest.raises(UnreadableFile, match="65535 points.*truncated"):
        read(path)


def test_a_file_without_points_is_unusable(tmp_path: Path) -> None:
    path = tmp_path / "forces.c3d"
    write_c3d(path, ["A"], _track(points=1), 100.0)
    raw = bytearray(path.read_bytes())
    raw[2:4] = b"\0\0"
    path.write_bytes(raw)
    with pytest.raises(UnusableRecording, match="expected 3D points, got 0"):
        read(path)


def test_writing_what_does_not_fit_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\(frames, 2, 3\)"):
        write_c3d(tmp_path / "bad.c3d", ["A", "B"], _track(points=3), 100.0)
    with pytest.raises(UsageError, match="frame rate above 0"):
        write_c3d(tmp_path / "bad.c3d", ["A"], _track(points=1), float("nan"))
    with pytest.raises(UsageError, match="vertical axis"):
        write_c3d(tmp_path / "bad.c3d", ["A"], _track(points=1), 100.0, up="north")
    assert not list(tmp_path.iterdir())


def test_real_files_read_like_ezc3d_reads_them(shared_data: Path) -> None:
    """Every point of every C3D recording equals what ezc3d, an independent reader, finds there."""
    files = sorted(shared_data.rglob("*.c3d"))
    assert files
    for path in files:
        recording = read(path)
        other = ezc3d.c3d(str(path))
        point = other["parameters"]["POINT"]
        labels = [*point["LABELS"]["value"], *point.get("LABELS2", {}).get("value", [])]
        columns = {label.rpartition(":")[2].strip(): k for k, label in reversed(list(enumerate(labels)))}
        theirs = np.moveaxis(other["data"]["points"][:3], (0, 1, 2), (2, 1, 0)) / 1000.0
        theirs = theirs[:, [columns[name] for name in recording.names]]
        gone = np.isnan(recording.positions_m)
        assert recording.fps == point["RATE"]["value"][0]
        np.testing.assert_allclose(recording.positions_m[~gone], theirs[~gone], atol=1e-6)
        assert (np.isnan(theirs) | (theirs == 0))[gone].all(), path
