"""Text tables as laboratories export them enter, decoded lines and float64 cells leave."""
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from agir_plugin.errors import UnreadableFile

#: Larger text files than this are no walk; reading them would need gigabytes of memory, bytes.
LARGEST_TEXT = 60_000_000
#: Words for a value that is not there, in lower case.
MISSING = frozenset({"", "nan", "-nan", "na", "n/a", "null", "none", "-", "--", "1.#qnan", "-1.#ind", "#n/a"})


def lines_of(path: Path) -> list[str]:
    """The file's lines without line ends; UTF-8 with or without byte order mark, UTF-16, else Latin-1.

    Raises UnreadableFile when the file is larger than `LARGEST_TEXT`.
    """
    size = path.stat().st_size
    if size > LARGEST_TEXT:
        raise UnreadableFile(
            f"{path}: expected a text file of at most {LARGEST_TEXT:,} bytes, got {size:,}; cut it into single walks"
        )
    return decode(path.read_bytes()).splitlines()


def decode(raw: bytes) -> str:
    """Text of the bytes; what is not UTF-8 is taken for Latin-1, in which every byte means something."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", "replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def numbers(cells: Sequence[str], where: str) -> np.ndarray:
    """(N,) float64 of the cells; empty cells and the words of `MISSING` are NaN, and 1,5 is 1.5.

    Raises UnreadableFile, with `where` ("FILE, line 7"), at the first cell that is no number.
    """
    try:
        return np.array(cells, dtype=np.float64)
    except ValueError:
        return np.array([_number(cell, where) for cell in cells], dtype=np.float64)


def is_number(cell: str) -> bool:
    """Whether a cell holds a number, with a decimal point or comma."""
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True


def _number(cell: str, where: str) -> float:
    word = cell.strip().lower()
    if word in MISSING:
        return float("nan")
    try:
        return float(word.replace(",", "."))
    except ValueError:
        raise UnreadableFile(
            f"{where}: expected a number or an empty cell, got {cell.strip()[:40]!r}; the file is damaged, export it again"
        ) from None
