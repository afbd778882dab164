"""NumPy files of joint places (T, 22, 3) enter, joint `Recording` values leave."""
from __future__ import annotations

import ast
import re
from pathlib import Path

import numpy as np

from agir_plugin.consts import JOINTS, MODEL_FPS, N_FEATURES
from agir_plugin.errors import UnreadableFile, UnusableRecording
from agir_plugin.records import Recording

SUFFIXES = (".npy",)

#: Joint counts of the SMPL family (SMPL, SMPL-H, SMPL-X and their full outputs); the first 22 joints are the same in all.
SMPL_COUNTS = (len(JOINTS), 24, 45, 52, 55, 73, 127, 144)
_MAGIC = b"\x93NUMPY"


def sniff(head: bytes, path: Path) -> bool:
    """Whether the bytes start a .npy file that is not a table of HumanML3D features (those have their own reader)."""
    if not head.startswith(_MAGIC):
        return False
    shape = _shape(head)
    return not (shape is not None and len(shape) == 2 and shape[1] == N_FEATURES)


def read(path: Path, fps: float | None = None) -> Recording:
    """Joint places in metres, y up, `fps` or 20 frames per second; SMPL-H and SMPL-X counts keep their first 22 joints.

    Raises UnreadableFile for a damaged file, UnusableRecording for another shape or numbers that are not places.
    """
    try:
        joints = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError, SyntaxError, MemoryError, OverflowError, TypeError) as error:
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise UnreadableFile(
            f"{path}: expected a .npy file of numbers, got one that NumPy cannot load ({reason}); save it again with numpy.save"
        ) from None
    if joints.ndim != 3 or joints.shape[1] not in SMPL_COUNTS or joints.shape[2] != 3 or len(joints) == 0:
        raise UnusableRecording(
            f"{path}: expected joints of shape (frames, 22, 3) in metres with y up, got {joints.shape}; "
            "put them in SMPL's joint order first"
        )
    if joints.dtype.kind not in "fiu":
        raise UnusableRecording(f"{path}: expected joints as real numbers, got dtype {joints.dtype}; save them as float32")
    places = joints[:, : len(JOINTS)].astype(np.float64)
    notes = (f"{joints.shape[1]} joints; the first {len(JOINTS)} used",) if joints.shape[1] > len(JOINTS) else ()
    return Recording(
        path=str(path), format="joints", kind="joints", fps=float(fps or MODEL_FPS), names=JOINTS,
        positions_m=np.where(np.isfinite(places), places, np.nan), up="+y", notes=notes,
    )


def _shape(head: bytes) -> tuple[int, ...] | None:
    """The shape that a .npy header states, or None when it cannot be read."""
    match = re.search(rb"'shape':\s*(\([\d,\s]*\))", head)
    return ast.literal_eval(match[1].decode("ascii")) if match else None
