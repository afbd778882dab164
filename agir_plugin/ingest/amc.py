"""AMC motion with the ASF skeleton beside it enters, joint `Recording` values leave: forward kinematics in metres."""
from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from agir_plugin.errors import UnreadableFile, UnusableRecording
from agir_plugin.ingest.asf import LARGEST, Bone, Skeleton, read_skeleton
from agir_plugin.ingest.bvh import UNITS, extent, nearest_unit
from agir_plugin.ingest.cells import lines_of, table
from agir_plugin.ingest.places import MOST_PLACES, refuse_too_many
from agir_plugin.ingest.rotations import about
from agir_plugin.records import Recording

SUFFIXES = (".amc", ".asf")

#: One file unit is 1 / `length` inches: CMU's 0.45 makes it 0.05644 m (mocap.cs.cmu.edu, FAQ).
INCH_M = 0.0254
#: Extents of walking bodies, arms and stride included, metres; others show that `length` does not count in inches.
BODY_EXTENTS_M = (0.6, 2.5)
#: AMC has no frame rate; the CMU database was captured at this rate (mocap.cs.cmu.edu).
CMU_FPS = 120.0

_SIGNS = re.compile(rb"^\s*:(fully-specified|degrees|radians|bonedata|units|root|hierarchy)\b", re.MULTILINE | re.IGNORECASE)


def sniff(head: bytes, path: Path) -> bool:
    """Whether the first lines hold one of the keywords of AMC motions or ASF skeletons."""
    return not head.lstrip().startswith(b"HIERARCHY") and _SIGNS.search(head) is not None


