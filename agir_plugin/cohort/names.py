"""Names as file systems and tables hold them in, names that every file system and table can hold out."""
from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

#: Most bytes of a walk's name: files are named `W_pass12.json`, and file systems take 255 bytes.
MOST_NAME_BYTES = 230
#: Most letters of a subject from a file of data.
MOST_SUBJECT = 100
#: Start of the names of what macOS adds to folders of other file systems and to archives.
MACOS = "._"
_STRANGE = re.compile(r"[\x00-\x1f\x7f\\/\ud800-\udfff]")


def plain_name(stem: str) -> str:
    """A walk's name out of a file's: composed (NFC), without control characters and bytes that are no text, and not too long.

    macOS decomposes umlauts in file names and Excel does not; composed, both are one name.
    """
    name = _STRANGE.sub("_", unicodedata.normalize("NFC", stem))
    if len(name.encode("utf8")) <= MOST_NAME_BYTES:
        return name
    tail = f"_{hashlib.sha256(name.encode('utf8')).hexdigest()[:8]}"
    return name.encode("utf8")[: MOST_NAME_BYTES - len(tail)].decode("utf8", "ignore") + tail


def plain_place(place: str) -> str:
    """A path that UTF-8 can hold: bytes of the file system that are no UTF-8 stand as `\\xfc`."""
    return os.fsencode(place).decode("utf8", "backslashreplace")


def subject_key(subject: str) -> str:
    """Equal for spellings of one subject: upper and lower case, composed umlauts, leading zeros, `1.0` of a spreadsheet."""
    folded = unicodedata.normalize("NFC", subject).casefold().strip()
    return re.sub(r"\d+", lambda number: number[0].lstrip("0") or "0", re.sub(r"^(\d+)\.0$", r"\1", folded))


def plain_subject(subject: Any) -> str:
    """A person's name out of whatever a file of data calls them: letters, digits, `_`, `.` and `-`, at most `MOST_SUBJECT`."""
    return re.sub(r"[^\w.-]+", "_", str(subject)[:MOST_SUBJECT])


def natural_key(name: str) -> tuple[tuple[int, int | str], ...]:
    """Orders names as people do, walk_2 before walk_10."""
    parts = re.split(r"(\d+)", name)
    return tuple((0, int(part[:MOST_NAME_BYTES])) if part.isdecimal() else (1, part) for part in parts)


def numbered(name: str) -> Iterator[str]:
    """`name`, `name_2`, `name_3` and so on."""
    yield name
    number = 2
    while True:
        yield f"{name}_{number}"
        number += 1
