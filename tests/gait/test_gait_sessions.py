"""Walks of one session pooled: variability over all their steps, means weighted by their counts, one row per session."""
from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from gait_walker import Walker, standing, walk

from agir_plugin.cohort import Cohort, synthesise
from agir_plugin.cohort.sessions import FACTS, session_parameters, session_table
from agir_plugin.gait import measure, pooled_variations
from agir_plugin.gait.catalog import UNITS


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Three subjects, three walks in each state."""
    folder = tmp_path_factory.mktemp("sessions") / "cohort"
    synthesise(folder, subjects=3, walks_per_session=3, seed=3)
    return Cohort.open(folder)


def test_one_walk_pooled_is_that_walk() -> None:
    jitter = (0.06, -0.08, 0.05, 0.02, -0.06, 0.07, -0.03, -0.02)
    motion, _ = walk(Walker(time_jitter=jitter), 20.0)
    alone = measure(motion)
    for name, pooled in pooled_variations([motion]).items():
        assert (pooled.value, pooled.n) == (alone.parameters[name].value, alone.parameters[name].n), name


def test_two_even_walks_of_different_pace_vary_by_their_difference() -> None:
    slow, fast = walk(Walker(cadence_spm=100, seconds=8), 100.0)[0], walk(Walker(cadence_spm=120, seconds=8), 100.0)[0]
    counts = [measure(motion).parameters["step_time_s"].n for motion in (slow, fast)]
    times = np.repeat([0.6, 0.5], counts)
    # both sides have nearly the same mean, so the SD about the sides' means is the SD about the common mean
    expected = 100 * np.sqrt(((times - times.mean()) ** 2).sum() / (len(times) - 2)) / times.mean()
    pooled = pooled_variations([slow, fast])["step_time_cv_pct"]
    assert (pooled.n, pooled.value) == (sum(counts), pytest.approx(expected, rel=0.02))
    assert measure(slow).value("step_time_cv_pct") < 0.6


def test_a_walk_that_is_refused_gives_no_steps() -> None:
    motion, _ = walk(Walker(), 20.0)
    assert pooled_variations([motion, standing(20.0)]) == pooled_variations([motion])
    nothing = pooled_variations([standing(20.0)])["stride_time_cv_pct"]
    assert (nothing.value, nothing.n) == (None, 0) and "at least 4 strides" in nothing.reason


def test_a_row_per_session_with_means_weighted_by_their_counts(cohort: Cohort) -> None:
    rows = session_parameters(cohort)
    assert [(row["subject"], row["state"]) for row in rows] == [
        (subject, state) for subject in ("SUB01", "SUB02", "SUB03") for state in ("off", "on")
    ]
    for row in rows:
        walks = [one for one in cohort.kept if (one.subject, one.state) == (row["subject"], row["state"])]
        gaits = [cohort.gait(one.walk) for one in walks]
        assert (row["walks"], row["score"]) == (len(walks), walks[0].score)
        assert row["n_strides"] == sum(gait.n_strides for gait in gaits)
        speeds = [gait.parameters["speed_mps"] for gait in gaits]
        assert row["speed_mps"] == pytest.approx(
            sum(one.value * one.n for one in speeds) / sum(one.n for one in speeds)
        )
        left, right = row["step_length_m_left"], row["step_length_m_right"]
        assert row["step_length_m"] == pytest.approx((left + right) / 2)
        assert row["step_length_asymmetry_pct"] == pytest.approx(200 * abs(left - right) / (left + right))
        assert all(isinstance(row[name], float) for name in UNITS), row


def test_the_means_of_two_walks_by_hand(tmp_path: Path) -> None:
    synthesise(tmp_path / "cohort", subjects=1, walks_per_session=2, seed=3)
    cohort = Cohort.open(tmp_path / "cohort")
    first, second = [one.walk for one in cohort.kept if one.state == "off"]
    rewrite(cohort, first, speed_mps=(1.0, 4), step_length_m_left=(0.50, 2), step_length_m_right=(0.60, 3), stance_pct=(60, 1))
    rewrite(cohort, second, speed_mps=(1.3, 8), step_length_m_left=(0.56, 4), step_length_m_right=(0.66, 3), stance_pct=(None, 0))
    row = next(row for row in session_parameters(cohort) if row["state"] == "off")
    assert row["speed_mps"] == pytest.approx((1.0 * 4 + 1.3 * 8) / 12)  # 1.2
    assert row["step_length_m_left"] == pytest.approx(0.54)  # (2 * 0.50 + 4 * 0.56) / 6
    assert row["step_length_m_right"] == pytest.approx(0.63)  # (3 * 0.60 + 3 * 0.66) / 6
    assert row["step_length_m"] == pytest.approx(0.585)  # both sides alike, though five steps are right and six left
    assert row["step_length_asymmetry_pct"] == pytest.approx(200 * 0.09 / 1.17)
    assert row["stance_pct"] == pytest.approx(60)  # of the one walk that has it
    rewrite(cohort, first, stance_pct=(None, 0))
    assert next(row for row in session_parameters(cohort) if row["state"] == "off")["stance_pct"] is None


def rewrite(cohort: Cohort, walk_name: str, **values: tuple[float | None, int]) -> None:
    """Put made-up values and counts into the stored report of a walk."""
    path = Path(cohort.folder) / "gait" / f"{walk_name}.json"
    report = json.loads(path.read_text("utf8"))
    for name, (value, n) in values.items():
        report["parameters"][name] |= {"value": value, "n": n, "reason": "" if value is not None else "not seen"}
    path.write_text(json.dumps(report), "utf8")


def test_the_table_has_the_columns_of_parameters_csv(cohort: Cohort) -> None:
    rows = session_parameters(cohort)
    found = list(csv.DictReader(io.StringIO(session_table(rows))))
    header = (Path(cohort.folder) / "parameters.csv").read_text("utf8").splitlines()[0].split(",")
    assert list(found[0]) == [*FACTS, *header[2:]]
    assert float(found[0]["speed_mps"]) == pytest.approx(rows[0]["speed_mps"])


def test_pooling_brings_variability_nearer_to_the_truth() -> None:
    rng = np.random.default_rng(0)
    single, pooled = [], []
    for _ in range(6):
        motions = [
            walk(Walker(seconds=4.0, time_jitter=tuple(rng.normal(0, 0.04, 40))), 100.0, markers=True)[0] for _ in range(4)
        ]
        single += [measure(motion).value("step_time_cv_pct") for motion in motions]
        pooled.append(pooled_variations(motions)["step_time_cv_pct"].value)
    assert np.std(pooled) < 0.7 * np.std(single)
