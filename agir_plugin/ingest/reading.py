"""A path enters, a `Recording` leaves: finds the registered reader that knows the file's first bytes."""
from __future__ import annotations

from pathlib import Path
from typing import Any

from agir_plugin import registry
from agir_plugin.errors import HostError, UnreadableFile, UsageError
from agir_plugin.ingest.places import FASTEST_FPS
from agir_plugin.records import Recording

#: Bytes shown to a reader's `sniff`; enough for every format's magic number and a whole .npy header.
HEAD_BYTES = 4096
#: What AppleDouble files start with (RFC 1740).
APPLE_DOUBLE = b"\x00\x05\x16\x07"


def read(path: Path | str, fps: float | None = None) -> Recording:
    """The recording in one file, in the file's own axes, metres.

    The content decides the format, not the name. Readers are modules registered under `agir_plugin.readers`, each with
    `sniff(head, path) -> bool`, `read(path, fps=None) -> Recording` and, if it wants its file endings to be known in
    error messages, `SUFFIXES`. `fps` replaces the file's own frame rate.

    Raises UnreadableFile when the file is missing, empty, of no known type, not what its ending says, or damaged;
    UsageError when `fps` is not above 0 or above `FASTEST_FPS`.
    """
    path = Path(path)
    if fps is not None and not 0 < fps <= FASTEST_FPS:  # not true for NaN either
        raise UsageError(
            f"expected a frame rate above 0 and up to {FASTEST_FPS:g} frames per second for {path}, got {fps!r}"
        )
    head = _head(path)
    readers = _readers()
    name = _choose(head, path, readers)
    return readers[name].read(path, fps)


def endings() -> tuple[str, ...]:
    """The file endings that the registered readers know, in lower case, sorted."""
    return tuple(sorted({ending for reader in _readers().values() for ending in getattr(reader, "SUFFIXES", ())}))


def is_recording(path: Path | str) -> bool:
    """Whether a file of a folder looks like a recording; cheap: at most its first `HEAD_BYTES` bytes are read.

    A known ending is enough. Readers without one of their own, such as that of CSV tables, may have `SEARCHED` endings and
    `found(head, path) -> bool`, which tells their files from others of that ending (labels, results, sensors). Folders,
    pipes, broken links, empty files, files that cannot be opened and what macOS keeps beside a file (`._walk.c3d`) are none.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if not path.is_file() or _apple_double(path):
        return False
    readers = _readers().values()
    if any(suffix in getattr(reader, "SUFFIXES", ()) for reader in readers):
        return True
    searched = [reader for reader in readers if suffix in getattr(reader, "SEARCHED", ())]
    try:
        head = _head(path) if searched else b""
    except UnreadableFile:
        return False
    return any(reader.found(head, path) for reader in searched)


def _apple_double(path: Path) -> bool:
    """Whether this is the file of attributes that macOS writes beside `path` on foreign disks and into archives."""
    if not path.name.startswith("._"):
        return False
    try:
        with path.open("rb") as file:
            return file.read(len(APPLE_DOUBLE)) == APPLE_DOUBLE
    except OSError:
        return False


def _readers() -> dict[str, Any]:
    found = {name: registry.get(registry.READERS, name) for name in registry.names(registry.READERS)}
    if not found:
        raise HostError(
            f"expected recording readers under the entry point {registry.READERS}, found none: agir-plugin is not "
            "installed here; run `pip install -e .` in its folder"
        )
    return found


def _head(path: Path) -> bytes:
    if path.is_dir():
        raise UnreadableFile(f"{path}: expected a recording, got a folder; name one of the files in it")
    if path.exists() and not path.is_file():
        raise UnreadableFile(f"{path}: expected a file, got a pipe or device; write the recording to a file first")
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except FileNotFoundError:
        raise UnreadableFile(f"{path}: there is no such file; check the path and its spelling") from None
    except (OSError, ValueError) as error:
        raise UnreadableFile(f"{path}: the file cannot be opened ({error}); check its permissions") from None
    if not head:
        raise UnreadableFile(f"{path}: the file is empty (0 bytes); copy or export it again")
    return head


def _choose(head: bytes, path: Path, readers: dict[str, Any]) -> str:
    suffix = path.suffix.lower()
    named = [name for name, reader in readers.items() if suffix in getattr(reader, "SUFFIXES", ())]
    fitting = [name for name, reader in readers.items() if reader.sniff(head, path)]
    both = [name for name in fitting if name in named]
    if both:
        return both[0]
    if named and fitting:
        raise UnreadableFile(
            f"{path}: the ending {suffix} says {suffix[1:]}, but the first bytes are those of a {fitting[0]} file; "
            "rename it to what it is"
        )
    if named:
        raise UnreadableFile(
            f"{path}: the ending {suffix} says {suffix[1:]}, but the first bytes ({head[:8].hex(' ')}) are not; "
            "the file is damaged or of another kind, export it again"
        )
    if fitting:
        return fitting[0]
    raise UnreadableFile(
        f"{path}: expected a recording ({', '.join(endings())}), got a file of unknown type ({suffix or 'no ending'}, "
        f"first bytes {head[:8].hex(' ')}); convert it to one of these"
    )
