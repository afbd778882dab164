"""The parts that `to_motion` is made of: labels, filters, gaps, rigid clusters, the vertical."""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from motion_walker import recording, walk

from agir_plugin.errors import UsageError
from agir_plugin.motion import labels, to_motion
from agir_plugin.motion import quaternions as quat
from agir_plugin.motion.rigid import fill_from_clusters, fit
from agir_plugin.motion.signals import fill_short_gaps, hold_and_interpolate, low_pass, runs

AXES = st.lists(st.floats(-1, 1), min_size=3, max_size=3).filter(lambda axis: np.linalg.norm(axis) > 0.1)


@pytest.mark.parametrize(("label", "plain"), [
    ("R.Knee.Medial", "RKNEEMEDIAL"), (" r_asis ", "RASIS"), ("LeftUpLeg", "LUPLEG"), ("Hip Left", "HIPL"),
    ("Bip01 L Thigh", "LTHIGH"), ("r_knee_study", "RKNEE"), ("C7", "C7"),
])
def test_labels_are_compared_in_one_spelling(label: str, plain: str) -> None:
    assert labels.normalise(label) == plain


def test_a_label_serves_one_landmark_and_the_first_of_equals_wins() -> None:
    table = {"ankle": ["ANKLE", "FOOT"], "toe": ["TOE", "FOOT"]}
    assert labels.match(["Foot", "FOOT", "Toe"], table) == {"ankle": 0, "toe": 2}
    assert labels.match(["Foot"], table) == {"ankle": 0}
    assert labels.match(["Ankle", "Foot"], table) == {"ankle": 0, "toe": 1}


def test_no_label_means_two_landmarks_of_one_set() -> None:
    places = labels.landmark_names()
    for marker_set in labels.marker_sets():
        seen: dict[str, str] = {}
        for landmark, aliases in marker_set.labels.items():
            assert landmark in places, f"{marker_set.name}: {landmark} is not in landmarks.yaml"
            for alias in aliases:
                assert labels.normalise(alias) == alias, f"{landmark}: {alias} is not spelled as labels are compared"
                assert alias not in seen, f"{marker_set.name}: {alias} means {landmark} and {seen[alias]}"
                seen[alias] = landmark


@pytest.mark.parametrize("marker_set", labels.marker_sets()[:-1], ids=lambda one: one.name)
def test_a_file_of_one_set_is_read_by_that_set(marker_set: labels.MarkerSet) -> None:
    names = [aliases[0] for aliases in marker_set.labels.values()]
    columns, best = labels.landmarks(names)
    assert columns == {landmark: column for column, landmark in enumerate(marker_set.labels)}
    assert best == marker_set.name or len(columns) == len(names)


def test_a_word_that_most_labels_share_and_a_side_at_the_end() -> None:
    plain = ["LASI", "RASI", "LPSI", "RPSI", "LKNE", "RKNE"]
    wanted, _ = labels.landmarks(plain)
    for names in ([f"Anna:{name}" for name in plain], [f"Anna_{name}" for name in plain],
                  [f"{name}.1" for name in plain], [f"{name[1:]}_{name[0]}" for name in plain]):
        assert labels.landmarks(names)[0] == wanted, names


@pytest.fixture
def own_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "sets.yaml"
    monkeypatch.setenv(labels.SETS_VARIABLE, str(path))
    _forget_sets()
    yield path
    monkeypatch.undo()
    _forget_sets()


def _forget_sets() -> None:
    for remembered in (labels.marker_sets, labels.landmark_table, labels._landmarks_of):
        remembered.cache_clear()


def test_a_laboratory_adds_its_set_by_a_file(own_sets: Path) -> None:
    text = "sets:\n  - {name: Ours, labels: {asis: '{s} front', heel: ['{s}_ferse', '{s}.talon'], c7: nape}}\n"
    own_sets.write_text(text, encoding="utf8")
    names = ["L front", "R front", "L talon", "R_FERSE", "Nape"]
    found, best = labels.landmarks(names)
    assert best == "Ours"
    assert found == {"left_asis": 0, "right_asis": 1, "left_heel": 2, "right_heel": 3, "c7": 4}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("sets: 3", "expected {sets"), ("{", "reading it failed"),
        ("sets: [{name: A, labels: {nose_tip: X}}]", "no landmarks called nose_tip"),
    ],
)
def test_a_set_of_another_form_is_named(own_sets: Path, text: str, complaint: str) -> None:
    own_sets.write_text(text, encoding="utf8")
    with pytest.raises(UsageError, match=complaint):
        labels.landmarks(["LASI"])


def test_clusters_name_landmarks() -> None:
    known = set(labels.landmark_table())
    assert len(labels.landmark_clusters()) == 9
    assert all(set(cluster) <= known for cluster in labels.landmark_clusters())


