"""Datasets over a HumanML3D folder: windows for stage vae, captions with codes for stages lm_*, clips to evaluate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from mGPT.data.humanml import reading
from mGPT.data.humanml.reading import Skipped

#: Share of lm training items that lose one code at the head or the tail, so that no phase of the walk is learned by
#: heart.
CUT_SHARE = 1 / 3


@dataclass(frozen=True)
class Folder:
    """What all datasets of a run share: the data root, statistics, and limits in frames."""

    root: Path
    mean: np.ndarray
    std: np.ndarray
    nfeats: int
    min_frames: int
    max_frames: int
    unit: int
    debug: bool
    seed: int

    def normalised(self, features: np.ndarray) -> np.ndarray:
        """(T, nfeats) with the set's mean and standard deviation taken out."""
        return (features - self.mean) / self.std


class WindowDataset(Dataset):
    """Stage vae: one random window per clip and epoch, with the clip's full length; short clips are zero-padded."""

    def __init__(self, folder: Folder, split: str, window: int) -> None:
        self.folder, self.window, self._skipped = folder, window, Skipped()
        self.clips: list[tuple[str, np.ndarray]] = []
        for name in reading.read_split(folder.root, split, folder.debug):
            features = _long_enough(folder, name, self._skipped)
            if features is not None:
                self.clips.append((name, features))
        self.skipped = self._skipped.reasons

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> dict[str, Any]:
        name, features = self.clips[index]
        start = int(_rng(self.folder, index).integers(0, max(1, len(features) - self.window + 1)))
        piece = self.folder.normalised(features[start : start + self.window])
        window = np.zeros((self.window, self.folder.nfeats), dtype=np.float32)
        window[: len(piece)] = piece
        return {"fname": name, "motion": torch.from_numpy(window), "length": len(features)}


class TokenDataset(Dataset):
    """Stages lm_*: every clip (or captioned part of it) with every subtask; a random caption and code row each."""

    def __init__(self, folder: Folder, split: str, code_path: str, tasks: Sequence[dict[str, Any]]) -> None:
        self.folder, self.tasks, self._skipped = folder, list(tasks), Skipped()
        self.items: list[tuple[str, np.ndarray, list[str]]] = []
        for name in reading.read_split(folder.root, split, folder.debug):
            captions = reading.read_captions(folder.root, name, self._skipped)
            codes = reading.read_codes(folder.root, code_path, name, self._skipped) if captions else None
            if codes is not None:
                self._add(name, codes, captions)
        self.skipped = self._skipped.reasons

    def __len__(self) -> int:
        return len(self.items) * len(self.tasks)

    def __getitem__(self, index: int) -> dict[str, Any]:
        name, codes, captions = self.items[index % len(self.items)]
        rng = _rng(self.folder, index)
        row = codes[rng.integers(len(codes))]
        if len(row) > 1 and rng.random() < CUT_SHARE:
            row = row[1:] if rng.random() < 0.5 else row[:-1]
        text = captions[rng.integers(len(captions))]
        task = self.tasks[index // len(self.items)]
        return {
            "fname": name, "motion": torch.from_numpy(row.copy()), "length": len(row),
            "text": text, "all_captions": captions, "tasks": task,
        }  # fmt: skip

    def _add(self, name: str, codes: np.ndarray, captions: list[reading.Caption]) -> None:
        unit, longest = self.folder.unit, self.folder.max_frames // self.folder.unit
        parts: dict[tuple[int, int], list[str]] = {}
        for caption in captions:
            part = reading.segment(codes.shape[1] * unit, caption)
            parts.setdefault((part.start // unit, part.stop // unit), []).append(caption.text)
        for (start, stop), texts in parts.items():
            if (stop - start) * unit < self.folder.min_frames // unit * unit:
                self._skipped.add(f"captioned part left out: shorter than {self.folder.min_frames} frames", name)
                continue
            if stop - start > longest:
                self._skipped.add(f"cut to {self.folder.max_frames} frames", name)
            self.items.append((name, codes[:, start : min(stop, start + longest)], texts))


class ClipDataset(Dataset):
    """Validation and test: whole clips (or captioned parts), cut to whole units, with all their captions."""

    def __init__(self, folder: Folder, split: str, with_text: bool) -> None:
        self.folder, self._skipped = folder, Skipped()
        self.items: list[tuple[str, np.ndarray, list[str]]] = []
        for name in reading.read_split(folder.root, split, folder.debug):
            features = _long_enough(folder, name, self._skipped)
            if features is None:
                continue
            captions = (
                reading.read_captions(folder.root, name, self._skipped)
                if with_text
                else [reading.Caption("", 0.0, 0.0)]
            )
            self._add(name, features, captions)
        self.skipped = self._skipped.reasons
        self.with_text = with_text

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> dict[str, Any]:
        name, features, captions = self.items[index]
        item = {"fname": name, "motion": torch.from_numpy(self.folder.normalised(features)), "length": len(features)}
        return item | ({"text": captions[0], "all_captions": captions} if self.with_text else {})

    def _add(self, name: str, features: np.ndarray, captions: list[reading.Caption]) -> None:
        parts: dict[tuple[int, int], list[str]] = {}
        for caption in captions:
            part = reading.segment(len(features), caption)
            parts.setdefault((part.start, part.stop), []).append(caption.text)
        for (start, stop), texts in parts.items():
            frames = min(stop - start, self.folder.max_frames) // self.folder.unit * self.folder.unit
            if stop - start < self.folder.min_frames:
                self._skipped.add(f"captioned part left out: shorter than {self.folder.min_frames} frames", name)
                continue
            if stop - start > self.folder.max_frames:
                self._skipped.add(f"cut to {self.folder.max_frames} frames", name)
            self.items.append((name, features[start : start + frames], texts))


class CodeClips(Dataset):
    """Whole clips of given names as (name, normalised features): what is tokenised."""

    def __init__(self, folder: Folder, names: Sequence[str]) -> None:
        self.folder, self._skipped = folder, Skipped()
        read = ((name, _long_enough(folder, name, self._skipped)) for name in names)
        self.clips = [(name, features) for name, features in read if features is not None]
        self.skipped = self._skipped.reasons

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> tuple[str, Tensor]:
        name, features = self.clips[index]
        return name, torch.from_numpy(self.folder.normalised(features))


def collate(items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One batch: `motion` zero-padded to the longest (features (B, T, F) or codes (B, L)), the rest as lists."""
    batch = {key: [item[key] for item in items] for key in items[0]}
    batch["motion"] = _padded(batch["motion"])
    return batch


def _padded(rows: Sequence[Tensor]) -> Tensor:
    longest = max(len(row) for row in rows)
    padded = rows[0].new_zeros((len(rows), longest, *rows[0].shape[1:]))
    for index, row in enumerate(rows):
        padded[index, : len(row)] = row
    return padded


def _long_enough(folder: Folder, name: str, skipped: Skipped) -> np.ndarray | None:
    features = reading.read_features(folder.root, name, folder.nfeats, skipped)
    if features is not None and len(features) < folder.min_frames:
        skipped.add(f"left out: shorter than {folder.min_frames} frames", name)
        return None
    return features


def _rng(folder: Folder, index: int) -> np.random.Generator:
    """Draws that depend on the seed, the epoch (0 for a plain index) and the item only."""
    return np.random.default_rng((folder.seed, int(getattr(index, "epoch", 0)), int(index)))
