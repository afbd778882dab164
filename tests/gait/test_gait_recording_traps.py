"""One SYNTHETIC walk of known speed and cadence, spoilt as real files are: what is mended measures the same, and says so."""
from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from agir_plugin.cohort.markers import MARKERS, walk_markers
from agir_plugin.cohort.steps import WalkParameters
from agir_plugin.gait import main_pass, measure, passes
from agir_plugin.motion import to_motion, to_motions
from agir_plugin.records import GaitParameters, Recording

FPS = 150.0
SECONDS = 5.0
USUAL = WalkParameters(cadence_spm=108.0, step_length_m=0.62, arm_swing_left_deg=38.0, arm_swing_right_deg=30.0)


@cache
def _places(seconds: float = SECONDS) -> np.ndarray:
    return walk_markers(USUAL, seconds, np.random.default_rng(3), FPS)[1]


def _recording(places: np.ndarray, names: tuple[str, ...] = MARKERS, fps: float = FPS) -> Recording:
    return Recording("walk.c3d", "c3d", "markers", fps, names, places, up="+y")


def _measured(places: np.ndarray, names: tuple[str, ...] = MARKERS) -> GaitParameters:
    gait = measure(to_motion(_recording(places, names)))
    assert gait.status == "ok", gait.reasons
    return gait


def _same(gait: GaitParameters, speed_mps: float = 0.01, cadence_spm: float = 0.5, arms: bool = True) -> None:
    plain = _measured(_places())
    assert gait.value("speed_mps") == pytest.approx(plain.value("speed_mps"), abs=speed_mps)
    assert gait.value("cadence_spm") == pytest.approx(plain.value("cadence_spm"), abs=cadence_spm)
    for name in ("step_length_m_left", "step_length_m_right", "foot_lift_m_left"):
        assert gait.value(name) == pytest.approx(plain.value(name), abs=0.01), name
    if arms:
        assert gait.value("arm_swing_deg_left") == pytest.approx(plain.value("arm_swing_deg_left"), abs=1.0)


def _flagged(gait: GaitParameters, start: str) -> str:
    found = [flag for flag in gait.flags if flag.startswith(start)]
    assert found, gait.flags
    return found[0]


def _about(axis: str, degrees: float) -> np.ndarray:
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    first, second = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    turn = np.eye(3)
    turn[[first, first, second, second], [first, second, first, second]] = cos, -sin, sin, cos
    return turn


@pytest.mark.parametrize("axis", ["x", "z"])
@pytest.mark.parametrize("degrees", [-12.0, 8.0, 20.0])
def test_a_tilted_vertical_is_found_from_the_floor(axis: str, degrees: float) -> None:
    gait = _measured(_places() @ _about(axis, degrees).T)
    _same(gait)
    assert int(_flagged(gait, "vertical_corrected").split()[1]) == pytest.approx(abs(degrees), abs=2)


def test_a_ramp_stays_a_ramp() -> None:
    places = _places().copy()
    places[..., 1] += 0.12 * places[..., 0]
    gait = _measured(places)
    assert _flagged(gait, "floor_slopes") == "floor_slopes: 7 degrees"


def test_wild_frames_are_taken_out_and_counted() -> None:
    places = _places().copy()
    rng = np.random.default_rng(0)
    for name in ("L.Heel", "R.Heel", "L.MT2", "R.Ankle", "L.ASIS", "R.PSIS", "L.Knee", "LSHO", "REL", "LWL", "C7", "R.TT"):
        for frame in rng.choice(np.arange(20, 700, 40), 3, replace=False):
            places[frame : frame + 2, MARKERS.index(name)] += rng.choice([-1, 1]) * rng.uniform(0.3, 1.0, 3)
    gait = _measured(places)
    _same(gait)
    assert _flagged(gait, "spikes_removed") == "spikes_removed: 72 samples"


def test_nothing_is_taken_for_wild_in_a_clean_walk() -> None:
    for fps in (24.0, 60.0, 150.0, 250.0):
        places = walk_markers(USUAL, 4.0, np.random.default_rng(1), fps)[1]
        assert not [flag for flag in to_motion(_recording(places, fps=fps)).flags if "spikes" in flag], fps


@pytest.mark.parametrize(
    "kinds", [("Ankle", "Ankle.Medial", "Heel", "MT1", "MT2", "MT5"), ("Heel",), ("Knee", "Knee.Medial")], ids=str
)
def test_exchanged_labels_of_a_leg_are_put_right(kinds: tuple[str, ...]) -> None:
    names = list(MARKERS)
    for kind in kinds:
        left, right = names.index(f"L.{kind}"), names.index(f"R.{kind}")
        names[left], names[right] = names[right], names[left]
    gait = _measured(_places(), tuple(names))
    _same(gait)
    assert "exchanged" in _flagged(gait, "sides_swapped: left and right")


