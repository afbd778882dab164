"""Decisions of reviewers: what stands, what is undone, what a kill or a full disk leaves, what becomes of the cohort's texts."""
from __future__ import annotations

import errno
import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agir_plugin.cohort import Cohort
from agir_plugin.cohort.rationale_rows import read_rows, text_hash
from agir_plugin.cohort.review_agreement import agreements, cohens_kappa, open_texts, tallies
from agir_plugin.cohort.review_outcome import apply, offered, outdated, verdict
from agir_plugin.cohort.reviews import (
    History,
    append,
    checked_reviewer,
    cut_off,
    decide,
    read_history,
    remember_reviewer,
    remembered_reviewer,
    undo,
)
from agir_plugin.errors import CohortError, UsageError
from agir_plugin.records import Rationale
from agir_plugin.tasks.sections import SECTIONS

TEXT = Rationale("Speed is low.", "Arms swing freely.", "Rhythm is regular.")


@pytest.fixture
def own(cohort: Cohort, tmp_path: Path) -> Cohort:
    """A copy of the shared cohort with one text per walk."""
    copied = Cohort.open(shutil.copytree(cohort.folder, tmp_path / "cohort"))
    texts = {walk.walk: replace(TEXT, foot=f"Speed of {walk.walk} is low.") for walk in copied.kept}
    copied.save_rationales(texts, writer="model", prompt_hash="abc", provenance={copied.kept[0].walk: {"model": "m"}})
    return copied


def reviewed(cohort: Cohort, reviewer: str, walk: str, *actions: str, after: str = "Better words.") -> None:
    """Decisions on foot, arm, overall in this order, written to the history."""
    text = offered(cohort)[walk]
    for section, action in zip(SECTIONS, actions, strict=False):
        before = getattr(text.rationale, section)
        left = {"accept": before, "edit": after, "reject": ""}[action]
        reason = "wrong side" if action == "reject" else ""
        append(cohort.folder, decide(walk, section, action, before, left, reviewer, text.hash, reason))


def test_a_decision_is_one_line_with_everything(own: Cohort):
    walk = own.kept[0].walk
    reviewed(own, "AB", walk, "accept", "edit")
    lines = [json.loads(line) for line in (own.folder / "reviews.jsonl").read_text().splitlines()]
    assert [(line["section"], line["action"], line["before"], line["after"]) for line in lines] == [
        ("foot", "accept", f"Speed of {walk} is low.", f"Speed of {walk} is low."), ("arm", "edit", TEXT.arm, "Better words."),
    ]
    assert all(line["time"].endswith("+00:00") and line["reviewer"] == "AB" and line["walk"] == walk for line in lines)
    assert lines[0]["hash"] == text_hash(replace(TEXT, foot=f"Speed of {walk} is low."))


def test_undo_takes_back_step_by_step_and_is_kept_as_lines(own: Cohort):
    walk = own.kept[0].walk
    reviewed(own, "AB", walk, "accept", "reject")
    reviewed(own, "AB", walk, "edit")
    hashes = {name: text.hash for name, text in offered(own).items()}
    undone = []
    for _ in range(3):
        history = read_history(own.folder)  # as after a restart
        latest = history.latest("AB", hashes)
        undone.append((latest.section, latest.action))
        append(own.folder, undo(latest))
    assert undone == [("foot", "edit"), ("arm", "reject"), ("foot", "accept")]
    history = read_history(own.folder)
    assert history.latest("AB", hashes) is None and history.standing("AB", walk, hashes[walk]) == {}
    assert len(history.decisions) == 6 and [one.action for one in history.decisions[3:]] == ["undo"] * 3


def test_the_latest_decision_on_a_section_stands_until_it_is_undone():
    first = decide("W", "foot", "accept", "a", "a", "AB", "h")
    second = decide("W", "foot", "reject", "a", "", "AB", "h")
    history = History([first, second])
    assert history.standing("AB", "W", "h")["foot"] == second
    history.add(undo(second))
    assert history.standing("AB", "W", "h")["foot"] == first
    assert history.standing("CD", "W", "h") == {} and history.standing("AB", "W", "other") == {}


@given(st.lists(st.tuples(st.sampled_from("AB"), st.sampled_from(SECTIONS), st.sampled_from(["accept", "reject", "undo"]))))
def test_as_many_undos_as_decisions_leave_nothing(steps):
    history = History()
    for reviewer, section, action in steps:
        latest = history.latest(reviewer, {"W": "h"})
        if action != "undo":
            history.add(decide("W", section, action, "a", "a", reviewer, "h"))
        elif latest is not None:
            history.add(undo(latest))
    for reviewer in "AB":
        while (latest := history.latest(reviewer, {"W": "h"})) is not None:
            history.add(undo(latest))
        assert history.standing(reviewer, "W", "h") == {}
    assert list(history.reviewed()) == []


