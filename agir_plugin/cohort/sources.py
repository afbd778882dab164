"""What a reader of a public data set hands to the builder of a cohort: walks, how to read each, and what else was found."""
from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agir_plugin.cohort.splits import Fold
from agir_plugin.records import Recording


@dataclass(frozen=True)
class Source:
    """One walk that may enter a cohort: names, label, and how to read it; a refusal says why it is left out unread.

    `state` is "on", "off" or ""; `score` is None for a walk without a label. `place` is the path below the given folder, with
    `#walk` for one of several in a file; `sha256` is that of the file, or of the walk's own values in it. `read` is a
    `functools.partial` of a module's function, so that it can be sent to a worker process; it raises UnreadableFile or
    UnusableRecording. `static` marks a standing trial.
    """

    walk: str
    subject: str
    state: str
    score: int | None
    place: str
    sha256: str
    read: Callable[[], Recording]
    refusal: str = ""
    static: bool = False


@dataclass(frozen=True)
class Found:
    """All walks of a data set, kept and refused, in their natural order.

    `notes` goes into cohort.json: files of other kinds, sessions without a label, labels without recordings. `folds` holds
    published partitions, name of the scheme -> its folds.
    """

    sources: tuple[Source, ...]
    notes: Mapping[str, Any] = field(default_factory=dict)
    folds: Mapping[str, tuple[Fold, ...]] = field(default_factory=dict)


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sealed(path: Path) -> tuple[str, str]:
    """A recording's SHA-256 and "", or "" and why the file cannot be opened: one such file must not stop all others."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return "", "it is no file but a pipe or device; write the recording to a file first"
        return file_sha256(path), ""
    except OSError as error:
        return "", f"it cannot be opened ({error.strerror or error}); check the file and its permissions"
