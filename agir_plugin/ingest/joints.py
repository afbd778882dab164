"""NumPy files of joint places (T, 22, 3) enter, joint `Recording` values leave."""
from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from agir_plugin.consts import JOINTS, MODEL_FPS, N_FEATURES
from agir_plugin.errors import UnreadableFile, UnusableRecording
from agir_plugin.ingest.places import FARTHEST_M, doubles, gaps_where_absurd, refuse_too_many
from agir_plugin.records import Recording

SUFFIXES = (".npy",)

#: Joint counts of the SMPL family (SMPL, SMPL-H, SMPL-X, their full outputs); the first 22 joints are the same.
SMPL_COUNTS = (len(JOINTS), 24, 45, 52, 55, 73, 127, 144)
#: A body longer than this was not stored in metres; `agir_plugin.motion` finds the unit.
LONGEST_BODY_M = 10.0
_MAGIC = b"\x93NUMPY"


def sniff(head: bytes, path: Path) -> bool:
    """Whether the bytes start a .npy file that is not a table of HumanML3D features (those have their own reader)."""
    if not head.startswith(_MAGIC):
        return False
    shape = re.search(rb"'shape':\s*\(\s*\d+\s*,\s*(\d+)\s*,?\s*\)", head)
    return shape is None or int(shape[1]) != N_FEATURES


def read(path: Path, fps: float | None = None) -> Recording:
    """Joint places in metres, y up, `fps` or 20 frames per second; SMPL-H and SMPL-X counts keep their first 22 joints.

    Raises UnreadableFile for a damaged file, UnusableRecording for another shape or numbers that are not places.
    """
    try:
        with np.errstate(over="ignore"):  # mapped: no memory is taken for what a header only claims
            joints = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # NumPy parses the header as Python text: a damaged one can raise almost anything
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise UnreadableFile(
            f"{path}: expected a .npy file of numbers, got one NumPy cannot load ({reason}); save it with numpy.save"
        ) from None
    if joints.ndim != 3 or joints.shape[1] not in SMPL_COUNTS or joints.shape[2] != 3 or len(joints) == 0:
        raise UnusableRecording(
            f"{path}: expected joints of shape (frames, 22, 3) in metres with y up, got {joints.shape}; "
            "put them in SMPL's joint order first"
        )
    if joints.dtype.kind not in "fiu":
        raise UnusableRecording(f"{path}: expected joints as real numbers, got {joints.dtype}; save them as float32")
    refuse_too_many(path, len(joints), len(JOINTS))
    places = doubles(joints[:, : len(JOINTS)])
    notes = (f"{joints.shape[1]} joints; the first {len(JOINTS)} used",) if joints.shape[1] > len(JOINTS) else ()
    return Recording(
        path=str(path), format="joints", kind="joints", fps=float(fps or MODEL_FPS), names=JOINTS,
        positions_m=gaps_where_absurd(places, _farthest(places)), up="+y", notes=notes,
    )


def _farthest(places: np.ndarray) -> float:
    """Largest coordinate of (T, 22, 3) that can be a place, in the file's own unit, which may be millimetres."""
    whole = places[np.isfinite(places).all(axis=(1, 2))]
    body = float(np.median(np.ptp(whole, axis=1).max(axis=-1))) if len(whole) else 0.0
    return 1000.0 * FARTHEST_M if body > LONGEST_BODY_M else FARTHEST_M
