"""Marker recordings of a stiff walker: joint centres, axes, gaps, missing parts and refusals that can be worked out."""
from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from motion_walker import BODY, LABS, LOWER, SPEED_MPS, recording, walk

from agir_plugin.consts import JOINT, JOINTS
from agir_plugin.errors import UnusableRecording
from agir_plugin.ingest import read, write_c3d
from agir_plugin.motion import to_motion
from agir_plugin.records import LabelledEvent, Motion

NAMES = tuple(BODY)


def _joint(motion: Motion, name: str) -> np.ndarray:
    return motion.joints_m[:, JOINT[name]]


def _standing(names: tuple[str, ...] = NAMES, frames: int = 11) -> Motion:
    return to_motion(recording(walk(names, seconds=(frames - 1) / 100, speed_mps=0.0, swing=0.0), names))


def test_the_hip_centre_is_harringtons() -> None:
    """Pelvis 240 mm wide and 150 mm deep: 45.9 mm behind, 82.9 mm below and 86.5 mm beside the middle of the ASIS."""
    motion = _standing()
    floor = BODY["LHEE"][1]
    left = np.array([0.0865, 1.0 - 0.0829 - floor, 0.075 - 0.0459])
    np.testing.assert_allclose(_joint(motion, "left_hip")[5], left, atol=1e-9)
    np.testing.assert_allclose(_joint(motion, "right_hip")[5], left * [-1, 1, 1], atol=1e-9)
    np.testing.assert_allclose(_joint(motion, "pelvis")[5], [0.0, 1.0 - floor, 0.0], atol=1e-9)


def test_a_joint_with_both_sides_marked_lies_half_way() -> None:
    names = (*LOWER, "LKNM")
    places = np.concatenate([walk(LOWER, 0.1, swing=0, speed_mps=0), np.full((11, 1, 3), (0.04, 0.50, 0.02))], axis=1)
    knee = _joint(to_motion(recording(places, names)), "left_knee")[0]
    np.testing.assert_allclose(knee, [0.09, 0.50 - 0.03, 0.02], atol=1e-9)


def test_a_joint_with_the_outer_side_alone_lies_inwards_by_half_its_width() -> None:
    motion = _standing()
    for name, label, width in (("left_knee", "LKNE", 0.05), ("right_ankle", "RANK", 0.035)):
        inwards = np.linalg.norm(_joint(motion, name)[0] - BODY[label] + [0, 0.03, 0])
        assert inwards == pytest.approx(width, abs=0.012)
        assert abs(_joint(motion, name)[0, 0]) < abs(BODY[label][0])


@pytest.mark.parametrize("lab", LABS)
@pytest.mark.parametrize("stated", [True, False])
def test_every_laboratory_gives_the_same_walker(lab: str, stated: bool) -> None:
    """Y is up, speed is kept, and the left side is to the left of the walking direction, whatever the axes were."""
    up = f"+{'xyz'[int(np.argmax(LABS[lab][:, 1]))]}" if stated else None
    motion = to_motion(recording(walk(), lab=lab, up=up))
    travel = _joint(motion, "pelvis")[-1] - _joint(motion, "pelvis")[0]
    forward = travel / np.linalg.norm(travel)
    assert np.linalg.norm(travel) / motion.seconds == pytest.approx(SPEED_MPS, rel=1e-3)
    assert abs(forward[1]) < 1e-9
    to_left = np.cross([0, 1, 0], forward)
    for pair in ("hip", "knee", "ankle", "foot", "shoulder", "wrist"):
        across = (_joint(motion, f"left_{pair}") - _joint(motion, f"right_{pair}")) @ to_left
        assert (across > 0.1).all()
    assert _joint(motion, "head")[:, 1].min() > 1.4
    assert motion.flags == ()
    assert motion.measured == set(JOINTS)


def test_a_walker_facing_z_has_the_left_side_at_x() -> None:
    motion = to_motion(recording(walk()))
    assert (_joint(motion, "left_hip")[:, 0] > _joint(motion, "right_hip")[:, 0]).all()
    assert (motion.heel_m[:, 0, 0] > motion.heel_m[:, 1, 0]).all()


def test_left_handed_axes_are_flagged_and_the_labels_believed() -> None:
    mirrored = walk() * [-1.0, 1.0, 1.0]
    motion = to_motion(recording(mirrored))
    assert motion.flags == ("sides_swapped: axes mirrored",)
    np.testing.assert_allclose(motion.joints_m, to_motion(recording(walk())).joints_m, atol=1e-12)


def test_a_wrong_statement_of_the_vertical_is_overruled_and_flagged() -> None:
    motion = to_motion(recording(walk(), up="+z"))
    assert "vertical_from_data" in motion.flags
    np.testing.assert_allclose(motion.joints_m, to_motion(recording(walk())).joints_m, atol=1e-12)


