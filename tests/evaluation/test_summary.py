"""The metrics dictionary: what is in it, that its figures are those of the parts, and what is refused."""
from __future__ import annotations

import json

import pytest

from agir_plugin.errors import CohortError, LabelError
from agir_plugin.evaluation import make_fold, summarise, summarise_folds
from agir_plugin.records import Rationale, Statement

SPEED = {0: 1.3, 1: 0.8, 2: 0.3}


def check(rationale, gait):
    """A stand-in for the real checker: "slow" is true below 0.5 m/s, "quick" above 1.0, others say nothing."""
    for section in ("foot", "arm", "overall"):
        word = getattr(rationale, section)
        truth = {"slow": gait.value("speed_mps") < 0.5, "quick": gait.value("speed_mps") > 1.0}.get(word)
        verdict = {True: "supported", False: "contradicted", None: "not_checkable"}[truth]
        yield Statement(section, word, "speed_mps", word, verdict, "")


def word(score):
    return {0: "quick", 1: "even", 2: "slow"}[score]


@pytest.fixture
def study(walk_with):
    """Ten subjects, two walks each (off with score s, on with score s - 1); six train, four are tested."""

    def walks(subjects):
        for index in subjects:
            score = 1 + index % 2
            for state, value in (("off", score), ("on", score - 1)):
                gait = walk_with(speed_mps=SPEED[value] + 0.01 * index)
                yield f"S{index}_{state}", f"S{index}", state, value, gait

    train = [
        dict(walk=name, subject=who, score=value, gait=gait, rationale=Rationale(word(value), "even", "even"))
        for name, who, _, value, gait in walks(range(6))
    ]
    tested = list(walks(range(6, 10)))
    rows = [
        {
            "walk": name, "subject": who, "state": state, "score_true": value, "score": value,
            "probabilities": [0.8 if k == value else 0.1 for k in range(3)], "foot": word(value), "arm": "even",
            "overall": "even", "well_formed_constrained": True, "well_formed_free": value != 2, "agreement": 1.0,
            "windows": 2,
        }
        for name, who, state, value, _ in tested
    ]
    return rows, train, {name: gait for name, _, _, _, gait in tested}


def test_a_model_that_is_always_right(study):
    rows, train, gait = study
    result = summarise(rows, train, gait, check=check, excluded=[{"walk": "S9_off_2", "reason": "too short"}], n=50)
    assert json.loads(json.dumps(result)) == result
    assert result["schema"] == "agir-metrics/1"
    assert result["n"] == {"subjects": 4, "walks": 8, "windows": 16, "excluded": 1}
    assert result["excluded"] == [{"walk": "S9_off_2", "reason": "too short"}]
    assert result["folds"] == [
        {
            "train_subjects": 6, "train_walks": 12, "train_scores": {"0": 3, "1": 6, "2": 3}, "test_subjects": 4,
            "test_walks": 8, "shared_subjects": 0,
        }
    ]
    assert result["model"]["scores"]["accuracy"] == 1.0
    assert result["model"]["intervals"]["accuracy"]["low"] == 1.0
    assert result["calibration"]["brier"] == pytest.approx(0.2**2 + 2 * 0.1**2)
    assert result["well_formed"] == {"constrained": {"share": 1.0, "n": 8}, "free": {"share": 0.75, "n": 8}}


def test_states_are_kept_apart(study):
    rows, train, gait = study
    rows[0]["score"] = 0  # one mistake, in the off state
    states = summarise(rows, train, gait, n=50)["states"]
    assert set(states) == {"off", "on"}
    assert states["off"]["scores"]["accuracy"] == 0.75 and states["on"]["scores"]["accuracy"] == 1.0
    assert states["off"]["subjects"] == 4


def test_every_control_stands_beside_the_model(study):
    rows, train, gait = study
    others = {"untuned": {row["walk"]: -1 for row in rows}}
    result = summarise(rows, train, gait, others=others, n=50)
    controls = result["controls"]
    assert list(controls) == ["majority", "logistic_regression", "untuned"]
    assert controls["majority"]["scores"]["accuracy"] == 0.5  # half of the walks have score 1
    assert controls["majority"]["difference"]["accuracy"]["point"] == pytest.approx(0.5)
    assert controls["logistic_regression"]["scores"]["accuracy"] == 1.0  # speed alone tells the score
    assert controls["logistic_regression"]["difference"]["accuracy"]["point"] == 0.0
    assert controls["untuned"]["scores"]["parse_failure_rate"] == 1.0


