"""The data module of HumanML3D folders: `DATASET.HUMANML3D.ROOT` goes in, batches of any stage come out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

import mGPT
from mGPT.data.base import BASEDataModule
from mGPT.data.humanml import reading
from mGPT.data.humanml.datasets import ClipDataset, CodeClips, Folder, TokenDataset, WindowDataset, collate
from mGPT.data.humanml.joints import feature_joints
from mGPT.errors import DataError

TEMPLATES = {"lm_pretrain": "template_pretrain.json", "lm_instruct": "template_instructions.json"}


class HumanML3DDataModule(BASEDataModule):
    """Opens what the stage needs of split files, statistics, features, captions, codes and templates; no more."""

    def __init__(self, cfg: Any, phase: str = "train", **kwargs: Any) -> None:
        super().__init__(collate_fn=collate)
        self.cfg, self.phase = cfg, phase
        self.name, self.njoints = "humanml3d", 22
        self.stage = str(cfg.TRAIN.STAGE)
        own = cfg.DATASET.HUMANML3D
        root = Path(own.ROOT)
        if not root.is_dir():
            raise DataError(
                f"DATASET.HUMANML3D.ROOT: expected a data folder at {root}, found none; set it in the assets file"
            )
        mean, std = reading.read_statistics(Path(own.MEAN_STD_PATH or root), int(cfg.DATASET.NFEATS))
        self.folder = Folder(
            root=root, mean=mean, std=std, nfeats=int(cfg.DATASET.NFEATS), min_frames=int(own.MIN_MOTION_LEN),
            max_frames=int(own.MAX_MOTION_LEN), unit=int(own.UNIT_LEN), debug=bool(cfg.DEBUG), seed=int(cfg.SEED_VALUE),
        )  # fmt: skip
        self.Dataset, self.DatasetEval = self._training_set, self._clips

    def feats2joints(self, features: Tensor) -> Tensor:
        """Joints (..., T, 22, 3) in metres of normalised features (..., T, 263)."""
        return feature_joints(self._denormalised(features), self.njoints)

    def code_folder(self) -> Path:
        """ROOT/CODE_PATH."""
        return self.folder.root / str(self.cfg.DATASET.CODE_PATH)

    def code_clips(self) -> list[tuple[str, Tensor]]:
        """(name, normalised features) of all clips of the three split files; what is left out shows in `skipped`."""
        splits = (self.cfg.TRAIN.SPLIT, self.cfg.EVAL.SPLIT, self.cfg.TEST.SPLIT)
        names = [
            name
            for split in dict.fromkeys(splits)
            for name in reading.read_split(self.folder.root, split, self.folder.debug)
        ]
        whole = CodeClips(self.folder, list(dict.fromkeys(names)))
        self._datasets["codes"] = whole
        return [whole[index] for index in range(len(whole))]

    def normalize(self, features: Tensor) -> Tensor:
        """Raw features to normalised ones."""
        mean, std = self._statistics(features)
        return (features - mean) / std

    def _denormalised(self, features: Tensor) -> Tensor:
        mean, std = self._statistics(features)
        return features * std + mean

    def _statistics(self, like: Tensor) -> tuple[Tensor, Tensor]:
        return tuple(torch.from_numpy(part).to(like) for part in (self.folder.mean, self.folder.std))

    def _training_set(self, split: str, **options: Any) -> Dataset:
        if self.stage == "vae":
            return WindowDataset(self.folder, split, int(self.cfg.DATASET.HUMANML3D.WINDOW_SIZE))
        return TokenDataset(
            self.folder, split, str(self.cfg.DATASET.CODE_PATH), reading.read_tasks(self._template_file())
        )

    def _clips(self, split: str, **options: Any) -> Dataset:
        return ClipDataset(self.folder, split, with_text=self.stage != "vae")

    def _template_file(self) -> Path:
        """TASK_PATH, else the data folder's own template, else the one that ships with the host."""
        if self.cfg.DATASET.TASK_PATH:
            return Path(self.cfg.DATASET.TASK_PATH)
        name = TEMPLATES[self.stage]
        own = self.folder.root / name
        return own if own.is_file() else Path(mGPT.__file__).parent / "data" / "templates" / name
