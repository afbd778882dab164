"""A file in, its bytes out, decompressed where needed; never more of them than the limits allow."""
from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agir_plugin.errors import UnreadableFile

#: Biggest file, and most bytes that a compressed file may unpack to (the biggest CARE-PD cohort has 438 MB).
MOST_BYTES = 1 << 30
#: Bytes that may be made beyond three times the file's own: sparse matrices become dense (SMPL's joint regressor: 1.3 MB).
DENSE_BYTES = 1 << 28
#: Copies of the file's bytes that reading makes: text of Python 2 -> bytes -> array.
COPIES = 3
#: Memory that unpacking lzma may use; its strongest preset needs 65 MB.
LZMA_BYTES = 1 << 27
#: Instructions that are followed; each may make one value of up to 216 bytes. A cohort of 1700 walks has about 200 000.
MOST_STEPS = 4_000_000
#: Bytes unpacked at a time.
CHUNK = 1 << 22


class Decompressor(Protocol):
    """What zlib, bz2, lzma and lz4 have in common."""

    eof: bool
    unused_data: bytes

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """At most `max_length` bytes of what `data` unpacks to."""


@dataclass
class Budget:
    """Bytes that may still be made, and values that may still be built, from one file."""

    bytes_left: int
    steps_left: int = MOST_STEPS

    @classmethod
    def of(cls, content: bytes) -> Budget:
        """The budget for a file of these bytes."""
        return cls(COPIES * len(content) + DENSE_BYTES)

    def spend(self, n_bytes: int) -> None:
        """Count bytes that are about to be made; ValueError when there are more than the file can mean."""
        self.bytes_left -= n_bytes
        if self.bytes_left < 0:
            raise ValueError("it asks for far more memory than the file has bytes")

    def step(self) -> None:
        """Count one instruction of the pickle; ValueError when there are too many."""
        self.steps_left -= 1
        if self.steps_left < 0:
            raise ValueError("it has too many instructions for a file of arrays")


class Reader:
    """Bytes read one after the other; EOFError where they end too early."""

    def __init__(self, content: bytes) -> None:
        """Start at the first byte."""
        self.content = content
        self.place = 0

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        start, end = self.place, self.place + count
        if count < 0 or end > len(self.content):
            raise EOFError(f"{count} bytes expected, {len(self.content) - start} left")
        self.place = end
        return self.content[start:end]

    def line(self) -> bytes:
        """The bytes up to the next line feed, without it."""
        end = self.content.find(b"\n", self.place)
        if end < 0:
            raise EOFError("a line without its end")
        line = self.content[self.place : end]
        self.place = end + 1
        return line


def unpacked(path: Path) -> bytes:
    """The bytes of a file, decompressed when its first bytes are those of zlib, gzip, bz2, lzma, xz or lz4.

    UnreadableFile when it is empty or has, or unpacks to, more than `MOST_BYTES`.
    """
    if path.is_dir():
        raise UnreadableFile(f"{path}: expected a pickle file, got a folder; name the file in it")
    size = path.stat().st_size
    if size == 0:
        raise UnreadableFile(f"{path}: expected a pickle file, got an empty one (0 bytes); copy it again")
    if size > MOST_BYTES:
        raise UnreadableFile(f"{path}: expected at most {MOST_BYTES >> 20} MB, got {size >> 20} MB; store it in parts")
    raw = path.read_bytes()
    kind = next((kind for prefix, kind in _PREFIXES.items() if raw.startswith(prefix)), None)
    return raw if kind is None else _decompress(raw, kind, path)


def _decompress(raw: bytes, make: Callable[[], Decompressor], path: Path) -> bytes:
    try:
        packed, parts, size = make(), [], 0
        for part in _parts(packed, raw):
            size += len(part)
            if size > MOST_BYTES:
                raise UnreadableFile(
                    f"{path}: expected a file that unpacks to at most {MOST_BYTES >> 20} MB, but it goes on; if you trust it, "
                    "store it uncompressed and in parts"
                )
            parts.append(part)
    except ImportError:
        raise UnreadableFile(f"{path}: the file is packed with lz4, which needs the package lz4: pip install lz4") from None
    except (zlib.error, lzma.LZMAError, RuntimeError) as error:
        raise ValueError(f"the compressed data are damaged: {error}") from None
    except OSError as error:
        if isinstance(error, UnreadableFile):
            raise
        raise ValueError(f"the compressed data are damaged: {error}") from None  # so says bz2
    if not packed.eof or packed.unused_data:
        raise ValueError("the compressed data " + ("end too early" if not packed.eof else "are followed by others"))
    return b"".join(parts)


def _parts(packed: Decompressor, raw: bytes) -> Iterator[bytes]:
    for start in range(0, len(raw), CHUNK):
        data, part = raw[start : start + CHUNK], b""
        while not packed.eof and (data or len(part) == CHUNK):
            part = packed.decompress(data, CHUNK)
            data = getattr(packed, "unconsumed_tail", b"")  # zlib hands back its input, the others keep it
            yield part


def _lz4() -> Decompressor:
    from lz4.frame import LZ4FrameDecompressor

    return LZ4FrameDecompressor()


#: First bytes of a packed file -> its decompressor. None of them starts a pickle.
_PREFIXES: dict[bytes, Callable[[], Decompressor]] = {
    b"\x78": zlib.decompressobj,
    b"\x1f\x8b": lambda: zlib.decompressobj(wbits=31),
    b"BZh": bz2.BZ2Decompressor,
    b"\x5d\x00\x00": lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=LZMA_BYTES),
    b"\xfd7zXZ\x00": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=LZMA_BYTES),
    b"\x04\x22\x4d\x18": _lz4,
}
