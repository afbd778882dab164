"""Small BVH texts whose joint places can be worked out on paper."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agir_plugin.errors import UnreadableFile
from agir_plugin.ingest import read

TWO_BONES = """HIERARCHY
ROOT Hips
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT LeftUpLeg
  {
    OFFSET 0.5 -0.5 0
    CHANNELS 3 Xrotation Yrotation Zrotation
    End Site
    {
      OFFSET 0 -1.0 0
    }
  }
}
MOTION
Frames: 3
Frame Time: 0.0333333
"""


def _write(path: Path, rows: list[list[float]], text: str = TWO_BONES) -> Path:
    path.write_text(text + "\n".join(" ".join(map(str, row)) for row in rows) + "\n")
    return path


def test_turning_about_z_then_x_then_y_moves_the_bones_as_on_paper(tmp_path: Path) -> None:
    """Frame 2 turns the root a quarter about z: (0.5, -0.5) becomes (0.5, 0.5), and the end lies 1 to the right of it.

    Frame 3 turns the thigh a quarter about its own x: what hung down along -y now points along -z.
    """
    rows = [[1, 1, 0, 0, 0, 0, 0, 0, 0], [1, 1, 0, 90, 0, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0, 90, 0, 0]]
    recording = read(_write(tmp_path / "two.bvh", rows))
    assert recording.names == ("Hips", "LeftUpLeg", "LeftUpLeg End")
    assert recording.fps == 30.0 and recording.kind == "joints" and recording.format == "bvh"
    np.testing.assert_allclose(recording.positions_m[0], [[1, 1, 0], [1.5, 0.5, 0], [1.5, -0.5, 0]], atol=1e-12)
    np.testing.assert_allclose(recording.positions_m[1], [[1, 1, 0], [1.5, 1.5, 0], [2.5, 1.5, 0]], atol=1e-12)
    np.testing.assert_allclose(recording.positions_m[2], [[1, 1, 0], [1.5, 0.5, 0], [1.5, 0.5, -1]], atol=1e-12)


def test_the_order_of_the_channels_is_the_order_of_the_turns(tmp_path: Path) -> None:
    """A bone along -y, turned by Rx(90) Rz(90): z first takes it to +x, where x leaves it.

    By Rz(90) Rx(90): x first takes it to -z, where z leaves it.
    """
    rows = [[0] * 9, [0] * 9, [0, 0, 0, 0, 0, 0, 90, 0, 90]]
    places = read(_write(tmp_path / "xyz.bvh", rows)).positions_m
    np.testing.assert_allclose(places[2, 2] - places[2, 1], [1, 0, 0], atol=1e-12)
    text = TWO_BONES.replace("Xrotation Yrotation Zrotation", "Zrotation Yrotation Xrotation")
    places = read(_write(tmp_path / "zyx.bvh", rows, text)).positions_m
    np.testing.assert_allclose(places[2, 2] - places[2, 1], [0, 0, -1], atol=1e-12)


@pytest.mark.parametrize(("per_metre", "unit"), [(1, "metres"), (100, "centimetres"), (1000, "millimetres"),
                                                (1 / 0.0254, "inches"), (0.45 / 0.0254, "inches/0.45")])
def test_the_unit_is_guessed_from_the_bodys_size_and_said(tmp_path: Path, per_metre: float, unit: str) -> None:
    text = TWO_BONES.replace("0.5 -0.5", "0 0").replace("-1.0", f"{-1.6 * per_metre}")
    recording = read(_write(tmp_path / "unit.bvh", [[0] * 9] * 3, text))
    assert recording.positions_m[0, 2, 1] == pytest.approx(-1.6, rel=1e-6)
    assert any(f"; {unit} guessed" in note for note in recording.notes)


def test_an_artificial_first_pose_is_dropped_and_said(tmp_path: Path) -> None:
    rows = [[0, 1, 0, 0, 0, 0, 0, 0, 0]] + [[0, 1, 0.01 * k, 0, 0, 0, 40 + 0.5 * k, 0, 0] for k in range(30)]
    text = TWO_BONES.replace("Frames: 3", "Frames: 31")
    recording = read(_write(tmp_path / "pose.bvh", rows, text))
    assert len(recording.positions_m) == 30
    assert any("first frame dropped" in note for note in recording.notes)
    kept = read(_write(tmp_path / "walk.bvh", rows[1:], text.replace("31", "30")))
    assert len(kept.positions_m) == 30 and not any("dropped" in note for note in kept.notes)


def test_position_channels_of_a_joint_replace_its_offset(tmp_path: Path) -> None:
    text = TWO_BONES.replace(
        "CHANNELS 3 Xrotation Yrotation Zrotation",
        "CHANNELS 6 Xposition Yposition Zposition Xrotation Yrotation Zrotation",
    )
    rows = [[0, 0, 0, 0, 0, 0, 0.25, -0.75, 0, 0, 0, 0]] * 3
    np.testing.assert_allclose(read(_write(tmp_path / "six.bvh", rows, text)).positions_m[0, 1], [0.25, -0.75, 0])


@pytest.mark.parametrize(("change", "says"), [
    (("Frames: 3", "Frames: 4"), "4 frames of 9 channels.*27 follow"),
    (("MOTION", "NOTION"), "expected a MOTION section"),
    (("0.0333333", "0.0"), "Frame Time"),
    (("OFFSET 0.5 -0.5 0", "OFFSET 0.5 x 0"), "three numbers after OFFSET"),
    (("CHANNELS 3 X", "CHANNELS 3 Q"), "channel names"),
    (("}\nMOTION", "\nMOTION"), "1 more closing braces"),
    (("JOINT LeftUpLeg", "JIONT LeftUpLeg"), "got 'JIONT'"),
])
def test_damage_is_named(tmp_path: Path, change: tuple[str, str], says: str) -> None:
    path = _write(tmp_path / "bad.bvh", [[0] * 9] * 3, TWO_BONES)
    path.write_text(path.read_text().replace(*change, 1))
    with pytest.raises(UnreadableFile, match=f"bad.bvh.*{says}"):
        read(path)


def test_numbers_that_are_none_are_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="could not convert"):
        read(_write(tmp_path / "bad.bvh", [[0] * 9, [0] * 8 + ["abc"], [0] * 9]))
    with pytest.raises(UnreadableFile, match="got NaN, inf"):
        read(_write(tmp_path / "nan.bvh", [[0] * 9, [0] * 8 + ["nan"], [0] * 9]))
