"""Loaders for any data set: a subclass names its datasets, batches of the train, val and test split come out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, distributed
from torch.utils.data import DataLoader, Dataset
from torch.utils.data.distributed import DistributedSampler

from mGPT.errors import ConfigError, DataError


class EpochIndex(int):
    """An item's index that also knows the epoch, so that what an item draws depends on (seed, epoch, index) alone."""

    epoch: int = 0


class EpochSampler(DistributedSampler):
    """All items in an order drawn from seed + epoch, shared out among processes; yields `EpochIndex`."""

    def __init__(self, dataset: Dataset, seed: int) -> None:
        ready = distributed.is_available() and distributed.is_initialized()
        world, rank = (distributed.get_world_size(), distributed.get_rank()) if ready else (1, 0)
        super().__init__(dataset, num_replicas=world, rank=rank, shuffle=True, seed=seed)

    def __iter__(self) -> Iterator[EpochIndex]:
        for index in super().__iter__():
            item = EpochIndex(index)
            item.epoch = self.epoch
            yield item


class BASEDataModule(pl.LightningDataModule):
    """Base of all data modules.

    A subclass sets in its constructor `cfg`, `name`, `njoints`, `Dataset`, `DatasetEval` and, by
    `save_hyperparameters(logger=False)`, the `hparams` that both are called with.

    The training set is `Dataset(split=TRAIN.SPLIT, **hparams)`; val and test are
    `DatasetEval(split=..., **{**hparams, "code_path": None})`. A dataset with an attribute `skipped` (reason -> names)
    has it logged and written beside the run.
    """

    name = ""
    cfg: Any
    njoints: int
    Dataset: Callable[..., Dataset]
    DatasetEval: Callable[..., Dataset]

    def __init__(self, collate_fn: Callable[[Sequence[Any]], Mapping[str, Any]]) -> None:
        super().__init__()
        self.is_mm = False
        self.dataloader_options: dict[str, Any] = {"collate_fn": collate_fn}
        self._datasets: dict[str, Dataset] = {}

    def feats2joints(self, features: Tensor) -> Tensor:
        """Joints (..., T, J, 3) in metres of normalised features (..., T, nfeats)."""
        raise NotImplementedError

    def renorm4t2m(self, features: Tensor) -> Tensor:
        """Features normalised for the text-to-motion evaluator."""
        raise NotImplementedError

    @property
    def train_dataset(self) -> Dataset:
        """The training set, made at first use."""
        return self._dataset("train", lambda: self.Dataset(split=self.cfg.TRAIN.SPLIT, **self.hparams))

    @property
    def val_dataset(self) -> Dataset:
        """The validation set, made at first use."""
        return self._dataset("val", lambda: self._evaluation_set(self.cfg.EVAL.SPLIT))

    @property
    def test_dataset(self) -> Dataset:
        """The test set, made at first use."""
        return self._dataset("test", lambda: self._evaluation_set(self.cfg.TEST.SPLIT))

    def train_dataloader(self) -> DataLoader:
        """Shuffled batches; the order of an epoch depends on SEED_VALUE and the epoch's number only."""
        sampler = EpochSampler(self.train_dataset, seed=int(self.cfg.SEED_VALUE))
        sampler.set_epoch(self.trainer.current_epoch if self.trainer is not None else 0)
        return self._loader(self.train_dataset, self.cfg.TRAIN, sampler=sampler)

    def val_dataloader(self) -> DataLoader:
        """Validation batches in the order of the data set."""
        return self._loader(self.val_dataset, self.cfg.EVAL)

    def test_dataloader(self) -> DataLoader:
        """Test batches in the order of the data set."""
        return self._loader(self.test_dataset, self.cfg.TEST)

    def code_folder(self) -> Path:
        """Where motion codes lie; a data module that can be tokenised writes this."""
        raise ConfigError(
            f"{type(self).__name__} has no code_folder(), so its clips cannot be tokenised by mGPT.get_motion_code"
        )

    def code_clips(self) -> Sequence[tuple[str, Tensor]]:
        """(name, normalised features (T, nfeats)) of all whole clips; a module that can be tokenised writes this."""
        raise ConfigError(
            f"{type(self).__name__} has no code_clips(), so its clips cannot be tokenised by mGPT.get_motion_code"
        )

    def skipped(self) -> dict[str, dict[str, list[str]]]:
        """Per split made so far: reason -> names of the clips that were left out."""
        return {split: dict(getattr(made, "skipped", {})) for split, made in self._datasets.items()}

    def _evaluation_set(self, split: str) -> Dataset:
        return self.DatasetEval(**{**self.hparams, "code_path": None, "split": split})

    def _dataset(self, split: str, make: Callable[[], Dataset]) -> Dataset:
        if split not in self._datasets:
            made = make()
            if not len(made):
                raise DataError(f"the {split} set of {self.name or type(self).__name__} is empty: {_reasons(made)}")
            self._datasets[split] = made
        return self._datasets[split]

    def _loader(self, dataset: Dataset, section: Any, **options: Any) -> DataLoader:
        workers = int(section.NUM_WORKERS)
        return DataLoader(
            dataset,
            batch_size=int(section.BATCH_SIZE),
            num_workers=workers,
            persistent_workers=workers > 0,
            generator=torch.Generator().manual_seed(
                int(self.cfg.SEED_VALUE)
            ),  # draws of the loader leave the global state alone
            **self.dataloader_options,
            **options,
        )


def _reasons(dataset: Dataset) -> str:
    skipped = getattr(dataset, "skipped", {})
    counted = "; ".join(f"{reason}: {len(names)}" for reason, names in skipped.items())
    return f"every clip was left out ({counted})" if counted else "its list names no clips; check the split file"
