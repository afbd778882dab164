"""The terminal of this process: single keys, lines and an editor's text in; what a session of keys shows out."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import RenderableType

from agir_plugin.cli.console import OUT, say, show
from agir_plugin.errors import UsageError

#: Seconds in which the rest of an escape sequence (an arrow key) follows its first sign.
SEQUENCE_S = 0.02
#: Longest escape sequence, in signs.
LONGEST_SEQUENCE = 16


@dataclass(frozen=True)
class Keyboard:
    """Keys come without Enter; Ctrl-C is KeyboardInterrupt, the end of the input an empty text."""

    def key(self) -> str:
        """One key. An arrow or function key comes as one text, so that its letters are not taken for keys."""
        try:
            import termios
        except ImportError:  # Windows
            return typer.getchar()
        handle = sys.stdin.fileno()
        before = termios.tcgetattr(handle)
        try:
            _one_by_one(handle)
            return _key(handle)
        finally:
            termios.tcsetattr(handle, termios.TCSADRAIN, before)

    def line(self, question: str) -> str:
        """One line; bytes that are no text in the terminal's encoding become question marks."""
        try:
            return input(question).encode("utf8", "replace").decode("utf8")
        except EOFError:
            return ""

    def edit(self, text: str) -> str:
        """The text after $VISUAL or $EDITOR, else after it was changed in one line here (Enter alone leaves it as it is)."""
        editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
        return _edited(editor, text) if editor else _changed_here(text)

    def fits(self, what: RenderableType) -> bool:
        """True when the terminal shows the whole of it at once, with a line to spare for what is typed."""
        return len(OUT.render_lines(what, pad=False)) < OUT.size.height

    def show(self, what: object) -> None:
        """A message as it is, or anything that rich can print."""
        if isinstance(what, str):
            show(what)
        else:
            OUT.print(what)


def _changed_here(text: str) -> str:
    """The text after a line of typing that begins with it; where lines cannot be edited it is shown and typed anew."""
    try:
        import readline
    except ImportError:  # Windows
        show(text)
        return Keyboard().line("new text (Enter: leave it): ") or text
    readline.set_startup_hook(lambda: readline.insert_text(text))
    try:
        return Keyboard().line("change the text, then Enter: ") or text
    finally:
        readline.set_startup_hook(None)


def _one_by_one(handle: int) -> None:
    """Hand over every sign at once, unechoed; what was typed before is not thrown away."""
    import termios
    import tty

    tty.setcbreak(handle, termios.TCSADRAIN)


def _key(handle: int) -> str:
    import select

    found = os.read(handle, 1)
    if found == b"\x1b":
        while len(found) < LONGEST_SEQUENCE and select.select([handle], [], [], SEQUENCE_S)[0]:
            more = os.read(handle, 1)
            found += more
            if not more or len(found) > 2 and found[-1:].isalpha() or found[-1:] == b"~":
                break
    elif found and found[0] >= 0xC0:  # first byte of a sign of several
        length = 2 + (found[0] >= 0xE0) + (found[0] >= 0xF0)
        while len(found) < length and (more := os.read(handle, 1)):
            found += more
    return "" if found == b"\x04" else found.decode("utf8", "replace")


def _edited(editor: str, text: str) -> str:
    """The text as an editor program leaves it; UsageError when the program cannot be run."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "section.txt"
        path.write_text(text + "\n", encoding="utf8")
        try:
            ended = subprocess.run([*shlex.split(editor), str(path)], check=False)
        except (OSError, ValueError) as error:
            raise UsageError(
                f"expected an editor in $VISUAL or $EDITOR, but running {editor!r} failed ({error}); unset it or name another"
            ) from None
        if ended.returncode != 0:
            say(f"{editor} ended with code {ended.returncode}; the text stays as it was")
            return text
        return path.read_text(encoding="utf8", errors="replace").strip()
