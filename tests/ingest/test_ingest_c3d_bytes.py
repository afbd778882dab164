"""C3D files put together byte by byte: the three processors, integer and float storage, event conventions."""
from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from agir_plugin.errors import UnreadableFile
from agir_plugin.ingest import read

INTEL, DEC, MIPS = 84, 85, 86
PLACES_MM = np.array([[[100.0, 200.5, -300.25], [10.0, 20.0, 30.0]], [[110.0, 201.0, -301.5], [11.0, 21.0, 31.0]]])


def _float(value: float, processor: int) -> bytes:
    if processor == MIPS:
        return struct.pack(">f", value)
    raw = struct.pack("<f", value * 4.0 if processor == DEC else value)
    return raw[2:] + raw[:2] if processor == DEC else raw


class Builder:
    """A C3D file of two points and two frames at 50 Hz, header in block 1, parameters in block 2, data in block 4."""

    def __init__(self, processor: int, scale: float = -1.0, first_frame: int = 1) -> None:
        self.processor, self.scale, self.first_frame = processor, scale, first_frame
        self.order = ">" if processor == MIPS else "<"
        self.records = b""
        self.lost: set[tuple[int, int]] = set()

    def words(self, *values: int) -> bytes:
        return struct.pack(f"{self.order}{len(values)}H", *values)

    def group(self, number: int, name: str) -> None:
        self.records += struct.pack("bb", len(name), -number) + name.encode() + self.words(3) + b"\0"

    def parameter(self, group: int, name: str, kind: int, sizes: list[int], data: bytes) -> None:
        body = struct.pack("bB", kind, len(sizes)) + bytes(sizes) + data + b"\0"
        self.records += struct.pack("bb", len(name), group) + name.encode() + self.words(len(body) + 2) + body

    def strings(self, group: int, name: str, values: list[str], width: int = 12) -> None:
        data = b"".join(value.encode().ljust(width) for value in values)
        self.parameter(group, name, -1, [width, len(values)], data)

    def numbers(self, group: int, name: str, values: list[float], sizes: list[int]) -> None:
        self.parameter(group, name, 4, sizes, b"".join(_float(value, self.processor) for value in values))

    def point_group(self) -> Builder:
        self.group(1, "POINT")
        self.strings(1, "LABELS", ["Anna:LASI", "Anna:RASI"])
        self.strings(1, "UNITS", ["mm"])
        self.numbers(1, "RATE", [50.0], [1])
        return self

    def save(self, path: Path) -> Path:
        last = self.first_frame + len(PLACES_MM) - 1
        header = bytes([2, 0x50]) + self.words(2, 0, self.first_frame, last, 0) + _float(self.scale, self.processor)
        header += self.words(4, 0) + _float(50.0, self.processor)
        parameters = bytes([1, 0x50, 2, self.processor]) + self.records + b"\0\0"
        path.write_bytes(header.ljust(512, b"\0") + parameters.ljust(1024, b"\0") + self._data())
        return path

    def _data(self) -> bytes:
        data = b""
        for (frame, point), _ in np.ndenumerate(PLACES_MM[..., 0]):
            row = [*PLACES_MM[frame, point], -1.0 if (frame, point) in self.lost else 0.0]
            if self.scale < 0:
                data += b"".join(_float(value, self.processor) for value in row)
            else:
                whole = [round(value / self.scale) for value in row[:3]] + [int(row[3])]
                data += struct.pack(f"{self.order}4h", *whole)
        return data


@pytest.mark.parametrize("processor", [INTEL, DEC, MIPS])
@pytest.mark.parametrize("scale", [-1.0, 0.25])
def test_each_processor_and_storage(tmp_path: Path, processor: int, scale: float) -> None:
    builder = Builder(processor, scale).point_group()
    builder.lost.add((1, 0))
    recording = read(builder.save(tmp_path / "walk.c3d"))
    expected = PLACES_MM / 1000.0
    expected[1, 0] = np.nan
    assert recording.fps == 50.0 and recording.names == ("LASI", "RASI")
    np.testing.assert_allclose(recording.positions_m, expected, atol=1e-7)


def _events(builder: Builder, times_s: list[float], labels: list[str], contexts: list[str]) -> Builder:
    builder.group(2, "EVENT")
    builder.strings(2, "CONTEXTS", contexts)
    builder.strings(2, "LABELS", labels)
    builder.numbers(2, "TIMES", [part for time in times_s for part in divmod(time, 60.0)], [2, len(times_s)])
    return builder


