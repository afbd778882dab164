"""In the host that is imported: load a whole checkpoint by that host's own rule and compare the tokenizer's answers.

python read_checkpoint.py WORK_FOLDER T5_FOLDER: prints JSON with what is missing, left over, and how far answers are apart.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from mGPT.models.mgpt import MotionGPT
from omegaconf import OmegaConf
from write_checkpoint import VQ, features

#: Parts of names that belong to a run: the contract's load rule takes them from the fresh model.
RUN_PARTS = ("_losses", "Metrics")
#: Saved by our host alone; it starts them anew where a checkpoint has none.
SUMS = ("code_sum", "code_count", "initted")


def main() -> None:
    """Load, compare, print."""
    work, t5 = map(Path, sys.argv[1:3])
    given = torch.load(work / "model.ckpt", map_location="cpu", weights_only=True)["state_dict"]
    model = own_model(t5)
    own = {name for name in model.state_dict() if not name.endswith(SUMS)}
    own, names = ({name for name in some if not any(part in name for part in RUN_PARTS)} for some in (own, given))
    model.load_state_dict(given, strict=True)
    answers = torch.load(work / "answers.pt", weights_only=True)
    model.eval()
    with torch.no_grad():
        codes = model.vae.encode(features())[0]
        motion = torch.stack([model.vae.decode(row)[0] for row in codes])
    found: dict[str, Any] = {
        "missing": sorted(own - names),
        "unexpected": sorted(name for name in names - own if not name.endswith(SUMS)),
        "run_keys": len(given) - len(names),
        "same_codes": torch.equal(codes, answers["codes"]),
        "used_codes": len(codes.unique()),
        "motion_difference": float((motion - answers["motion"]).abs().max()),
        "same_weights": all(torch.equal(value, given[name]) for name, value in model.state_dict().items() if name in names),
    }
    print(json.dumps(found))


def own_model(t5: Path) -> MotionGPT:
    """A MotionGPT of the same sizes with data of its own, so that no evaluator is asked for."""
    from types import SimpleNamespace

    cfg = OmegaConf.create(
        {
            "TRAIN": {"STAGE": "lm_pretrain"}, "LOSS": {"LAMBDA_CLS": 1.0, "ABLATION": {"RECONS_LOSS": "l1_smooth"}},
            "METRIC": {"TYPE": [], "DIST_SYNC_ON_STEP": True}, "DATASET": {"JOINT_TYPE": "humanml3d", "NFEATS": 263},
            "model": {"params": {"task": "t2m"}}, "SEED_VALUE": 1,
        }
    )  # fmt: skip
    data = SimpleNamespace(name="probe", njoints=22, is_mm=False, feats2joints=None, renorm4t2m=None, cfg=cfg)
    return MotionGPT(
        cfg=cfg, datamodule=data, codebook_size=24, stage="lm_pretrain", debug=False, condition="text", task="t2m",
        metrics_dict=[], motion_vae={"target": "mGPT.archs.mgpt_vq.VQVae", "params": VQ},
        lm={"target": "mGPT.archs.mgpt_lm.MLM",
            "params": {"model_path": str(t5), "stage": "lm_pretrain", "motion_codebook_size": 24}},
    )  # fmt: skip


if __name__ == "__main__":
    main()
