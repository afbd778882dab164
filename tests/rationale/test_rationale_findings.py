"""Parameters become findings with the direction, degree, side and number that a reader can work out by hand."""
from __future__ import annotations

import math

import pytest

from agir_plugin.gait import norms
from agir_plugin.rationale.features import FEATURES, classify, read, unreadable, weaker_side
from agir_plugin.rationale.findings import FINDING_KEYS, findings_of


@pytest.mark.parametrize(
    "z, expected",
    [
        (0.0, ("normal", "normal")), (-0.99, ("normal", "normal")), (0.99, ("normal", "normal")),
        (-1.0, ("reduced", "slight")), (1.99, ("increased", "slight")), (-2.0, ("reduced", "noticeable")),
        (2.99, ("increased", "noticeable")), (-3.0, ("reduced", "marked")), (9.0, ("increased", "marked")),
    ],
)
def test_degrees_begin_at_one_two_and_three_sd(z, expected):
    assert classify(FEATURES["cadence"], z) == expected


@pytest.mark.parametrize(
    "feature, z, expected",
    [
        ("rhythm", -4.0, ("normal", "normal")),  # steadier than usual is not a fault
        ("rhythm", 1.5, ("increased", "slight")),
        ("arm_asymmetry", 1.9, ("normal", "normal")),  # asymmetry is worth a word beyond 2 SD only
        ("arm_asymmetry", 2.0, ("increased", "slight")),
        ("step_asymmetry", 4.5, ("increased", "marked")),
    ],
)
def test_variability_and_asymmetry_have_their_own_scale(feature, z, expected):
    assert classify(FEATURES[feature], z) == expected


def test_findings_come_in_one_order_with_number_and_norm(make_walk):
    norm = norms()
    gait = make_walk(
        trunk_flexion_deg=norm["trunk_flexion_deg"].mean, cadence_spm=norm["cadence_spm"].mean,
        speed_mps=norm["speed_mps"].mean - 2.5 * norm["speed_mps"].sd,
    )
    found = findings_of(gait)
    assert [finding.feature for finding in found] == ["speed", "cadence", "trunk_flexion"]
    assert (found[0].direction, found[0].degree) == ("reduced", "noticeable")
    assert found[0].deviation == pytest.approx(-2.5)
    assert found[0].evidence == "speed_mps 0.70 m/s, norm 1.20 +/- 0.20, z -2.5"


def test_a_still_arm_is_marked_although_the_norm_is_wide(make_walk):
    found = findings_of(make_walk(arm_swing_deg_left=2.0, arm_swing_deg_right=35.0))
    assert [(one.side, one.direction, one.degree) for one in found] == [
        ("left", "reduced", "marked"), ("right", "normal", "normal"),
    ]
    assert "6 % of the norm" in found[0].evidence and "z -2.8" in found[0].evidence


def test_arms_alike_are_one_finding_for_both_sides(make_walk):
    found = findings_of(make_walk(arm_swing_deg_left=17.0, arm_swing_deg_right=15.0))
    assert [(one.side, one.degree) for one in found] == [("both", "noticeable")]
    assert "arm_swing_deg_left" in found[0].evidence and "arm_swing_deg_right" in found[0].evidence


def test_the_side_of_an_asymmetry_is_the_one_that_moves_less(make_walk):
    gait = make_walk(arm_swing_asymmetry_pct=80.0, arm_swing_deg_left=40.0, arm_swing_deg_right=17.0)
    asymmetry = findings_of(gait)[-1]
    assert (asymmetry.feature, asymmetry.side) == ("arm_asymmetry", "right")
    alone = make_walk(arm_swing_asymmetry_pct=80.0, arm_swing_deg_left=40.0)
    assert weaker_side(FEATURES["arm_asymmetry"], alone) is None


@pytest.mark.parametrize("value, confidence", [(0.3, "low"), (None, "high"), (math.nan, "high")])
def test_what_is_uncertain_or_missing_is_no_finding(make_walk, value, confidence):
    gait = make_walk(confidence, speed_mps=value)
    assert findings_of(gait) == ()
    assert "speed_mps" in unreadable(FEATURES["speed"], gait)


def test_of_two_parameters_the_more_deviant_counts(make_walk):
    gait = make_walk(step_time_cv_pct=3.2, stride_time_cv_pct=6.0)
    assert read(FEATURES["rhythm"], gait).parameter == "stride_time_cv_pct"


def test_a_parameter_without_a_norm_is_never_spoken_of(make_walk, monkeypatch, tmp_path):
    table = tmp_path / "norms.yaml"
    table.write_text("norms: {speed_mps: {mean: 1.2, sd: 0.2, unit: m/s, source: one row only}}", encoding="utf8")
    monkeypatch.setenv("AGIR_NORMS", str(table))
    gait = make_walk(step_width_cv_pct=80.0)
    assert findings_of(gait) == () and read(FEATURES["step_width_variability"], gait) is None
    assert "has no norm" in unreadable(FEATURES["step_width_variability"], gait)


def test_a_refused_walk_has_no_findings(make_random_walks):
    refused = [gait for gait in make_random_walks(4, 300) if gait.status == "refused"]
    assert refused and not any(findings_of(gait) for gait in refused)


def test_every_finding_has_a_feature_of_the_same_section():
    assert set(FINDING_KEYS) <= set(FEATURES)
    assert all(feature.key == key for key, feature in FEATURES.items())
