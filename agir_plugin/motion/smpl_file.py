"""SMPL motions (AMASS .npz files, pickled dictionaries) enter, joint `Recording` values leave.

A reader like those of `ingest`, registered under the same entry point; it lives here because it needs the body.
"""
from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agir_plugin.consts import JOINTS
from agir_plugin.errors import UnreadableFile, UnusableRecording
from agir_plugin.motion.body_model import FOLDER_VARIABLE, GENDERS, Body, joints_from_pose, load_body
from agir_plugin.motion.smpl_arrays import ZIP_MAGIC, listed, plain_array, read_arrays
from agir_plugin.records import Recording

SUFFIXES = (".npz", ".pkl")

#: What files call the whole pose, the root's turn, the body's pose, the path and the frame rate; the first found counts.
POSES = ("poses", "pose", "full_pose", "fullpose")
ROOTS = ("root_orient", "global_orient", "global_orientation")
BODIES = ("pose_body", "body_pose")
PATHS = ("trans", "transl", "translation")
RATES = ("mocap_framerate", "mocap_frame_rate", "fps", "framerate", "frame_rate")
NAMES = frozenset((*POSES, *ROOTS, *BODIES, *PATHS, *RATES, "betas", "beta", "gender"))
#: Farther from the origin than this is no place in a laboratory but a damaged number, metres.
FARTHEST_M = 1000.0
#: Highest frame rate that is believed, frames per second.
FASTEST_FPS = 10000.0
#: Frames that are placed at a time: the rotations of a frame take thirty times the memory of its joints.
BLOCK = 4096
#: First bytes of pickles of protocol 2 to 5, and of a dictionary in protocol 0 and 1.
_PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"(d", b"}q")


@dataclass(frozen=True, eq=False)
class SmplMotion:
    """What an SMPL motion file holds, in the file's own axes.

    `pose` (T, 66 or more) axis-angle in radians or (T, 22 or more, 3, 3) matrices; `translation_m` (T, 3); `betas` (B,) of the
    first frame, None where the file has none; `gender` is one of `body_model.GENDERS`.
    """

    path: str
    pose: np.ndarray
    translation_m: np.ndarray
    fps: float
    betas: np.ndarray | None
    gender: str


def sniff(head: bytes, path: Path) -> bool:
    """Whether the bytes start a .npz archive (or a zip of arrays under another name), or a .pkl file's pickle."""
    if head.startswith(ZIP_MAGIC):
        return path.suffix.lower() == ".npz" or _holds_poses(path)
    return path.suffix.lower() == ".pkl" and head.startswith(_PICKLES)


def read(path: Path, fps: float | None = None) -> Recording:
    """The first 22 joints of SMPL, SMPL-H or SMPL-X poses in the file's own axes (`up` is None), at `fps` or its own rate.

    The joints are those of the licensed body of the file's gender and shape where AGIR_SMPL_DIR is set, else of the average
    skeleton; `notes` says which. Frames with numbers that are no pose are gaps. Raises what `read_smpl` raises, and
    UsageError when AGIR_SMPL_DIR is set but has no body of that gender.
    """
    motion = read_smpl(path, fps)
    if not os.environ.get(FOLDER_VARIABLE):
        note = f"joints of the average skeleton; set {FOLDER_VARIABLE} for the body of the file's own shape"
        return on_body(motion, None, (note,))
    body = load_body(motion.gender)
    shape = "the file's betas" if motion.betas is not None else "average shape"
    return on_body(motion, body, (f"joints of the {body.name} body, {shape}",))


def read_smpl(path: Path, fps: float | None = None) -> SmplMotion:
    """The poses, path, shape and gender of an SMPL motion file, at `fps` or its own rate.

    Raises UnreadableFile for a damaged file or one of another kind, UnusableRecording when the poses have another shape, or
    no path or no frame rate is in the file.
    """
    found, names = read_arrays(path, NAMES)
    pose = _pose(path, found, names)
    translation = _path(path, found, names, len(pose))
    rate = float(fps or _rate(path, found))
    return SmplMotion(str(path), pose, translation, rate, _betas(path, found), _gender(found.get("gender")))


def on_body(motion: SmplMotion, body: Body | None, notes: tuple[str, ...] = ()) -> Recording:
    """The joints of an SMPL motion on a body of the motion's own betas, None for the average skeleton; gaps are NaN."""
    joints = np.empty((len(motion.pose), len(JOINTS), 3))
    for start in range(0, len(joints), BLOCK):
        frames = slice(start, start + BLOCK)
        joints[frames] = _placed(motion.pose[frames], motion.translation_m[frames], motion.betas, body)
    return Recording(
        path=motion.path, format="smpl", kind="joints", fps=motion.fps, names=JOINTS, positions_m=joints, notes=notes,
    )


