"""`agir task`: list, show, lint, new, export."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.fixture
def balance(agir, tmp_path: Path) -> Path:
    """A starter template."""
    ended = agir("task", "new", "balance", "--path", tmp_path / "balance.yaml")
    assert (ended.code, ended.err) == (0, f"wrote {tmp_path / 'balance.yaml'}\n")
    return tmp_path / "balance.yaml"


def test_list_names_the_shipped_templates_one_per_line(agir, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    ended = agir("task", "list")
    assert (ended.code, ended.err) == (0, "")
    assert [line.split()[0] for line in ended.out.splitlines()] == ["generative", "reasoning"]


def test_show_prints_as_many_instructions_as_asked_for(agir):
    ended = agir("task", "show", "reasoning", "--count", 3)
    assert ended.code == 0
    assert "motion_to_answer (200 inputs)" in ended.out
    assert len([line for line in ended.out.splitlines() if line.startswith("  ")]) == 3


def test_show_names_the_nearest_template(agir, tmp_path: Path):
    ended = agir("task", "show", "reasonin")
    assert ended.code == 2 and "did you mean 'reasoning'?" in ended.err
    missing = agir("task", "show", tmp_path / "none.yaml")
    assert missing.code == 1 and "none.yaml: expected a task template, found no such file" in missing.err


def test_a_new_template_lints_clean_and_is_never_overwritten(agir, balance: Path):
    assert agir("task", "lint", balance).err == f"{balance}: no errors\n"
    before = balance.read_bytes()
    again = agir("task", "new", "balance", "--path", balance)
    assert again.code == 2 and "nothing was changed" in again.err
    assert balance.read_bytes() == before


def test_lint_prints_findings_on_stdout_and_ends_with_2(agir, balance: Path):
    balance.write_text(balance.read_text(encoding="utf8").replace("<Motion_Placeholder>", ""), encoding="utf8")
    ended = agir("task", "lint", balance)
    assert ended.code == 2
    first = ended.out.splitlines()[0]
    assert first.startswith(
        f"error: {balance}: motion_to_answer: input 1: expected exactly one <Motion_Placeholder>, found none in '"
    )
    assert first.endswith("; put it in once")
    assert ended.err.startswith(f"agir: {balance}: expected a template without errors, got ")


def test_a_template_without_its_placeholder_is_not_exported(agir, balance: Path, tmp_path: Path):
    balance.write_text(balance.read_text(encoding="utf8").replace("<Motion_Placeholder>", ""), encoding="utf8")
    ended = agir("task", "export", balance, "--out", tmp_path / "out")
    assert (ended.code, ended.out) == (2, "")
    assert "expected exactly one <Motion_Placeholder>, found none" in ended.err and ended.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_text_that_is_no_yaml_is_one_line(agir, tmp_path: Path):
    (tmp_path / "broken.yaml").write_text("name: [")
    ended = agir("task", "lint", tmp_path / "broken.yaml")
    assert ended.code == 2
    assert "broken.yaml: not valid YAML" in ended.err and ended.err.count("\n") == 1


def test_export_makes_the_folder_and_writes_what_is_named(agir, balance: Path, tmp_path: Path):
    assert agir("task", "export", "--out", tmp_path / "shipped").code == 0
    shipped = json.loads((tmp_path / "shipped" / "template_instructions.json").read_text(encoding="utf8"))
    assert len(next(iter(shipped.values()))["motion_to_answer"]["input"]) == 200
    assert agir("task", "export", balance, "--out", tmp_path / "own").code == 0
    assert [path.name for path in (tmp_path / "own").iterdir()] == ["template_instructions.json"]
    blocked = agir("task", "export", "--out", balance)
    assert blocked.code == 2 and "--out: expected a folder, got the file" in blocked.err
