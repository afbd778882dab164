"""A zip archive in, its files in one folder out: none outside of it, none half-written, no more than the disk holds."""
from __future__ import annotations

import os
import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from agir_plugin.errors import UnreadableFile

#: Ending of a file while it is being written.
PART = ".part"
#: What zipfile raises for archives that are damaged, encrypted, or packed in a way it does not know.
DAMAGE = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, RuntimeError, ValueError)
#: Bytes copied at a time.
CHUNK = 1 << 20


def unpack(archive: Path, folder: Path, progress: Callable[[int, int], None] | None = None) -> dict[str, int]:
    """Unpack all files of a zip archive below `folder`; path -> size of each. A first folder named like `folder` is left out.

    `progress` is called with the bytes written and the bytes in all. UnreadableFile, before anything is written, when a
    name leads out of the folder, is no plain file, or occurs twice, or when the disk has no room; also for a damaged archive.
    """
    try:
        with zipfile.ZipFile(archive) as source:
            members = {name: info for info in source.infolist() if (name := _safe_name(archive, info))}
            members = _without_first(members, folder.name)
            _check(archive, source, members, folder)
            _write_all(source, members, folder, progress)
    except DAMAGE as error:
        raise UnreadableFile(
            f"{archive}: expected a zip archive, but reading it failed ({error}); remove it and fetch it again"
        ) from None
    return {name: info.file_size for name, info in members.items()}


def whole(folder: Path, sizes: dict[str, int]) -> bool:
    """Whether all files are in the folder, with their sizes."""
    return bool(sizes) and all(_size(folder / name) == size for name, size in sizes.items())


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1


def _safe_name(archive: Path, info: zipfile.ZipInfo) -> str:
    """The path of a member, "" for a folder; UnreadableFile when it leads elsewhere or is a link."""
    if info.is_dir():
        return ""
    path = PurePosixPath(info.filename)
    kind = stat.S_IFMT(info.external_attr >> 16)
    if path.is_absolute() or ".." in path.parts or re.search(r"[\\:\x00-\x1f]", info.filename) or not path.parts:
        raise UnreadableFile(f"{archive}: expected files within one folder, got {info.filename!r}; do not use this archive")
    if kind not in (0, stat.S_IFREG):
        raise UnreadableFile(f"{archive}: expected plain files, got a link or device {info.filename!r}; do not use this archive")
    return path.as_posix()


def _without_first(members: dict[str, zipfile.ZipInfo], first: str) -> dict[str, zipfile.ZipInfo]:
    if not all(name.startswith((f"{first}/", "__MACOSX/")) for name in members):
        return members
    return {name.removeprefix(f"{first}/"): info for name, info in members.items()}


def _check(archive: Path, source: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], folder: Path) -> None:
    files = [info for info in source.infolist() if not info.is_dir()]
    lower = {name.lower() for name in members}
    within = any(parent.as_posix() in lower for name in lower for parent in PurePosixPath(name).parents)
    if not members or len(lower) < len(files) or within:
        raise UnreadableFile(f"{archive}: expected an archive of files with names of their own; do not use this archive")
    needed = sum(info.file_size for name, info in members.items() if _size(folder / name) != info.file_size)
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise UnreadableFile(
            f"{archive}: expected {needed / 1e9:.1f} GB of free space to unpack it in {folder}, got {free / 1e9:.1f} GB; make room"
        )


def _write_all(
    source: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], folder: Path, progress: Callable[[int, int], None] | None
) -> None:
    total, done = sum(info.file_size for info in members.values()), 0
    for name, info in members.items():
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()):  # by a link that was in the folder before
            raise UnreadableFile(f"{path}: expected a place within {folder}, got a link that leads out of it; remove it")
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + PART)
        try:
            with source.open(info) as packed, part.open("wb") as file:
                shutil.copyfileobj(packed, file, CHUNK)  # zipfile stops at the size that was checked, and compares the CRC
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
        done += info.file_size
        if progress is not None:
            progress(done, total)
