"""BVH files enter, joint `Recording` values leave: forward kinematics, length unit guessed from the body's size."""
from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np

from agir_plugin.errors import UnreadableFile
from agir_plugin.ingest.bvh_hierarchy import LARGEST, Node, parse_hierarchy
from agir_plugin.ingest.cells import BATCH, bytes_of
from agir_plugin.ingest.places import FASTEST_FPS, MOST_PLACES, refuse_too_many
from agir_plugin.ingest.rotations import about
from agir_plugin.records import Recording

SUFFIXES = (".bvh",)

#: Length units met in BVH files -> metres; the CMU conversions use inches divided by 0.45 (mocap.cs.cmu.edu FAQ).
UNITS = {"metres": 1.0, "centimetres": 0.01, "millimetres": 0.001, "inches": 0.0254, "inches/0.45": 0.0254 / 0.45}
#: Extent of a walking skeleton from toes to head joint that a unit is guessed by, metres (adult, head top left out).
BODY_EXTENT_M = 1.5
#: A first frame whose joints lie this much farther from the second than frames usually do is an artificial pose.
POSE_JUMP_FACTOR = 10.0
#: ... and at least this far, as a part of the body's extent.
POSE_JUMP_EXTENT = 0.06

_MOTION = re.compile(rb"^[ \t]*MOTION\s+Frames:\s*(\d{1,18})\s+Frame\s+Time:\s*([-+.\deE]+)", re.MULTILINE)


def sniff(head: bytes, path: Path) -> bool:
    """Whether the text starts with BVH's word HIERARCHY."""
    return head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"HIERARCHY")


