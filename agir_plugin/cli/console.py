"""Where the command line prints: results to stdout or the named file, messages and progress to stderr."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from agir_plugin.errors import UsageError

#: Console for results.
OUT = Console()
#: Console for messages, warnings and progress.
ERR = Console(stderr=True)
#: Name of a result file that means stdout.
STDOUT = "-"


def say(message: str) -> None:
    """One message line on stderr."""
    ERR.print(message, markup=False, highlight=False, soft_wrap=True)


def show(line: str) -> None:
    """One result line on stdout, as it is: no markup, no wrapping."""
    OUT.print(line, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr; yields `update(done, total)`.

    Where stderr is no terminal, one line is printed at the end, and none for a single piece of work.
    """
    if not ERR.is_terminal:
        seen, began = {"total": 0}, time.monotonic()
        yield lambda done, total: seen.update(total=total)
        if seen["total"] > 1:
            say(f"{title}: {seen['total']} in {time.monotonic() - began:.0f} s")
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=ERR) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def waiting(title: str) -> Iterator[None]:
    """A spinner on stderr while something of unknown length goes on; nothing where stderr is no terminal."""
    if not ERR.is_terminal:
        yield
        return
    with ERR.status(title):
        yield


def check_result_files(targets: dict[str, str | Path | None]) -> None:
    """Refuse, before any work is done, result files that cannot be meant; `targets` is option -> file, `-` or None.

    Raises UsageError for a folder, for a path below a file, for the name of a recording (`--json walk.c3d`, where the
    option's own value was forgotten, would overwrite it), and for two results on stdout.
    """
    from agir_plugin.ingest.reading import endings

    named = {option: Path(target) for option, target in targets.items() if target is not None}
    if sum(str(path) == STDOUT for path in named.values()) > 1:
        raise UsageError(
            f"expected at most one of {' and '.join(named)} on stdout (-), got both; name a file for one of them"
        )
    for option, path in named.items():
        if path.suffix.lower() in endings():
            raise UsageError(
                f"{option}: expected a file to write, got {path}, the name of a recording; name the result file after "
                f"{option}"
            )
        if path.is_dir():
            raise UsageError(f"{option}: expected a file to write, got the folder {path}; name a file in it")
        above = next(parent for parent in path.absolute().parents if parent.exists())
        if not above.is_dir():
            raise UsageError(
                f"{option}: expected a file to write, got {path}, but {above} is a file and not a folder; "
                "choose another place"
            )


def write_result(text: str, out: str | Path) -> None:
    """A result's text to stdout (`-`) or, whole or not at all, to a file."""
    if str(out) == STDOUT:
        sys.stdout.write(text)
        return
    from agir_plugin.cohort.files import write_text

    write_text(Path(out), text)
    say(f"wrote {out}")


def write_json_result(value: Any, out: str | Path) -> None:
    """One JSON document to stdout (`-`) or to a file."""
    write_result(json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n", out)