def test_agreement_pools_statements_and_the_constant_rationale_is_compared(study):
    rows, train, gait = study
    rows[0]["foot"] = "quick"  # said of a slow or even walk
    result = summarise(rows, train, gait, check=check, n=50)
    agreement, constant = result["agreement"], result["constant_rationale"]
    checkable = 1 + sum(row["score_true"] != 1 for row in rows[1:])
    assert agreement["statements"] == checkable
    assert agreement["contradicted"] == 1 and agreement["pooled"] == pytest.approx((checkable - 1) / checkable)
    assert agreement["supported"] + agreement["contradicted"] + agreement["not_checkable"] == 3 * len(rows)
    assert constant["text"] == "Foot: even Arm: even Overall: even"
    assert constant["agreement"]["pooled"] is None and constant["difference"]["point"] is None  # nothing to check in it


def test_without_a_checker_the_rows_own_agreement_is_averaged(study):
    rows, train, gait = study
    rows[0]["agreement"], rows[1]["agreement"] = 0.0, None
    result = summarise(rows, train, gait, n=50)
    assert result["agreement"]["walks"] == 7 and result["agreement"]["walk_mean"] == pytest.approx(6 / 7)
    assert result["agreement"]["pooled"] is None
    assert result["constant_rationale"] == {"skipped": "no checker of statements was given"}


def test_an_answer_without_a_score_or_rationale_counts_as_wrong(study):
    rows, train, gait = study
    rows[0] |= {"score": None, "foot": None, "probabilities": None}
    result = summarise(rows, train, gait, check=check, n=50)
    assert result["model"]["scores"]["accuracy"] == 7 / 8
    assert result["model"]["scores"]["parse_failure_rate"] == 1 / 8
    assert result["calibration"]["n"] == 7


def test_folds_are_pooled_and_each_has_its_own_controls(study):
    rows, train, gait = study
    first, second = rows[:4], rows[4:]
    low = [item for item in train if item["score"] < 2]
    result = summarise_folds([make_fold(first, train, gait), make_fold(second, low, gait)], n=50)
    assert result["n"]["walks"] == 8 and [fold["test_walks"] for fold in result["folds"]] == [4, 4]
    answers = result["controls"]["logistic_regression"]["scores"]["confusion"]
    assert sum(row[2] for row in answers) == sum(row["score_true"] == 2 for row in first)  # the second never saw a 2


def test_controls_that_cannot_be_made_say_why(study):
    rows, train, gait = study
    one_class = [item for item in train if item["score"] == 1]
    controls = summarise(rows, one_class, gait, n=50)["controls"]
    assert "fewer than two different scores" in controls["logistic_regression"]["skipped"]
    assert controls["majority"]["scores"]["accuracy"] == 0.5
    controls = summarise(rows, [], gait, n=50)["controls"]
    assert controls["majority"] == controls["logistic_regression"] == {"skipped": "no training walks were given"}


def test_minimal_rows_are_enough(study):
    rows, train, gait = study
    bare = [{key: row[key] for key in ("walk", "subject", "score_true", "score")} for row in rows]
    result = summarise(bare, train, gait, check=check, n=50)
    assert list(result["states"]) == ["unknown"] and result["calibration"] is None
    assert result["well_formed"]["free"] == {"share": None, "n": 0}
    assert result["agreement"]["pooled"] is None and result["agreement"]["statements"] == 0


def test_a_leaking_fold_is_refused(study):
    rows, train, gait = study
    leak = [*train, {"subject": rows[0]["subject"], "score": 1, "gait": train[0]["gait"]}]
    with pytest.raises(CohortError, match="no subject in both training and test, got S6"):
        summarise(rows, leak, gait)


def test_rows_that_do_not_fit_are_refused_by_name(study):
    rows, train, gait = study
    with pytest.raises(CohortError, match=r"more than one for S6_off"):
        summarise([*rows, rows[0]], train, gait)
    with pytest.raises(CohortError, match="at least one walk, got none"):
        summarise([], train, gait)
    with pytest.raises(CohortError, match="got none for S6_off; measure it"):
        summarise(rows, train, {})
    with pytest.raises(CohortError, match="one without score_true"):
        summarise([{"walk": "W", "subject": "S", "score": 1}], train, gait)
    with pytest.raises(LabelError, match="a true score for the walk S6_off"):
        summarise([rows[0] | {"score_true": None}], train, gait)
    with pytest.raises(CohortError, match="got T1 without gait"):
        summarise(rows, [{"walk": "T1", "subject": "S0", "score": 1}], gait)
    with pytest.raises(CohortError, match="the control 'untuned' to score all 8 test walks, got no score for S6_off"):
        summarise(rows, train, gait, others={"untuned": {}})
