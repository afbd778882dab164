"""In the host that is imported: build MotionGPT whole, write its checkpoint and what its tokenizer makes of fixed features.

python write_checkpoint.py WORK_FOLDER T5_FOLDER CONFIG_FOLDER: WORK_FOLDER gets model.ckpt and answers.pt.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from mGPT.config import get_obj_from_str, instantiate_from_config
from mGPT.models.mgpt import MotionGPT
from omegaconf import OmegaConf
from tiny import VQ, untied


def features() -> torch.Tensor:
    """Three fixed clips of noise (3, 48, 263)."""
    return 3 * torch.randn(3, 48, 263, generator=torch.Generator().manual_seed(5))


def configuration(work: Path, t5: Path, configs: Path) -> Any:
    """default.yaml and the group files of the host, with small sizes and the stand-ins of `work`."""
    if hasattr(OmegaConf, "register_resolver"):
        OmegaConf.register_resolver("eval", lambda text: int(eval(str(text))), replace=True, annotation_validation="off")
    else:
        OmegaConf.register_new_resolver("eval", lambda text: int(eval(str(text))), replace=True)
    cfg = OmegaConf.load(configs / "default.yaml")
    for path in sorted(configs.glob("*/*.yaml")):
        OmegaConf.update(cfg, f"{path.parent.name}.{path.stem}", OmegaConf.load(path), force_add=True)
    cfg = OmegaConf.merge(cfg, OmegaConf.load(configs / "assets.yaml"))
    changes = {
        "NAME": "cross", "TRAIN": {"STAGE": "lm_pretrain"}, "LOSS": {"LAMBDA_CLS": 1.0},
        "METRIC": {"TYPE": ["TM2TMetrics"], "TM2T": {"t2m_path": str(work / "t2m")}},
        "DATASET": {"JOINT_TYPE": "humanml3d"},
    }  # fmt: skip
    cfg = OmegaConf.merge(cfg, changes)
    cfg.model.params.motion_vae = {"target": "mGPT.archs.mgpt_vq.VQVae", "params": VQ}
    cfg.model.params.lm = {
        "target": "mGPT.archs.mgpt_lm.MLM",
        "params": {"model_path": str(t5), "stage": "lm_pretrain", "motion_codebook_size": 24},
    }
    cfg.model.params.codebook_size = 24
    return cfg


def evaluator_files(cfg: Any, work: Path) -> None:
    """finest.tar with random weights of the evaluator's own shapes, and the spaCy folder that is opened by name."""
    import spacy

    torch.manual_seed(7)
    parts = {"text_encoder": "t2m_textencoder", "movement_encoder": "t2m_moveencoder", "motion_encoder": "t2m_motionencoder"}
    node = OmegaConf.to_container(cfg.METRIC.TM2T, resolve=True)
    weights = {name: instantiate_from_config(node[key]).state_dict() for name, key in parts.items()}
    target = work / "t2m" / "t2m" / "text_mot_match" / "model" / "finest.tar"
    target.parent.mkdir(parents=True, exist_ok=True)
    torch.save(weights, target)
    spacy.blank("en").to_disk(work / "en_core_web_sm")


def datamodule() -> Any:
    """What the model asks of HumanML3D's data module."""
    return SimpleNamespace(
        name="humanml3d", njoints=22, is_mm=False, hparams=SimpleNamespace(w_vectorizer=None),
        feats2joints=lambda features: features, renorm4t2m=lambda features: features,
    )  # fmt: skip


def main() -> None:
    """Write model.ckpt and answers.pt."""
    work, t5, configs = map(Path, sys.argv[1:4])
    cfg = configuration(work, t5, configs)
    evaluator_files(cfg, work)
    torch.manual_seed(11)
    params = OmegaConf.to_container(cfg.model.params, resolve=True)
    params.pop("whisper_path", None)
    with untied():  # released checkpoints have a head of its own
        model = get_obj_from_str(cfg.model.target)(cfg=cfg, datamodule=datamodule(), **params)
    assert isinstance(model, MotionGPT)
    model.eval()
    use_many_codes(model)
    torch.save({"state_dict": model.state_dict()}, work / "model.ckpt")
    torch.save(answers_of(model), work / "answers.pt")


def use_many_codes(model: Any) -> None:
    """Codes that lie where the encoder puts the fixed features, so that many of them are used."""
    with torch.no_grad():
        latents = model.vae.encoder.model(features().transpose(1, 2)).transpose(1, 2).flatten(0, 1)
        model.vae.quantizer.codebook.copy_(latents[: VQ["code_num"]])


def answers_of(model: Any) -> dict[str, torch.Tensor]:
    """Codes of the fixed features and the motion that they stand for."""
    with torch.no_grad():
        codes = model.vae.encode(features())[0]
        return {"codes": codes, "motion": torch.stack([model.vae.decode(row)[0] for row in codes])}


if __name__ == "__main__":
    main()
