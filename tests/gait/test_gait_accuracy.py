"""How near the default method comes to what laboratories stored in their own files, as `make accuracy` prints it."""
from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from agir_plugin.records import FootEvents, LabelledEvent, Recording

ROOT = Path(__file__).resolve().parents[2]
#: The public files with labelled events; of the turning ones only the straight part is walked straight.
STRAIGHT, TURNING = {"HC002D06", "HC038A11", "PiG_Motion3_noFF", "Sydney_Gait05"}, {"HC002D25", "HC038A27"}
#: Largest differences from the laboratory's own results.
LIMITS = {"cadence_spm": 0.02, "speed_mps": 0.03, "step_length_m_left": 0.05, "step_length_m_right": 0.05}


@pytest.fixture(scope="module")
def accuracy() -> ModuleType:
    """The program benchmarks/accuracy.py as a module."""
    spec = importlib.util.spec_from_file_location("benchmark_accuracy", ROOT / "benchmarks" / "accuracy.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def measured(accuracy: ModuleType, shared_data: Path) -> list:
    """Every labelled file by every method."""
    return accuracy.outcomes([shared_data])[0]


def of_default(measured: list) -> list:
    return [one for one in measured if one.method == "landing"]


def test_every_labelled_file_is_measured(measured: list) -> None:
    assert {one.file for one in of_default(measured) if not one.part} == STRAIGHT
    assert {one.file for one in of_default(measured) if one.part} == TURNING


@pytest.mark.parametrize("kind", ["strikes", "offs"])
def test_events_are_where_the_laboratories_put_them(measured: list, kind: str) -> None:
    found = [getattr(one, kind) for one in of_default(measured)]
    errors_ms = np.abs(np.concatenate([one.found_ms for one in found]))
    assert len(errors_ms) >= 25
    assert np.median(errors_ms) <= 20
    assert np.mean(errors_ms <= 50) >= 0.95
    assert sum(one.doubled for one in found) == 0
    assert sum(one.missed for one in found) == 0  # those within 0.3 s of a file's ends are counted apart


def test_heel_strikes_of_each_file_keep_the_limits_too(measured: list) -> None:
    for one in of_default(measured):
        assert one.strikes.size(50) <= 20 and one.strikes.small_pct() >= 95, one.file


def test_the_bias_that_plain_zeni_has_is_gone(measured: list) -> None:
    def mean_ms(method: str) -> float:
        return float(np.mean(np.concatenate([one.strikes.found_ms for one in measured if one.method == method])))

    assert mean_ms("zeni") == pytest.approx(-38, abs=5)
    assert abs(mean_ms("landing")) < 10


def test_sydney_agrees_with_the_results_that_its_laboratory_stored(measured: list) -> None:
    one = next(one for one in of_default(measured) if one.file == "Sydney_Gait05")
    assert set(one.stored) == set(LIMITS)
    for name, limit in LIMITS.items():
        assert one.gait.value(name) == pytest.approx(one.stored[name], rel=limit), name
        assert one.same_steps[name] == pytest.approx(one.stored[name], rel=limit), name


def test_the_documented_table_is_the_printed_one(accuracy: ModuleType, measured: list) -> None:
    page = (ROOT / "docs" / "gait-parameters.md").read_text("utf8").splitlines()
    for _, columns, rows in accuracy.tables(measured):
        assert set(accuracy.markdown(columns, rows)) <= set(page)


def test_errors_are_counted_as_written(accuracy: ModuleType) -> None:
    labels = [LabelledEvent("left", "heel_strike", time) for time in (0.2, 1.0, 2.0, 3.0, 9.9)]
    recording = Recording("w.c3d", "c3d", "markers", 100.0, ("LASI",), np.zeros((1001, 1, 3)), events=tuple(labels))
    found = {"left": FootEvents((1.01, 1.97, 2.05)), "right": FootEvents((3.0,))}
    strikes, offs = accuracy.errors_ms(recording, found)
    assert strikes.found_ms == pytest.approx([10, -30])  # of two near 2.0 s the nearer one, and the other doubles it
    assert (strikes.doubled, strikes.missed, strikes.missed_at_ends) == (1, 1, 2)  # 3.0 s; 0.2 and 9.9 s of 10 s
    assert strikes.small_pct() == 100 and strikes.size(100) == pytest.approx(30)
    assert offs.found_ms == [] and np.isnan(offs.size(50))
