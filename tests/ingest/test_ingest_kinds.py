"""Labels of markers, keypoints and skeletons are told apart by what only one of them has."""
from __future__ import annotations

import pytest

from agir_plugin.ingest.kinds import kind_of

SKELETON = ["Hips", "RightThigh", "RightLeg", "RightFoot", "RightToe", "LeftThigh", "LeftLeg", "LeftFoot", "LeftToe"]


@pytest.mark.parametrize(("names", "kind"), [
    (SKELETON, "joints"),
    (["Hips", "LeftUpLeg", "LeftLeg", "LeftFoot", "RightUpLeg", "RightLeg", "RightFoot"], "joints"),
    (["LHip", "LKnee", "LAnkle", "RHip", "RKnee", "RAnkle", "Nose"], "joints"),
    (["LASI", "RASI", "LTHIGH", "RTHIGH", "LFOOT", "RFOOT"], "markers"),
    (["R.ASIS", "L.ASIS", "R.Knee", "R.Ankle"], "markers"),
    (["A", "B"], "markers"),
])
def test_what_the_labels_name(names: list[str], kind: str) -> None:
    assert kind_of(names, "markers") == kind


def test_a_skeleton_without_one_leg_is_not_told() -> None:
    assert kind_of([name for name in SKELETON if name != "LeftLeg"], "markers") == "markers"
