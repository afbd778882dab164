"""Text tables as laboratories export them enter, decoded lines and float64 cells leave."""
from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from agir_plugin.errors import UnreadableFile

#: Larger text files than this are no walk; reading them would need gigabytes of memory, bytes.
LARGEST_TEXT = 60_000_000
#: Numbers of a text are converted so many at a time, which bounds the memory for their words.
BATCH = 1_000_000
#: Words for a value that is not there, in lower case.
MISSING = frozenset({"", "na", "n/a", "null", "none", "-", "--", "#n/a"})
#: ... and the ways in which languages and their libraries write not-a-number: -nan(ind), nan(snan), 1.#QNAN, -1.#IND00.
_NOT_A_NUMBER = re.compile(r"[+-]?(nan(\(\w*\))?|1\.?[#$](qnan|snan|ind)\d*)")


def lines_of(path: Path, largest: int = LARGEST_TEXT) -> list[str]:
    """The file's lines without line ends; UTF-8 with or without byte order mark, UTF-16, else Latin-1.

    Raises UnreadableFile as `bytes_of` does.
    """
    return decode(bytes_of(path, largest)).splitlines()


def bytes_of(path: Path, largest: int = LARGEST_TEXT) -> bytes:
    """The content of a text file. Raises UnreadableFile when it cannot be read or is larger than `largest`."""
    if not path.is_file():
        raise UnreadableFile(f"{path}: the file cannot be read (a folder, a pipe or a broken link); put the file itself there")
    try:
        size = path.stat().st_size
        raw = path.read_bytes() if size <= largest else b""
    except OSError as error:
        raise UnreadableFile(f"{path}: the file cannot be read ({error.strerror or error}); check it and its permissions") from None
    if size > largest:
        raise UnreadableFile(
            f"{path}: expected a text file of at most {largest:,} bytes, got {size:,}; cut it into single walks"
        )
    return raw


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


def table(rows: Iterable[tuple[int, Sequence[str]]], count: int, width: int, path: Path) -> np.ndarray:
    """(count, width) float64 of rows of cells with their line numbers, in batches; NaN where a row is shorter.

    Raises UnreadableFile at the first cell that is no number, with its line.
    """
    values = np.full((count, width), np.nan)
    batch: list[tuple[int, Sequence[str]]] = []
    done = 0
    for row in rows:
        batch.append(row)
        if len(batch) * width >= BATCH:
            _fill(values[done : done + len(batch)], batch, path)
            done += len(batch)
            batch = []
    _fill(values[done : done + len(batch)], batch, path)
    return values


def is_number(cell: str) -> bool:
    """Whether a cell holds a number, with a decimal point or comma."""
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True


def _fill(values: np.ndarray, rows: Sequence[tuple[int, Sequence[str]]], path: Path) -> None:
    """Numbers of a few rows into `values`; all at once where every row is whole and every cell a number."""
    width = values.shape[1]
    if all(len(cells) == width for _, cells in rows):
        try:
            values[:] = np.array([cells for _, cells in rows], dtype=np.float64).reshape(values.shape)
            return
        except ValueError:  # an empty cell, a decimal comma or damage: row by row
            pass
    for index, (line, cells) in enumerate(rows):
        values[index, : len(cells)] = numbers(cells, f"{path}, line {line}")


def _number(cell: str, where: str) -> float:
    word = cell.strip().lower()
    if word in MISSING or _NOT_A_NUMBER.fullmatch(word):
        return float("nan")
    try:
        return float(word.replace(",", "."))
    except ValueError:
        raise UnreadableFile(
            f"{where}: expected a number or an empty cell, got {cell.strip()[:40]!r}; the file is damaged, export it again"
        ) from None
