"""The text of an ASF skeleton enters, its bones (parents before children) leave."""
from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agir_plugin.errors import UnreadableFile
from agir_plugin.ingest.cells import lines_of

#: More bones than any skeleton has; a guard against damaged files.
MOST_BONES = 1000
#: Larger files are no skeleton (CMU's have 20 kB), bytes.
LARGEST_SKELETON = 2_000_000
#: No length or angle of a skeleton reaches this, in any unit.
LARGEST = 1e7
#: A divisor of the length unit below this is no unit (CMU: 0.45); 1 is taken, as where none is named.
SMALLEST_UNIT = 1e-6
#: Degrees of freedom that a bone or root may have; TL and L stretch and are read over.
DOFS = ("tx", "ty", "tz", "rx", "ry", "rz", "l", "tl")


@dataclass
class Bone:
    """One bone. `direction` is a unit vector in the skeleton's axes, `length` in file units, angles in radians.

    `parent` is an index into the list of bones, -1 for the root, which has no length.
    """

    name: str
    parent: int = -1
    direction: tuple[float, float, float] = (0.0, 0.0, 0.0)
    length: float = 0.0
    axis: tuple[float, float, float] = (0.0, 0.0, 0.0)
    order: str = "xyz"
    dofs: tuple[str, ...] = ()
    position: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Skeleton:
    """Bones, the length unit's divisor (`length` of `:units`), and whether the motion's angles are degrees."""

    bones: list[Bone]
    length_unit: float
    degrees: bool


def read_skeleton(path: Path) -> Skeleton:
    """The skeleton of an ASF file. Raises UnreadableFile at the first part that ASF does not have in its place."""
    sections = _sections(path)
    units = {row[0].lower(): row[1] for row in sections.get("units", []) if len(row) > 1}
    degrees = units.get("angle", "deg").lower().startswith("deg")
    root = _root(sections.get("root", []), degrees, path)
    bones = {"root": root}
    blocks = _blocks(sections.get("bonedata", []))
    if not 0 < len(blocks) < MOST_BONES:
        raise _damaged(path, f"1 to {MOST_BONES - 1} bones in :bonedata", f"{len(blocks)}")
    for rows in blocks:
        bone = _bone(rows, degrees, path)
        bones[bone.name] = bone
    ordered = _ordered(bones, sections.get("hierarchy", []), path)
    (length_unit,) = _floats([units.get("length", "1")], 1, "a number after `length`", path)
    return Skeleton(ordered, length_unit if length_unit > SMALLEST_UNIT else 1.0, degrees)


def _sections(path: Path) -> dict[str, list[list[str]]]:
    """Section name -> its lines as words; the words after the name are its first line; comments are left out."""
    sections: dict[str, list[list[str]]] = {}
    rows: list[list[str]] = []
    for line in lines_of(path, LARGEST_SKELETON):
        words = line.split("#")[0].split()
        if words and words[0].startswith(":"):
            rows = sections.setdefault(words[0][1:].lower(), [])
            words = words[1:]
        if words:
            rows.append(words)
    return sections


def _blocks(rows: Sequence[list[str]]) -> list[list[list[str]]]:
    """The rows between each `begin` and `end`."""
    blocks: list[list[list[str]]] = []
    for row in rows:
        if row[0].lower() == "begin":
            blocks.append([])
        elif row[0].lower() != "end" and blocks:
            blocks[-1].append(row)
    return blocks


def _root(rows: Sequence[list[str]], degrees: bool, path: Path) -> Bone:
    parts = {row[0].lower(): row[1:] for row in rows}
    order = "".join(parts.get("axis", ["XYZ"])).lower()
    bone = Bone("root", order=_order(order, path), dofs=_dofs(parts.get("order", ["TX", "TY", "TZ", "RX", "RY", "RZ"]), path))
    bone.axis = _angles(parts.get("orientation", ["0", "0", "0"]), degrees, path)
    bone.position = _floats(parts.get("position", ["0", "0", "0"]), 3, "three numbers after `position`", path)
    return bone


def _bone(rows: Sequence[list[str]], degrees: bool, path: Path) -> Bone:
    parts = {row[0].lower(): row[1:] for row in rows}
    if not parts.get("name"):
        raise _damaged(path, "a `name` in each bone", " ".join(rows[0]) if rows else "an empty bone")
    bone = Bone(parts["name"][0], dofs=_dofs(parts.get("dof", []), path))
    direction = _floats(parts.get("direction", []), 3, f"three numbers after `direction` of {bone.name}", path)
    size = math.hypot(*direction)
    bone.direction = tuple(part / size for part in direction) if size > 0 else direction
    (bone.length,) = _floats(parts.get("length", []), 1, f"a number after `length` of {bone.name}", path)
    axis = parts.get("axis", ["0", "0", "0", "XYZ"])
    bone.axis = _angles(axis[:3], degrees, path)
    bone.order = _order("".join(axis[3:]).lower() or "xyz", path)
    return bone


def _ordered(bones: dict[str, Bone], rows: Sequence[list[str]], path: Path) -> list[Bone]:
    """Bones with their parents set, parents first, as the hierarchy section names them."""
    children: dict[str, list[str]] = {}
    for row in rows:
        if row[0].lower() not in ("begin", "end"):
            children.setdefault(row[0], []).extend(row[1:])
    ordered = [bones["root"]]
    placed = {"root": 0}
    for bone in ordered:
        for name in children.get(bone.name, []):
            if name not in bones or name in placed:
                raise _damaged(path, "each bone once below its parent in :hierarchy", name)
            placed[name] = len(ordered)
            bones[name].parent = placed[bone.name]
            ordered.append(bones[name])
    lost = [name for name in bones if name not in placed]
    if lost:
        raise _damaged(path, "every bone in :hierarchy", f"none for {', '.join(lost[:5])}")
    return ordered


def _order(letters: str, path: Path) -> str:
    if not re.fullmatch(r"[xyz]{1,3}", letters):
        raise _damaged(path, "an axis order such as XYZ", letters)
    return letters


def _dofs(words: Sequence[str], path: Path) -> tuple[str, ...]:
    dofs = tuple(word.lower() for word in words)
    if any(dof not in DOFS for dof in dofs):
        raise _damaged(path, "degrees of freedom such as rx ry rz", " ".join(words))
    return dofs


def _angles(words: Sequence[str], degrees: bool, path: Path) -> tuple[float, ...]:
    values = _floats(words, 3, "three angles after `axis` or `orientation`", path)
    return tuple(math.radians(value) for value in values) if degrees else values


def _floats(words: Sequence[str], count: int, expected: str, path: Path) -> tuple[float, ...]:
    try:
        values = tuple(float(word) for word in words[:count])
    except ValueError:
        raise _damaged(path, expected, " ".join(words)) from None
    if len(values) != count or not all(abs(value) < LARGEST for value in values):
        raise _damaged(path, expected, " ".join(words))
    return values


def _damaged(path: Path, expected: str, got: str) -> UnreadableFile:
    return UnreadableFile(
        f"{path}: expected {expected} in the ASF skeleton, got {got[:60]!r}; the file is truncated or damaged"
    )
