"""The terminal tables of metrics.json: the model beside every control, nothing cut at 80 columns."""
from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from agir_plugin.evaluation import summarise
from agir_plugin.evaluation.tables import metrics_tables
from agir_plugin.records import Rationale, Statement

EXCLUDED = [{"walk": "S9_on_1", "reason": "only 0.8 s of walking"}]


def check(rationale, gait):
    """One statement per rationale: "fine" agrees with every walk, anything else with none."""
    yield Statement("foot", rationale.foot, "", "", "supported" if rationale.foot == "fine" else "contradicted", "")


def shown(metrics) -> str:
    console = Console(width=80, record=True, file=StringIO())
    console.print(metrics_tables(metrics))
    return console.export_text()


@pytest.fixture
def parts(walk_with):
    gait = {f"W{i}": walk_with(speed_mps=1.5 - i % 3 / 2) for i in range(12)}
    rows = [
        {
            "walk": f"W{i}", "subject": f"S{i // 3}", "state": "off", "score_true": i % 3,
            "score": (i % 3 if i > 2 else 1), "probabilities": [0.2, 0.6, 0.2],
            "foot": "bad", "arm": "", "overall": "", "well_formed_free": True,
        }
        for i in range(12)
    ]
    train = [
        dict(subject=f"T{i}", score=i % 3, gait=gait[f"W{i}"], rationale=Rationale("fine", "", "")) for i in range(9)
    ]
    return rows, train, gait


def test_all_that_matters_is_shown(parts):
    text = shown(summarise(*parts, check=check, excluded=EXCLUDED, others={"[untuned]": dict.fromkeys(parts[2], 0)}))
    assert "12 walks of 4 subjects in 1 fold; 1 excluded; 256 all resamples of subjects" in text
    for row in ("model", "majority class", "gait parameters", "[untuned]", "constant text", "true 2"):
        assert f" {row} " in text
    model = next(line for line in text.splitlines() if line.startswith(" model "))
    assert model.split()[1] == "0.83"  # 10 of 12
    assert "0.50–1.00" in text and " to " in text
    assert "Excluded S9_on_1: only 0.8 s of walking." in text
    assert "Well-formed answers: 1.000 free (n = 12)." in text
    assert "statements agree less often than one constant text would" in text
    assert max(map(len, text.splitlines())) <= 80 and "…" not in text


def test_notices_come_first_and_missing_controls_say_why(parts):
    rows, _, gait = parts
    text = shown({**summarise(rows, [], gait), "notices": ["Trained on synthetic data."]})
    assert text.lstrip().startswith("Trained on synthetic data.")
    assert "No control 'majority class': no training walks were given." in text
    assert "No control 'constant text': no checker of statements was given." in text


def test_one_subject_has_no_interval(parts):
    rows, train, gait = parts
    text = shown(summarise([row | {"subject": "S0"} for row in rows], train, gait))
    assert "One subject gives no interval." in text and "0.83" in text
