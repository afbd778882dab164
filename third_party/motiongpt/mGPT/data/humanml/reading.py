"""Reads a folder of the HumanML3D layout: clips, captions and codes come out, and a reason for each clip left out."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mGPT.archs.tools.placeholders import KNOWN, PLACEHOLDER
from mGPT.errors import ConfigError, DataError

#: Frame rate of HumanML3D features.
FPS = 20.0
#: Items per split in debug mode.
DEBUG_ITEMS = 100


class Caption(NamedTuple):
    """A text for the seconds start..end of a clip; 0, 0 means the whole clip."""

    text: str
    start_s: float
    end_s: float


@dataclass
class Skipped:
    """Why clips were left out (or changed): reason -> names."""

    reasons: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, reason: str, name: str) -> None:
        """Note one clip."""
        self.reasons[reason].append(name)


def read_split(root: Path, split: str, debug: bool) -> list[str]:
    """Clip names of `<root>/<split>.txt`, one per line; DataError when the file is missing or empty."""
    file = root / f"{split}.txt"
    if not file.is_file():
        raise DataError(
            f"expected the list of clips {file}, found none; check DATASET.HUMANML3D.ROOT and the SPLIT keys"
        )
    names = [line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    if not names:
        raise DataError(f"{file} lists no clips; write one clip name per line")
    return names[:DEBUG_ITEMS] if debug else names


def read_features(root: Path, name: str, nfeats: int, skipped: Skipped) -> np.ndarray | None:
    """(T, nfeats) float32 of one clip, or None with the reason noted."""
    return _checked(root / "new_joint_vecs" / f"{name}.npy", "features", (None, nfeats), name, skipped)


def read_codes(root: Path, folder: str, name: str, skipped: Skipped) -> np.ndarray | None:
    """(K, L) int64 of one clip, K alternative rows, or None with the reason noted; a lone row (L,) is K = 1."""
    codes = _load(root / folder / f"{name}.npy", "codes", name, skipped)
    if codes is None:
        return None
    codes = codes[None] if codes.ndim == 1 else codes
    if codes.ndim != 2 or codes.size == 0 or not np.issubdtype(codes.dtype, np.integer):
        skipped.add(f"left out: codes are not whole numbers (K, L) but {codes.dtype} {codes.shape}", name)
        return None
    return codes.astype(np.int64)


def read_captions(root: Path, name: str, skipped: Skipped) -> list[Caption]:
    """Captions of `texts/<name>.txt`; lines that do not parse are noted and the others used."""
    file = root / "texts" / f"{name}.txt"
    if not file.is_file():
        skipped.add("left out: no caption file", name)
        return []
    captions = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        caption = _caption(line)
        if caption is not None:
            captions.append(caption)
        elif line.strip():
            skipped.add("caption line does not parse (text#words#start#end)", f"{name}:{number}")
    if not captions:
        skipped.add("left out: no usable caption", name)
    return captions


def read_statistics(folder: Path, nfeats: int) -> tuple[np.ndarray, np.ndarray]:
    """mean and std (nfeats,) of mean.npy / std.npy or Mean.npy / Std.npy."""
    return tuple(_statistic(folder, word, nfeats) for word in ("mean", "std"))


def read_tasks(file: Path) -> list[dict[str, Any]]:
    """All subtasks of a template JSON in file order; ConfigError names the entry that is not usable."""
    try:
        groups = json.loads(file.read_text(encoding="utf-8"))
        tasks = [(f"{group}.{name}", task) for group, inner in groups.items() for name, task in inner.items()]
    except (OSError, ValueError, AttributeError) as error:
        raise ConfigError(
            f"{file}: expected a template JSON {{group: {{subtask: {{input, output}}}}}}: {error}"
        ) from None
    if not tasks:
        raise ConfigError(f"{file}: holds no subtasks; expected {{group: {{subtask: {{input, output}}}}}}")
    for place, task in tasks:
        _check_task(file, place, task)
    return [task for _, task in tasks]


def segment(frames: int, caption: Caption) -> slice:
    """The frames of a caption's seconds; all of them for 0, 0."""
    if caption.start_s == 0.0 and caption.end_s == 0.0:
        return slice(0, frames)
    return slice(int(caption.start_s * FPS), min(frames, int(caption.end_s * FPS)))


def _caption(line: str) -> Caption | None:
    parts = line.strip().split("#")
    if len(parts) != 4 or not parts[0].strip():
        return None
    try:
        start, end = (0.0 if math.isnan(float(part)) else float(part) for part in parts[2:])
    except ValueError:
        return None
    return Caption(parts[0].strip(), start, end)


def _checked(file: Path, what: str, shape: tuple[int | None, int], name: str, skipped: Skipped) -> np.ndarray | None:
    values = _load(file, what, name, skipped)
    if values is None:
        return None
    if values.ndim != 2 or values.shape[1] != shape[1]:
        skipped.add(f"left out: {what} are not (T, {shape[1]})", name)
        return None
    if not np.isfinite(values).all():
        skipped.add(f"left out: {what} hold NaN or infinity", name)
        return None
    return values.astype(np.float32)


def _load(file: Path, what: str, name: str, skipped: Skipped) -> np.ndarray | None:
    if not file.is_file():
        skipped.add(f"left out: no {what} file in {file.parent.name}", name)
        return None
    try:
        return np.load(file, allow_pickle=False)
    except (ValueError, OSError, EOFError):
        skipped.add(f"left out: {what} file cannot be read", name)
        return None


def _statistic(folder: Path, word: str, nfeats: int) -> np.ndarray:
    files = [folder / f"{word}.npy", folder / f"{word.capitalize()}.npy"]
    file = next((item for item in files if item.is_file()), None)
    if file is None:
        raise DataError(f"expected {files[0]} or {files[1].name}, found neither; set DATASET.HUMANML3D.MEAN_STD_PATH")
    values = np.load(file, allow_pickle=False).astype(np.float32)
    if values.shape != (nfeats,) or not np.isfinite(values).all() or (word == "std" and (values <= 0).any()):
        raise DataError(
            f"{file}: expected {nfeats} finite{' positive' if word == 'std' else ''} numbers, got shape {values.shape}"
        )
    return values


def _check_task(file: Path, place: str, task: Mapping[str, Any]) -> None:
    for side in ("input", "output"):
        strings = task.get(side) if isinstance(task, Mapping) else None
        if not strings or not isinstance(strings, list) or not all(isinstance(item, str) for item in strings):
            raise ConfigError(f"{file}: {place}.{side} must be a list of at least one string")
        unknown = [name for text in strings for name in PLACEHOLDER.findall(text) if name not in KNOWN]
        if unknown:
            raise ConfigError(
                f"{file}: {place}.{side} holds the unknown placeholder {unknown[0]}; known are {', '.join(KNOWN)}"
            )
