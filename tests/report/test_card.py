"""The terminal cards: what a reader must find on them, at 80 columns."""
from __future__ import annotations

from dataclasses import replace

from agir_plugin.records import Measure, Rationale
from agir_plugin.report import card, gait_card


def test_score_probabilities_and_rationale(assessment, shown):
    text = shown(card(assessment))
    assert "SUB01_off_walk_1.c3d" in text
    assert "2 mild: walks without help, clear impairment" in text
    for row in ("0 normal  ██░", "1 slight  ████████░", "2 mild    █████████████████████░"):
        assert row in text
    assert [line.split()[-1] for line in text.splitlines() if "░" in line] == ["0.05", "0.25", "0.70"]
    assert "from 2 windows" in text
    for line in ("Foot     Steps are slow.", "Arm      The arms hardly swing.", "Overall  The rhythm [bold] is"):
        assert line in text


def test_each_statement_has_its_mark_and_evidence(assessment, shown):
    lines = [line.strip() for line in shown(card(assessment)).splitlines()]
    assert "1 supported, 1 contradicted, 1 not checkable" in lines
    for mark, evidence in (
        ("✓ Foot    walking speed: reduced", "supported: speed 0.60 m/s"),
        ("✗ Arm     arm swing: reduced", "contradicted: arm swing 34.0 deg"),
        ("? Overall The rhythm [bold] is regular", "not checkable"),
    ):
        assert lines[lines.index(mark) + 1] == evidence


def test_the_notices_are_above_everything_and_never_missing(assessment, shown):
    text = shown(card(replace(assessment, notices=())))
    notices = ("Research software, not a medical device.", "Trained on synthetic data.")
    assert all(text.index(notice) < text.index("Gait score") for notice in notices)
    real = replace(assessment, notices=(), provenance={"cohort": {"name": "clinic", "synthetic": False}})
    assert "Trained on synthetic data." not in shown(card(real))


def test_provenance_is_readable(assessment, shown):
    text = shown(card(assessment))
    assert "recordings/SUB01_off_walk_1.c3d" in text and "experiments/AGIR_stage2" in text
    assert "name demo, synthetic yes" in text and "torch 2.13.0" in text
    assert "0123456789ab" in text and "0123456789abc" not in text  # a hash is shortened


def test_parameters_have_unit_norm_confidence_and_count(assessment, gait, shown):
    rows = {line[1:23].strip(): line.split() for line in shown(card(assessment)).splitlines()}
    speed = gait.parameters["speed_mps"]
    assert rows["speed"][1:4] == [f"{speed.value:.2f}", "m/s", "1.20±0.20"]
    assert rows["speed"][-2:] == [speed.confidence, str(speed.n)]
    assert rows["speed"][4] == f"{(speed.value - 1.2) / 0.2:+.1f}"


def test_unusual_values_are_marked_without_colour(assessment, gait, shown):
    def with_speed(value):
        parameters = dict(gait.parameters, speed_mps=Measure(value, "m/s", 8, "high"))
        text = shown(card(replace(assessment, gait=replace(gait, parameters=parameters))))
        return next(line for line in text.splitlines() if line.startswith(" speed "))

    assert "-2.5 ▼" in with_speed(0.7)
    assert "+2.5 ▲" in with_speed(1.7)
    assert "▼" not in with_speed(0.8) and "▲" not in with_speed(1.6)  # 2 SD and no more


def test_what_was_not_measured_is_named_with_its_reason(assessment, gait, shown):
    lost = {name: Measure(None, "deg", 0, "low", "the file has no wrists") for name in gait.parameters if "arm" in name}
    text = shown(card(replace(assessment, gait=replace(gait, parameters=dict(gait.parameters, **lost)))))
    joined = " ".join(text.split())
    assert "Not measured (the file has no wrists): arm swing, arm swing, left, arm swing, right" in joined
    assert "more parameters: agir gait FILE." in text


def test_flags_are_shown(assessment, gait, shown):
    flagged = replace(assessment, gait=replace(gait, flags=("arms_not_measured", "short")))
    assert "Flags: arms not measured, short" in shown(card(flagged))


def test_an_empty_rationale_is_said_to_be_empty(assessment, shown):
    text = shown(card(replace(assessment, rationale=Rationale("", "", ""), statements=(), windows=1)))
    assert "(nothing written)" in text and "makes no statement that could be checked" in text
    assert "from one window" in text


def test_a_refused_walk_has_reasons_and_no_score(refused, shown):
    text = shown(card(refused))
    assert "Refused" in text and "expected at least 1 s of walking, the recording has 0.45 s" in text
    assert "░" not in text and "mild" not in text and "Rationale" not in text
    assert "Research software, not a medical device." in text and "experiments/AGIR_stage2" in text
    assert "Flags: mirrored" in text


def test_gait_card_lists_every_measured_parameter(gait, shown):
    text = shown(gait_card("a/b/walk.c3d", gait))
    assert "walk.c3d" in text and "Research software, not a medical device." in text
    table = [line for line in text.splitlines() if " high " in line or " medium " in line or " low " in line]
    assert len(table) == sum(measure.value is not None for measure in gait.parameters.values())
    assert "Refused" not in text


def test_gait_card_of_a_refused_walk(refused_gait, shown):
    text = shown(gait_card("walk.c3d", refused_gait))
    assert "Refused" in text and "at least 1 s of walking" in text and "speed" not in text


def test_nothing_is_wider_than_the_terminal_or_cut(assessment, gait, shown):
    for renderable in (card(assessment), gait_card("walk.c3d", gait)):
        text = shown(renderable)
        assert max(map(len, text.splitlines())) <= 80 and "…" not in text
