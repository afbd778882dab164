"""Labels as foreign laboratories write them: other languages, numbered labels, Xsens points, ART joints, rigs with toes."""
from __future__ import annotations

import numpy as np
import pytest
from motion_walker import BODY, recording, walk

from agir_plugin.consts import JOINT, SIDES
from agir_plugin.errors import UnusableRecording
from agir_plugin.motion import to_motion
from agir_plugin.motion.labels import joint_table, landmarks, match, normalise
from agir_plugin.records import Motion

#: Label -> where it is in `BODY`; the joints' own places are near enough for telling who is who.
TECNICO = {f"{side}_{name}": side + place for side in "LR" for name, place in (
    ("Shoulder", "SHO"), ("Elbow", "ELB"), ("Wrist", "WRA"), ("Hip", "ASI"), ("Knee", "KNE"), ("Ankle", "ANK"),
    ("Heel", "HEE"), ("Toe_II", "TOE"))}
FRENCH = {name + ("G" if side == "L" else "D"): side + place for side in "LR" for name, place in (
    ("GT", "ASI"), ("CDE", "KNE"), ("TLN", "HEE"), ("MT1", "TOE"), ("MT5", "TOE"), ("EPL", "SHO"), ("CD", "ELB"),
    ("PGT", "WRA"))}
XSENS = {f"p{word}{name}": word[0] + place for word in ("Left", "Right") for name, place in (
    ("ASI", "ASI"), ("KneeLatEpicondyle", "KNE"), ("LatMalleolus", "ANK"), ("HeelFoot", "HEE"), ("Toe", "TOE"),
    ("Acromion", "SHO"))} | {"pSacrum": "LPSI", "pC7SpinalProcess": "C7"}

ITALIAN = {f"{side}x{name}": side + place for side in "LR" for name, place in (
    ("Asis", "ASI"), ("LatCon", "KNE"), ("FH", "KNE"), ("LatMal", "ANK"), ("Heel", "HEE"), ("Toe1", "TOE"), ("Meta5", "TOE"),
    ("Should", "SHO"))} | {"Psis": "LPSI", "C7": "C7"}


def _renamed(labels: dict[str, str]) -> Motion:
    """The stiff walker with other labels at the places of `BODY`."""
    return to_motion(recording(walk(tuple(labels.values())), tuple(labels)))


def _numbered(labels: dict[str, str]) -> dict[str, str]:
    return {f"{number} - {label}": place for number, (label, place) in enumerate(labels.items(), 1)}


@pytest.mark.parametrize("labels", [_numbered(TECNICO), FRENCH, XSENS, ITALIAN], ids=["numbered", "french", "xsens", "italian"])
def test_foreign_labels_make_the_same_walker(labels: dict[str, str]) -> None:
    motion = _renamed(labels)
    for side, sign in zip(SIDES, (1, -1), strict=True):
        for name in ("hip", "ankle", "foot"):
            assert sign * np.nanmean(motion.joints_m[:, JOINT[f"{side}_{name}"], 0]) > 0, name
    travel = motion.joints_m[-1, JOINT["pelvis"]] - motion.joints_m[0, JOINT["pelvis"]]
    assert travel[2] == pytest.approx(3.6, abs=0.1)
    assert {"left_foot", "right_foot", "left_ankle", "right_ankle"} <= motion.measured


def test_an_art_human_file_is_understood_but_shows_no_foot() -> None:
    """Its foot is one point at the ankle: legs are there, and what is missing is said."""
    labels = {"PELV": "C7"} | {s + name: s + place for s in "LR" for name, place in (
        ("ULE", "ASI"), ("LLE", "KNE"), ("FOO", "ANK"), ("UAR", "SHO"), ("LAR", "ELB"), ("HAN", "WRA"))}
    motion = _renamed(labels)
    assert "feet_not_measured" in motion.flags
    assert {"left_knee", "right_ankle", "left_wrist"} <= motion.measured


def test_the_head_of_the_fibula_is_not_the_head() -> None:
    """FH is a forehead in other laboratories."""
    assert "head" not in _renamed(ITALIAN).measured


def test_the_toe_marker_of_orthotrak_may_be_called_to() -> None:
    assert set(landmarks(["R.ASI", "L.ASI", "V.Sac", "R.Heel", "L.Heel", "R.TO", "L.TO"])[0]) >= {"left_toe", "right_toe"}


def test_letters_are_sides_only_where_labels_come_in_pairs() -> None:
    """One lonely pair does not turn G and D into left and right."""
    found, _ = landmarks(["TLNG", "TLND", "C7", "SACR"])
    assert not {"left_heel", "right_heel"} & set(found)


@pytest.mark.parametrize(("label", "spelling"), [("12 - R_Meta_V", "RMETAV"), ("pRightASI", "RASI"), ("pelvis", "PELVIS"),
                                                 ("pX", "X"), ("3-L", "3L"), ("P1", "P1"), ("RxAsis", "RASIS"), ("Lxyz", "LXYZ")])
def test_what_is_dropped_from_a_label(label: str, spelling: str) -> None:
    assert normalise(label) == spelling


def test_the_second_toe_of_a_rig_with_all_toes_is_the_foot() -> None:
    """MakeHuman: lfoot is the ankle's joint, toe2-1.l the root of the second toe."""
    names = ["hip", "lhip", "lknee", "lfoot", "toe1-1.l", "toe2-1.l", "toe2-2.l", "rhip", "rknee", "rfoot", "toe2-1.r"]
    columns = match(names, joint_table())
    assert (columns["left_ankle"], columns["left_foot"], columns["right_foot"]) == (3, 5, 10)


def test_every_place_is_in_the_body() -> None:
    assert {place for table in (TECNICO, FRENCH, XSENS, ITALIAN) for place in table.values()} <= set(BODY)


def _blinded(*labels: str) -> str:
    """The message for the walker when these labels are there, but never seen."""
    places = walk()
    places[:, [list(BODY).index(label) for label in labels]] = np.nan
    with pytest.raises(UnusableRecording) as caught:
        to_motion(recording(places))
    return str(caught.value)


def test_labels_that_are_never_seen_are_the_cause_that_is_named() -> None:
    said = _blinded("LANK", "LHEE", "LTOE")
    assert "cannot find left ankle: LANK, LHEE, LTOE are labelled but never seen in the 301 frames" in said
    assert "RANK" not in said and "rename" not in said
    said = _blinded("LASI", "RASI", "LPSI", "RPSI", "LSHO")
    assert "LASI, RASI, LPSI, RPSI are labelled but never seen" in said and "LSHO" not in said


def test_labels_that_are_never_seen_but_would_not_have_helped_are_not_blamed() -> None:
    """The file has no ankle at all, and a shoulder that was never seen."""
    names = tuple(name for name in BODY if name[1:] not in ("ANK", "HEE", "TOE"))
    places = walk(names)
    places[:, names.index("LSHO")] = np.nan
    with pytest.raises(UnusableRecording, match="cannot find left ankle, right ankle; expected markers such as LASI"):
        to_motion(recording(places, names))

