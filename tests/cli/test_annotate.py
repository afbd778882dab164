"""`agir annotate`: every writer on a small cohort, a server that misbehaves, a full disk, and running again."""
from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agir_plugin.cohort import Cohort
from agir_plugin.rationale import chat_server
from agir_plugin.records import Rationale
from tests.cli.pseudo_terminal import on_terminal
from tests.rationale.chat_double import GOOD, serving


@pytest.fixture
def own(cohort: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(cohort, tmp_path / "cohort"))


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(chat_server.ChatServer.__init__, "__defaults__", tuple(
        (lambda _: None) if value is chat_server.time.sleep else value
        for value in chat_server.ChatServer.__init__.__defaults__
    ))


def rows(folder: Path) -> dict[str, dict]:
    lines = (folder / "rationales.jsonl").read_text(encoding="utf8").splitlines()
    return {row["walk"]: row for row in map(json.loads, lines)}


def test_rules_give_the_same_bytes_and_agree_with_every_walk(agir, own: Path):
    before = (own / "rationales.jsonl").read_bytes()
    ended = agir("annotate", own)
    assert ended.code == 0 and (own / "rationales.jsonl").read_bytes() == before
    assert "16 rationales by rules" in ended.err and " 0 contradicted" in ended.err and "agreement 1.00" in ended.err
    assert "score leaks: 0; other deviations: 0" in ended.err


def asked(server, *more: str) -> tuple[str, ...]:
    return ("--writer", "openai", "--base-url", server.url, "--model", "m", "--per-minute", "0", *more)


def test_nothing_is_sent_to_a_host_that_was_not_confirmed(agir, own: Path):
    before = rows(own)
    with serving() as server:
        ended = agir("annotate", own, *asked(server))
    assert ended.code == 2 and server.seen == [] and rows(own) == before
    assert "16 calls, about" in ended.err and "add --confirm-host 127.0.0.1" in ended.err


def test_a_misbehaving_server_loses_nothing_and_a_second_run_goes_on(agir, own: Path):
    before = rows(own)
    bad = ["", "Foot: Der Gang. Arm: Die Arme. Overall: Gut.", "word " * 10_000]
    with serving(429, "half", 500, "reset", GOOD, *bad, f"**{GOOD}<score_1>", 404) as server:
        words = asked(server, "--confirm-host", "127.0.0.1")
        first = agir("annotate", own, *words)
        assert first.code == 1 and "HTTP 404" in first.err and "2 rationales by openai" in first.err
        failed = json.loads((own / "rationale_failures.json").read_text(encoding="utf8"))
        assert len(failed) == 1 and "expected at most 150 words" in next(iter(failed.values()))
        now = rows(own)
        assert sum(row["writer"] == "openai" for row in now.values()) == 2 and set(now) == set(before)
        assert all(now[walk] == before[walk] for walk in now if now[walk]["writer"] == "rules")
        calls = len(server.seen)
        second = agir("annotate", own, *words)
        assert second.code == 0 and len(server.seen) - calls == 14
        assert "14 calls" in second.err and "(2 answers are there already)" in second.err
        assert not (own / "rationale_failures.json").exists()
        sent = json.dumps(server.seen)
        assert "SUB0" not in sent and "walk_" not in sent and str(own) not in sent
    assert {row["model"] for row in rows(own).values()} == {"m"}
    assert all(len(row["prompt_hash"]) == 64 and row["reviewed_by"] == "" for row in rows(own).values())


def test_a_dead_server_is_left_alone_after_a_few_walks(agir, own: Path):
    before = rows(own)
    with serving(*[500] * 100) as server:
        ended = agir("annotate", own, *asked(server, "--confirm-host", "127.0.0.1"))
        assert ended.code == 0 and len(server.seen) == 3 * chat_server.TRIES
    failed = json.loads((own / "rationale_failures.json").read_text(encoding="utf8"))
    assert len(failed) == 16 and rows(own) == before and "16 walks got no text" in ended.err


def test_a_full_disk_leaves_what_was_there(agir, own: Path, monkeypatch):
    before = (own / "rationales.jsonl").read_bytes()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    ended = agir("annotate", own)
    monkeypatch.undo()
    assert ended.code == 1 and "No space left on device" in ended.err and "make room" in ended.err
    assert (own / "rationales.jsonl").read_bytes() == before and not list(own.rglob("*.tmp"))


