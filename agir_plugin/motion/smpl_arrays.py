"""A .npz or .pkl file from anywhere enters, the named arrays in it leave: nothing of the file is ever executed.

The sizes that a file claims are checked before memory is taken for them.
"""
from __future__ import annotations

import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from agir_plugin.errors import UnreadableFile

#: First bytes of a .npz file, which is a zip archive.
ZIP_MAGIC = b"PK\x03\x04"
#: More than this is taken for no array of a body or of its motion, bytes (2 hours of SMPL-X at 30 fps are 285 MB).
MOST_BYTES = 512 * 2**20
#: Most numbers of one entry: 2 hours of SMPL-X at 30 fps are 35.6 million, and 285 MB once they are float64.
MOST_VALUES = 36_000_000
#: Most of them in nested lists, which take ten times the memory.
MOST_LISTED = 2_000_000
#: Names that an error message lists.
MOST_NAMES = 16
_ENDING = ".npy"


def read_arrays(path: Path, names: Collection[str]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The entries of a .npz or .pkl file that are in `names`, and the names of all its entries.

    An entry of a .npz that only a pickle could restore is left out. A .pkl is read by `agir_plugin.unpickle`, which
    knows plain values and arrays only; its values come as they are.

    Raises UnreadableFile when the file is damaged, claims more than `MOST_BYTES`, is a pickle of anything but a mapping,
    or is of another type.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(len(ZIP_MAGIC))
    except OSError as error:
        raise UnreadableFile(f"{path}: the file cannot be opened ({error}); check the path and its permissions") from None
    if magic == ZIP_MAGIC:
        return _from_zip(path, names)
    if path.suffix.lower() == ".npz":
        raise UnreadableFile(
            f"{path}: expected a .npz archive of arrays, got first bytes {magic.hex(' ')}; the file is damaged, copy it again"
        )
    return _from_pickle(path, names)


def plain_array(path: Path, name: str, value: Any) -> np.ndarray:
    """The array of an entry that may also be a number or nested lists; of kind "O" where that is no rectangle.

    UnreadableFile when it has more than `MOST_VALUES` values; lists within lists of a pickle can stand for any number of them.
    """
    if isinstance(value, (list, tuple)):
        _check_lists(path, name, value)
    try:
        array = np.asarray(value)
    except ValueError:  # rows of unequal length
        return np.zeros(0, dtype=object)
    if array.size > MOST_VALUES:
        raise _too_many(path, name)
    return array


def _check_lists(path: Path, name: str, value: Any) -> None:
    waiting, count = [value], 0
    while waiting:
        here = waiting.pop()
        count += len(here)
        if count > MOST_LISTED:
            raise _too_many(path, name)
        waiting.extend(part for part in here if isinstance(part, (list, tuple)))


def _too_many(path: Path, name: str) -> UnreadableFile:
    return UnreadableFile(
        f"{path}: expected at most {MOST_VALUES} numbers in {name} ({MOST_LISTED} in lists), got more; cut a long recording into "
        "parts"
    )


def listed(names: Collection[str]) -> str:
    """Names for an error message, the first `MOST_NAMES` of them."""
    words = [str(name)[:40] for name in list(names)[:MOST_NAMES]]
    more = f", ... ({len(names)} in all)" if len(names) > MOST_NAMES else ""
    return (", ".join(words) + more) or "nothing"


def _from_zip(path: Path, names: Collection[str]) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename.removesuffix(_ENDING): info for info in archive.infolist()}
            wanted = {name: info for name, info in members.items() if name in names}
            _check_sizes(path, wanted.values())
            arrays = {name: _member(path, archive, info) for name, info in wanted.items()}
    except UnreadableFile:
        raise
    except Exception as error:  # a damaged archive or header can raise almost anything
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise UnreadableFile(
            f"{path}: expected a .npz archive of arrays, got one that cannot be read ({reason}); copy or save it again"
        ) from None
    return {name: array for name, array in arrays.items() if array is not None}, tuple(members)


def _check_sizes(path: Path, members: Collection[zipfile.ZipInfo]) -> None:
    total = sum(info.file_size for info in members)
    if total > MOST_BYTES:
        raise _too_large(path, total)


def _member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray | None:
    """One array of the archive, or None when it holds Python objects."""
    with archive.open(info) as file:
        shape, dtype = _header(file)
    if dtype.hasobject:
        return None
    claimed = int(np.prod([int(length) for length in shape], dtype=object)) * dtype.itemsize
    if claimed > info.file_size:  # NumPy would take the claimed memory before it reads
        raise UnreadableFile(
            f"{path}: expected {claimed} bytes in {info.filename}, got {info.file_size}; the file is damaged, copy it again"
        )
    with archive.open(info) as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def _header(file: BinaryIO) -> tuple[tuple[int, ...], np.dtype]:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    return shape, dtype


def _from_pickle(path: Path, names: Collection[str]) -> tuple[dict[str, Any], tuple[str, ...]]:
    from agir_plugin import unpickle

    size = path.stat().st_size
    if size > MOST_BYTES:
        raise _too_large(path, size)
    found = unpickle.load(path)
    if not isinstance(found, dict):
        raise UnreadableFile(
            f"{path}: expected a mapping of names to arrays, got {type(found).__name__}; it is a file of another kind"
        )
    return {name: value for name, value in found.items() if name in names}, tuple(str(name) for name in found)


def _too_large(path: Path, size: int) -> UnreadableFile:
    return UnreadableFile(
        f"{path}: expected arrays of at most {MOST_BYTES // 2**20} MiB, got a claim of {size // 2**20} MiB; "
        "the file is damaged or of another kind; cut a long recording into parts"
    )