def read(path: Path, fps: float | None = None) -> Recording:
    """Places of all joints in metres; a joint has the name of the bone that starts there ("lfemur" is the left hip).

    Bones without children also have their end, such as "ltoes End". The skeleton is the ASF file of the same stem, else
    of the subject's (02_01.amc: 02.asf), else the only one in the folder. 120 frames per second unless `fps` is given.

    Raises UnusableRecording for a skeleton without motion or a motion without its skeleton, UnreadableFile for damage.
    """
    lines = [line.strip() for line in lines_of(path)]
    if any(line.lower().startswith((":bonedata", ":hierarchy")) for line in lines):
        raise UnusableRecording(
            f"{path}: this is the skeleton of .amc files, no motion; give the .amc file, it finds its skeleton itself"
        )
    beside = _skeleton_of(path)
    skeleton = read_skeleton(beside)
    degrees = _in_degrees(lines, skeleton)
    values = _values(lines, skeleton, path)
    refuse_too_many(path, len(next(iter(values.values()))), len(skeleton.bones), MOST_PLACES // 2)
    starts, ends = _forward(skeleton, values, degrees)
    names, places = _joints(skeleton.bones, starts, ends)
    unit_m, unit_note = _unit(places, skeleton.length_unit)
    notes = [f"skeleton from {beside.name}; {unit_note}"]
    if fps is None:
        notes.append(f"AMC names no frame rate; {CMU_FPS:g} per second assumed, as in the CMU database (else --fps)")
    return Recording(
        path=str(path), format="amc", kind="joints", fps=float(fps or CMU_FPS), names=names,
        positions_m=places * unit_m, notes=tuple(notes),
    )


def _unit(places: np.ndarray, divisor: float) -> tuple[float, str]:
    """Metres of one file unit, 1 / `divisor` inch where that makes a body, else the unit that does; and a note."""
    size, unit_m = extent(places), INCH_M / divisor
    low, high = BODY_EXTENTS_M
    if size <= 0 or low <= size * unit_m <= high:
        return unit_m, f"one unit is 1/{divisor:g} inch"
    unit = nearest_unit(size)
    if not low <= size * UNITS[unit] <= high:
        return unit_m, f"one unit is 1/{divisor:g} inch, though the body extends over {size * unit_m:.3g} m"
    return UNITS[unit], f"{unit} guessed: with 1/{divisor:g} inch the body would extend over {size * unit_m:.3g} m"


def _skeleton_of(path: Path) -> Path:
    """The ASF file that belongs to an AMC file."""
    beside = sorted(other for other in path.parent.iterdir() if other.suffix.lower() == ".asf")
    for stem in (path.stem, re.split(r"[_\-. ]", path.stem)[0]):
        fitting = [other for other in beside if other.stem.lower() == stem.lower()]
        if fitting:
            return fitting[0]
    if len(beside) == 1:
        return beside[0]
    got = ", ".join(other.name for other in beside[:5]) or "none"
    raise UnusableRecording(
        f"{path}: expected its skeleton {path.stem}.asf (or that of its subject) in the same folder, got {got}; put it there"
    )


def _in_degrees(lines: Sequence[str], skeleton: Skeleton) -> bool:
    words = {line.lower() for line in lines if line.startswith(":")}
    return ":degrees" in words or (":radians" not in words and skeleton.degrees)


def _values(lines: Sequence[str], skeleton: Skeleton, path: Path) -> dict[str, np.ndarray]:
    """Bone -> (T, D) values in the order of its degrees of freedom; a bone that a frame does not name keeps 0."""
    widths = {bone.name: len(bone.dofs) for bone in skeleton.bones if bone.dofs}
    refuse_too_many(path, sum(line.isdecimal() for line in lines))
    frames: list[dict[str, int]] = []
    for index, line in enumerate(lines):
        if not line or line[0] in "#:":
            continue
        if line.isdecimal():
            frames.append({})
            continue
        name, *values = line.split()
        if not frames or len(values) != widths.get(name, 0) or name in frames[-1]:
            raise _damaged(path, index, f"a frame number or a bone of the skeleton with its {widths.get(name, 0)} values", line)
        frames[-1][name] = index
    return _stacked(frames, lines, widths, path)


def _stacked(
    frames: Sequence[dict[str, int]], lines: Sequence[str], widths: dict[str, int], path: Path
) -> dict[str, np.ndarray]:
    """Values of all frames, each bone -> its line; UnreadableFile when frames name different bones, as truncated files do."""
    if not frames or not frames[0]:
        raise UnusableRecording(f"{path}: expected frames of bones and angles below the AMC keywords, got none; export it again")
    for number, frame in enumerate(frames, 1):
        if frame.keys() != frames[0].keys():
            raise UnreadableFile(
                f"{path}: expected {len(frames[0])} bones in every frame, got {len(frame)} in frame {number} of "
                f"{len(frames)}; the file is truncated or damaged, copy it again"
            )
    values = {}
    for name in frames[0]:
        rows = ((frame[name] + 1, lines[frame[name]].split()[1:]) for frame in frames)
        values[name] = table(rows, len(frames), widths.get(name, 0), path)
    if not all((np.abs(value) < LARGEST).all() for value in values.values()):
        raise UnreadableFile(f"{path}: expected angles and lengths below {LARGEST:.0e}, got NaN, inf or more; export it again")
    still = {name: np.zeros((len(frames), width)) for name, width in widths.items() if name not in values}
    return values | still


def _forward(skeleton: Skeleton, values: dict[str, np.ndarray], degrees: bool) -> tuple[np.ndarray, np.ndarray]:
    """(T, B, 3) starts and ends of all bones in file units.

    A bone's turn in its parent's is C R C^-1, where C is its own axis frame and R the product of its degrees of
    freedom, the first applied first; its direction is given in the skeleton's axes (ASF/AMC, Acclaim; CMU's documentation).
    """
    frames = len(next(iter(values.values())))
    starts = np.empty((frames, len(skeleton.bones), 3))
    ends = np.empty_like(starts)
    turns = np.empty((frames, len(skeleton.bones), 3, 3))
    for index, bone in enumerate(skeleton.bones):
        own = values.get(bone.name, np.zeros((frames, 0)))
        frame = _axis_frame(bone)
        turn = frame @ _turn(bone, own, degrees) @ frame.T
        shift = _shift(bone, own)
        if bone.parent < 0:
            starts[:, index] = ends[:, index] = np.asarray(bone.position) + shift
            turns[:, index] = turn
            continue
        above = turns[:, bone.parent]
        turns[:, index] = above @ turn
        starts[:, index] = ends[:, bone.parent] + np.einsum("tij,tj->ti", above, shift)
        ends[:, index] = starts[:, index] + turns[:, index] @ (np.asarray(bone.direction) * bone.length)
    return starts, ends


def _axis_frame(bone: Bone) -> np.ndarray:
    """(3, 3) frame of a bone's own axes: its angles belong to the letters of its order, the first applied first."""
    turn = np.eye(3)
    for letter, angle in zip(bone.order, bone.axis, strict=False):
        turn = about("xyz".index(letter), np.array([angle]))[0] @ turn
    return turn


def _turn(bone: Bone, own: np.ndarray, degrees: bool) -> np.ndarray:
    """(T, 3, 3) product of the rotations among a bone's degrees of freedom, the first applied first."""
    turn = np.tile(np.eye(3), (len(own), 1, 1))
    for column, dof in enumerate(bone.dofs):
        if dof[0] == "r":
            angle = np.radians(own[:, column]) if degrees else own[:, column]
            turn = about("xyz".index(dof[1]), angle) @ turn
    return turn


def _shift(bone: Bone, own: np.ndarray) -> np.ndarray:
    """(T, 3) translation among a bone's degrees of freedom, file units."""
    shift = np.zeros((len(own), 3))
    for column, dof in enumerate(bone.dofs):
        if dof in ("tx", "ty", "tz"):
            shift[:, "xyz".index(dof[1])] = own[:, column]
    return shift


def _joints(bones: Sequence[Bone], starts: np.ndarray, ends: np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
    """Joint names and (T, P, 3) places: the start of each bone, then the ends of those that no other bone continues."""
    parents = {bone.parent for bone in bones}
    last = [index for index in range(len(bones)) if index not in parents]
    names = (*(bone.name for bone in bones), *(f"{bones[index].name} End" for index in last))
    return names, np.concatenate([starts, ends[:, last]], axis=1)


def _damaged(path: Path, index: int, expected: str, got: str) -> UnreadableFile:
    return UnreadableFile(
        f"{path}, line {index + 1}: expected {expected}, got {got[:60]!r}; the file is damaged or belongs to another skeleton"
    )