def test_texts_from_a_file_keep_the_others_and_reviewed_ones(agir, own: Path, tmp_path: Path):
    names = sorted(rows(own))
    lines = [row | ({"reviewed_by": "AB"} if walk == names[1] else {}) for walk, row in rows(own).items()]
    (own / "rationales.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lines), encoding="utf8")
    before = rows(own)
    texts = tmp_path / "texts.json"
    texts.write_text(json.dumps({names[0]: f"**Foot:**{GOOD[5:]}", names[1]: GOOD, "SUB99_on_walk_1": GOOD}))
    ended = agir("annotate", own, "--writer", "file", "--texts", texts)
    assert ended.code == 0 and "belong to no labelled walk" in ended.err and "SUB99_on_walk_1" in ended.err
    assert "14 of 15 walks have no text" in ended.err and "1 reviewed rationales were kept" in ended.err
    after = rows(own)
    changed = [walk for walk in names if after[walk] != before[walk]]
    assert changed == [names[0]] and after[names[0]]["writer"] == "file"
    assert after[names[0]]["deviations"] == ["markdown removed"]
    again = agir("annotate", own, "--writer", "file", "--texts", texts, "--replace-reviewed")
    assert again.code == 0 and rows(own)[names[1]]["writer"] == "file"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_second_run_of_the_rules_leaves_every_file_of_the_cohort_as_it_is(agir, own: Path):
    agir("annotate", own, "--writer", "rules")
    first = contents(own)
    assert agir("annotate", own, "--writer", "rules").code == 0 and contents(own) == first


@pytest.mark.parametrize(
    "trouble",
    [
        "stall", "reset", "half", 500, 429, (429, {"Retry-After": "2"}), (429, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
        (503, {"Retry-After": "soon"}), "", "Foot: La marche est lente. Arm: Les bras sont raides. Overall: Le rythme est lent.",
        "word " * 10_000, f"{GOOD} " * 400, f"<reasoning_start>{GOOD}<reasoning_end><score_start><score_1><score_end></s>",
        f"```\n**Foot:** {GOOD[6:]}\n```", GOOD.replace("steps", "steps\x00\ufeff"),
    ],
    ids=str,
)
def test_every_walk_gets_its_text_whatever_the_server_does_once_in_a_while(agir, own: Path, trouble):
    with serving(trouble, GOOD, GOOD, trouble, trouble) as server:
        ended = agir("annotate", own, *asked(server, "--confirm-host", "127.0.0.1", "--timeout", "1"))
    assert ended.code == 0 and "16 rationales by openai" in ended.err
    found = rows(own)
    assert {f"Foot: {row['foot']} Arm: {row['arm']} Overall: {row['overall']}" for row in found.values()} == {GOOD}
    assert len(found) == 16 and not (own / "rationale_failures.json").exists() and not list(own.rglob("*.tmp"))


def test_half_a_surrogate_pair_in_an_answer_ends_nothing(agir, own: Path):
    with serving(GOOD.replace("steps", "steps\ud83d")) as server:
        ended = agir("annotate", own, *asked(server, "--confirm-host", "127.0.0.1"))
    assert ended.code == 0 and "16 rationales by openai" in ended.err and len(list((own / "answers").iterdir())) == 16


def test_a_disk_that_fills_between_two_answers_keeps_those_before_and_a_rerun_asks_for_the_others(agir, own: Path, monkeypatch):
    before, real, done = (own / "rationales.jsonl").read_bytes(), os.replace, []

    def filling(*paths: object) -> None:
        if len(done) == 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        done.append(paths)
        real(*paths)

    with serving() as server:
        words = asked(server, "--confirm-host", "127.0.0.1")
        monkeypatch.setattr("os.replace", filling)
        ended = agir("annotate", own, *words)
        monkeypatch.undo()
        assert ended.code == 1 and "No space left on device" in ended.err and "run the same command again" in ended.err
        assert (own / "rationales.jsonl").read_bytes() == before and len(list((own / "answers").iterdir())) == 5
        assert len(server.seen) == 6 and not list(own.rglob("*.tmp"))
        again = agir("annotate", own, *words)
        assert again.code == 0 and len(server.seen) == 6 + 11 and "(5 answers are there already)" in again.err
    assert {row["writer"] for row in rows(own).values()} == {"openai"}


def test_a_disk_that_takes_no_file_of_that_size_leaves_the_cohort_whole(agir, own: Path):
    resource = pytest.importorskip("resource")
    (own / "texts" / "SUB01_off_walk_1.txt").unlink()
    before = (own / "rationales.jsonl").read_bytes()
    ended = subprocess.run(
        [sys.executable, "-m", "agir_plugin", "annotate", str(own)], capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500)),
    )
    assert ended.returncode == 1 and "make room" in ended.stderr and "Traceback" not in ended.stderr
    assert (own / "rationales.jsonl").read_bytes() == before and not list(own.rglob("*.tmp"))
    again = agir("annotate", own)
    assert again.code == 0 and "agreement 1.00" in again.err and (own / "texts" / "SUB01_off_walk_1.txt").is_file()