def read(path: Path, fps: float | None = None) -> Recording:
    """Places of all joints and end sites in metres; end sites are named after their joint, such as "LeftFoot End".

    Raises UnreadableFile when the text is not BVH, or holds fewer or more numbers than its header says.
    """
    raw = bytes_of(path)
    match = _MOTION.search(raw)
    if match is None:
        raise UnreadableFile(
            f"{path}: expected a MOTION section with `Frames:` and `Frame Time:` after the HIERARCHY, found none; "
            "the file is truncated or not BVH"
        )
    nodes = parse_hierarchy(raw[: match.start()].removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace"), path)
    values = _values(raw[match.end() :], int(match[1]), sum(len(node.channels) for node in nodes), path)
    refuse_too_many(path, len(values), len(nodes), MOST_PLACES // 2)  # a turn of 9 numbers comes with each place
    places = _forward(nodes, values)
    unit, notes = _unit(nodes, places)
    places = places * UNITS[unit]
    if _starts_with_a_pose(places):
        places = places[1:]
        notes.append("first frame dropped: an artificial pose (T-pose) that the walk does not continue")
    return Recording(
        path=str(path), format="bvh", kind="joints", fps=_rate(match[2], fps, path),
        names=tuple(node.name for node in nodes), positions_m=places, notes=tuple(notes),
    )


def extent(places: np.ndarray) -> float:
    """Median over frames of the longest side of the box around (T, P, 3) places, in their unit."""
    return float(np.median((places.max(axis=1) - places.min(axis=1)).max(axis=-1)))


def nearest_unit(size: float) -> str:
    """The one of `UNITS` in which a body of this extent, above 0, is nearest to an adult's."""
    return min(UNITS, key=lambda name: abs(math.log(size * UNITS[name] / BODY_EXTENT_M)))


def _rate(frame_time: bytes, fps: float | None, path: Path) -> float:
    """Frames per second; frame times are written with few digits, so a rate near a whole number is that number."""
    if fps is not None:
        return float(fps)
    try:
        rate = 1.0 / float(frame_time)
    except (ValueError, ZeroDivisionError):
        rate = math.nan
    if not (math.isfinite(rate) and 0 < rate <= FASTEST_FPS):
        raise UnreadableFile(
            f"{path}: expected `Frame Time:` in seconds above 0, got {frame_time.decode('ascii', 'replace')}; "
            "give the frame rate with --fps"
        )
    return float(round(rate)) if abs(rate - round(rate)) < 0.001 * rate and rate > 1 else rate


def _values(text: bytes, frames: int, channels: int, path: Path) -> np.ndarray:
    """(T, C) channel values; degrees and the file's length unit."""
    try:
        values = _numbers(text)
    except ValueError as error:
        raise UnreadableFile(f"{path}: expected numbers in the MOTION section, got {error}; export it again") from None
    if frames == 0 or channels == 0 or len(values) != frames * channels:
        raise UnreadableFile(
            f"{path}: the header says {frames} frames of {channels} channels ({frames * channels} numbers), but "
            f"{len(values)} follow; the file is truncated or damaged, export it again"
        )
    values = values.reshape(frames, channels)
    if not (np.abs(values) < LARGEST).all():
        raise UnreadableFile(
            f"{path}: expected degrees and lengths below {LARGEST:.0e} in the MOTION section, got NaN, inf or more; "
            "export it again"
        )
    return values


def _numbers(text: bytes) -> np.ndarray:
    """(N,) float64 of the words of a text, converted in batches; ValueError at a word that is no number."""
    parts = []
    while text:
        words = text.split(maxsplit=BATCH)
        text = words.pop() if len(words) > BATCH else b""
        parts.append(np.array(words, dtype=np.float64))
    return np.concatenate(parts) if parts else np.zeros(0)


def _forward(nodes: list[Node], values: np.ndarray) -> np.ndarray:
    """(T, P, 3) places from channel values; a node turns by its rotation channels in the order in which they stand."""
    frames = len(values)
    places = np.empty((frames, len(nodes), 3))
    turns = np.empty((frames, len(nodes), 3, 3))
    column = 0
    for index, node in enumerate(nodes):
        own = values[:, column : column + len(node.channels)]
        column += len(node.channels)
        shift, turn = _shift(node, own), _turn(node, own)
        if node.parent < 0:
            places[:, index], turns[:, index] = shift, turn
            continue
        above = turns[:, node.parent]
        places[:, index] = places[:, node.parent] + np.einsum("tij,tj->ti", above, shift)
        turns[:, index] = above @ turn
    return places


def _shift(node: Node, own: np.ndarray) -> np.ndarray:
    """(T, 3) translation: position channels replace the offset, as exporters write them, unless all are 0."""
    shift = np.tile(np.asarray(node.offset), (len(own), 1))
    at = {channel[0]: k for k, channel in enumerate(node.channels) if channel.endswith("position")}
    if any(own[:, k].any() for k in at.values()):
        for axis, k in at.items():
            shift[:, "XYZ".index(axis)] = own[:, k]
    return shift


def _turn(node: Node, own: np.ndarray) -> np.ndarray:
    """(T, 3, 3) rotation: the product of the node's rotation channels from left to right."""
    turn = np.tile(np.eye(3), (len(own), 1, 1))
    for k, channel in enumerate(node.channels):
        if channel.endswith("rotation"):
            turn = turn @ about("XYZ".index(channel[0]), np.radians(own[:, k]))
    return turn


def _unit(nodes: list[Node], places: np.ndarray) -> tuple[str, list[str]]:
    """The unit whose body extent is nearest to an adult's; a root that only marks the floor does not count."""
    body = places[:, 1:] if len(nodes) > 2 and sum(node.parent == 0 for node in nodes) == 1 else places
    size = extent(body)
    if size <= 0:
        return "metres", ["length unit unknown: all joints are in one place; metres assumed"]
    unit = nearest_unit(size)
    size = f"{size:.4g}, which is {size * UNITS[unit]:.2f} m"
    return unit, [f"BVH names no unit; {unit} guessed from a body extent of {size}"]


def _starts_with_a_pose(places_m: np.ndarray) -> bool:
    """Whether the first frame's pose, root travel removed, jumps away from the second as later frames never do."""
    if len(places_m) < 4:
        return False
    pose = places_m - places_m[:, :1]
    steps = np.linalg.norm(np.diff(pose, axis=0), axis=-1).max(axis=-1)
    return bool(steps[0] > POSE_JUMP_FACTOR * np.median(steps[1:]) and steps[0] > POSE_JUMP_EXTENT * extent(pose))
