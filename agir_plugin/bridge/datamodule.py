"""A cohort folder -> MotionGPT's data module: batches of feature crops (stage `vae`) or of text rows (language stages)."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mGPT.data import BASEDataModule
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from agir_plugin.bridge.compat import mend_config
from agir_plugin.bridge.rows import Row, RowBatch, RowWriter, Window
from agir_plugin.bridge.settings import DataSettings, data_settings
from agir_plugin.bridge.windows import pad_to_tokens, windows
from agir_plugin.cohort import Cohort, Fold
from agir_plugin.cohort.walks import REFUSED
from agir_plugin.consts import FRAMES_PER_TOKEN, N_FEATURES, SCORES
from agir_plugin.errors import CohortError, ConfigError
from agir_plugin.motion import to_joints
from agir_plugin.records import Rationale
from agir_plugin.registry import WRITERS, get

LOG = logging.getLogger(__name__)

#: The index a sampler hands to a training set: epoch and row, so that every draw depends on (seed, epoch, row) alone.
Index = tuple[int, int]


class EpochSampler(DistributedSampler):
    """Shuffles by (seed, epoch) and yields (epoch, index); splits the rows among processes when there are several.

    Lightning calls `set_epoch`, so a run that is killed and resumed sees the same rows as one that was not.
    """

    def __init__(self, dataset: Dataset, seed: int) -> None:
        together = torch.distributed.is_available() and torch.distributed.is_initialized()
        ranks = {} if together else {"num_replicas": 1, "rank": 0}
        super().__init__(dataset, shuffle=True, seed=seed, **ranks)

    def __iter__(self) -> Iterator[Index]:
        return ((self.epoch, index) for index in super().__iter__())


class CropSet(Dataset):
    """Normalised features of the walks of one split, for the motion tokenizer: random crops in training, whole walks else."""

    def __init__(self, cohort: Cohort, walks: Sequence[str], settings: DataSettings, seed: int, training: bool) -> None:
        mean, std = cohort.statistics()
        shortest = settings.crop_frames if training else FRAMES_PER_TOKEN
        self.clips = [pad_to_tokens((cohort.features(w) - mean) / std, shortest).astype(np.float32) for w in walks]
        self.walks, self.settings, self.seed, self.training = tuple(walks), settings, seed, training

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int | Index) -> dict[str, Any]:
        """`motion` (T, 263) float32 z-normalised, and its `length` in frames."""
        epoch, row = index if isinstance(index, tuple) else (0, index)
        clip = self.clips[row]
        if self.training:
            length = self.settings.crop_frames
            start = np.random.default_rng([self.seed, epoch, row]).integers(0, len(clip) - length + 1)
            clip = clip[start : start + length]
        return {"motion": torch.from_numpy(clip), "length": len(clip)}


class RowSet(Dataset):
    """Text rows of the windows of one split, for the language model.

    In training every draw (direction, instruction, crop) depends on (seed, epoch, row); in evaluation each window is one
    reasoning (or, in the generative stage, one motion -> description) row with the task's first instruction.
    """

    def __init__(self, rows: Sequence[Window], writer: RowWriter, seed: int, training: bool) -> None:
        self.windows, self.writer, self.seed, self.training = tuple(rows), writer, seed, training

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, index: int | Index) -> Row:
        if not self.training:
            return self.writer.evaluation_row(self.windows[index])
        epoch, row = index if isinstance(index, tuple) else (0, index)
        return self.writer.training_row(self.windows[row], np.random.default_rng([self.seed, epoch, row]))


class GaitDataModule(BASEDataModule):
    """MotionGPT data module over a cohort folder, chosen by `DATASET.target`; settings in `DATASET.AGIR`.

    Walks are split by subject (the cohort's folds). Every walk of the cohort is used or counted in `excluded` with a reason.
    """

    name = "agir"

    def __init__(self, cfg: Any, phase: str = "train", **host: Any) -> None:
        super().__init__(collate_fn=collate)
        mend_config(cfg)
        self.cfg = cfg
        self.settings = data_settings(cfg)
        self.cohort = _open(self.settings.cohort)
        self.fold: Fold = self.cohort.fold(self.settings.scheme, self.settings.fold)
        self.seed = int(cfg.SEED_VALUE)
        self.codebook_size = int(cfg.model.params.codebook_size)
        self.njoints, self.nfeats, self.is_mm = 22, N_FEATURES, False
        self.excluded: dict[str, str] = {w.walk: w.reason for w in self.cohort.walks if w.status == REFUSED}
        if self.settings.task != "tokenizer":
            self.excluded |= {w.walk: "no gait score" for w in self.cohort.kept if w.score is None}
        mean, std = self.cohort.statistics()
        self._mean, self._std = (torch.as_tensor(x, dtype=torch.float32) for x in (mean, std))
        cfg.DATASET.JOINT_TYPE = "humanml3d"
        cfg.DATASET.NFEATS = N_FEATURES
        self._sets: dict[str, Dataset] = {}

    def feats2joints(self, features: Tensor) -> Tensor:
        """Normalised features (..., T, 263) -> joints (..., T, 22, 3) in metres."""
        raw = features.detach().cpu() * self._std + self._mean
        flat = raw.reshape(-1, *raw.shape[-2:]).double().numpy()
        joints = np.stack([to_joints(clip) for clip in flat])
        return torch.from_numpy(joints).to(features).reshape(*features.shape[:-1], 22, 3)

    def renorm4t2m(self, features: Tensor) -> Tensor:
        """Features for MotionGPT's text-motion evaluators, which AGIR does not use: returned as they are."""
        return features

    def skipped(self) -> dict[str, dict[str, list[str]]]:
        """Refused walks of each split in use, as MotionGPT's host reports them: split -> reason -> walks."""
        found: dict[str, dict[str, list[str]]] = {split: {} for split in self._sets}
        for split, reasons in found.items():
            for walk in self.cohort.walks:
                if walk.status == REFUSED and walk.subject in getattr(self.fold, split):
                    reasons.setdefault(walk.reason, []).append(walk.walk)
        return found

    def code_folder(self) -> str:
        """Where the motion codes are (MotionGPT's tokenising script writes them there)."""
        return str(self.cohort.folder / "TOKENS")

    def code_clips(self) -> list[tuple[str, Tensor]]:
        """Every kept walk's normalised features, padded to whole tokens, for MotionGPT's tokenising script."""
        mean, std = self.cohort.statistics()
        clips = ((w.walk, pad_to_tokens((self.cohort.features(w.walk) - mean) / std)) for w in self.cohort.kept)
        return [(name, torch.from_numpy(clip.astype(np.float32))) for name, clip in clips]

    def split_walks(self, split: str) -> list[str]:
        """The kept walks of one split (`train`, `val`, `test`), in the cohort's order; the language stages take labelled ones."""
        walks = self.cohort.walks_of(getattr(self.fold, split))
        return [w.walk for w in walks if self.settings.task == "tokenizer" or w.score is not None]

    def dataset(self, split: str) -> Dataset:
        """The data set of one split, made on first use."""
        if split not in self._sets:
            self._sets[split] = self._make(split)
            if not len(self._sets[split]):
                raise CohortError(
                    f"{self.cohort.folder}: expected walks in the {split} part of {self.settings.scheme}/"
                    f"{self.settings.fold}, found none; add labelled walks or choose another fold"
                )
            LOG.info("%s: %d rows from %d walks", split, len(self._sets[split]), len(self.split_walks(split)))
        return self._sets[split]

    train_dataset = property(lambda self: self.dataset("train"))
    val_dataset = property(lambda self: self.dataset(self.part("EVAL")))
    test_dataset = property(lambda self: self.dataset(self.part("TEST")))

    def part(self, section: str) -> str:
        """The part of the fold that `EVAL.SPLIT` or `TEST.SPLIT` names; training always takes `train`."""
        named = str(self.cfg[section].SPLIT)
        if named not in ("val", "test"):
            raise ConfigError(f"{section}.SPLIT: expected val or test, got {named!r}; a part that was learnt from says nothing")
        return named

    def setup(self, stage: str | None = None) -> None:
        """Load the splits that `stage` needs."""
        needed = {"fit": ("train_dataset", "val_dataset"), "validate": ("val_dataset",), "test": ("test_dataset",)}
        for name in needed.get(stage, ("train_dataset", "val_dataset", "test_dataset")):
            getattr(self, name)

    def train_dataloader(self) -> DataLoader:
        """Shuffled batches, the same in every run with the same seed."""
        data = self.train_dataset
        return self._loader(data, self.cfg.TRAIN, sampler=EpochSampler(data, self.seed))

    def val_dataloader(self) -> DataLoader:
        """Validation rows in order."""
        return self._loader(self.val_dataset, self.cfg.EVAL)

    def test_dataloader(self) -> DataLoader:
        """Test rows in order."""
        return self._loader(self.test_dataset, self.cfg.TEST)

    def predict_dataloader(self) -> DataLoader:
        """The test rows."""
        return self.test_dataloader()

    def _loader(self, data: Dataset, options: Any, sampler: Any = None) -> DataLoader:
        workers = int(options.NUM_WORKERS)
        return DataLoader(
            data,
            batch_size=int(options.BATCH_SIZE),
            num_workers=workers,
            persistent_workers=workers > 0,
            sampler=sampler,
            collate_fn=collate,
        )

    def _make(self, split: str) -> Dataset:
        training, walks = split == "train", self.split_walks(split)
        if self.settings.task == "tokenizer":
            return CropSet(self.cohort, walks, self.settings, self.seed, training)
        wrong = self._permuted(walks) if self.settings.shuffle_labels and split != "test" else {}
        rows = [window for walk in walks for window in self._windows(walk, wrong.get(walk))]
        return RowSet(rows, RowWriter(self.settings, self.codebook_size), self.seed, training)

    def _windows(self, walk: str, wrong_score: int | None) -> list[Window]:
        info, codes = self.cohort.walk(walk), self.cohort.tokens(walk)
        if codes.max(initial=0) >= self.codebook_size:
            raise ConfigError(
                f"{walk}: token {codes.max()} does not fit model.params.codebook_size {self.codebook_size}; tokenise the cohort "
                f"again with this configuration's tokenizer"
            )
        score, rationale = self._label(walk, wrong_score)
        parts = windows(codes, self.settings.window_tokens, self.settings.stride_tokens)
        return [Window(walk, info.subject, info.state, i, part, score, rationale) for i, part in enumerate(parts)]

    def _label(self, walk: str, wrong_score: int | None) -> tuple[int | None, Rationale]:
        if wrong_score is not None:
            return wrong_score, get(WRITERS, "rules")(self.cohort.gait(walk), wrong_score, walk)
        if walk not in self._rationales:
            raise CohortError(f"{self.cohort.folder}: {walk} has no rationale; run `agir annotate {self.cohort.folder}` first")
        return self.cohort.walk(walk).score, self._rationales[walk]

    @cached_property
    def _rationales(self) -> dict[str, Rationale]:
        return self.cohort.rationales()

    def _permuted(self, walks: Sequence[str]) -> dict[str, int]:
        """The walks' scores in a random order that depends on the seed alone."""
        scores = np.array([self.cohort.walk(w).score for w in walks])
        order = np.random.default_rng([self.seed, len(SCORES)]).permutation(len(walks))
        return dict(zip(walks, scores[order].tolist(), strict=True))


def _open(folder: str) -> Cohort:
    if not Path(folder).is_dir():
        raise CohortError(
            f"DATASET.AGIR.cohort: no folder {folder}; make a cohort with `agir synth --out {folder}` or `agir ingest`, "
            f"or set DATASET.AGIR.cohort to one"
        )
    return Cohort.open(folder)


def collate(items: Sequence[dict[str, Any] | Row]) -> dict[str, Any]:
    """Rows -> `{"rows": [...], "length": tokens}`; feature clips -> zero-padded `motion` (B, T, 263) and `length` in frames."""
    if isinstance(items[0], Row):
        return {"rows": RowBatch(items), "length": [len(row.window.codes) for row in items]}
    motion = torch.nn.utils.rnn.pad_sequence([item["motion"] for item in items], batch_first=True)
    return {"motion": motion, "length": [item["length"] for item in items]}