def test_a_cohort_with_one_walk(agir, files: Path, tmp_path: Path):
    scores = tmp_path / "scores.csv"
    scores.write_text("walk,subject,state,score\nwalk,SUB01,off,1\n", encoding="utf8")
    out = tmp_path / "one"
    assert agir("ingest", files / "walk.c3d", "--out", out, "--labels", scores).code == 0
    ended = agir("annotate", out)
    assert ended.code == 0 and "1 rationales by rules" in ended.err and " 0 contradicted" in ended.err
    with serving() as server:
        ended = agir("annotate", out, *asked(server, "--confirm-host", "127.0.0.1"))
        assert ended.code == 0 and "1 calls" in ended.err and len(server.seen) == 1
    assert len(rows(out)) == 1


def test_ctrl_c_keeps_the_answers_so_far(agir, own: Path):
    before = rows(own)
    with serving(GOOD, GOOD, "stall") as server:
        words = asked(server, "--confirm-host", "127.0.0.1")
        ended, _ = on_terminal(["annotate", own, *words], [("2/16", "\x03")], {"TERM": "xterm"})
        assert ended == 130 and rows(own) == before and len(list((own / "answers").iterdir())) == 2
        calls = len(server.seen)
        again = agir("annotate", own, *words)
        assert again.code == 0 and len(server.seen) - calls == 14


@pytest.mark.parametrize("keys, code, calls", [("y\n", 0, 16), ("n\n", 2, 0), ("\n", 2, 0), ("\x03", 130, 0)])
def test_on_a_terminal_the_host_is_asked_for_after_the_estimate(own: Path, keys: str, code: int, calls: int):
    before = rows(own)
    with serving() as server:
        ended, printed = on_terminal(["annotate", own, *asked(server)], [("[y/N]: ", keys)])
        assert ended == code and len(server.seen) == calls
    assert printed.index("16 calls, about") < printed.index("Send gait parameters and scores to 127.0.0.1?")
    assert "plain http" in printed and (rows(own) == before) == (calls == 0)
    if code == 2:
        assert "127.0.0.1, which was not confirmed" in " ".join(printed.split())


def test_the_published_texts_are_checked_without_a_cohort(agir, shared_data: Path, tmp_path: Path):
    path = shared_data / "agir_annotations" / "CoT_annotation.json"
    ended = agir("annotate", "--check", path, "--json", tmp_path / "report.json")
    assert ended.code == 0 and "886 texts, 886 in three parts, 0 unusable" in ended.out
    assert "score leaks: 3 (SUB01_off_walk_7, SUB05_on_walk_11, SUB10_on_walk_17)" in ended.out
    assert "missing blank put before a heading: 25 texts" in ended.out and "markdown removed: 4 texts" in ended.out
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf8"))
    assert report["share_with_a_claim"] >= 0.99 and report["parts"] == 2658 and len(report["by_text"]) == 886
    assert f"sections with an understood statement: {report['share_with_a_claim']:.3f}" in ended.out


def test_texts_with_broken_signs_are_reported(agir, tmp_path: Path):
    path = tmp_path / "texts.json"
    path.write_text(json.dumps({"A\ud800": "no \udfff text \u2713", "B": GOOD + " \ud83d"}))
    ended = agir("annotate", "--check", path, "--json", tmp_path / "report.json")
    assert ended.code == 0 and "A?: expected the parts" in ended.out and "2 texts, 1 in three parts" in ended.out
    assert set(json.loads((tmp_path / "report.json").read_text(encoding="utf8"))["by_text"]) == {"A?", "B"}


