"""A JSON file of texts by walk in, one normalised text per walk out (writer `file`)."""
from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agir_plugin.errors import UnreadableFile, UsageError
from agir_plugin.rationale.normalise import normalise
from agir_plugin.rationale.writers import Job, WriterFailure, WriterOptions, Written, refuse_options
from agir_plugin.records import GaitParameters

#: Most walks or keys that a notice names one by one.
NAMED = 5


@dataclass(frozen=True)
class FileWriter:
    """Texts that somebody else wrote, such as the published annotations of AGIR; `texts` maps walk -> text."""

    path: Path
    texts: Mapping[str, str]

    def write(self, parameters: GaitParameters, score: int, key: str) -> Written:
        """The file's text for this walk; WriterFailure when it has none or an unusable one."""
        if key not in self.texts:
            raise WriterFailure(f"{self.path.name} has no text for this walk")
        found = normalise(self.texts[key])
        if found.rationale is None:
            raise WriterFailure(f"{self.path.name}: {found.problem}")
        return Written(found.rationale, model=self.path.name, deviations=found.deviations)

    def notices(self, jobs: Iterable[Job]) -> tuple[str, ...]:
        """Walks without a text, and texts without a walk."""
        walks = {key for _, _, key in jobs}
        lines = []
        for names, what in (
            (sorted(walks - set(self.texts)), f"of {len(walks)} walks have no text in it"),
            (sorted(set(self.texts) - walks), f"of its {len(self.texts)} texts belong to no labelled walk"),
        ):
            if names:
                more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
                lines.append(f"{self.path}: {len(names)} {what}: {', '.join(names[:NAMED])}{more}")
        return tuple(lines)


def configure(options: WriterOptions) -> FileWriter:
    """The writer of `options.texts`: a JSON object walk -> text.

    Raises UsageError without a file, and as `read_texts` does.
    """
    refuse_options("file", options, known=("texts",))
    if options.texts is None:
        raise UsageError("the writer file needs the texts: name a JSON file of texts by walk with --texts FILE")
    path = Path(options.texts)
    return FileWriter(path, read_texts(path))


def read_texts(path: Path) -> dict[str, str]:
    """The texts of a JSON file by their keys, in its order.

    Raises UnreadableFile for a file that is missing, is no JSON object of texts, holds none, or has a key twice.
    """
    try:
        texts = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=_without_repetition)
    except FileNotFoundError:
        raise UnreadableFile(f"{path}: does not exist; expected a JSON file of texts by walk") from None
    except (ValueError, OSError, RecursionError) as error:
        raise UnreadableFile(f"{path}: expected a JSON object of texts by walk, but reading it failed ({error})") from None
    wrong = _wrong(texts)
    if wrong:
        raise UnreadableFile(
            f'{path}: expected a JSON object such as {{"SUB01_off_walk_1": "Foot: ... Arm: ... Overall: ..."}}, '
            f"got {wrong}; give one text per walk"
        )
    return {_storable(key): _storable(text) for key, text in texts.items()}


def _storable(text: str) -> str:
    """The text with a question mark for each half of a surrogate pair, which JSON can spell and no file can hold."""
    return text.encode("utf8", "replace").decode("utf8")


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        key, times = Counter(key for key, _ in pairs).most_common(1)[0]
        raise ValueError(f"the key {key!r} occurs {times} times")
    return found


def _wrong(texts: Any) -> str:
    """What else than texts by walk a JSON value holds; "" when it is right."""
    if not isinstance(texts, dict):
        return f"a {type(texts).__name__}"
    if not texts:
        return "an object without any text"
    key = next((key for key, text in texts.items() if not isinstance(text, str)), None)
    return "" if key is None else f"a {type(texts[key]).__name__} for {key!r}"
