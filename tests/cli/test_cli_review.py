"""`agir review`: keys on a fed terminal and on a pseudo-terminal, summary, apply, export, and what it refuses."""
from __future__ import annotations

import json
import shutil
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console as RichConsole

from agir_plugin.cli.review_loop import Review
from agir_plugin.cohort import Cohort
from agir_plugin.cohort.review_outcome import offered
from agir_plugin.cohort.reviews import read_history
from agir_plugin.rationale.prompt import build_prompt
from tests.cli.pseudo_terminal import on_terminal


class Fed:
    """A terminal that is fed: `keys`, lines that are typed, texts that the editor gives back; it keeps what is shown."""

    def __init__(self, keys: str, lines: tuple[str, ...] = (), edits: tuple[str, ...] = ()) -> None:
        self.keys, self.lines, self.edits = list(keys), list(lines), list(edits)
        self.offered: list[str] = []
        self.page = RichConsole(file=StringIO(), width=160)
        self.rows = 100

    def key(self) -> str:
        return self.keys.pop(0) if self.keys else ""

    def line(self, question: str) -> str:
        self.show(question)
        return self.lines.pop(0)

    def edit(self, text: str) -> str:
        self.offered.append(text)
        return self.edits.pop(0)

    def fits(self, what: object) -> bool:
        return len(self.page.render_lines(what, pad=False)) < self.rows

    def show(self, what: object) -> None:
        self.page.print(what, markup=False, highlight=False)

    @property
    def shown(self) -> str:
        return self.page.file.getvalue()


@pytest.fixture
def own(cohort: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(cohort, tmp_path / "cohort"))


def reviewing(folder: Path, terminal: Fed, reviewer: str = "AB", count: int = 3) -> Review:
    opened = Cohort.open(folder)
    texts = offered(opened)
    session = Review(opened, read_history(folder), texts, list(texts)[:count], reviewer, terminal)
    session.run()
    return session


def actions(folder: Path) -> list[tuple[str, str, str]]:
    return [(one.walk, one.section, one.action) for one in read_history(folder).decisions]


def test_the_screen_shows_numbers_norms_text_and_the_verdict_of_every_statement(own: Path):
    terminal = Fed("")
    session = reviewing(own, terminal)
    text = session.texts[session.queue[0]]
    for part in (text.rationale.foot, text.rationale.arm, text.rationale.overall):
        assert " ".join(part.split()) in " ".join(terminal.shown.split())
    assert "1.20±0.20" in terminal.shown and "supported: speed_mps" in terminal.shown and "agreement 1.00" in terminal.shown
    assert "▶ 1 Foot  open" in terminal.shown and "walk 1 of 3" in terminal.shown and "score" in terminal.shown


def test_accepting_goes_from_part_to_part_and_from_walk_to_walk(own: Path):
    session = reviewing(own, Fed("aaaa"))
    first, second, _ = session.queue
    assert actions(own) == [(first, part, "accept") for part in ("foot", "arm", "overall")] + [(second, "foot", "accept")]
    again = reviewing(own, Fed(""))
    assert again.queue[again.place] == second and again.marked == "arm"


def test_keys_mark_step_reject_and_explain(own: Path):
    terminal = Fed("p3r?xnnnq" + "a" * 9, lines=("balance was not\tmeasured",))
    session = reviewing(own, terminal)
    (decision,) = read_history(own).decisions
    assert (decision.section, decision.action, decision.after) == ("overall", "reject", "")
    assert decision.reason == "balance was not measured" and decision.before == session.texts[session.queue[0]].rationale.overall
    assert "this is the first walk" in terminal.shown and "this is the last walk" in terminal.shown
    assert "'x' is no key" in terminal.shown and "rejected: balance was not measured" in terminal.shown
    assert "$EDITOR" in terminal.shown


