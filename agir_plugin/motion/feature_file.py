"""NumPy files of HumanML3D features (T, 263) enter, joint `Recording` values on the reference skeleton leave.

A reader like those of `ingest`, registered under the same entry point; it lives here because it needs the decoding.
"""
from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from agir_plugin.consts import JOINTS, MODEL_FPS, N_FEATURES
from agir_plugin.errors import UnreadableFile, UnusableRecording
from agir_plugin.motion.features import to_joints
from agir_plugin.records import Recording

SUFFIXES = (".npy",)

#: Root heights that a person on the reference skeleton can have, metres; normalised features lie around 0.
ROOT_HEIGHT_M = (0.2, 1.6)
#: More frames than a walk has (an hour at 20 per second); a guard for memory.
MOST_FRAMES = 72_000


def sniff(head: bytes, path: Path) -> bool:
    """Whether the bytes start a .npy file with two axes of which the second is 263 long."""
    shape = re.search(rb"'shape':\s*\(\s*\d+\s*,\s*(\d+)\s*,?\s*\)", head)
    return head.startswith(b"\x93NUMPY") and shape is not None and int(shape[1]) == N_FEATURES


def read(path: Path, fps: float | None = None) -> Recording:
    """Joints decoded from features that are not normalised; the body has the reference skeleton's size, not its own.

    Raises UnreadableFile for a damaged file, UnusableRecording for numbers that are no features.
    """
    try:
        with np.errstate(over="ignore"):  # mapped: no memory is taken for what a header only claims
            rows = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # NumPy parses the header as Python text: a damaged one can raise almost anything
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise UnreadableFile(
            f"{path}: expected a .npy file of features, got one that NumPy cannot load ({reason}); save it again"
        ) from None
    if len(rows) > MOST_FRAMES:
        raise UnusableRecording(
            f"{path}: expected one walk of at most {MOST_FRAMES:,} frames of features, got {len(rows):,}; cut it into single walks"
        )
    if rows.dtype.kind not in "fiu" or not len(rows) or not np.isfinite(rows).all():
        raise UnusableRecording(
            f"{path}: expected finite features of at least one frame, got {rows.dtype} {rows.shape}; make them anew"
        )
    low, high = ROOT_HEIGHT_M
    height = float(np.median(rows[:, 3]))
    if not low <= height <= high:
        raise UnusableRecording(
            f"{path}: expected features with a root height of {low} to {high} m in column 3, got {height:.3f}; "
            "if they are normalised, multiply by Std and add Mean first"
        )
    return Recording(
        path=str(path), format="joints", kind="joints", fps=float(fps or MODEL_FPS), names=JOINTS,
        positions_m=to_joints(rows), up="+y",
        notes=("decoded from HumanML3D features; body size is the reference skeleton's",),
    )
