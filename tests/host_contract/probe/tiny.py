"""MotionGPT of the host that is imported, in small, over data that are neither HumanML3D nor KIT: no evaluator is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from omegaconf import OmegaConf

#: Sizes of the tokenizer.
VQ = {"nfeats": 263, "code_num": 24, "code_dim": 8, "output_emb_width": 8, "width": 16, "down_t": 2, "stride_t": 2, "depth": 2}
#: Keys of the configuration that the model and its losses read.
KEYS = {
    "SEED_VALUE": 1,
    "TRAIN": {"STAGE": "lm_pretrain", "OPTIM": {"target": "SGD", "params": {"lr": 0.5}},
              "LR_SCHEDULER": {"target": "StepLR", "params": {"step_size": 3}}},
    "LOSS": {"LAMBDA_FEATURE": 1.0, "LAMBDA_VELOCITY": 0.5, "LAMBDA_COMMIT": 0.25, "LAMBDA_CLS": 2.0,
             "ABLATION": {"RECONS_LOSS": "l1"}},
    "METRIC": {"TYPE": [], "DIST_SYNC_ON_STEP": True},
    "DATASET": {"JOINT_TYPE": "humanml3d", "NFEATS": 263},
    "model": {"target": "mGPT.models.mgpt.MotionGPT", "params": {"task": "t2m"}},
}  # fmt: skip


@contextmanager
def untied() -> Iterator[None]:
    """Within it, T5 models are marked as untied before MotionGPT resizes them: by rebinding a name, as a plugin can.

    transformers 5 else puts the embedding in the head's place or the other way round (contract, section 7); our host does
    not ask transformers that way, and nothing is rebound in it.
    """
    import mGPT.archs.mgpt_lm as host_lm

    original = getattr(host_lm, "T5ForConditionalGeneration", None)
    if original is None:
        yield
        return

    class Untied(original):
        @classmethod
        def from_pretrained(cls, *args: Any, **kwargs: Any) -> Any:
            model = original.from_pretrained(*args, **kwargs)
            model.config.tie_word_embeddings = False
            return model

    host_lm.T5ForConditionalGeneration = Untied
    try:
        yield
    finally:
        host_lm.T5ForConditionalGeneration = original


def tiny_model(t5: Path, stage: str = "lm_pretrain", kind: str | None = None, **sizes: Any) -> Any:
    """MotionGPT, or the class at the dotted path `kind`; `sizes` replace those of the tokenizer."""
    from mGPT.config import get_obj_from_str

    cfg = OmegaConf.create(KEYS)
    cfg.TRAIN.STAGE = stage
    vq = VQ | sizes
    data = SimpleNamespace(name="probe", njoints=22, is_mm=False, feats2joints=None, renorm4t2m=None, cfg=cfg)
    lm = {"model_path": str(t5), "stage": stage, "motion_codebook_size": vq["code_num"]}
    return get_obj_from_str(kind or "mGPT.models.mgpt.MotionGPT")(
        cfg=cfg, datamodule=data, codebook_size=vq["code_num"], stage=stage, debug=False, condition="text", task="t2m",
        metrics_dict=[], motion_vae={"target": "mGPT.archs.mgpt_vq.VQVae", "params": vq},
        lm={"target": "mGPT.archs.mgpt_lm.MLM", "params": lm},
    )  # fmt: skip