def test_an_edit_is_normalised_and_refused_with_the_reason_until_it_is_right(own: Path):
    terminal = Fed(
        "e", lines=("", "y", ""), edits=("This is a score of 2.", "Turning is slow.", "", "The **speed**\n is clearly reduced.")
    )
    session = reviewing(own, terminal)
    (decision,) = read_history(own).decisions
    assert decision.action == "edit" and decision.after == "The speed is clearly reduced."
    assert terminal.offered == [session.texts[session.queue[0]].rationale.foot, "This is a score of 2.", "Turning is slow.", ""]
    for reason in ("gives the score away by 'score'", "speaks of turning", "expected a sentence after Foot:"):
        assert reason in terminal.shown
    assert "1 Foot  edited" in terminal.shown


def test_an_edit_may_be_given_up_and_one_that_changes_nothing_decides_nothing(own: Path):
    first = next(iter(offered(Cohort.open(own)).values())).rationale.foot
    terminal = Fed("ee", lines=("n",), edits=("Grade two.", f" {first}\n"))
    reviewing(own, terminal)
    assert actions(own) == [] and terminal.shown.count("the part stays as it was") == 2


def test_an_edit_that_brings_the_first_text_back_is_an_acceptance(own: Path):
    first = next(iter(offered(Cohort.open(own)).values())).rationale.foot
    reviewing(own, Fed("e1e", edits=("The speed is clearly reduced.", first)))
    assert [action for _, _, action in actions(own)] == ["edit", "accept"]


def test_ctrl_c_gives_up_an_edit_or_a_rejection_and_nothing_else(own: Path):
    class Stopped(Fed):
        def edit(self, text: str) -> str:
            raise KeyboardInterrupt

        def line(self, question: str) -> str:
            raise KeyboardInterrupt

    terminal = Stopped("era")
    reviewing(own, terminal)
    assert [action for _, _, action in actions(own)] == ["accept"] and "not rejected" in terminal.shown


def test_a_screen_that_would_not_fit_shows_the_marked_part_and_counts_the_others(own: Path):
    terminal = Fed("2t")
    terminal.rows = 30
    reviewing(own, terminal)
    _, foot, arm, everything = terminal.shown.split("SUB01_off_walk_1  score")
    assert "cadence" in foot and "arm swing, left" not in foot and "supported: speed_mps" in foot and len(foot.splitlines()) < 30
    assert "arm swing, left" in arm and "supported: arm_swing_deg_left" in arm and "supported: speed_mps" not in arm
    assert "✓ 3 supported" in arm and "▶ 2 Arm" in arm
    assert "cadence" in everything and "arm swing, left" in everything and "supported: speed_mps" in everything


def test_undo_reaches_back_over_walks_and_over_restarts(own: Path):
    first = reviewing(own, Fed("aaaa")).queue[0]
    terminal = Fed("uuuuu")
    session = reviewing(own, terminal)
    assert session.queue[session.place] == first and session.marked == "foot"
    assert "undone" in terminal.shown and "nothing to undo" in terminal.shown
    assert [action for _, _, action in actions(own)] == ["accept"] * 4 + ["undo"] * 4


def test_undo_leaves_the_other_reviewer_alone(own: Path):
    reviewing(own, Fed("a"), "AB")
    reviewing(own, Fed("ru", lines=("no",)), "CD")
    history, text = read_history(own), next(iter(offered(Cohort.open(own)).values()))
    assert set(history.standing("AB", text.walk, text.hash)) == {"foot"} and not history.standing("CD", text.walk, text.hash)


def test_a_text_that_gives_the_score_away_is_not_accepted(own: Path):
    opened = Cohort.open(own)
    texts = opened.rationales()
    walk = next(iter(texts))
    leaking = type(texts[walk])("Speed fits a score of 2.", texts[walk].arm, texts[walk].overall)
    opened.save_rationales(texts | {walk: leaking}, writer="somebody")
    terminal = Fed("a")
    reviewing(own, terminal)
    assert "not accepted: it gives the score away" in terminal.shown and actions(own) == []


def test_when_everything_is_decided_it_says_so(own: Path):
    terminal = Fed("aaa")
    reviewing(own, terminal, count=1)
    assert "every walk of this list is decided" in terminal.shown