def _placed(pose: np.ndarray, translation_m: np.ndarray, betas: np.ndarray | None, body: Body | None) -> np.ndarray:
    """(T, 22, 3) joints, NaN in frames without numbers and with places that are none."""
    seen = np.isfinite(pose).reshape(len(pose), -1).all(axis=-1)
    pose = np.where(seen.reshape(-1, *[1] * (pose.ndim - 1)), pose, 0.0)
    with np.errstate(invalid="ignore", over="ignore"):
        path_m = np.where(np.abs(translation_m) < FARTHEST_M, translation_m, np.nan)
        joints = joints_from_pose(pose, path_m, betas, body)
        seen &= (np.abs(joints) < FARTHEST_M).all(axis=(1, 2))
    joints[~seen] = np.nan
    return joints


def _holds_poses(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.removesuffix(".npy") for name in archive.namelist()}
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError):
        return False
    return not names.isdisjoint((*POSES, *BODIES))


def _pose(path: Path, found: Mapping[str, Any], names: tuple[str, ...]) -> np.ndarray:
    """(T, >= 66) axis-angle or (T, >= 22, 3, 3) matrices."""
    whole, root, rest = (_first(path, found, keys) for keys in (POSES, ROOTS, BODIES))
    if whole is None and root is not None and rest is not None and len(root) == len(rest):
        whole = _joined(root, rest)
    if whole is None:
        raise UnreadableFile(
            f"{path}: expected SMPL poses ({' or '.join(POSES[:2])}, or root_orient and pose_body, with trans), got "
            f"{listed(names)}; a file of many walks is imported as a cohort"
        )
    least = 3 * len(JOINTS)
    if whole.ndim == 3 and whole.shape[2] == 3:
        whole = whole.reshape(len(whole), -1)
    matrices = whole.ndim == 4 and whole.shape[1] >= len(JOINTS) and whole.shape[2:] == (3, 3)
    if not len(whole) or not (matrices or (whole.ndim == 2 and whole.shape[1] >= least and whole.shape[1] % 3 == 0)):
        raise UnusableRecording(
            f"{path}: expected poses of shape (frames, 72), (frames, 156) or (frames, 165), or at least {least} columns of "
            f"axis-angle in radians, got {whole.shape}; save the whole pose"
        )
    return whole


def _joined(root: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Root and body in one array: matrices stay matrices, axis-angle becomes one row per frame."""
    if rest.ndim == 4 and rest.shape[2:] == (3, 3):
        return np.concatenate([root.reshape(len(root), -1, 3, 3), rest], axis=1) if root[0].size == 9 else rest
    return np.concatenate([root.reshape(len(root), -1), rest.reshape(len(rest), -1)], axis=1)


def _path(path: Path, found: Mapping[str, Any], names: tuple[str, ...], frames: int) -> np.ndarray:
    translation = _first(path, found, PATHS)
    if translation is None:
        raise UnusableRecording(
            f"{path}: expected the walker's path under {', '.join(PATHS)}, got {listed(names)}; a walk in place has no speed"
        )
    translation = translation.reshape(len(translation), -1)
    if translation.shape != (frames, 3):
        raise UnusableRecording(
            f"{path}: expected a path of shape ({frames}, 3) beside {frames} poses, got {translation.shape}; save both whole"
        )
    return translation


def _rate(path: Path, found: Mapping[str, Any]) -> float:
    rate = _first(path, found, RATES)
    if rate is None:
        raise UnusableRecording(
            f"{path}: expected the frame rate under {', '.join(RATES[:3])}, but the file has none; give it with --fps"
        )
    value = float(rate.reshape(-1)[0])
    if rate.size != 1 or not 0 < value <= FASTEST_FPS:
        raise UnusableRecording(
            f"{path}: expected one frame rate above 0 and up to {FASTEST_FPS:g} frames per second, got {value:g}; "
            "give it with --fps"
        )
    return value


def _betas(path: Path, found: Mapping[str, Any]) -> np.ndarray | None:
    """The first frame's shape numbers, None when there are none that can be used."""
    value = found.get("betas", found.get("beta"))
    array = plain_array(path, "betas", value) if value is not None else np.zeros(0)
    if array.dtype.kind not in "fiu" or not array.size:
        return None
    row = array.reshape(-1, array.shape[-1])[0] if array.ndim else array.reshape(-1)
    return row.astype(np.float64) if np.isfinite(row).all() else None


def _gender(value: Any) -> str:
    word = value.reshape(-1)[0] if isinstance(value, np.ndarray) and value.size else value
    word = word.decode("ascii", "replace") if isinstance(word, bytes) else word
    if not isinstance(word, str):
        return GENDERS[0]
    return next((gender for gender in GENDERS if word.strip().lower() in (gender, gender[0])), GENDERS[0])


def _first(path: Path, found: Mapping[str, Any], keys: tuple[str, ...]) -> np.ndarray | None:
    """The first of the keys that the file has, as float64; None when it has none."""
    key = next((key for key in keys if found.get(key) is not None), None)
    if key is None:
        return None
    array = plain_array(path, key, found[key])
    if array.dtype.kind not in "fiu" or (array.ndim == 0 and key not in RATES):
        raise UnusableRecording(f"{path}: expected numbers under {key}, got {array.dtype} {array.shape}; save them as float32")
    with np.errstate(invalid="ignore", over="ignore"):  # signalling NaN of damaged files
        return array.astype(np.float64)