@pytest.mark.parametrize("order", [2, 4])
def test_the_low_pass_takes_three_decibels_at_its_cutoff_and_delays_nothing(order: int) -> None:
    times = np.arange(4000) / 100
    for hertz, gain in ((1.0, 1.0), (6.0, np.sqrt(0.5)), (30.0, 0.0)):
        smooth = low_pass(np.sin(2 * np.pi * hertz * times)[:, None], 100.0, 6.0, order)[1000:3000, 0]
        np.testing.assert_allclose(smooth, gain * np.sin(2 * np.pi * hertz * times[1000:3000]), atol=0.02)


def test_a_filter_leaves_alone_what_it_cannot_filter() -> None:
    values = np.random.default_rng(0).normal(size=(50, 3))
    assert low_pass(values, 12.0, 6.0) is values
    assert low_pass(values[:2], 100.0, 6.0).shape == (2, 3)
    np.testing.assert_allclose(low_pass(np.ones((3, 1)), 100.0, 6.0), 1.0)


def test_only_short_inner_gaps_are_bridged() -> None:
    times = np.arange(200)[:, None] / 100
    track = np.sin(times + [0.0, 1.0, 2.0])
    holed = track.copy()
    for start, stop in ((0, 5), (50, 60), (100, 111), (195, 200)):
        holed[start:stop] = np.nan
    filled = fill_short_gaps(holed, 100.0)
    np.testing.assert_allclose(filled[50:60], track[50:60], atol=1e-6)
    for start, stop in ((0, 5), (100, 111), (195, 200)):
        assert np.isnan(filled[start:stop]).all()


def test_held_ends_and_straight_bridges() -> None:
    track = np.array([[np.nan], [1.0], [np.nan], [np.nan], [4.0], [np.nan]])
    np.testing.assert_allclose(hold_and_interpolate(track)[:, 0], [1, 1, 2, 3, 4, 4])
    assert np.isnan(hold_and_interpolate(np.full((3, 1), np.nan))).all()


@pytest.mark.parametrize(
    ("good", "found"), [("110111010", [(0, 2), (3, 6), (7, 8)]), ("000", []), ("11011", [(0, 2), (3, 5)]), ("111", [(0, 3)])]
)
def test_runs(good: str, found: list[tuple[int, int]]) -> None:
    assert runs(np.array([letter == "1" for letter in good])) == found


@settings(max_examples=50, deadline=None, derandomize=True)
@given(axis=AXES, angle=st.floats(-3, 3), shift=AXES)
def test_a_rigid_fit_finds_the_movement(axis: list[float], angle: float, shift: list[float]) -> None:
    shape = np.array([[0.0, 0, 0], [0.2, 0, 0], [0, 0.3, 0], [0.1, 0.1, 0.2]])
    half = np.append(np.cos(angle / 2), np.sin(angle / 2) * np.array(axis) / np.linalg.norm(axis))
    moved = quat.rotate(half, shape) + np.array(shift)
    turn, place = fit(shape, moved[None])
    np.testing.assert_allclose(shape @ turn[0].T + place[0], moved, atol=1e-5)
    assert np.linalg.det(turn[0]) == pytest.approx(1.0)


def test_a_landmark_comes_back_from_three_others_but_not_from_two() -> None:
    rng = np.random.default_rng(1)
    shape = rng.normal(size=(4, 3))
    turns = quat.between(np.array([0.0, 0, 1]), rng.normal(size=(60, 3)))
    tracks = quat.rotate(turns[:, None], shape).astype(float) + np.linspace(0, 3, 60)[:, None, None]
    marks = {name: tracks[:, k].copy() for k, name in enumerate("abcd")}
    marks["a"][20:40] = np.nan
    marks["b"][35:40] = np.nan
    filled = fill_from_clusters(marks, [list("abcd")])["a"]
    np.testing.assert_allclose(filled[:35], tracks[:35, 0], atol=1e-5)
    assert np.isnan(filled[35:40]).all()


@settings(max_examples=100, deadline=None, derandomize=True)
@given(first=AXES, second=AXES)
def test_the_shortest_arc_takes_one_direction_to_the_other(first: list[float], second: list[float]) -> None:
    start, goal = quat.unit(np.array(first)), quat.unit(np.array(second))
    for end in (goal, start, -start):
        np.testing.assert_allclose(quat.rotate(quat.between(start, end), start), end, atol=2e-3)


def test_a_person_who_leans_far_from_every_axis_and_goes_nowhere_is_flagged() -> None:
    tilt = np.radians(40.0)
    turn = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    assert "vertical_uncertain" in to_motion(recording(walk(speed_mps=0.0) @ turn.T, up="+y")).flags


def test_a_person_of_no_possible_size_is_flagged() -> None:
    assert "implausible_size" in to_motion(recording(walk() * 0.2)).flags