def finish(folder: Path, reviewer: str, keys: str, **fed) -> None:
    reviewing(folder, Fed(keys, **fed), reviewer)


def test_summary_counts_agreement_and_open_texts(agir, own: Path):
    finish(own, "AB", "aaaaaa")
    finish(own, "CD", "aaaraa", lines=("wrong",))
    ended = agir("review", own, "--summary")
    assert ended.code == 0
    assert "AB: 6 accepted, 0 edited, 0 rejected sections; 2 texts finished, 14 open, 0 outdated" in ended.out
    assert "CD: 5 accepted, 0 edited, 1 rejected sections" in ended.out
    assert "AB and CD, foot: alike 0.50, kappa 0.00, n 2" in ended.out
    assert "AB and CD, arm: alike 1.00, kappa none, n 2" in ended.out
    assert "14 of 16 texts are open" in ended.out


def test_apply_and_export(agir, own: Path, tmp_path: Path):
    finish(own, "AB", "eaa" + "aaa" + "r", edits=("The speed is clearly reduced.",), lines=("wrong side",))
    opened = Cohort.open(own)
    edited, accepted, rejected = list(offered(opened))[:3]
    before = opened.rationales()
    out = tmp_path / "pairs.jsonl"
    ended = agir("review", own, "--export", out, "--export-texts", tmp_path / "texts.jsonl")
    assert ended.code == 0 and "1 preference pairs, 2 reviewed texts, 1 of them accepted as written" in ended.err
    (pair,) = (json.loads(line) for line in out.read_text(encoding="utf8").splitlines())
    prompt = build_prompt(opened.gait(edited), opened.walk(edited).score)
    assert pair == {
        "prompt": prompt, "chosen": pair["chosen"], "rejected": before[edited].text(), "walk": edited, "reviewed_by": "AB"
    }
    assert pair["chosen"].startswith("Foot: The speed is clearly reduced. Arm:")
    texts = [json.loads(line) for line in (tmp_path / "texts.jsonl").read_text(encoding="utf8").splitlines()]
    assert [(text["walk"], text["completion"]) for text in texts] == [
        (edited, pair["chosen"]), (accepted, before[accepted].text())
    ]
    assert texts[0]["prompt"] == prompt and set(texts[0]) == {"prompt", "completion", "walk", "reviewed_by"}
    ended = agir("review", own, "--apply")
    assert ended.code == 0 and "2 reviewed texts are the cohort's, 13 texts are not reviewed" in ended.err
    assert f"left out: {rejected} (AB: foot: wrong side)" in ended.err
    after = opened.rationales()
    assert after[edited].foot == "The speed is clearly reduced." and rejected not in after and len(after) == 15
    first = out.read_bytes()
    assert agir("review", own, "--export", out).code == 0 and out.read_bytes() == first
    kept = agir("annotate", own)
    assert kept.code == 0 and "2 reviewed rationales were kept" in kept.err and opened.rationales()[edited] == after[edited]


def test_a_rewritten_cohort_makes_reviews_outdated(agir, own: Path, tmp_path: Path):
    finish(own, "AB", "aaa")
    walk = next(iter(offered(Cohort.open(own))))
    texts = tmp_path / "texts.json"
    good = "Foot: The speed is normal. Arm: Arm swing is normal. Overall: The rhythm is regular."
    texts.write_text(json.dumps({walk: good}), encoding="utf8")
    assert agir("annotate", own, "--writer", "file", "--texts", texts).code == 0
    ended = agir("review", own, "--summary")
    assert f"outdated, the text was replaced since: {walk} (AB)" in ended.out and "16 of 16 texts are open" in ended.out


