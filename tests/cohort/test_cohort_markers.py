"""Markers around the walking model's joints, and the way back through a C3D file."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agir_plugin.cohort import WalkParameters, add_noise_and_gap, walk_joints, walk_markers
from agir_plugin.cohort.markers import MARKERS
from agir_plugin.consts import JOINTS
from agir_plugin.errors import UsageError
from agir_plugin.gait import measure
from agir_plugin.ingest import read, write_c3d
from agir_plugin.motion import to_motion

CAUSE = WalkParameters(
    cadence_spm=106.0, step_length_m=0.58, foot_lift_m=0.1, arm_swing_left_deg=18.0, trunk_flexion_deg=8.0
)


def markers() -> np.ndarray:
    return walk_markers(CAUSE, 4.0, np.random.default_rng(4))[1]


def test_names_rate_and_axes() -> None:
    names, positions = walk_markers(CAUSE, 4.0, np.random.default_rng(4))
    assert len(names) == len(set(names)) == 44 and names[0] == "CLAV" and names[-1] == "L.MT2"
    assert positions.shape == (601, 44, 3)
    ahead, up, right = (positions[..., axis] for axis in range(3))
    assert ahead[-1].mean() - ahead[0].mean() == pytest.approx(4.0 * CAUSE.speed_mps, rel=0.06)
    assert up[:, MARKERS.index("C7")].min() > 1.2 and up[:, MARKERS.index("L.Heel")].min() == pytest.approx(
        0.03, abs=0.01
    )
    assert (right[:, MARKERS.index("R.ASIS")] > right[:, MARKERS.index("L.ASIS")]).all()


def test_markers_of_a_rigid_part_keep_their_distances() -> None:
    positions = markers()
    for one, other in (("R.ASIS", "L.PSIS"), ("C7", "STRN"), ("R.Heel", "R.MT5"), ("L.Knee", "L.Knee.Medial")):
        apart = np.linalg.norm(positions[:, MARKERS.index(one)] - positions[:, MARKERS.index(other)], axis=-1)
        assert np.ptp(apart) < 1e-6


def test_noise_and_gap() -> None:
    clean = markers()
    noisy = add_noise_and_gap(clean, 150.0, np.random.default_rng(0), noise_m=0.001, gap_s=0.2)
    lost = np.isnan(noisy).any(axis=-1)
    assert lost.sum() == 30 and (lost.any(axis=0)).sum() == 1
    frames = np.flatnonzero(lost.any(axis=1))
    assert frames[-1] - frames[0] == 29 and frames[0] > 100
    assert np.nanstd(noisy - clean) == pytest.approx(0.001, rel=0.03)
    with pytest.raises(UsageError, match="longer than four gaps"):
        add_noise_and_gap(clean[:100], 150.0, np.random.default_rng(0))


def test_round_trip_through_c3d(tmp_path: Path) -> None:
    path = tmp_path / "walk.c3d"
    noisy = add_noise_and_gap(markers(), 150.0, np.random.default_rng(1))
    write_c3d(path, MARKERS, noisy, 150.0, up="+y")
    motion = to_motion(read(path))
    found = np.stack([-motion.joints_m[..., 2], motion.joints_m[..., 1], motion.joints_m[..., 0]], axis=-1)
    away = found - walk_joints(CAUSE, 4.0, 150.0, np.random.default_rng(4))
    away[..., 1] -= np.median(away[..., 1])  # the reader puts its floor at the lowest marker, not at the floor
    error = np.linalg.norm(away, axis=-1)
    body = [index for index, name in enumerate(JOINTS) if name != "head"]  # this marker set has none on the head
    assert error[:, body].mean() < 0.010 and error[:, body].max() < 0.025
    gait = measure(motion)
    assert gait.value("speed_mps") == pytest.approx(CAUSE.speed_mps, rel=0.03)
    assert gait.value("cadence_spm") == pytest.approx(CAUSE.cadence_spm, rel=0.03)
    assert gait.value("arm_swing_deg_left") == pytest.approx(18.0, abs=1.0)
    assert gait.value("foot_lift_m") == pytest.approx(0.1, abs=0.006)
