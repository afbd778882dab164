"""Acclaim motion: a two-bone arm worked out by hand, CMU's trial against its markers, and what can be wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agir_plugin.errors import UnreadableFile
from agir_plugin.gait import measure
from agir_plugin.ingest import read
from agir_plugin.motion import to_motion

#: A root with a thigh of 40 and a shank of 50 units below it; 45 units are 100 inches, so that a body of 90 is 5.08 m tall.
SKELETON = """# made for this test
:version 1.10
:name TWO
:units
  mass 1.0
  length {length}
  angle deg
:documentation
   two bones
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
     length 40
     axis 0 0 90 XYZ
    dof rx ry rz
    limits (-160.0 20.0)
           (-70.0 70.0)
           (-60.0 70.0)
  end
  begin
     id 2
     name ltibia
     direction 0 -1 0
     length 50
     axis 0 0 0 XYZ
    dof rx
  end
:hierarchy
  begin
    root lfemur
    lfemur ltibia
  end
"""
MOTION = "#!OML\n:FULLY-SPECIFIED\n:DEGREES\n1\nroot 1 2 3 {root}\nlfemur {femur}\nltibia {tibia}\n"


def write(folder: Path, root: str = "0 0 0", femur: str = "0 0 0", tibia: str = "0", length: float = 1.0) -> Path:
    """A one-frame AMC file with its skeleton; with length 1 the body is 90 inches tall."""
    (folder / "two.asf").write_text(SKELETON.format(length=length))
    path = folder / "two_01.amc"
    path.write_text(MOTION.format(root=root, femur=femur, tibia=tibia))
    return path


def places(path: Path) -> dict[str, list[float]]:
    """Places of the first frame relative to the root, in the skeleton's unit (inches), rounded."""
    recording = read(path)
    found = (recording.positions_m[0] - recording.positions_m[0, 0]) / 0.0254
    return {name: np.round(place, 6).tolist() for name, place in zip(recording.names, found, strict=True)}


def test_at_rest_bones_hang_as_the_skeleton_says(tmp_path: Path) -> None:
    recording = read(write(tmp_path))
    assert recording.names == ("root", "lfemur", "ltibia", "ltibia End")
    np.testing.assert_allclose(recording.positions_m[0, 0], np.array([1, 2, 3]) * 0.0254)
    assert places(tmp_path / "two_01.amc") == {
        "root": [0, 0, 0], "lfemur": [0, 0, 0], "ltibia": [0, -40, 0], "ltibia End": [0, -90, 0],
    }  # fmt: skip
    assert (recording.format, recording.kind, recording.up, recording.fps) == ("amc", "joints", "+y", 120.0)
    assert recording.notes[0] == "skeleton: two.asf" and "120 frames per second assumed" in recording.notes[1]


def test_a_shank_bends_about_its_own_axis(tmp_path: Path) -> None:
    """90 degrees about x turn (0, -50, 0) into (0, 0, -50)."""
    assert places(write(tmp_path, tibia="90"))["ltibia End"] == [0, -40, -50]


def test_a_thigh_turns_in_its_tilted_frame_and_takes_the_shank_along(tmp_path: Path) -> None:
    """Its frame is turned by 90 degrees about z, so its own x is the world's y: the bone lies in that axis and stays."""
    assert places(write(tmp_path, femur="90 0 0"))["ltibia"] == [0, -40, 0]
    # its own y is the world's -x: 90 degrees about -x turn (0, -40, 0) into (0, 0, 40)
    assert places(write(tmp_path, femur="0 90 0"))["ltibia End"] == [0, 0, 90]


def test_angles_are_applied_x_first(tmp_path: Path) -> None:
    """x by 90: (0, -90, 0) -> (0, 0, -90); then y by 90: -> (-90, 0, 0)."""
    assert places(write(tmp_path, root="90 90 0"))["ltibia End"] == [-90, 0, 0]


def test_the_unit_is_the_skeletons_unless_no_human_has_that_size(tmp_path: Path) -> None:
    assert np.ptp(read(write(tmp_path)).positions_m[0, :, 1]) == pytest.approx(90 * 0.0254)
    recording = read(write(tmp_path, length=0.45))  # 5.08 m tall: 90 must be inches
    assert np.ptp(recording.positions_m[0, :, 1]) == pytest.approx(90 * 0.0254)
    assert "gives no human size; inches taken" in recording.notes[1]


def test_radians_and_a_given_rate(tmp_path: Path) -> None:
    path = write(tmp_path, tibia=repr(np.pi / 2))
    path.write_text(path.read_text().replace(":DEGREES", ":RADIANS"))
    assert places(path)["ltibia End"] == [0, -40, -50]
    assert read(path, fps=60).fps == 60.0


def test_the_skeleton_is_found_by_name_or_because_it_is_the_only_one(tmp_path: Path) -> None:
    path = write(tmp_path)
    (tmp_path / "two.asf").rename(tmp_path / "other.asf")
    assert read(path).notes[0] == "skeleton: other.asf"
    (tmp_path / "third.asf").write_text((tmp_path / "other.asf").read_text())
    with pytest.raises(UnreadableFile, match="two_01.asf or two.asf beside it, but there are other.asf, third.asf"):
        read(path)
    (tmp_path / "TWO_01.ASF").write_text((tmp_path / "other.asf").read_text())
    assert read(path).notes[0] == "skeleton: TWO_01.ASF"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("ltibia 0\n", "", "frame 1: the numbers for ltibia do not fit its channels in two.asf"),
        ("ltibia 0\n", "ltibia 0 0\n", "the numbers for ltibia do not fit"),
        ("ltibia 0\n", "ltibia 0\nrhand 3\n", "the numbers for rhand do not fit"),
        ("ltibia 0\n", "ltibia x\n", "expected numbers for ltibia"),
        ("ltibia 0\n", "ltibia nan\n", "expected angles and lengths below"),
        ("\n1\nroot", "\nroot", "expected frames"),
    ],
)
def test_motion_that_does_not_fit_is_told(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = write(tmp_path)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(UnreadableFile, match="two_01.amc") as told:
        read(path)
    assert says in str(told.value)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (":hierarchy", ":nothing", "expected the sections :hierarchy of an ASF skeleton"),
        ("lfemur ltibia\n", "ltibia lfemur\n", "cannot be understood"),
        ("root lfemur", "root lfemur lfemur", "cannot be understood"),
        ("length 40", "length", "cannot be understood"),
        ("direction 0 -2 0", "direction 0 0 0", "cannot be understood"),
        ("dof rx\n", "dof rw\n", "cannot be understood"),
    ],
)
def test_a_damaged_skeleton_is_told(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = write(tmp_path)
    skeleton = tmp_path / "two.asf"
    skeleton.write_text(skeleton.read_text().replace(old, new))
    with pytest.raises(UnreadableFile, match="two.asf") as told:
        read(path)
    assert says in str(told.value)


def test_a_skeleton_alone_is_no_motion(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(UnreadableFile, match="the skeleton of .amc files and holds no motion"):
        read(tmp_path / "two.asf")


def test_cmus_trial_measures_alike_from_markers_joints_and_its_conversion(shared_data: Path) -> None:
    folder = shared_data / "cmu_walks"
    files = ("02_01.c3d", "02_01.amc", "bvh/02_01.bvh")
    walks = [measure(to_motion(read(folder / file))) for file in files]
    for name, apart in (("speed_mps", 0.02), ("cadence_spm", 1.5)):
        values = [walk.value(name) for walk in walks]
        assert max(values) - min(values) <= apart, values
