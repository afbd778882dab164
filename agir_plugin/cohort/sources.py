"""What may enter a cohort: one `Source` per walk, with its names, its label and the way to read it."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agir_plugin.cohort.splits import Fold
from agir_plugin.records import Recording


@dataclass(frozen=True)
class Source:
    """One walk that may enter a cohort; a `refusal` says why it is left out unread.

    `place` is its path as it was given (with `#walk` for one of several in a file), `sha256` the hash of its content.
    `read` can be pickled, so that another process can call it. `static` marks a standing trial.
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
    """The sources of a collection, in order; `notes` go into cohort.json, `folds` are published ones by scheme."""

    sources: tuple[Source, ...]
    notes: Mapping[str, Any] = field(default_factory=dict)
    folds: Mapping[str, tuple[Fold, ...]] = field(default_factory=dict)