def test_a_line_cut_off_by_a_kill_is_left_out_and_mended(own: Cohort):
    first, second = own.kept[0].walk, own.kept[1].walk
    reviewed(own, "AB", first, "accept", "accept", "accept")
    path = own.folder / "reviews.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    assert cut_off(own.folder) and len(read_history(own.folder).decisions) == 2
    reviewed(own, "AB", second, "accept")
    assert not cut_off(own.folder)
    history = read_history(own.folder)
    assert [(one.walk, one.section) for one in history.decisions] == [(first, "foot"), (first, "arm"), (second, "foot")]


@pytest.mark.parametrize("line", ["{}", "no json", '{"time": 1}', "[]"])
def test_damage_in_the_middle_is_named(own: Cohort, line: str):
    reviewed(own, "AB", own.kept[0].walk, "accept")
    path = own.folder / "reviews.jsonl"
    path.write_bytes(line.encode() + b"\n" + path.read_bytes())
    with pytest.raises(CohortError, match=r"reviews\.jsonl, line 1: expected a decision"):
        read_history(own.folder)


def test_a_full_disk_keeps_the_history_whole(own: Cohort, monkeypatch):
    walk = own.kept[0].walk
    reviewed(own, "AB", walk, "accept")
    before = (own.folder / "reviews.jsonl").read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CohortError, match="No space left on device.*is not kept; all before it are"):
        reviewed(own, "AB", walk, "reject")
    monkeypatch.undo()
    assert (own.folder / "reviews.jsonl").read_bytes() == before


def test_reviewer_ids(own: Cohort):
    assert checked_reviewer(own, " AB ") == "AB"
    with pytest.raises(UsageError, match="is a subject of this cohort"):
        checked_reviewer(own, own.kept[0].subject.lower())
    for wrong in ("", "Anna Berg", "a" * 21, "-x", "a\nb"):
        with pytest.raises(UsageError, match="reviewer id of 1 to 20"):
            checked_reviewer(own, wrong)
    assert remembered_reviewer(own.folder) == ""
    remember_reviewer(own.folder, "AB")
    assert remembered_reviewer(own.folder) == "AB"


def test_a_verdict_needs_every_section_or_one_rejection(own: Cohort):
    walks = [walk.walk for walk in own.kept[:4]]
    for walk, actions in zip(
        walks, (["accept"] * 3, ["accept", "edit", "accept"], ["reject"], ["accept", "accept"]), strict=True
    ):
        reviewed(own, "AB", walk, *actions)
    texts, history = offered(own), read_history(own.folder)
    found = [verdict(history, "AB", texts[walk]) for walk in walks]
    assert [one.state for one in found] == ["accepted", "edited", "rejected", "open"]
    assert found[1].text.arm == "Better words." and found[2].reasons == ("foot: wrong side",)


def test_apply_takes_over_leaves_out_and_keeps_provenance(own: Cohort):
    accepted, edited, rejected = (walk.walk for walk in own.kept[:3])
    reviewed(own, "AB", accepted, "accept", "accept", "accept")
    reviewed(own, "AB", edited, "edit", "accept", "accept", after="Speed is very low.")
    reviewed(own, "AB", rejected, "accept", "reject")
    before = read_rows(own.folder / "rationales.jsonl")
    done = apply(own, read_history(own.folder))
    assert set(done.taken) == {accepted, edited} and done.left_out == {rejected: "AB: arm: wrong side"}
    rows = read_rows(own.folder / "rationales.jsonl")
    assert rows[accepted]["reviewed_by"] == "AB" and rows[accepted]["model"] == "m" and rows[accepted]["writer"] == "model"
    assert rows[edited]["foot"] == "Speed is very low." and rows[edited]["prompt_hash"] == "abc"
    assert "Speed is very low." in (own.folder / "texts" / f"{edited}.txt").read_text()
    assert rejected not in rows and not (own.folder / "texts" / f"{rejected}.txt").exists()
    left_out = read_rows(own.folder / "rationales_rejected.jsonl")
    assert left_out[rejected]["rejected"] == "AB: arm: wrong side" and left_out[rejected]["foot"] == before[rejected]["foot"]
    assert {walk: row for walk, row in rows.items() if walk not in (accepted, edited)} == {
        walk: row for walk, row in before.items() if walk not in (accepted, edited, rejected)
    }
    again = (own.folder / "rationales.jsonl").read_bytes()
    apply(own, read_history(own.folder))
    assert (own.folder / "rationales.jsonl").read_bytes() == again