@pytest.mark.parametrize("factor", [1000.0, 100.0, 10.0, 0.001])
def test_a_wrong_unit_is_mended_and_flagged(factor: float) -> None:
    motion = to_motion(recording(walk() * factor))
    assert "units_guessed" in motion.flags
    np.testing.assert_allclose(motion.joints_m, to_motion(recording(walk())).joints_m, atol=1e-9)


def test_heel_and_toe_are_the_markers_and_the_floor_is_near_zero() -> None:
    motion = to_motion(recording(walk()))
    assert motion.heel_m.shape == motion.toe_m.shape == (301, 2, 3)
    assert motion.heel_m[..., 1].min() == pytest.approx(0.0, abs=1e-9)
    np.testing.assert_allclose(motion.toe_m[:, 1], _joint(motion, "right_foot"))


def test_noise_above_6_hz_is_taken_away_and_the_walk_kept() -> None:
    times = np.arange(301)[:, None] / 100
    shaken = walk()
    shaken[:, NAMES.index("LHEE"), 1:2] += 0.01 * np.sin(2 * np.pi * 20 * times)
    heel, calm = (to_motion(recording(places)).heel_m[30:-30, 0] for places in (shaken, walk()))
    assert np.abs(heel - calm - (heel - calm).mean(axis=0)).max() < 2e-4
    swing = calm[:, 2] - SPEED_MPS * times[30:-30, 0]
    assert np.ptp(swing) == pytest.approx(0.5, rel=0.01)


def test_a_short_gap_is_bridged_by_a_spline() -> None:
    places = walk()
    places[100:110, NAMES.index("RKNE")] = np.nan
    motion = to_motion(recording(places))
    assert motion.flags == () and len(motion.joints_m) == 301
    np.testing.assert_allclose(motion.joints_m, to_motion(recording(walk())).joints_m, atol=1e-3)


def test_a_lost_pelvis_marker_comes_back_from_the_other_three() -> None:
    places = walk()
    places[50:250, NAMES.index("LASI")] = np.nan
    motion = to_motion(recording(places))
    assert motion.flags == () and len(motion.joints_m) == 301
    np.testing.assert_allclose(motion.joints_m, to_motion(recording(walk())).joints_m, atol=1e-9)


def test_a_long_gap_in_a_leg_keeps_the_longer_part_and_says_so() -> None:
    places = walk()
    places[80:100, NAMES.index("LANK")] = np.nan
    motion = to_motion(recording(places))
    assert len(motion.joints_m) == 201 and motion.start_s == pytest.approx(1.0)
    assert motion.flags == ("trimmed: 1.00 to 3.00 s of 3.00 s, where pelvis and feet were seen",)


def test_event_times_still_count_from_the_files_first_frame(tmp_path: Path) -> None:
    """A file whose walker appears at 0.5 s: the heel strike at 1.7 s is 1.2 s into the motion."""
    places = walk()
    places[:50] = np.nan
    write_c3d(tmp_path / "late.c3d", NAMES, places, 100.0, [LabelledEvent("left", "heel_strike", 1.7)], up="+y")
    file = read(tmp_path / "late.c3d")
    motion = to_motion(file)
    assert motion.start_s == pytest.approx(0.5)
    index = round((file.events[0].time_s - motion.start_s) * motion.fps)
    assert _joint(motion, "pelvis")[index, 2] == pytest.approx(1.7 * SPEED_MPS, abs=1e-3)


def test_a_lost_wrist_is_bridged_beside_the_body_and_flagged() -> None:
    places = walk()
    places[100:140, [NAMES.index("LWRA"), NAMES.index("LWRB")]] = np.nan
    motion = to_motion(recording(places))
    assert motion.flags == ("gaps_filled:left_wrist",)
    assert "left_wrist" in motion.measured
    moved = np.linalg.norm(np.diff(_joint(motion, "left_wrist"), axis=0), axis=1)
    assert moved.max() < 2.5 * SPEED_MPS / 100


def test_a_lower_body_set_hangs_the_arms_and_says_they_were_not_measured() -> None:
    motion = to_motion(recording(walk(LOWER), LOWER))
    assert set(motion.flags) == {"arms_not_measured", "trunk_not_measured", "head_not_measured"}
    assert motion.measured == {
        "pelvis", *(f"{side}_{joint}" for side in ("left", "right") for joint in ("hip", "knee", "ankle", "foot"))
    }
    assert np.isfinite(motion.joints_m).all()
    shoulder, wrist, pelvis = (_joint(motion, name)[0] for name in ("left_shoulder", "left_wrist", "pelvis"))
    assert pelvis[1] < shoulder[1] and abs(wrist[0] - shoulder[0]) < 0.1 and wrist[1] < shoulder[1] - 0.4
    assert shoulder[0] > 0.1 > -0.1 > _joint(motion, "right_shoulder")[0][0]


def test_one_arm_alone() -> None:
    names = tuple(name for name in NAMES if name not in ("RELB", "RWRA", "RWRB"))
    motion = to_motion(recording(walk(names), names))
    assert motion.flags == ("right_arm_not_measured",)
    assert {"left_wrist", "right_shoulder"} <= motion.measured and "right_wrist" not in motion.measured


