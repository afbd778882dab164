"""An Acclaim skeleton (ASF) enters; its bones, with the axes they turn about, leave."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agir_plugin.errors import UnreadableFile
from agir_plugin.ingest.rotations import in_order

#: Channels of a bone or the root.
CHANNELS = ("TX", "TY", "TZ", "RX", "RY", "RZ", "L")
#: More bones than this is no skeleton of a person.
MOST_BONES = 500


@dataclass(frozen=True)
class Bone:
    """One bone: `offset` (3,) from its start to its end at rest, `axis` (3, 3) the frame it turns in, `dof` its channels."""

    name: str
    parent: int
    offset: np.ndarray
    axis: np.ndarray
    dof: tuple[str, ...]


@dataclass(frozen=True)
class Skeleton:
    """Bones, parents before children, the root first (its offset is 0); `inches` is how many inches one length unit is."""

    bones: tuple[Bone, ...]
    root_position: np.ndarray
    inches: float
    degrees: bool


def read_skeleton(path: Path) -> Skeleton:
    """Parse an ASF file. Raises UnreadableFile when a section is missing or its content is not what ASF has there."""
    text = path.read_bytes().decode("utf-8", "replace")
    sections = {m[1].lower(): m[2] for m in re.finditer(r"^:(\w+)[ \t]*([^:]*)", re.sub(r"#.*", "", text), re.MULTILINE)}
    missing = [name for name in ("units", "root", "bonedata", "hierarchy") if name not in sections]
    if missing:
        raise UnreadableFile(f"{path}: expected the sections :{', :'.join(missing)} of an ASF skeleton, found none; copy it again")
    try:
        return _skeleton(sections)
    except (ValueError, KeyError, IndexError) as error:
        raise UnreadableFile(f"{path}: this ASF skeleton cannot be understood ({error!r}); export it again") from None


def _skeleton(sections: dict[str, str]) -> Skeleton:
    units = _words(sections["units"])
    degrees = units.get("angle", ["deg"])[0].lower().startswith("deg")
    root = _words(sections["root"])
    bones = {bone.name: bone for bone in (_bone(block, degrees) for block in _blocks(sections["bonedata"]))}
    parents = _parents(sections["hierarchy"], set(bones))
    if len(parents) > MOST_BONES:
        raise ValueError(f"{len(parents)} bones")
    order = tuple(word.upper() for word in root["order"])
    axis = in_order(_angles(root["orientation"], degrees), root["axis"][0].upper())
    placed = [Bone("root", -1, np.zeros(3), axis, order)]
    index = {"root": 0}
    for name, parent in parents:
        bone = bones[name]
        index[name] = len(placed)
        placed.append(Bone(name, index[parent], bone.offset, bone.axis, bone.dof))
    position = np.array([float(word) for word in root["position"][:3]])
    return Skeleton(tuple(placed), position, 1.0 / float(units.get("length", ["1"])[0]), degrees)


def _bone(block: str, degrees: bool) -> Bone:
    words = _words(block)
    direction = np.array([float(word) for word in words["direction"][:3]])
    far = np.linalg.norm(direction)
    if not 0 < far < np.inf:
        raise ValueError(f"bone {words['name'][0]}: direction {direction}")
    offset = direction / far * float(words["length"][0])
    axis = in_order(_angles(words["axis"], degrees), words["axis"][3].upper())
    dof = tuple(word.upper() for word in words.get("dof", []))
    if set(dof) - set(CHANNELS) or not np.isfinite(offset).all():
        raise ValueError(f"bone {words['name'][0]}: dof {dof}, length {words['length']}")
    return Bone(words["name"][0], -1, offset, axis, dof)


def _blocks(text: str) -> list[str]:
    return re.findall(r"\bbegin\b(.*?)\bend\b", text, re.DOTALL)


def _parents(text: str, known: set[str]) -> list[tuple[str, str]]:
    """(bone, parent) in an order in which each parent comes before its children; every bone once."""
    found: list[tuple[str, str]] = []
    seen = {"root"}
    for line in _blocks(text)[0].splitlines():
        parent, *children = line.split() or [""]
        for name in children:
            if parent not in seen or name in seen or name not in known:
                raise ValueError(f"hierarchy: {parent} -> {name}")
            seen.add(name)
            found.append((name, parent))
    if not found:
        raise ValueError("hierarchy without bones")
    return found


def _words(text: str) -> dict[str, list[str]]:
    """First word of each line -> the words after it."""
    return {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.split()}


def _angles(words: list[str], degrees: bool) -> np.ndarray:
    angles = np.array([float(word) for word in words[:3]])
    return np.radians(angles) if degrees else angles