def test_after_apply_the_review_goes_on_counting_and_can_be_undone(own: Cohort):
    edited, rejected = (walk.walk for walk in own.kept[:2])
    before = (own.folder / "rationales.jsonl").read_bytes()
    reviewed(own, "AB", edited, "edit", "accept", "accept")
    reviewed(own, "AB", rejected, "reject")
    apply(own, read_history(own.folder))
    texts, history = offered(own), read_history(own.folder)
    assert outdated(history, texts) == [] and verdict(history, "AB", texts[edited]).state == "edited"
    while (latest := history.latest("AB", {walk: text.hash for walk, text in texts.items()})) is not None:
        append(own.folder, undo(latest))
        history.add(undo(latest))
    apply(own, history)
    assert (own.folder / "rationales.jsonl").read_bytes() == before
    assert not (own.folder / "rationales_rejected.jsonl").exists() and (own.folder / "texts" / f"{rejected}.txt").exists()


def test_a_rewritten_text_makes_its_review_outdated(own: Cohort):
    walk = own.kept[0].walk
    reviewed(own, "AB", walk, "accept", "accept", "accept")
    texts = own.rationales() | {walk: TEXT}
    own.save_rationales(texts, writer="rules")
    now, history = offered(own), read_history(own.folder)
    assert outdated(history, now) == [("AB", walk)] and verdict(history, "AB", now[walk]).state == "open"
    assert walk in open_texts(history, now) and tallies(history, now)[0].outdated == 1
    assert history.latest("AB", {name: text.hash for name, text in now.items()}) is None
    assert apply(own, history).taken == {}


def test_two_reviewers_are_kept_apart_and_must_agree_before_apply(own: Cohort):
    alike, different = (walk.walk for walk in own.kept[:2])
    for who in ("AB", "CD"):
        reviewed(own, who, alike, "accept", "accept", "accept")
    reviewed(own, "AB", different, "accept", "accept", "accept")
    reviewed(own, "CD", different, "edit", "accept", "accept")
    history = read_history(own.folder)
    done = apply(own, history)
    assert done.taken == {alike: "AB, CD"} and done.contested == (different,)
    assert apply(own, history, "CD").taken == {alike: "CD", different: "CD"}
    assert own.rationales()[different].foot == "Better words."


def test_agreement_between_reviewers(own: Cohort):
    for walk, one, other in zip(own.kept, "aaarrr", "aarrra", strict=False):
        for who, answer in (("AB", one), ("CD", other)):
            reviewed(own, who, walk.walk, {"a": "accept", "r": "reject"}[answer])
    found = agreements(read_history(own.folder), offered(own))
    foot, arm, _ = found
    # 4 of 6 alike, both accept half: (4/6 - 1/2) / (1 - 1/2)
    assert foot.reviewers == ("AB", "CD") and foot.n == 6 and foot.share == pytest.approx(4 / 6)
    assert foot.kappa == pytest.approx(1 / 3) and (arm.n, arm.share, arm.kappa) == (0, None, None)


@pytest.mark.parametrize(
    "first, second, kappa",
    [([], [], None), ([1, 1], [1, 1], None), ([1, 0], [1, 0], 1.0), ([1, 0], [0, 1], -1.0), ([1, 1], [1, 0], 0.0)],
)
def test_kappa(first, second, kappa):
    assert cohens_kappa([bool(one) for one in first], [bool(one) for one in second]) == kappa


def test_a_damaged_row_is_named(own: Cohort):
    (own.folder / "rationales.jsonl").write_text('{"walk": "W", "foot": 1, "arm": "", "overall": ""}\n')
    with pytest.raises(CohortError, match=r"rationales\.jsonl, line 1: expected a JSON object"):
        offered(own)


def test_reviewers_who_decide_at_the_same_time_lose_nothing(own: Cohort):
    walks = [walk.walk for walk in own.kept]

    def work(reviewer: str) -> None:
        for walk in walks:
            reviewed(own, reviewer, walk, "accept", "edit", "reject")

    reviewers = ("AB", "CD", "EF", "GH")
    with ThreadPoolExecutor(len(reviewers)) as pool:
        list(pool.map(work, reviewers))
    history = read_history(own.folder)
    assert len(history.decisions) == len(reviewers) * len(walks) * 3 and not cut_off(own.folder)
    texts = offered(own)
    assert all(len(history.standing(who, walk, texts[walk].hash)) == 3 for who in reviewers for walk in walks)