SHIDA = {
    "LASI": "L.ASIS", "RASI": "R.ASIS", "LPSI": "L.PSIS", "RPSI": "R.PSIS", "LKNE": "L.Knee", "RKNE": "R.Knee",
    "LANK": "L.Ankle", "RANK": "R.Ankle", "LHEE": "L.Heel", "RHEE": "R.Heel", "LTOE": "L.MT2", "RTOE": "R.MT2",
    "LELB": "LEL", "RELB": "REL", "LWRA": "LWL", "LWRB": "LWM", "RWRA": "RWL", "RWRB": "RWM",
}
CMU = {
    "LASI": "LFWT", "RASI": "RFWT", "LPSI": "LBWT", "RPSI": "RBWT",
}
CAST = {
    "LASI": "L_IAS", "RASI": "R_IAS", "LPSI": "L_IPS", "RPSI": "R_IPS", "LKNE": "L_FLE", "RKNE": "R_FLE",
    "LANK": "L_FAL", "RANK": "R_FAL", "LHEE": "L_FCC", "RHEE": "R_FCC", "LTOE": "L_FM2", "RTOE": "R_FM2",
    "LSHO": "L_SAE", "RSHO": "R_SAE", "C7": "CV7", "CLAV": "SJN",
}


@pytest.mark.parametrize("labels", [SHIDA, CMU, CAST], ids=["Shida", "CMU", "CAST"])
def test_other_marker_sets_name_the_same_places(labels: dict[str, str]) -> None:
    names = tuple(labels.get(name, name) for name in NAMES)
    motion = to_motion(recording(walk(), names))
    np.testing.assert_allclose(motion.joints_m, to_motion(recording(walk())).joints_m, atol=1e-9)


def test_the_shida_set_without_a_head_marker() -> None:
    names = tuple(SHIDA.get(name, name) for name in NAMES if "HD" not in name)
    motion = to_motion(recording(walk(tuple(name for name in NAMES if "HD" not in name)), names))
    assert motion.flags == ("head_not_measured",)
    assert motion.measured == set(JOINTS) - {"head"}


def test_sacrum_and_trochanters_serve_where_points_of_the_pelvis_lack() -> None:
    base = to_motion(recording(walk(LOWER), LOWER))
    names = tuple(name for name in LOWER if "PSI" not in name) + ("SACR",)
    places = np.concatenate([walk(names[:-1]), walk(LOWER)[:, 2:3] - [0.05, 0, 0]], axis=1)
    np.testing.assert_allclose(to_motion(recording(places, names)).joints_m, base.joints_m, atol=1e-9)
    hips = np.array([(0.173, 0.9, 0.03), (-0.173, 0.9, 0.03)]) + walk(LOWER)[:, :2] - [BODY["LASI"], BODY["RASI"]]
    names = ("L.GTR", "R.GTR", *LOWER[4:])
    motion = to_motion(recording(np.concatenate([hips, walk(LOWER)[:, 4:]], axis=1), names))
    assert _joint(motion, "left_hip")[0, 0] == pytest.approx(0.0865)


def test_a_static_trial_and_a_single_frame_become_motions() -> None:
    assert _standing(frames=51).seconds == pytest.approx(0.5)
    motion = _standing(frames=1)
    assert motion.joints_m.shape == (1, 22, 3) and np.isfinite(motion.joints_m).all()


def test_labels_without_a_walker_name_what_was_expected_and_what_came() -> None:
    names = ("Ball1", "Ball2", "LSHO")
    with pytest.raises(UnusableRecording, match=r"walk\.c3d: cannot find pelvis.*LASI.*L\.ASIS.*got Ball1, Ball2"):
        to_motion(recording(walk(("LASI", "RASI", "LSHO")), names))


def test_pelvis_and_legs_that_never_meet_are_refused() -> None:
    places = walk()
    places[::2, NAMES.index("LKNE")] = np.nan
    places[:, NAMES.index("LKNE")][3:] = np.nan
    places[:3, NAMES.index("RKNE")] = np.nan
    with pytest.raises(UnusableRecording, match="at least one frame that shows pelvis, knees and ankles together"):
        to_motion(recording(places))


def test_everything_lost_is_refused() -> None:
    with pytest.raises(UnusableRecording, match="all 28 of them are gaps in all 301 frames"):
        to_motion(recording(np.full_like(walk(), np.nan)))


def test_heading_of_the_walk_does_not_change_the_body() -> None:
    angle = np.radians(37.0)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    motion = to_motion(recording(walk() @ turn.T))
    np.testing.assert_allclose(motion.joints_m @ turn, to_motion(recording(walk())).joints_m, atol=1e-9)


def test_the_motion_says_where_it_comes_from() -> None:
    motion = to_motion(dataclasses.replace(recording(walk()), fps=100.0))
    assert (motion.source, motion.fps, motion.seconds) == ("c3d markers", 100.0, pytest.approx(3.0))
