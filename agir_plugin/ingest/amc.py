"""Acclaim motion (AMC) with its skeleton (ASF) enters, joint `Recording` values leave: forward kinematics."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from agir_plugin.errors import UnreadableFile
from agir_plugin.ingest.asf import Bone, Skeleton, read_skeleton
from agir_plugin.ingest.rotations import in_order
from agir_plugin.records import Recording

SUFFIXES = (".amc",)

#: AMC files carry no rate; the CMU database, from which most come, was recorded at this one (mocap.cs.cmu.edu).
USUAL_FPS = 120.0
#: Longest side of the box around a standing person's joints, metres: outside, the skeleton's unit is not what it says.
BODY_EXTENT_M = (1.0, 2.3)
#: A turn or a length beyond this is a damaged number.
LARGEST = 1e6
_FRAME = re.compile(r"^\s*\d+\s*$", re.MULTILINE)
_INCH_M = 0.0254


def sniff(head: bytes, path: Path) -> bool:
    """Whether the text is Acclaim motion, or an Acclaim skeleton (which `read` then refuses with what to do)."""
    words = head.decode("ascii", "replace")
    motion = re.search(r"^:(FULLY-SPECIFIED|DEGREES|RADIANS)\b", words, re.MULTILINE | re.IGNORECASE)
    return bool(motion) or _is_skeleton(words)


def read(path: Path, fps: float | None = None) -> Recording:
    """Places of bone starts, named by their bones, and of the ends of outermost bones (`ltoes End`), metres, y up.

    The skeleton is `<stem>.asf` beside the file, else that of its subject (`02.asf` for `02_01.amc`), else the only
    .asf in the folder. Raises UnreadableFile when there is none, or file or skeleton are damaged or do not fit.
    """
    text = path.read_bytes().decode("utf-8", "replace")
    if _is_skeleton(text[:4096]):
        raise UnreadableFile(f"{path}: this is the skeleton of .amc files and holds no motion; name the .amc file")
    skeleton_path = _skeleton_of(path)
    skeleton = read_skeleton(skeleton_path)
    values = _values(text, skeleton, path, skeleton_path)
    names, places = _forward(skeleton, values)
    scale, notes = _scale(skeleton, places)
    if fps is None:
        notes.append(f"AMC names no frame rate; {USUAL_FPS:g} frames per second assumed (--fps gives another)")
    return Recording(
        path=str(path), format="amc", kind="joints", fps=float(fps or USUAL_FPS), names=names,
        positions_m=places * scale, up="+y", notes=(f"skeleton: {skeleton_path.name}", *notes),
    )  # fmt: skip


def _is_skeleton(text: str) -> bool:
    return bool(re.search(r"^:(bonedata|units|version)\b", text, re.MULTILINE | re.IGNORECASE))


def _skeleton_of(path: Path) -> Path:
    found = sorted(other for other in path.parent.iterdir() if other.suffix.lower() == ".asf")
    for stem in (path.stem, path.stem.partition("_")[0]):
        for other in found:
            if other.stem.lower() == stem.lower():
                return other
    if len(found) == 1:
        return found[0]
    subject = path.stem.partition("_")[0]
    have = f"there are {', '.join(other.name for other in found[:5])}" if found else "there is none"
    raise UnreadableFile(f"{path}: expected its skeleton {path.stem}.asf or {subject}.asf beside it, but {have}; copy it there")


def _values(text: str, skeleton: Skeleton, path: Path, skeleton_path: Path) -> dict[str, np.ndarray]:
    """Bone -> (T, channels) in the order of its dof; angles in radians."""
    text = re.sub(r"#.*", "", text)
    degrees = not re.search(r"^:RADIANS\b", text, re.MULTILINE | re.IGNORECASE)
    frames = [block.split("\n") for block in _FRAME.split(re.sub(r"^:.*", "", text, flags=re.MULTILINE))[1:]]
    moved = {bone.name: bone for bone in skeleton.bones if bone.dof}
    rows: dict[str, list[list[float]]] = {name: [] for name in moved}
    for number, lines in enumerate(frames, start=1):
        given = {words[0]: words[1:] for words in map(str.split, lines) if words}
        wrong = [name for name in moved if len(given.get(name, ())) != len(moved[name].dof)] or sorted(given.keys() - moved)
        if wrong:
            raise UnreadableFile(
                f"{path}: frame {number}: the numbers for {wrong[0]} do not fit its channels in {skeleton_path.name}; the file "
                f"is truncated, or that is not its skeleton"
            )
        try:
            for name in moved:
                rows[name].append([float(word) for word in given[name]])
        except ValueError as error:
            raise UnreadableFile(f"{path}: frame {number}: expected numbers for {name}, got {error}; export it again") from None
    if not frames:
        raise UnreadableFile(f"{path}: expected frames (a number alone on its line), found none; the file is truncated")
    values = {name: np.array(listed) for name, listed in rows.items()}
    if not all((np.abs(array) < LARGEST).all() for array in values.values()):
        raise UnreadableFile(f"{path}: expected angles and lengths below {LARGEST:.0e}, got NaN, inf or more; export it again")
    turn = np.pi / 180 if degrees else 1.0
    return {
        name: array * np.array([turn if channel.startswith("R") else 1.0 for channel in moved[name].dof])
        for name, array in values.items()
    }


def _forward(skeleton: Skeleton, values: dict[str, np.ndarray]) -> tuple[tuple[str, ...], np.ndarray]:
    """Names and (T, P, 3) places in the skeleton's unit: starts of all bones, then ends of the outermost ones."""
    frames = len(next(iter(values.values())))
    starts: list[np.ndarray] = []
    ends: list[np.ndarray] = []
    turns: list[np.ndarray] = []
    for bone in skeleton.bones:
        own = bone.axis @ _turn(bone, values, frames) @ bone.axis.T
        if bone.parent < 0:
            starts.append(skeleton.root_position + _shift(bone, values, frames))
            turns.append(own)
        else:
            starts.append(ends[bone.parent])
            turns.append(turns[bone.parent] @ own)
        ends.append(starts[-1] + turns[-1] @ bone.offset)
    parents = {bone.parent for bone in skeleton.bones}
    outermost = [index for index in range(len(skeleton.bones)) if index not in parents]
    names = [bone.name for bone in skeleton.bones] + [f"{skeleton.bones[index].name} End" for index in outermost]
    return tuple(names), np.stack([*starts, *(ends[index] for index in outermost)], axis=1)