def test_feet_that_cross_the_middle_keep_their_names() -> None:
    places = _places().copy()
    for letter, inwards in (("L", 0.22), ("R", -0.22)):
        for kind in ("Ankle", "Ankle.Medial", "Heel", "MT1", "MT2", "MT5"):
            places[:, MARKERS.index(f"{letter}.{kind}"), 2] += inwards
    gait = _measured(places)
    assert not [flag for flag in gait.flags if flag.startswith("sides_swapped")]


def test_a_treadmill_is_measured_by_its_belt_and_flagged() -> None:
    places = _places()
    speed = _measured(places).value("speed_mps")
    drift = np.arange(len(places)) / FPS * speed
    gait = _measured(places - drift[:, None, None] * [1.0, 0.0, 0.0])
    assert "treadmill" in gait.flags
    _same(gait, speed_mps=0.02, cadence_spm=1.0)


def test_two_passes_through_the_volume_are_two_walks() -> None:
    lost = np.full((200, len(MARKERS), 3), np.nan)
    back = _places() * [-1.0, 1.0, -1.0] + [6.0, 0.0, 0.3]
    motions = to_motions(_recording(np.concatenate([_places(), lost, back])))
    assert [round(motion.start_s, 1) for motion in motions] == [0.0, 6.3]
    assert [motion.flags[0].split(":")[0] for motion in motions] == ["trimmed", "trimmed"]
    for motion in motions:
        _same(measure(motion))
    whole = to_motion(_recording(np.concatenate([_places(), lost, back])))
    assert whole.flags[-1] == "several_passes: 2, the longest is used"


def test_a_glimpse_beside_a_walk_is_not_a_walk_of_its_own() -> None:
    places = _places().copy()
    places[500:560] = np.nan
    assert len(to_motions(_recording(places[:700]))) == 1


def test_there_and_back_with_a_turn_is_two_straight_walks() -> None:
    there = _places()
    pivot = there[-1].mean(axis=0) * [1.0, 0.0, 1.0]
    turns = [((there[-1] - pivot) @ _about("y", angle).T + pivot)[None] for angle in np.linspace(1.0, 180.0, 150)]
    back = (there - there[0].mean(axis=0) * [1.0, 0.0, 1.0]) @ _about("y", 180.0).T + pivot
    motion = to_motion(_recording(np.concatenate([there, *turns, back])))
    found = passes(motion)
    assert len(found) == 2 and all("turning" in one.flags for one in found)
    assert found[0].start_s == 0.0 and found[1].start_s > SECONDS + 0.5
    plain = _measured(_places())
    for one in found:
        assert measure(one).value("speed_mps") == pytest.approx(plain.value("speed_mps"), abs=0.03)
        assert measure(one).value("step_length_m") == pytest.approx(plain.value("step_length_m"), abs=0.03)
    assert main_pass(motion).start_s in {one.start_s for one in found}


def test_a_straight_walk_is_its_only_pass() -> None:
    motion = to_motion(_recording(_places()))
    assert passes(motion) == (motion,)


def test_a_set_without_knees_and_ankles_is_measured_from_the_feet() -> None:
    kept = [k for k, name in enumerate(MARKERS) if not any(part in name for part in ("Knee", "Ankle", "GTR"))]
    gait = _measured(_places()[:, kept], tuple(MARKERS[k] for k in kept))
    assert {"ankles_from_heel_and_toe", "knees_not_measured"} <= set(gait.flags)
    _same(gait)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda places: np.concatenate([np.full((120, *places.shape[1:]), np.nan), places]),
        lambda places: np.concatenate([np.zeros((90, *places.shape[1:])) * np.nan, places, places[:60] * np.nan]),
        lambda places: np.where(np.arange(places.shape[1])[:, None] == MARKERS.index("L.ASIS"), np.nan, places),
    ],
    ids=["empty head", "empty head and tail", "one ASIS never seen"],
)
def test_gaps_are_bridged_or_cut_off(spoil: Callable[[np.ndarray], np.ndarray]) -> None:
    _same(_measured(spoil(_places())), speed_mps=0.02)


def test_a_body_of_no_human_size_is_refused() -> None:
    gait = measure(to_motion(_recording(_places() * 0.2)))
    assert gait.status == "refused" and "no length unit makes a person" in gait.reasons[0]


@pytest.mark.parametrize(("metres_per_metre", "way"), [(0.30, "higher"), (-0.30, "lower")])
def test_stairs_are_refused(metres_per_metre: float, way: str) -> None:
    places = _places().copy()
    places[..., 1] += metres_per_metre * places[..., 0]
    gait = measure(to_motion(_recording(places)))
    assert gait.status == "refused" and f"m {way} than the other" in gait.reasons[0]