def test_a_full_disk_during_apply_leaves_the_texts_and_a_second_run_goes_on(agir, own: Path, monkeypatch):
    finish(own, "AB", "eaa" + "r", edits=("The speed is clearly reduced.",), lines=("no",))
    before = (own / "rationales.jsonl").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    ended = agir("review", own, "--apply")
    monkeypatch.undo()
    assert ended.code == 1 and "No space left on device" in ended.err and (own / "rationales.jsonl").read_bytes() == before
    assert agir("review", own, "--apply").code == 0 and len(Cohort.open(own).rationales()) == 15


def test_what_is_refused(agir, own: Path):
    for words, said in (
        ((), "expected a terminal to review in"),
        (("--summary", "--apply"), "expected one of --summary, --apply and --export"),
        (("--reviewer", "SUB01", "--apply"), "is a subject of this cohort"),
        (("--only", "none"), "invalid value"),
        (("--export", own), "got the folder"),
    ):
        ended = agir("review", own, *words)
        assert ended.code == 2 and said in ended.err, words
    (own / "rationales.jsonl").unlink()
    ended = agir("review", own, "--summary")
    assert ended.code == 1 and "has no rationales to review" in ended.err


def test_the_command_on_a_terminal(own: Path):
    """Asked for an id, decides, edits inline and in an editor, rejects, undoes, quits, and goes on where it stopped."""
    code, printed = on_terminal(
        ["review", own, "--walks", "SUB01_*"],
        [
            ("patient's name): ", "AB\n"),
            ("? help", "a"), ("? help", "e"), ("then Enter: ", "\x15Both arms swing with a score of 1.\n"),
            ("[Y/n] ", "\n"), ("then Enter: ", "\x15Both arms swing well.\n"),
            ("? help", "\x1b[A"), ("is no key", "r"), ("no reason) ", "not measured\n"),
            ("? help", "u"), ("? help", "q"),
        ],
    )
    assert code == 0 and "not taken" in printed and "16 of 16 texts are open for AB" in printed
    assert [(section, action) for _, section, action in actions(own)] == [
        ("foot", "accept"), ("arm", "edit"), ("overall", "reject"), ("overall", "undo")
    ]
    assert read_history(own).decisions[1].after == "Both arms swing well."
    editor = own.parent / "editor.sh"
    editor.write_text('#!/bin/sh\nprintf "The rhythm is regular." > "$1"\n')
    editor.chmod(0o755)
    code, printed = on_terminal(["review", own], [("? help", "e"), ("? help", "\x03")], {"EDITOR": str(editor)})
    assert code == 130 and "reviewer AB" in printed and "15 of 16 texts are open for AB" in printed
    last = read_history(own).decisions[-1]
    assert (last.section, last.action, last.after) == ("overall", "edit", "The rhythm is regular.")


def test_a_narrow_terminal_without_colours_and_signs(own: Path):
    plain = {"COLUMNS": "60", "LINES": "30", "NO_COLOR": "1", "PYTHONIOENCODING": "ascii", "TERM": "dumb"}
    code, printed = on_terminal(["review", own, "--reviewer", "AB"], [("? help", "a"), ("? help", "q")], plain)
    assert code == 0 and "\x1b[" not in printed and printed.isascii()
    assert "> 1 Foot  open" in printed and "+ walking speed" in printed and "1.20+/-0.20" in printed
    screens = [line for line in printed.replace("\r", "").splitlines() if "texts are open" not in line]
    assert max(map(len, screens)) <= 60 + len("+/-") * 2


def test_where_others_review_too_the_remembered_id_is_only_proposed(own: Path):
    assert on_terminal(["review", own, "--reviewer", "AB"], [("? help", "a"), ("? help", "q")])[0] == 0
    assert on_terminal(["review", own], [("? help", "q")])[0] == 0
    code, printed = on_terminal(["review", own, "--reviewer", "CD"], [("? help", "a"), ("? help", "q")])
    code, printed = on_terminal(["review", own], [("name) [CD]: ", "AB\n"), ("? help", "a"), ("? help", "q")])
    assert code == 0 and "reviewer AB" in printed
    assert [(one.reviewer, one.section) for one in read_history(own).decisions] == [("AB", "foot"), ("CD", "foot"), ("AB", "arm")]
