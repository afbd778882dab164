"""What `agir` says of itself: help, version, wrong use, light start, and that the documents' commands are real ones."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from agir_plugin.cli.app import CommandLineError, app

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
#: Packages that only commands may load.
HEAVY = (
    "torch",
    "transformers",
    "scipy",
    "ezc3d",
    "pandas",
    "sklearn",
    "pytorch_lightning",
    "matplotlib",
    "mGPT",
    "numpy",
)
COMMANDS = (
    "demo", "doctor", "gait", "view", "assess", "synth", "ingest", "annotate", "tokenize", "train", "test", "task", "model",
    "motiongpt",
)  # fmt: skip


def test_the_command_line_starts_without_anything_heavy():
    code = f"import sys, agir_plugin.cli.app; print([name for name in {HEAVY} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_help_lists_every_command_and_the_exit_codes(agir):
    ended = agir("--help")
    assert (ended.code, ended.err) == (0, "")
    assert all(re.search(rf"│ {name} ", ended.out) for name in COMMANDS)
    assert "1 could not, 2 wrong use" in ended.out


def test_each_command_explains_itself_with_an_example(agir):
    for name in COMMANDS:
        ended = agir(name, "--help")
        assert ended.code == 0
        explained = ended.out.partition("Usage:")[2].partition("\n")[2]
        assert f"agir {name}" in explained, name


def test_version(agir):
    ended = agir("--version")
    assert (ended.code, ended.err) == (0, "")
    assert re.fullmatch(r"agir-plugin \d+\.\d+\.\d+\n", ended.out)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("bogus",), "no such command 'bogus'"),
        (("gait",), "missing argument 'FILE'; see `agir gait --help`"),
        (("gait", "walk.c3d", "--jsn", "x"), "no such option"),
        (("assess", "walk.c3d"), "missing option '--model'"),
        (("synth",), "missing option '--out'"),
        (("synth", "--out", "x", "--subjects", "2"), "'--subjects'"),
        (("train",), "missing option '--cfg'"),
        (("train", "--cfg", "agir_vq.yaml", "BATCH"), "expected settings as KEY=VALUE, got 'BATCH'"),
        (("train", "--cfg", "agir_vp.yaml"), "got agir_vp.yaml, which is neither; did you mean 'agir_vq.yaml'?"),
        (("train", "--cfg", "nowhere/agir_vq.yaml"), "got nowhere/agir_vq.yaml, which is neither"),
        (("task", "show", "reasoning", "--count", "0"), "'--count'"),
    ],
)
def test_wrong_use_is_one_line_on_stderr_and_exit_code_2(agir, words, says):
    ended = agir(*words)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("agir: ") and ended.err.count("\n") == 1
    assert says in ended.err


def test_no_words_at_all_show_the_help(agir):
    ended = agir()
    assert ended.code == 2
    assert "Usage: agir" in ended.out + ended.err


def test_doctor_names_what_is_there(agir):
    ended = agir("doctor")
    assert (ended.code, ended.err) == (0, "everything that is needed is there\n")
    assert {"python", "torch", "ezc3d", "MotionGPT"} <= {line.split()[0] for line in ended.out.splitlines()}


def test_doctor_says_what_is_missing_and_what_to_do(agir, monkeypatch):
    monkeypatch.setenv("MOTIONGPT_ROOT", "/nowhere")
    monkeypatch.setattr("agir_plugin.cli.doctor.NEEDED", {"no-such-package": ("no_such_package", "nothing")})
    ended = agir("doctor")
    assert ended.code == 1
    assert "no-such-package is not installed: run `pip install no-such-package`" in ended.err
    assert "/nowhere: expected a MotionGPT checkout" in ended.err


def test_doctor_compares_versions_with_those_asked_for(agir, monkeypatch):
    monkeypatch.setattr("agir_plugin.cli.doctor._wanted", lambda: {"numpy": ">=999"})
    ended = agir("doctor")
    assert ended.code == 1
    assert re.search(r"numpy is [\d.]+, expected >=999: run `pip install 'numpy>=999'`", ended.err)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_commands_in_a_document_are_understood(document):
    for command in _written_commands(document.read_text(encoding="utf8")):
        _parse(command)


def test_the_commands_in_the_help_texts_are_understood():
    found = [command for text in _help_texts(typer.main.get_command(app)) for command in _written_commands(text)]
    assert len(found) >= 15
    for command in found:
        _parse(command)


def test_the_readme_shows_every_command_of_the_way_from_recording_to_score():
    found = {command.split()[1] for command in _written_commands((ROOT / "README.md").read_text(encoding="utf8"))}
    assert {"gait", "ingest", "annotate", "tokenize", "assess", "doctor"} <= found


def _written_commands(text: str) -> Iterator[str]:
    """`agir ...` of code blocks (a line each, without its comment) and of `inline code`; not AGIR in a sentence."""
    blocks = re.findall(r"^```[^\n]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line.partition("#")[0].strip().removeprefix("$ ") for block in blocks for line in block.splitlines()]
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    inline = [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose)]
    yield from (code for code in [*lines, *inline] if re.match(r"agir [a-z-]", code))


def _parse(written: str) -> None:
    """Fail unless the words name a command that takes these options; a bare name is only a mention of the command."""
    command: Any = typer.main.get_command(app)
    name, *words = shlex.split(written)
    while words and hasattr(command, "commands"):
        assert words[0] in command.commands or words[0].startswith("--"), f"{written}: there is no command {words[0]!r}"
        if words[0].startswith("--"):
            break
        name, command = words[0], command.commands[words.pop(0)]
    if not words or words == ["--help"]:
        return
    try:
        command.make_context(name, words)
    except typer.Exit:
        return
    except CommandLineError as error:
        pytest.fail(f"{written}: {error.format_message()}")


def _help_texts(command: Any) -> Iterator[str]:
    yield command.help or ""
    yield command.epilog or ""
    for child in getattr(command, "commands", {}).values():
        yield from _help_texts(child)
