"""A writer's registered name and its options in, a `Writer` that turns gait parameters into checked texts out.

Two kinds of object may stand in the entry-point group `agir_plugin.writers`: a plain function
`write(parameters, score, key) -> Rationale`, or, for a writer that takes options, an object with
`configure(options: WriterOptions) -> Writer`.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Protocol

from agir_plugin.errors import AgirError, UsageError
from agir_plugin.rationale.leakage import forbidden
from agir_plugin.records import GaitParameters, Rationale
from agir_plugin.registry import WRITERS, get

#: One walk to write for: its parameters, its score, its name.
Job = tuple[GaitParameters, int, str]


class WriterFailure(AgirError):
    """One walk got no usable text; the message says why. The others are not affected."""


class ServerDown(WriterFailure):
    """One walk got no text because the server could not be reached or kept failing; the next may fare the same."""


class AnswerStore(Protocol):
    """Where a writer keeps answers by prompt hash, so that a second run asks only for what is missing."""

    def get(self, key: str) -> str | None:
        """The stored answer, or None."""

    def put(self, key: str, answer: str) -> None:
        """Store an answer, whole or not at all."""


@dataclass(frozen=True)
class WriterOptions:
    """What a user may tell a writer. Fields that a writer does not know must be left at their defaults.

    `base_url`, `model`, `confirmed_host`, `per_minute` (requests, 0: no limit), `timeout_s` and `store` are for language
    models behind a server; `texts` is a JSON file of texts by walk.
    """

    base_url: str = ""
    model: str = ""
    confirmed_host: str = ""
    per_minute: float = 60.0
    timeout_s: float = 60.0
    texts: Path | None = None
    store: AnswerStore | None = None

    def given(self) -> tuple[str, ...]:
        """Names of the options that a user set, in order."""
        own = ("store",)
        return tuple(
            field.name for field in fields(self)
            if field.name not in own and getattr(self, field.name) != field.default
        )


@dataclass(frozen=True)
class Written:
    """One text and where it comes from; `deviations` are what had to be mended or was found wrong, in plain words."""

    rationale: Rationale
    model: str = ""
    prompt_hash: str = ""
    deviations: tuple[str, ...] = ()


class Writer(Protocol):
    """A writer that is ready to write. Raises WriterFailure for a walk that gets no usable text."""

    def write(self, parameters: GaitParameters, score: int, key: str) -> Written:
        """The text of one walk; `key` is the walk's name, which never leaves the machine."""

    def notices(self, jobs: Iterable[Job]) -> tuple[str, ...]:
        """What the user should know before the first text is written, such as an estimate of the cost."""


@dataclass(frozen=True)
class PlainWriter:
    """A registered function as a `Writer`; what it may not say is reported as deviations."""

    function: Callable[[GaitParameters, int, str], Rationale]

    def write(self, parameters: GaitParameters, score: int, key: str) -> Written:
        """The function's text, and what it gives away or may not speak of."""
        rationale = self.function(parameters, score, key)
        return Written(rationale, deviations=forbidden(rationale))

    def notices(self, jobs: Iterable[Job]) -> tuple[str, ...]:
        """Nothing: the function asks nobody."""
        return ()


def open_writer(name: str, options: WriterOptions = WriterOptions()) -> Writer:
    """The registered writer, ready to write.

    Raises UsageError for an unknown name, for options that the writer does not take, and for missing ones.
    """
    found: Any = get(WRITERS, name)
    if hasattr(found, "configure"):
        return found.configure(options)
    refuse_options(name, options, known=())
    return PlainWriter(found)


def refuse_options(name: str, options: WriterOptions, known: Iterable[str]) -> None:
    """Raise UsageError when an option was given that the writer does not know."""
    strange = [option for option in options.given() if option not in known]
    if strange:
        takes = ", ".join(map(_flag, known)) or "none"
        raise UsageError(
            f"the writer {name} was given {', '.join(map(_flag, strange))}, but the options that it takes are: "
            f"{takes}; leave the others out or name another writer"
        )


def _flag(option: str) -> str:
    return "--confirm-host" if option == "confirmed_host" else f"--{option.removesuffix('_s').replace('_', '-')}"
