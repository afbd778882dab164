"""A skeleton of two bones whose places can be worked out on paper, and CMU's 02_01 in three formats."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agir_plugin.errors import UnreadableFile, UnusableRecording
from agir_plugin.gait import measure
from agir_plugin.ingest import read
from agir_plugin.motion import to_motion

#: With 1/0.0254 units to the inch a file unit is one metre.
ASF = """# two bones
:version 1.10
:units
  length 0.0254
  angle deg
:root
  order TX TY TZ RX RY RZ
  axis XYZ
  position 0 0 0
  orientation 0 0 0
:bonedata
  begin
    id 1
    name lfemur
    direction 0 -2 0
    length 0.5
    axis 0 0 0 XYZ
    dof rx ry rz
  end
  begin
    id 2
    name ltibia
    direction 0 -1 0
    length 0.4
    axis 0 0 90 XYZ
    dof rx
  end
:hierarchy
  begin
    root lfemur
    lfemur ltibia
  end
"""
HEAD = ":FULLY-SPECIFIED\n:DEGREES\n"


def _frame(number: int, root: str = "0 1 0 0 0 0", femur: str = "0 0 0", tibia: str = "0") -> str:
    return f"{number}\nroot {root}\nlfemur {femur}\nltibia {tibia}\n"


def _write(folder: Path, frames: list[str], asf: str = ASF, head: str = HEAD, skeleton: str = "walk.asf") -> Path:
    (folder / skeleton).write_text(asf)
    (folder / "walk.amc").write_text(head + "".join(frames))
    return folder / "walk.amc"


def test_a_skeleton_at_rest_hangs_down_in_metres(tmp_path: Path) -> None:
    recording = read(_write(tmp_path, [_frame(1), _frame(2)]))
    assert recording.names == ("root", "lfemur", "ltibia", "ltibia End") and recording.fps == 120.0
    assert (recording.format, recording.kind) == ("amc", "joints")
    assert any("no frame rate" in note for note in recording.notes)
    np.testing.assert_allclose(recording.positions_m[1], [[0, 1, 0], [0, 1, 0], [0, 0.5, 0], [0, 0.1, 0]], atol=1e-12)


def test_turns_are_about_each_bones_own_axes(tmp_path: Path) -> None:
    """The root's quarter about y leaves the leg hanging; the thigh's quarter about x takes it forward to -z.

    The shank's own x axis points along y (its frame is turned a quarter about z), about which a hanging leg spins in
    place; with the thigh along -z, the shank's axis still along y at rest, a quarter takes it from -z to -x.
    """
    frames = [_frame(1, root="0 1 0 0 90 0"), _frame(2, femur="90 0 0"), _frame(3, tibia="90")]
    places = read(_write(tmp_path, frames)).positions_m
    np.testing.assert_allclose(places[0, 3], [0, 0.1, 0], atol=1e-12)
    np.testing.assert_allclose(places[1], [[0, 1, 0], [0, 1, 0], [0, 1, -0.5], [0, 1, -0.9]], atol=1e-12)
    np.testing.assert_allclose(places[2, 3], [0, 0.1, 0], atol=1e-12)


def test_x_is_applied_before_z_in_the_order_xyz(tmp_path: Path) -> None:
    """-y by x to -z, where z leaves it; in the order rz ry rx, -y by z to +x, where x leaves it."""
    frames = [_frame(1, femur="90 0 90")]
    np.testing.assert_allclose(read(_write(tmp_path, frames)).positions_m[0, 2], [0, 1, -0.5], atol=1e-12)
    path = _write(tmp_path, frames, ASF.replace("rx ry rz", "rz ry rx"))
    np.testing.assert_allclose(read(path).positions_m[0, 2], [0.5, 1, 0], atol=1e-12)


def test_the_columns_of_the_root_follow_its_order_and_angles_may_be_radians(tmp_path: Path) -> None:
    asf = ASF.replace("order TX TY TZ RX RY RZ", "order RX RY RZ TZ TY TX").replace("angle deg", "angle rad")
    frames = [_frame(1, root=f"{np.pi / 2} 0 0 3 2 1")]
    path = _write(tmp_path, frames, asf.replace("0 0 90 XYZ", "0 0 0 XYZ"), ":FULLY-SPECIFIED\n")
    np.testing.assert_allclose(read(path).positions_m[0, [0, 2]], [[1, 2, 3], [1, 2, 2.5]], atol=1e-12)


@pytest.mark.parametrize("name", ["walk_03.asf", "walk.ASF", "other.asf"])
def test_the_skeleton_is_found_beside_the_motion(tmp_path: Path, name: str) -> None:
    path = _write(tmp_path, [_frame(1)], skeleton=name).rename(tmp_path / "walk_03.amc")
    assert any(f"skeleton from {name}" in note for note in read(path).notes)


def test_without_its_skeleton_or_motion_it_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path, [_frame(1)], skeleton="a.asf")
    (tmp_path / "b.asf").write_text(ASF)
    with pytest.raises(UnusableRecording, match="walk.amc: expected its skeleton walk.asf.*got a.asf, b.asf"):
        read(path)
    with pytest.raises(UnusableRecording, match="a.asf: this is the skeleton of .amc files, no motion"):
        read(tmp_path / "a.asf")


@pytest.mark.parametrize(("frames", "says"), [
    ([_frame(1), "2\nroot 0 1 0 0 0 0\n"], "3 bones in every frame, got 1 in frame 2 of 2"),
    ([_frame(1, femur="0 0")], "line 5: expected .* its 3 values"),
    ([_frame(1, femur="0 0 x")], "line 5: expected a number"),
    ([_frame(1, femur="0 0 nan")], "got NaN, inf or more"),
    ([_frame(1) + "tail 1 2\n"], "line 7.*another skeleton"),
])
def test_damaged_motion_is_named(tmp_path: Path, frames: list[str], says: str) -> None:
    with pytest.raises(UnreadableFile, match=f"walk.amc.*{says}"):
        read(_write(tmp_path, frames))


@pytest.mark.parametrize(("old", "new", "says"), [
    ("direction 0 -2 0", "direction 0 -2", "three numbers after `direction` of lfemur"),
    ("length 0.4", "length long", "a number after `length` of ltibia"),
    ("dof rx ry rz", "dof rx rw", "degrees of freedom"),
    ("    lfemur ltibia\n", "", "every bone in :hierarchy"),
    ("lfemur ltibia\n", "lfemur ltibia lfemur\n", "each bone once"),
    ("0 0 90 XYZ", "0 0 90 ABC", "an axis order"),
    ("    name ltibia\n", "", "a `name` in each bone"),
])
def test_a_damaged_skeleton_is_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    with pytest.raises(UnreadableFile, match=f"walk.asf.*{says}"):
        read(_write(tmp_path, [_frame(1)], ASF.replace(old, new)))


def test_one_walk_of_cmu_in_three_formats_measures_the_same(shared_data: Path) -> None:
    paths = [shared_data / "cmu_walks" / name for name in ("02_01.c3d", "02_01.amc", "bvh/02_01.bvh")]
    measured = [measure(to_motion(read(path))) for path in paths]
    assert np.ptp([gait.value("speed_mps") for gait in measured]) < 0.02
    assert np.ptp([gait.value("cadence_spm") for gait in measured]) < 1.5


def test_amc_and_bvh_of_one_walk_have_the_same_legs(shared_data: Path) -> None:
    amc, bvh = (read(shared_data / "cmu_walks" / name) for name in ("02_01.amc", "bvh/02_01.bvh"))
    legs = [("lfemur", "LeftUpLeg"), ("rtibia", "RightLeg"), ("lfoot", "LeftFoot"), ("rtoes", "RightToeBase")]
    for ours, theirs in legs:
        one, other = amc.positions_m[:, amc.names.index(ours)], bvh.positions_m[:, bvh.names.index(theirs)]
        np.testing.assert_allclose(one - amc.positions_m[:, 0], other - bvh.positions_m[:, 0], atol=0.002)


@pytest.mark.parametrize(("divisor", "scale", "says"), [
    ("0.0254", 1, "one unit is 1/0.0254 inch"), ("0.01", 1, "metres guessed: with 1/0.01 inch the body would extend over 4.57 m"),
    ("1", 100, "centimetres guessed"), ("1", 1e6, "though the body extends over"),
])
def test_a_length_unit_that_makes_no_body_is_not_believed(tmp_path: Path, divisor: str, scale: float, says: str) -> None:
    """A body of 1.8 metres: thigh and shank of 0.9 m each, as the sizes of real skeletons with their trunk."""
    asf = ASF.replace("0.0254", divisor)
    asf = asf.replace("length 0.5", f"length {0.9 * scale}").replace("length 0.4", f"length {0.9 * scale}")
    recording = read(_write(tmp_path, [_frame(1, root="0 0 0 0 0 0"), _frame(2, root="0 0 0 0 0 0")], asf))
    assert says in recording.notes[0]
    if scale < 1e6:
        np.testing.assert_allclose(recording.positions_m[0, 3], [0, -1.8, 0], atol=1e-9)
