"""MotionGPT as a LightningModule: batches of one of three stages go in; a loss, metrics and predictions come out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mGPT.config import instantiate_from_config
from mGPT.errors import ConfigError
from mGPT.losses.mgpt import GPTLosses
from mGPT.models.base import BaseModel, plain

STAGES = ("vae", "lm_pretrain", "lm_instruct")
MOTION_TASKS = ("m2m", "pred", "inbetween")
TASKS = ("t2m", "m2t", *MOTION_TASKS)

Batch = Mapping[str, Any]
Named = list[tuple[str, Any]]


class MotionGPT(BaseModel):
    """Stage vae trains the tokenizer; lm_pretrain and lm_instruct train the language model over a frozen tokenizer.

    In stage vae no language model is built. `task` chooses what validation and test ask for; a subclass with a
    step of its own may be given any word, another lists its words in `tasks`.
    """

    stages: Sequence[str] = STAGES
    tasks: Sequence[str] = TASKS

    def __init__(
        self,
        cfg: Any,
        datamodule: Any,
        lm: Mapping[str, Any] | None,
        motion_vae: Mapping[str, Any],
        codebook_size: int = 512,
        stage: str = "vae",
        debug: bool = False,
        condition: str = "text",
        task: str = "t2m",
        metrics_dict: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__()
        self.check_words(stage, task)
        self.cfg, self.datamodule = cfg, datamodule
        self.stage, self.task, self.metrics_dict = stage, task, list(metrics_dict)
        self.save_hyperparameters(
            plain(
                dict(lm=lm, motion_vae=motion_vae, codebook_size=codebook_size, stage=stage, debug=debug)
                | dict(condition=condition, task=task, metrics_dict=metrics_dict, **kwargs)
            ),
            logger=False,
        )
        self.vae = instantiate_from_config(motion_vae)
        self.lm = None if stage == "vae" else instantiate_from_config(lm)
        if stage != "vae":
            self.vae.requires_grad_(False)
            self.vae.eval()
        self._losses = nn.ModuleDict(
            {
                f"losses_{split}": GPTLosses(cfg, stage, num_joints=datamodule.njoints)
                for split in ("train", "test", "val")
            }
        )
        self.feats2joints = datamodule.feats2joints
        self.configure_metrics()

    def check_words(self, stage: str, task: str) -> None:
        """ConfigError for a stage or task word that this model does not know."""
        if stage not in self.stages:
            raise ConfigError(f"TRAIN.STAGE: expected one of {', '.join(self.stages)}, got {stage!r}")
        own_step = type(self).allsplit_step is not MotionGPT.allsplit_step  # a plugin's step may have tasks of its own
        if stage != "vae" and task not in self.tasks and not own_step:
            raise ConfigError(f"model.params.task: expected one of {', '.join(self.tasks)}, got {task!r}")

    def train(self, mode: bool = True) -> MotionGPT:
        """Training mode for all but a frozen tokenizer, which stays in eval mode so that its codebook never moves."""
        super().train(mode)
        if self.stage != "vae":
            self.vae.eval()
        return self

    def allsplit_step(self, split: str, batch: Batch, batch_idx: int) -> Any:
        """train: the loss. val, test: updates losses and metrics; returns (name, prediction) pairs."""
        if self.stage == "vae":
            return self._vae_step(split, batch)
        if split == "train":
            return self._losses["losses_train"].update(self.train_lm_forward(batch))
        if batch.get("text") is not None:
            self._losses[f"losses_{split}"].update(self.val_lm_forward(batch))
        if self.task == "t2m":
            return self._named(batch, self._motion_metrics(self.val_t2m_forward(batch)))
        if self.task == "m2t":
            return self._named(batch, self._text_metrics(self.val_m2t_forward(batch)))
        return self._named(batch, self._motion_metrics(self.val_m2m_forward(batch, self.task)))

    def train_vae_forward(self, batch: Batch) -> dict[str, Any]:
        """Reconstruct training windows (N, T, nfeats): m_ref, m_rst, loss_commit, perplexity.

        `length` counts a clip's frames; where a clip is shorter than the window, the padding counts in no loss.
        """
        reference = batch["motion"]
        unit, window = self.vae.frames_per_token, reference.shape[1]
        lengths = [min(int(length) // unit * unit, window) for length in batch["length"]]
        whole = min(lengths) == window
        rebuilt, commit, perplexity = self.vae(reference, None if whole else lengths)
        rebuilt, inside = rebuilt[:, :window], _inside(reference, lengths)
        pair = (
            {"m_ref": reference, "m_rst": rebuilt} if whole else {"m_ref": reference[inside], "m_rst": rebuilt[inside]}
        )
        return {**pair, "loss_commit": commit, "perplexity": perplexity}

    def train_lm_forward(self, batch: Batch) -> dict[str, Any]:
        """Language-model loss of a batch of texts, codes (`motion`), their numbers (`length`) and `tasks`."""
        codes = batch["motion"].long()
        return {"outputs": self.lm(batch["text"], codes, batch["length"], batch["tasks"])}

    def val_vae_forward(self, batch: Batch) -> dict[str, Any]:
        """Reconstruct padded clips at their true lengths; frames beyond a length are zero on both sides."""
        lengths = self._whole_lengths(batch)
        reference = _cut(batch["motion"], lengths)
        rebuilt, commit, perplexity = self.vae(reference, lengths)
        rebuilt = rebuilt[:, : reference.shape[1]]
        return {
            "m_ref": reference,
            "m_rst": rebuilt,
            "length": lengths,
            "loss_commit": commit,
            "perplexity": perplexity,
        }

    def val_lm_forward(self, batch: Batch) -> dict[str, Any]:
        """Loss of the task's evaluation prompt on a validation batch (motion features, texts)."""
        codes, lengths = self.encode_batch(batch)
        word = "pred" if self.task == "m2m" else self.task
        tasks = [self.lm.evaluation_task(word)] * len(lengths)
        return {"outputs": self.lm(batch["text"], codes, lengths, tasks)}

    def val_t2m_forward(self, batch: Batch) -> dict[str, Any]:
        """Motions for captions: m_ref, m_rst (N, T, nfeats), true `length`, and the `made` frames of each answer."""
        codes = self.lm.generate_conditional(texts=batch["text"], lengths=batch["length"], task="t2m", stage="test")
        return self._motion_set(batch, codes)

    def val_m2t_forward(self, batch: Batch) -> dict[str, Any]:
        """Captions for motions: t_pred and t_ref."""
        codes, lengths = self.encode_batch(batch)
        texts = self.lm.generate_conditional(motion_tokens=codes, lengths=lengths, task="m2t", stage="test")
        return {
            "m_ref": batch["motion"],
            "t_pred": texts,
            "t_ref": batch.get("all_captions") or [[t] for t in batch["text"]],
        }

    def val_m2m_forward(self, batch: Batch, task: str = "pred") -> dict[str, Any]:
        """Motions continued (pred, m2m) or filled in (inbetween) from the clip's own codes."""
        codes, lengths = self.encode_batch(batch)
        word = "pred" if task == "m2m" else task
        made = self.lm.generate_conditional(motion_tokens=codes, lengths=lengths, task=word, stage="test")
        if word == "pred":
            given = [int(length * self.lm.predict_ratio) for length in lengths]
            made = [
                torch.cat([row[:known], new]) if len(new) else new
                for row, known, new in zip(codes, given, made, strict=True)
            ]
        return self._motion_set(batch, made)

    def encode_batch(self, batch: Batch) -> tuple[Tensor, list[int]]:
        """Codes (N, longest) of a padded batch of features, and how many are valid in each row."""
        lengths = self._whole_lengths(batch)
        with torch.no_grad():
            codes, _ = self.vae.encode(_cut(batch["motion"], lengths), lengths)
        return codes, [length // self.vae.frames_per_token for length in lengths]

    def _vae_step(self, split: str, batch: Batch) -> Any:
        if split == "train":
            return self._losses["losses_train"].update(self.train_vae_forward(batch))
        results = self.val_vae_forward(batch)
        inside = _inside(results["m_ref"], results["length"])
        true_frames = {key: results[key][inside] for key in ("m_ref", "m_rst")}
        self._losses[f"losses_{split}"].update({**results, **true_frames})
        return self._named(batch, self._motion_metrics({**results, "made": results["length"]}))

    def _motion_set(self, batch: Batch, codes: Sequence[Tensor]) -> dict[str, Any]:
        lengths = [int(length) for length in batch["length"]]
        reference = _cut(batch["motion"], lengths)
        rebuilt = torch.zeros_like(reference)
        made = [0] * len(lengths)
        for index, row in enumerate(codes):
            if len(row):
                motion = self.vae.decode(row.to(self.device))[0][: reference.shape[1]]
                rebuilt[index, : len(motion)], made[index] = motion, len(motion)
        return {"m_ref": reference, "m_rst": rebuilt, "length": lengths, "made": made}

    def _motion_metrics(self, results: dict[str, Any]) -> list[Tensor]:
        read = [index for index, frames in enumerate(results["made"]) if frames]
        if len(read) < len(results["made"]):
            self.counts["motions_not_read"] += len(results["made"]) - len(read)
        lengths = [min(results["length"][index], results["made"][index]) for index in read]
        if read and self.metrics_dict:
            meant, made = results["m_ref"][read].float(), results["m_rst"][read].float()
            with torch.autocast(made.device.type, enabled=False):
                self._update_motion_metrics(meant, made, lengths)
        return [row[:frames] for row, frames in zip(results["m_rst"], results["made"], strict=True)]

    def _update_motion_metrics(self, meant: Tensor, made: Tensor, lengths: Sequence[int]) -> None:
        joints = {"joints_rst": self.feats2joints(made), "joints_ref": self.feats2joints(meant)}
        for name in self.metrics_dict:
            getattr(self.metrics, name).update(**joints, lengths=lengths, feats_rst=made, feats_ref=meant)

    def _text_metrics(self, results: dict[str, Any]) -> list[str]:
        for name in self.metrics_dict:
            getattr(self.metrics, name).update(pred_texts=results["t_pred"], gt_texts=results["t_ref"])
        return results["t_pred"]

    def _named(self, batch: Batch, predictions: Sequence[Any]) -> Named:
        names = batch.get("fname") or [f"row{index}" for index in range(len(predictions))]
        return list(zip(names, predictions, strict=True))

    def _whole_lengths(self, batch: Batch) -> list[int]:
        unit = self.vae.frames_per_token
        return [int(length) // unit * unit for length in batch["length"]]


def _cut(motion: Tensor, lengths: Sequence[int]) -> Tensor:
    """Clips (N, longest, nfeats) with zeros beyond each length."""
    motion = motion[:, : max(lengths)]
    return motion.masked_fill(~_inside(motion, lengths)[..., None], 0.0)


def _inside(motion: Tensor, lengths: Sequence[int]) -> Tensor:
    """(N, T) bool, true at the true frames of clips (N, T, nfeats)."""
    return torch.arange(motion.shape[1], device=motion.device) < torch.as_tensor(lengths, device=motion.device)[:, None]
