"""A cohort folder in, and for as long as this process works on it no other one may."""
from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agir_plugin.errors import CohortError

#: File of the folder that is locked; it goes with the work. After a kill it stays behind unlocked, and does no harm.
LOCK = ".lock"


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold `folder` (made when missing) until the end; CohortError when another process holds it.

    A lock of the operating system: it ends with the process, however that ends. Where there is none (Windows), and where a file
    stands in the folder's place, nothing is held.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    if folder.exists() and not folder.is_dir():
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / LOCK
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            mine = os.path.samestat(os.fstat(file.fileno()), path.stat())  # not one that its holder has just removed
        except (BlockingIOError, FileNotFoundError):
            mine = False
        if not mine:
            raise CohortError(f"{folder}: another run is writing this cohort; wait until it has ended, or choose another folder")
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
