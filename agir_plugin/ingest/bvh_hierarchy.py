"""The HIERARCHY text of a BVH file enters, its nodes (parents before children) leave."""
from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from agir_plugin.errors import UnreadableFile

#: Channel names of BVH, as they are spelled in the specification.
CHANNELS = tuple(f"{axis}{kind}" for kind in ("position", "rotation") for axis in "XYZ")
#: More nodes than any skeleton has; a guard against damaged files.
MOST_NODES = 10000
#: A node has 6 channels; a guard against damaged counts.
MOST_CHANNELS = 100
#: No length or angle of a skeleton reaches this, in any unit.
LARGEST = 1e7


@dataclass
class Node:
    """One joint or end site. `parent` is an index into the list of nodes, -1 for a root; `offset` in file units."""

    name: str
    parent: int
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    channels: tuple[str, ...] = ()


def parse_hierarchy(text: str, path: Path) -> list[Node]:
    """Nodes in file order, which is also the order of the channels in the MOTION section.

    End sites are named "<joint> End". Raises UnreadableFile at the first word that BVH does not have in its place.
    """
    words = text.split()
    nodes: list[Node] = []
    open_nodes: list[int] = []
    at = 1
    while at < len(words):
        word = words[at].upper()
        if word in ("ROOT", "JOINT", "END"):
            at = _start(words, at, nodes, open_nodes, path)
        elif word == "OFFSET" and open_nodes:
            nodes[open_nodes[-1]].offset = _offset(words[at + 1 : at + 4], path)
            at += 4
        elif word == "CHANNELS" and open_nodes:
            nodes[open_nodes[-1]].channels = _channels(words[at + 1 : at + 2 + MOST_CHANNELS], path)
            at += 2 + len(nodes[open_nodes[-1]].channels)
        elif word == "}" and open_nodes:
            open_nodes.pop()
            at += 1
        else:
            raise _damaged(path, "ROOT, JOINT, End Site, OFFSET, CHANNELS or }", words[at])
    if open_nodes or not nodes:
        expected = f"{len(open_nodes)} more closing braces" if open_nodes else "a ROOT"
        raise _damaged(path, expected, "the end of HIERARCHY")
    return nodes


def _start(words: list[str], at: int, nodes: list[Node], open_nodes: list[int], path: Path) -> int:
    """Open the node whose keyword stands at `at`; returns the place after its opening brace."""
    brace = next((k for k in range(at + 1, min(at + 12, len(words))) if words[k] == "{"), None)
    if brace is None or len(nodes) >= MOST_NODES:
        raise _damaged(path, "{ after a joint's name", " ".join(words[at : at + 3]))
    parent = open_nodes[-1] if open_nodes else -1
    if words[at].upper() == "END":
        name = f"{nodes[parent].name} End" if parent >= 0 else "End"
    else:
        name = " ".join(words[at + 1 : brace]).rpartition(":")[2] or f"joint {len(nodes) + 1}"
    open_nodes.append(len(nodes))
    nodes.append(Node(name, parent))
    return brace + 1


def _offset(words: list[str], path: Path) -> tuple[float, float, float]:
    try:
        x, y, z = (float(word) for word in words)
    except ValueError:
        raise _damaged(path, "three numbers after OFFSET", " ".join(words)) from None
    if not max(abs(x), abs(y), abs(z)) < LARGEST or math.isnan(x + y + z):
        raise _damaged(path, f"numbers below {LARGEST:.0e} after OFFSET", " ".join(words))
    return x, y, z


def _channels(words: list[str], path: Path) -> tuple[str, ...]:
    count = int(words[0]) if words and words[0].isdecimal() and len(words[0]) < 4 else -1
    known = {channel.lower(): channel for channel in CHANNELS}
    found = [known.get(word.lower()) for word in words[1 : 1 + max(count, 0)]]
    if count < 0 or len(found) != count or None in found:
        raise _damaged(path, "a count and channel names such as Xrotation after CHANNELS", " ".join(words[:7]))
    return tuple(channel for channel in found if channel)


def _damaged(path: Path, expected: str, got: str) -> UnreadableFile:
    return UnreadableFile(
        f"{path}: expected {expected} in the BVH hierarchy, got {got[:60]!r}; the file is truncated or damaged"
    )