def test_texts_are_checked_against_their_walks_and_nothing_is_written(agir, own: Path, tmp_path: Path):
    before, texts = contents(own), tmp_path / "texts.json"
    written = {walk: f"Foot: {row['foot']} Arm: {row['arm']} Overall: {row['overall']}" for walk, row in rows(own).items()}
    bad = {"X": "Foot: fine.", "Y": GOOD + " A score of 1.", "Z": GOOD.replace("slightly", "markedly") + " No freezing."}
    texts.write_text(json.dumps(written | bad), encoding="utf-8-sig")
    ended = agir("annotate", own, "--check", texts)
    assert ended.code == 0 and contents(own) == before
    assert "19 texts, 18 in three parts, 1 unusable" in ended.out and "X: expected the parts" in ended.out
    assert "score leaks: 1 (Y)" in ended.out and "speaks of freezing: 1 texts" in ended.out
    assert "3 texts belong to no walk" in ended.out and " 0 contradicted" in ended.out and "agreement 1.00" in ended.out
    report = json.loads(agir("annotate", own, "--check", texts, "--json", "-").out)
    assert report["agreement"] == 1.0 and set(report["unusable"]) == {"X"} and report["score_leaks"] == ["Y"]
    assert {claim["verdict"] for claim in report["by_text"]["SUB01_off_walk_1"]["claims"]} <= {"supported", "not_checkable"}


@pytest.mark.parametrize(
    "content, says",
    [
        ("Foot: fine.", "reading it failed"), ("", "reading it failed"), ('["a"]', "got a list"), ("17", "got a int"),
        ("{}", "an object without any text"), ('{"W": 3}', "got a int for 'W'"), ('{"W": null}', "got a NoneType for 'W'"),
        ('{"W": "a", "W": "b"}', "the key 'W' occurs 2 times"), ("[" * 100_000, "reading it failed"),
        ("\udcff", "reading it failed"),
    ],
)
def test_a_file_that_holds_no_texts_is_refused_by_name(agir, tmp_path: Path, content: str, says: str):
    path = tmp_path / "texts.json"
    path.write_bytes(content.encode("utf8", "surrogateescape"))
    ended = agir("annotate", "--check", path)
    assert ended.code != 0 and says in ended.err and "texts.json" in ended.err and ended.err.count("\n") == 1


@pytest.mark.parametrize(
    "words, says",
    [
        ((), "expected a COHORT"), (("--json", "x.json"), "--json was given without --check"),
        (("--check", "a.json", "--writer", "file"), "leave out --writer"),
        (("--check", "a.json", "--model", "m"), "leave out --writer"),
        (("--pairs", "p.jsonl", "--model", "m"), "leave out --writer"),
        (("--check", "a.json", "--pairs", "p.jsonl"), "give one of them"), (("--pairs", "p.jsonl"), "expected a COHORT"),
        (("--check", "a.json", "--json", "walk.c3d"), "the name of a recording"), (("--check", "missing.json"), "does not exist"),
    ],
)
def test_options_of_the_check_that_do_not_fit_are_refused(agir, words, says: str):
    ended = agir("annotate", *words)
    assert ended.code != 0 and says in ended.err


def test_pairs_for_preference_training(agir, own: Path, tmp_path: Path):
    out = tmp_path / "pairs.jsonl"
    ended = agir("annotate", own, "--pairs", out)
    made = [json.loads(line) for line in out.read_text(encoding="utf8").splitlines()]
    assert ended.code == 0 and "counterfactual: 16 pairs, mean edit distance 0." in ended.err
    texts = {walk: Rationale(row["foot"], row["arm"], row["overall"]).text() for walk, row in rows(own).items()}
    parts = {subject: part for part, subjects in Cohort.open(own).fold().as_dict().items() for subject in subjects}
    for row in made:
        assert row["chosen"] == texts[row["walk"]] != row["rejected"] and row["score"] != row["rejected_score"]
        assert 0 < row["edit_distance"] <= 1 and f"score is {row['score']}." in row["prompt"]
        if row["kind"] == "irrelevant":
            assert row["rejected"] == texts[row["rejected_walk"]]
            assert parts[row["walk"][:5]] == parts[row["rejected_walk"][:5]]
    agir("annotate", own, "--pairs", tmp_path / "again.jsonl")
    assert (tmp_path / "again.jsonl").read_bytes() == out.read_bytes()
    (own / "rationales.jsonl").unlink()
    assert "run `agir annotate" in agir("annotate", own, "--pairs", out).err
