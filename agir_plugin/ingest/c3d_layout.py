"""Bytes of a C3D file enter, its header and parameter groups leave, each offset checked against the file's length.

The layout follows the public C3D user guide (Motion Lab Systems, 2008; c3d.org). It is read here rather than through
ezc3d because a damaged parameter section can end the whole process inside that library, which no caller can catch.
"""
from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agir_plugin.errors import UnreadableFile
from agir_plugin.ingest.places import doubles

#: Every C3D section starts on a multiple of this many bytes.
BLOCK_BYTES = 512
#: Second byte of every C3D file, and of its parameter section.
MAGIC = 0x50
#: Processor codes of the parameter section -> byte order; DEC also has its own floating point.
BYTE_ORDERS = {84: "<", 85: "<", 86: ">"}
DEC = 85
#: Parameter data type -> bytes per element.
ELEMENT_BYTES = {-1: 1, 1: 1, 2: 2, 4: 4}

Groups = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Layout:
    """Where a C3D file keeps its frames. `first_frame` counts from 0; `scale` is negative when frames are floats."""

    points: int
    analog_values: int
    first_frame: int
    last_frame: int
    scale: float
    data_start: int
    rate_hz: float
    order: str
    dec: bool


def parse(raw: bytes, path: Path) -> tuple[Layout, Groups]:
    """Header and parameters; parameter values are float arrays, or lists of stripped strings, by GROUP and NAME.

    Raises UnreadableFile when a magic number is missing or a section points outside the file.
    """
    if len(raw) < 2 * BLOCK_BYTES:
        raise UnreadableFile(
            f"{path}: expected at least {2 * BLOCK_BYTES} bytes of C3D header and parameters, got {len(raw)}; "
            "the file is truncated, copy it again"
        )
    start = (raw[0] - 1) * BLOCK_BYTES
    if raw[1] != MAGIC or start < BLOCK_BYTES or start + 4 > len(raw):
        raise UnreadableFile(
            f"{path}: expected a C3D header (byte 2 is 0x50, byte 1 the parameter block), got {raw[:2].hex(' ')}; "
            "the file is damaged or of another kind"
        )
    processor = raw[start + 3]
    if processor not in BYTE_ORDERS:
        raise UnreadableFile(
            f"{path}: expected C3D processor code 84, 85 or 86, got {processor}; the parameter section is damaged"
        )
    layout = _header(raw, BYTE_ORDERS[processor], processor == DEC)
    end = layout.data_start if layout.data_start > start else len(raw)
    return layout, _parameters(raw[start + 4 : end], layout.order, layout.dec, path)


def floats(data: bytes | np.ndarray, order: str, dec: bool) -> np.ndarray:
    """32-bit floats of the file's processor as float64; DEC's have swapped halves and an exponent 2 higher."""
    if dec:
        halves = np.frombuffer(data, "<u2").reshape(-1, 2)[:, ::-1]
        return doubles(np.ascontiguousarray(halves).view("<f4").reshape(-1)) / 4.0
    return doubles(np.frombuffer(data, f"{order}f4"))


def number(groups: Groups, group: str, name: str) -> float | None:
    """The first number of a parameter, or None when the file does not have it."""
    value = groups.get(group, {}).get(name)
    return float(value.flat[0]) if isinstance(value, np.ndarray) and value.size else None


def texts(groups: Groups, group: str, name: str) -> list[str]:
    """The strings of a parameter and of its continuations (NAME2, NAME3, ...), in order; C3D ends a list at 255."""
    found = groups.get(group, {})
    values: list[str] = []
    for suffix in ("", *(str(k) for k in range(2, 100))):
        part = found.get(name + suffix)
        if not isinstance(part, list):
            break
        values.extend(part)
    return values


def _header(raw: bytes, order: str, dec: bool) -> Layout:
    points, analog, first, last = struct.unpack_from(f"{order}4H", raw, 2)
    (data_block,) = struct.unpack_from(f"{order}H", raw, 16)
    scale, rate = (float(floats(raw[at : at + 4], order, dec)[0]) for at in (12, 20))
    return Layout(points, analog, first - 1, last - 1, scale, (data_block - 1) * BLOCK_BYTES, rate, order, dec)


def _parameters(section: bytes, order: str, dec: bool, path: Path) -> dict[str, dict[str, Any]]:
    names: dict[int, str] = {}
    rows: list[tuple[int, str, Any]] = []
    at = 0
    while at + 2 <= len(section):
        length, group = struct.unpack_from("bb", section, at)
        link = at + 2 + abs(length)
        name = section[at + 2 : link].decode("ascii", "replace").strip().upper()
        if length == 0:
            break
        if link + 2 > len(section):
            raise _damaged(path, name)
        (step,) = struct.unpack_from(f"{order}H", section, link)
        end = link + 2
        if group < 0:
            names[-group] = name
        else:
            value, end = _value(section, end, order, dec, path, name)
            rows.append((group, name, value))
        if step == 0:
            break
        at = link + step
        if at < end:
            raise _damaged(path, name)
    groups: dict[str, dict[str, Any]] = {name: {} for name in names.values()}
    for group, name, value in rows:
        groups.setdefault(names.get(group, f"#{group}"), {}).setdefault(name, value)
    return groups


def _value(section: bytes, at: int, order: str, dec: bool, path: Path, name: str) -> tuple[Any, int]:
    """A parameter's value and the place after it."""
    if at + 2 > len(section):
        raise _damaged(path, name)
    kind, rank = struct.unpack_from("bB", section, at)
    begin = at + 2 + rank
    sizes = list(section[at + 2 : begin])
    end = begin + math.prod(sizes) * ELEMENT_BYTES.get(kind, 0)
    if kind not in ELEMENT_BYTES or len(sizes) != rank or end > len(section):
        raise _damaged(path, name)
    data = section[begin:end]
    if kind == -1:
        width = sizes[0] if sizes else 1
        return [_text(data[k : k + width]) for k in range(0, len(data), max(width, 1))], end
    if kind == 4:
        return floats(data, order, dec), end
    return np.frombuffer(data, "u1" if kind == 1 else f"{order}u2").astype(np.float64), end


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").replace("\0", " ").strip()


def _damaged(path: Path, name: str) -> UnreadableFile:
    return UnreadableFile(
        f"{path}: expected C3D parameter {name[:40]!r} to end inside the parameter section, but it does not; "
        "the file is damaged, export it again"
    )
