"""What must not change a walk's parameters, and what must change them in a known way."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from gait_walker import Walker, walk
from hypothesis import given, settings
from hypothesis import strategies as st

from agir_plugin.cohort import draw_trials, walk_markers
from agir_plugin.consts import LEFT_JOINTS, RIGHT_JOINTS
from agir_plugin.gait import measure
from agir_plugin.ingest import read, write_c3d
from agir_plugin.motion import to_motion
from agir_plugin.records import GaitParameters, Motion

UNEVEN = Walker(length_ratio=0.9, time_ratio=1.1, seconds=5)


def mirrored(motion: Motion) -> Motion:
    """The motion as a mirror shows it: sideways axis flipped, left and right exchanged."""
    order = np.arange(22)
    order[[*LEFT_JOINTS, *RIGHT_JOINTS]] = [*RIGHT_JOINTS, *LEFT_JOINTS]
    flip = np.array([-1.0, 1.0, 1.0])
    heel, toe = (None if points is None else points[:, ::-1] * flip for points in (motion.heel_m, motion.toe_m))
    return replace(motion, joints_m=motion.joints_m[:, order] * flip, heel_m=heel, toe_m=toe)


def values(gait: GaitParameters) -> dict[str, float]:
    """Every measured number by name."""
    assert gait.status == "ok", gait.reasons
    return {name: measure.value for name, measure in gait.parameters.items() if measure.value is not None}


def other_side(name: str) -> str:
    """The name of the same parameter on the other side of the body."""
    if name.endswith("_left"):
        return name.removesuffix("_left") + "_right"
    return name.removesuffix("_right") + "_left" if name.endswith("_right") else name


@settings(max_examples=15, deadline=None)
@given(
    heading=st.floats(-180, 180), x=st.floats(-5, 5), z=st.floats(-5, 5), markers=st.booleans(),
    fps=st.sampled_from([20.0, 100.0]),
)
def test_heading_and_place_change_nothing(heading: float, x: float, z: float, markers: bool, fps: float) -> None:
    here = values(measure(walk(UNEVEN, fps, markers)[0]))
    there = values(measure(walk(replace(UNEVEN, heading_deg=heading, start_xz_m=(x, z)), fps, markers)[0]))
    assert there == pytest.approx(here, abs=1e-6)


@settings(max_examples=10, deadline=None)
@given(
    cadence=st.floats(60, 130), ratio=st.floats(0.8, 1.2), left=st.floats(5, 40), right=st.floats(5, 40),
    heading=st.floats(-180, 180), markers=st.booleans(),
)
def test_a_mirror_exchanges_the_sides(
    cadence: float, ratio: float, left: float, right: float, heading: float, markers: bool
) -> None:
    walker = Walker(
        cadence_spm=cadence, length_ratio=ratio, arm_deg=(left, right), heading_deg=heading, seconds=5, speed_mps=0.9
    )
    motion, _ = walk(walker, 20.0, markers)
    straight, flipped = measure(motion), measure(mirrored(motion))
    assert values(flipped) == pytest.approx(
        {other_side(name): value for name, value in values(straight).items()}, abs=1e-6
    )
    assert flipped.events["left"].heel_strike_s == pytest.approx(straight.events["right"].heel_strike_s, abs=1e-6)


@settings(max_examples=10, deadline=None)
@given(factor=st.floats(0.8, 1.25))
def test_a_larger_body_on_the_same_beat_takes_longer_steps(factor: float) -> None:
    motion, _ = walk(UNEVEN, 100.0)
    small, large = values(measure(motion)), values(measure(replace(motion, joints_m=factor * motion.joints_m)))
    for name in ("speed_mps", "step_length_m", "step_width_m", "foot_lift_m"):
        assert large[name] == pytest.approx(factor * small[name], rel=1e-3), name
    for name in ("cadence_spm", "step_time_s", "arm_swing_deg", "trunk_flexion_deg"):
        assert large[name] == pytest.approx(small[name], rel=1e-3), name


@settings(max_examples=8, deadline=None)
@given(unit=st.sampled_from(["cm", "m", "mm"]), heading=st.floats(-180, 180), fps=st.sampled_from([60.0, 100.0, 200.0]))
def test_unit_and_heading_of_a_marker_file_change_nothing(unit: str, heading: float, fps: float) -> None:
    trial = draw_trials(subjects=1, seed=2)[0]
    names, places = walk_markers(trial.parameters, 4.0, trial.generator(), fps)
    sine, cosine = np.sin(np.radians(heading)), np.cos(np.radians(heading))
    turned = places @ np.array([[cosine, 0, -sine], [0, 1, 0], [sine, 0, cosine]])
    with TemporaryDirectory() as folder:
        first, second = Path(folder) / "first.c3d", Path(folder) / "second.c3d"
        write_c3d(first, names, places, fps, up="+y")
        write_c3d(second, names, turned, fps, up="+y")
        in_unit(second, unit)
        here, there = (values(measure(to_motion(read(path)))) for path in (first, second))
    assert there == pytest.approx(here, rel=0.005, abs=0.05)  # the files keep places as 32-bit numbers


def in_unit(path: Path, unit: str) -> None:
    """Write a C3D file that is in millimetres in another unit, which it then names."""
    import ezc3d

    file = ezc3d.c3d(str(path))
    file["data"]["points"][:3] /= {"mm": 1, "cm": 10, "m": 1000}[unit]
    file["parameters"]["POINT"]["UNITS"]["value"] = [unit]
    file.write(str(path))


def test_a_treadmill_walk_measures_as_the_same_walk_over_ground() -> None:
    ground = measure(walk(UNEVEN, 100.0, True)[0])
    belt = measure(walk(replace(UNEVEN, belt=True), 100.0, True)[0])
    assert "treadmill" in belt.flags and "treadmill" not in ground.flags
    for name, value in values(ground).items():
        assert values(belt)[name] == pytest.approx(value, rel=0.01, abs=0.3), name


def test_a_file_with_exchanged_sides_is_still_walked_forwards() -> None:
    motion, _ = walk(replace(UNEVEN, length_ratio=1.0, time_ratio=1.0), 100.0, True)
    flip = np.array([-1.0, 1.0, 1.0])
    wrong_handed = replace(
        motion, joints_m=motion.joints_m * flip, heel_m=motion.heel_m * flip, toe_m=motion.toe_m * flip
    )
    gait = measure(wrong_handed)
    assert gait.flags == measure(motion).flags
    assert values(gait) == pytest.approx(values(measure(motion)), abs=1e-6)


@pytest.mark.parametrize("degrees", [40.0, 90.0])
@pytest.mark.parametrize("file", ["btkdata_c3d/PiG_Motion3_noFF.c3d", "cmu_walks/bvh/35_01.bvh"])
def test_the_heading_of_a_real_walk_changes_nothing(shared_data: Path, file: str, degrees: float) -> None:
    motion = to_motion(read(shared_data / file))
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[cosine, 0, -sine], [0, 1, 0], [sine, 0, cosine]])
    heel, toe = (None if points is None else points @ turn for points in (motion.heel_m, motion.toe_m))
    turned = measure(replace(motion, joints_m=motion.joints_m @ turn, heel_m=heel, toe_m=toe))
    assert values(turned) == pytest.approx(values(measure(motion)), abs=1e-6)