def test_events_beyond_a_minute_and_in_the_data_sets_own_words(tmp_path: Path) -> None:
    """Frame 3501 of 50 Hz is 70 s after the start of the capture: one minute and ten seconds."""
    builder = _events(Builder(INTEL, first_frame=3501).point_group(), [70.0, 70.02], ["LHS", "RTO"], ["Gait", "Gait"])
    events = read(builder.save(tmp_path / "walk.c3d")).events
    assert [(event.side, event.kind) for event in events] == [("left", "heel_strike"), ("right", "toe_off")]
    np.testing.assert_allclose([event.time_s for event in events], [0.0, 0.02], atol=1e-5)


def test_events_that_count_from_the_first_frame_already(tmp_path: Path) -> None:
    builder = Builder(INTEL, first_frame=3501).point_group()
    recording = read(_events(builder, [0.02], ["Foot Off"], ["Right"]).save(tmp_path / "walk.c3d"))
    assert recording.events[0].time_s == pytest.approx(0.02)
    assert any("already counted" in note for note in recording.notes)


def test_screen_axes_name_the_vertical(tmp_path: Path) -> None:
    builder = Builder(INTEL).point_group()
    builder.strings(1, "X_SCREEN", ["+X"])
    builder.strings(1, "Y_SCREEN", ["+Z"])
    assert read(builder.save(tmp_path / "walk.c3d")).up == "+z"
    contradictory = Builder(INTEL).point_group()
    contradictory.strings(1, "X_SCREEN", ["+Z"])
    contradictory.strings(1, "Y_SCREEN", ["+Z"])
    assert read(contradictory.save(tmp_path / "other.c3d")).up is None


def test_points_of_two_people_are_said(tmp_path: Path) -> None:
    builder = Builder(INTEL)
    builder.group(1, "POINT")
    builder.strings(1, "LABELS", ["Anna:LASI", "Bo:LASI"])
    builder.numbers(1, "RATE", [50.0], [1])
    recording = read(builder.save(tmp_path / "two.c3d"))
    assert recording.names == ("LASI",)
    assert any("2 subjects (Anna, Bo)" in note for note in recording.notes)
    np.testing.assert_allclose(recording.positions_m[:, 0], PLACES_MM[:, 0] / 1000, atol=1e-7)


def test_a_parameter_that_runs_out_of_its_section_is_named(tmp_path: Path) -> None:
    builder = Builder(INTEL).point_group()
    builder.parameter(1, "HUGE", 4, [255, 255, 255], b"")
    with pytest.raises(UnreadableFile, match="'HUGE' to end inside"):
        read(builder.save(tmp_path / "bad.c3d"))


def test_a_rate_of_nothing_asks_for_one(tmp_path: Path) -> None:
    path = Builder(INTEL).save(tmp_path / "bare.c3d")
    raw = bytearray(path.read_bytes())
    raw[20:24] = bytes(4)
    path.write_bytes(raw)
    with pytest.raises(UnreadableFile, match="POINT:RATE.*--fps"):
        read(path)
    assert read(path, fps=50).names == ("*1", "*2")


@pytest.mark.parametrize("name", ["LONG_FRAMES", "FRAMES"])
def test_more_frames_than_the_header_can_count_are_named_by_a_parameter(tmp_path: Path, name: str) -> None:
    builder = Builder(INTEL).point_group()
    builder.numbers(1, name, [65_600.0], [1])
    path = builder.save(tmp_path / "long.c3d")
    raw = path.read_bytes()
    path.write_bytes(raw[:8] + b"\xff\xff" + raw[10:] + raw[1536:] * 32_799)
    recording = read(path)
    assert recording.positions_m.shape == (65_600, 2, 3)
    np.testing.assert_allclose(recording.positions_m[-1], PLACES_MM[1] / 1000, atol=1e-7)


def test_the_places_of_model_outputs_are_left_out_with_their_labels(tmp_path: Path) -> None:
    builder = Builder(INTEL).point_group()
    builder.strings(1, "ANGLES", ["RASI"])
    recording = read(builder.save(tmp_path / "walk.c3d"))
    assert recording.names == ("LASI",)
    np.testing.assert_allclose(recording.positions_m[:, 0], PLACES_MM[:, 0] / 1000, atol=1e-7)
