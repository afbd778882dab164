"""A plugin that exists only for this suite: data, models, language model, losses, metric and monitor of its own.

It is reached by `target:` alone.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from mGPT.archs.mgpt_lm import MLM
from mGPT.data import BASEDataModule
from mGPT.models.mgpt import MotionGPT
from pytorch_lightning import Callback
from pytorch_lightning.accelerators import AcceleratorRegistry, CPUAccelerator
from pytorch_lightning.callbacks import ModelCheckpoint
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchmetrics import Metric


class ListedCPU(CPUAccelerator):
    """The CPU, with devices given as a list."""

    @staticmethod
    def parse_devices(devices: Any) -> int:
        """As many processes as entries."""
        return devices if isinstance(devices, int) else len(devices)


class Clips(Dataset):
    """Eight clips of noise with a caption and codes."""

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> dict[str, Any]:
        draw = torch.Generator().manual_seed(index)
        return {"motion": torch.randn(32, 263, generator=draw), "codes": torch.randint(0, 16, (8,), generator=draw)}


def collate(items: list[dict[str, Any]]) -> dict[str, Any]:
    """Stacked clips; 32 frames, 8 codes."""
    motion, codes = (torch.stack([item[name] for item in items]) for name in ("motion", "codes"))
    return {"motion": motion, "codes": codes, "length": [32] * len(items)}


class ProbeData(BASEDataModule):
    """Neither humanml3d nor kit, so that none of their files is opened."""

    name = "probe"

    def __init__(self, cfg: Any, phase: str = "train", **_: Any) -> None:
        super().__init__(collate_fn=collate)
        AcceleratorRegistry.register("probe_cpu", ListedCPU, description="CPU with a list of devices", override=True)
        self.cfg, self.phase, self.njoints, self.is_mm = cfg, phase, 22, False
        cfg.DATASET.JOINT_TYPE, cfg.DATASET.NFEATS = "humanml3d", 263
        self._train_dataset = self._val_dataset = self._test_dataset = Clips()

    def feats2joints(self, features: Tensor) -> Tensor:
        """Positions stand behind the first features; no more is needed here."""
        return features[..., 4:67].reshape(*features.shape[:-1], 21, 3)[..., [0, *range(21)], :]

    def renorm4t2m(self, features: Tensor) -> Tensor:
        """As they are."""
        return features

    def train_dataloader(self) -> DataLoader:
        """Shuffled, in this process."""
        return DataLoader(Clips(), batch_size=4, shuffle=True, collate_fn=collate)

    def val_dataloader(self) -> DataLoader:
        """In order."""
        return DataLoader(Clips(), batch_size=4, collate_fn=collate)

    test_dataloader = val_dataloader


class ProbeLM(MLM):
    """Two words more than MotionGPT knows."""

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self.language_model.config.tie_word_embeddings = False
        self.tokenizer.add_tokens(["<probe_a>", "<probe_b>"])
        self.language_model.resize_token_embeddings(len(self.tokenizer))


class Mean(nn.Module):
    """The mean of what was added since the last `compute`."""

    def __init__(self) -> None:
        super().__init__()
        self.values: list[float] = []

    def compute(self, split: str) -> dict[str, float]:
        """Under the name `probe/loss/<split>`."""
        values, self.values = self.values, []
        return {f"probe/loss/{split}": sum(values) / len(values)} if values else {}

    def names(self, split: str) -> list[str]:
        """The name that `compute` logs."""
        return [f"probe/loss/{split}"]

    def reset(self) -> None:
        """Forget."""
        self.values = []


class Share(Metric):
    """Share of the clips whose number is even, since the last `compute`."""

    def __init__(self) -> None:
        super().__init__()
        self.add_state("even", torch.tensor(0.0), dist_reduce_fx="sum")
        self.add_state("seen", torch.tensor(0.0), dist_reduce_fx="sum")

    def update(self, numbers: Tensor) -> None:
        """Count."""
        self.even += (numbers % 2 == 0).sum()
        self.seen += len(numbers)

    def compute(self) -> Tensor:
        """The share."""
        return self.even / self.seen


class PlainFiles(MotionGPT):
    """MotionGPT as it is, with checkpoints of tensors and plain values, and a list of all that it logged."""

    def __init__(self, cfg: Any, datamodule: Any, **params: Any) -> None:
        super().__init__(cfg=cfg, datamodule=datamodule, **params)
        self.own = cfg

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Without the keys that hold configuration objects, so that the file loads with weights_only=True."""
        for key in ("hparams_name", "hyper_parameters", "datamodule_hparams_name", "datamodule_hyper_parameters"):
            checkpoint.pop(key, None)

    def on_fit_end(self) -> None:
        """Write the names and last values of all that was logged."""
        values = {name: float(value) for name, value in self.trainer.callback_metrics.items()}
        Path(self.own.FOLDER, f"logged_{self.own.NAME}.json").write_text(json.dumps(values))


class ProbeModel(PlainFiles):
    """Own step, own losses, own metric, own monitor, own prediction file."""

    def __init__(self, cfg: Any, datamodule: Any, **params: Any) -> None:
        super().__init__(cfg=cfg, datamodule=datamodule, **params)
        self._losses = nn.ModuleDict({f"losses_{split}": Mean() for split in ("train", "val", "test")})

    def allsplit_step(self, split: str, batch: dict[str, Any], batch_idx: int) -> Any:
        """Teach the language model to write the codes."""
        texts = self.lm.motion_token_to_string(batch["codes"], [8] * len(batch["codes"]))
        words = self.lm.tokenizer(texts, padding=True, return_tensors="pt").input_ids.to(self.device)
        loss = self.lm.language_model(input_ids=words, labels=words).loss
        self._losses[f"losses_{split}"].values.append(float(loss.detach()))
        if split != "train":
            self.metrics.Share.update(torch.arange(len(words)))
        return [("probe", float(loss.detach()))] if split == "test" else loss

    def configure_metrics(self) -> None:
        """A metric of our own in the place of MotionGPT's."""
        self.metrics = nn.ModuleDict({"Share": Share()})

    def metrics_log_dict(self) -> dict[str, float]:
        """Under a name that MotionGPT's console knows."""
        share = float(self.metrics.Share.compute())
        self.metrics.Share.reset()
        return {"Metrics/accuracy": share}

    def configure_callbacks(self) -> list[Callback]:
        """A checkpoint of our own choice; it takes the place of MotionGPT's."""
        folder = Path(self.own.FOLDER) / "chosen"
        return [ModelCheckpoint(folder, "chosen", monitor="probe/loss/val", mode="min", save_last=True)]

    def save_npy(self, outputs: list[Any]) -> None:
        """Called once per test with what the test steps returned."""
        folder = Path(self.own.TEST.FOLDER)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "outputs.json").write_text(json.dumps([batch[0][1] for batch in outputs]))


class GrowingModel(MotionGPT):
    """Takes checkpoints of a smaller vocabulary."""

    def load_state_dict(self, state_dict: dict[str, Tensor], strict: bool = True, **more: Any) -> Any:
        """Old rows from the checkpoint, new rows as they are."""
        own = self.state_dict()
        tables = [name for name in state_dict if name.startswith("lm.") and len(state_dict[name]) < len(own[name])]
        grown = {name: torch.cat([state_dict[name], own[name][len(state_dict[name]) :]]) for name in tables}
        return super().load_state_dict({**state_dict, **grown}, strict, **more)
