"""What `agir ingest` says of options that it would not look at, of closed folders and of copies: one line each."""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from agir_plugin.cli.app import run


@pytest.mark.parametrize(("words", "said"), [
    (["lab", "--trimmed", "drop"], "--trimmed is for `agir ingest shida` only; leave it out"),
    (["shida", "lab", "--folds", "x.pkl"], "--folds is for `agir ingest carepd` only; leave it out"),
    (["carepd", "x.pkl", "--labels", "x.csv"], "--labels is not for `agir ingest carepd`: its file holds the scores; leave it out"),
])  # fmt: skip
def test_options_that_would_not_be_looked_at(words: list[str], said: str, tmp_path: Path, capsys) -> None:
    assert run(["ingest", *words, "--out", str(tmp_path / "out")]) == 2
    assert said in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_closed_folders_and_copies_are_said(record: Callable[..., Path], tmp_path: Path, closed_folders, capsys) -> None:
    copy = record("SUB01_on_walk_1").with_name("SUB02_on_walk_1.npy")
    copy.write_bytes(record("SUB01_on_walk_1").read_bytes())
    (copy.parent / "closed").mkdir()
    assert run(["ingest", str(copy.parent), "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().err
    assert f"what is in them is not in the cohort: {copy.parent / 'closed'}; check their permissions" in said
    assert "SUB01_on_walk_1.npy = SUB02_on_walk_1.npy; remove the copies" in said
