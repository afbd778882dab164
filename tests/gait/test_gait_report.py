"""The JSON contract, and norms with z-scores."""
from __future__ import annotations

import json
from pathlib import Path

import pytest
from gait_walker import Walker, standing, walk

from agir_plugin.errors import ConfigError, UsageError
from agir_plugin.gait import from_json, measure, norms, norms_people, report_json, z_score
from agir_plugin.gait.catalog import UNITS


@pytest.mark.parametrize("motion", [walk(Walker(), 20.0)[0], standing(20.0)], ids=["ok", "refused"])
def test_json_has_the_contract_and_reads_back(motion: object) -> None:
    gait = measure(motion)
    text = json.dumps(report_json("w.c3d", gait), allow_nan=False)
    values = json.loads(text)
    assert list(values) == [
        "file", "status", "reasons", "flags", "fps", "source", "n_strides", "events", "parameters"
    ]
    assert set(values["events"]) == {"left", "right"}
    assert set(values["events"]["left"]) == {"heel_strike_s", "toe_off_s"}
    assert set(values["parameters"]["speed_mps"]) == {"value", "unit", "n", "confidence", "reason"}
    assert {name: row["unit"] for name, row in values["parameters"].items()} == UNITS
    back = from_json(values)
    assert back.parameters == gait.parameters
    assert report_json("w.c3d", back) == values


def test_a_broken_object_is_named() -> None:
    values = report_json("w.c3d", measure(standing(20.0)))
    del values["flags"]
    with pytest.raises(UsageError, match="w.c3d.*flags.*measure the walk again"):
        from_json(values)


def test_norms_fit_the_parameters_and_are_cited() -> None:
    table = norms()
    assert {name: norm.unit for name, norm in table.items()}.items() <= UNITS.items()
    assert all(norm.sd > 0 and norm.source for norm in table.values())
    assert {"speed_mps", "cadence_spm", "step_length_m", "arm_swing_asymmetry_pct"} <= set(table)


def test_z_scores_count_standard_deviations() -> None:
    norm = norms()["speed_mps"]
    assert z_score("speed_mps", norm.mean - 2 * norm.sd) == pytest.approx(-2)
    assert z_score("speed_mps", None) is None
    assert z_score("margin_of_stability_ml_m", 0.05) is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("norms: {speed: {mean: 1, sd: 1, unit: m/s, source: x}}", "'speed' is not a gait parameter"),
        ("norms: {speed_mps: {mean: 1, unit: m/s, source: x}}", "needs mean, sd, unit and source"),
        ("norms: {speed_mps: {mean: 1, sd: 0, unit: m/s, source: x}}", "positive sd"),
        ("norms: {speed_mps: {mean: 1, sd: 1, unit: km/h, source: x}}", "needs unit 'm/s'"),
        ("norms: {speed_mps: {mean: .nan, sd: 1, unit: m/s, source: x}}", "a finite mean"),
        ("norms: {speed_mps: {mean: fast, sd: 1, unit: m/s, source: x}}", "a finite mean"),
        ("norms: {speed_mps: {mean: true, sd: 1, unit: m/s, source: x}}", "a finite mean"),
        ("norms: {speed_mps: {mean: 1, sd: 1, unit: m/s, source: }}", "and a source"),
        ("norms: {speed_mps: 1.2}", "needs mean, sd, unit and source"),
        ("norms: 3", "with a `norms:` table"),
        ("speed_mps: 3", "with a `norms:` table"),
    ],
)
def test_a_table_of_ones_own_is_checked(tmp_path: Path, text: str, complaint: str) -> None:
    table = tmp_path / "norms.yaml"
    table.write_text(text, encoding="utf8")
    with pytest.raises(ConfigError, match=complaint):
        norms(table)


def test_a_table_of_ones_own_is_used(tmp_path: Path) -> None:
    table = tmp_path / "norms.yaml"
    row = "norms: {speed_mps: {mean: 1.0, sd: 0.1, unit: m/s, source: our laboratory}}"
    table.write_text(f"people: our students\n{row}", encoding="utf8")
    assert z_score("speed_mps", 1.2, table) == pytest.approx(2) and norms_people(table) == "our students"


def test_the_environment_names_a_table_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "norms.yaml"
    table.write_text("norms: {speed_mps: {mean: 1.0, sd: 0.1, unit: m/s, source: our laboratory}}", encoding="utf8")
    shipped = z_score("speed_mps", 1.3)
    monkeypatch.setenv("AGIR_NORMS", str(table))
    assert z_score("speed_mps", 1.3) == pytest.approx(3)
    assert z_score("cadence_spm", 100.0) is None  # it replaces the shipped table, and adds nothing to it
    assert norms_people() == "the people of norms.yaml"
    monkeypatch.setenv("AGIR_NORMS", str(tmp_path / "none.yaml"))
    with pytest.raises(ConfigError, match="none.yaml"):
        norms()
    monkeypatch.delenv("AGIR_NORMS")
    assert z_score("speed_mps", 1.3) == shipped and norms_people() == "adults of about 60 to 80 years"


def test_stance_swing_and_double_support_norms_fit_together() -> None:
    table = norms()
    stance, swing, double = (table[name] for name in ("stance_pct", "swing_pct", "double_support_pct"))
    assert stance.mean + swing.mean == 100  # each foot either stands or swings ...
    assert double.mean == 2 * stance.mean - 100  # ... and what two stances exceed the cycle by is double support
