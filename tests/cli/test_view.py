"""`agir view`: where the page goes, what is refused, when a browser is opened."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import pytest

from agir_plugin.consts import NOT_A_DEVICE
from agir_plugin.report.viewer import SYNTHETIC


@pytest.fixture
def opened(monkeypatch) -> list[str]:
    """The addresses that were to be opened; no browser is started."""
    found: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda address: found.append(address) or True)
    return found


def test_a_page_is_written_here_under_the_files_name(agir, files: Path, tmp_path: Path, monkeypatch, opened):
    monkeypatch.chdir(tmp_path)
    ended = agir("view", files / "walk.c3d")
    assert (ended.code, ended.out, ended.err) == (0, "", "wrote walk.html\n")
    page = (tmp_path / "walk.html").read_text("utf8")
    assert page.startswith("<!doctype html>") and NOT_A_DEVICE in page and str(files) not in page
    assert SYNTHETIC not in page and opened == []
    assert [path.name for path in tmp_path.iterdir()] == ["walk.html"]
    assert agir("view", files / "walk.c3d").code == 0  # its own page may be written again
    assert (tmp_path / "walk.html").read_text("utf8") == page


def test_a_page_of_somebody_else_is_left_alone(agir, files: Path, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("walk.html").write_text("<p>mine</p>")
    ended = agir("view", files / "walk.c3d")
    assert ended.code == 2 and "agir view did not make it; name another one with --out" in ended.err
    assert Path("walk.html").read_text() == "<p>mine</p>"
    assert agir("view", files / "walk.c3d", "--out", "walk.html").code == 0  # asked for by name


def test_stdout_and_frame_rate(agir, files: Path):
    ended = agir("view", files / "walk.npy", "--fps", "100", "--out", "-")
    assert (ended.code, ended.err) == (0, "")
    assert "100 frames per second" in ended.out and "one frame in 2 shown" in ended.out


def test_walks_of_a_synthetic_cohort_say_so(agir, cohort: Path, files: Path):
    walk = sorted((cohort / "joints").glob("*.npy"))[0]
    assert SYNTHETIC in agir("view", walk, "--out", "-").out
    assert SYNTHETIC in agir("view", files / "walk.c3d", "--synthetic", "--out", "-").out


def test_a_refused_walk_is_a_result(agir, files: Path):
    ended = agir("view", files / "standing.c3d", "--out", "-")
    assert ended.code == 0 and "This walk was refused" in ended.out and "the person stands" in ended.out


def test_the_browser_is_opened_only_when_asked(agir, files: Path, tmp_path: Path, opened):
    page = tmp_path / "look" / "a walk.html"
    assert agir("view", files / "walk.c3d", "--out", page, "--open").code == 0
    assert opened == [page.as_uri()] and page.is_file()


def test_without_a_browser_the_page_is_there_and_one_is_told(agir, files: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(webbrowser, "open", lambda address: False)
    ended = agir("view", files / "walk.c3d", "--out", tmp_path / "walk.html", "--open")
    assert ended.code == 0 and "no browser was found; open" in ended.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--out", "-", "--open"), "a browser cannot open stdout"),
        (("--out", "other.c3d"), "the name of a recording; name the result file after --out"),
        (("--fps", "0"), "expected frames per second above 0"),
    ],
)
def test_wrong_use(agir, files: Path, words, says):
    ended = agir("view", files / "walk.c3d", *words)
    assert (ended.code, ended.out) == (2, "") and says in ended.err


@pytest.mark.parametrize("name", ["truncated.c3d", "empty.c3d", "noise.npy", "unknown.c3d", "missing.c3d"])
def test_what_cannot_be_read_is_one_line_and_no_page(agir, files: Path, tmp_path: Path, name: str):
    ended = agir("view", files / name, "--out", tmp_path / "walk.html")
    assert (ended.code, ended.out) == (1, "") and ended.err.count("\n") == 1 and str(files / name) in ended.err
    assert not list(tmp_path.iterdir())
