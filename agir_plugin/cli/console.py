"""Where the command line prints: results to stdout, messages and progress to stderr."""
from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

#: Console for results.
OUT = Console()
#: Console for messages, warnings and progress.
ERR = Console(stderr=True)


def say(message: str) -> None:
    """One message line on stderr."""
    ERR.print(message, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr; yields `update(done, total)`. Where stderr is no terminal, one line is printed at the end."""
    if not ERR.is_terminal:
        seen = {"total": 0}
        yield lambda done, total: seen.update(total=total)
        say(f"{title}: {seen['total']} done")
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=ERR) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def write_json_result(value: Any, out: str) -> None:
    """One JSON document to stdout (`-`) or, atomically, to a file."""
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    if out == "-":
        sys.stdout.write(text)
        return
    from agir_plugin.cohort.files import write_text

    write_text(Path(out), text)
    say(f"wrote {out}")