def _turn(bone: Bone, values: dict[str, np.ndarray], frames: int) -> np.ndarray:
    """(T, 3, 3) rotation of a bone in its own axes; the first channel is applied first."""
    columns = [index for index, channel in enumerate(bone.dof) if channel.startswith("R")]
    if not columns:
        return np.broadcast_to(np.eye(3), (frames, 3, 3))
    return in_order(values[bone.name][:, columns], "".join(bone.dof[index][1] for index in columns))


def _shift(bone: Bone, values: dict[str, np.ndarray], frames: int) -> np.ndarray:
    """(T, 3) translation of the root."""
    shift = np.zeros((frames, 3))
    for index, channel in enumerate(bone.dof):
        if channel.startswith("T"):
            shift[:, "XYZ".index(channel[1])] = values[bone.name][:, index]
    return shift


def _scale(skeleton: Skeleton, places: np.ndarray) -> tuple[float, list[str]]:
    """Metres per length unit: inches by the ASF definition, unless the body would then have no human size."""
    extent = float(np.median(np.ptp(places, axis=1).max(axis=-1)))
    stated = skeleton.inches * _INCH_M
    guesses = {"as stated": stated, "metres": 1.0, "centimetres": 0.01, "millimetres": 0.001, "inches": _INCH_M}
    for name, scale in guesses.items():
        if BODY_EXTENT_M[0] <= extent * scale <= BODY_EXTENT_M[1]:
            return scale, [] if name == "as stated" else [f"the skeleton's length unit gives no human size; {name} taken"]
    return stated, [f"implausible size: the body's extent is {extent * stated:.2f} m"]
