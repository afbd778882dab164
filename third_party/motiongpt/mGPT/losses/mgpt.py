"""The losses of MotionGPT's stages: the results of a forward pass go in, the weighted sum comes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from mGPT.errors import ConfigError
from mGPT.losses.base import BaseLosses

RECONSTRUCTION = {"l1": nn.L1Loss, "l2": nn.MSELoss, "l1_smooth": nn.SmoothL1Loss}
#: Channels of the 263 HumanML3D features that hold joint positions: what the velocity term of stage vae compares.
JOINT_CHANNELS = slice(4, 4 + 63)


class PassThrough(nn.Module):
    """A loss that was worked out elsewhere: the first argument unchanged."""

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()

    def forward(self, outputs: Tensor, inputs: Any = None) -> Tensor:
        """The first argument."""
        return outputs


class GPTLosses(BaseLosses):
    """stage vae: recons_feature, recons_velocity, vq_commit; stages lm_*: gpt_loss. A weight of 0 leaves a part out."""

    def __init__(self, cfg: Any, stage: str, num_joints: int | None = None, **kwargs: Any) -> None:
        if stage == "vae":
            weights = {
                "recons_feature": cfg.LOSS.LAMBDA_FEATURE,
                "recons_velocity": cfg.LOSS.LAMBDA_VELOCITY,
                "vq_commit": cfg.LOSS.LAMBDA_COMMIT,
            }
        else:
            weights = {"gpt_loss": cfg.LOSS.LAMBDA_CLS}
        weights = {name: weight for name, weight in weights.items() if weight}
        if not weights:
            raise ConfigError(f"LOSS: every weight of stage {stage} is 0; give LAMBDA_FEATURE or LAMBDA_CLS a value")
        functions = {name: _reconstruction(cfg) if name.startswith("recons") else PassThrough for name in weights}
        super().__init__(cfg, list(weights), weights, functions, num_joints)
        self.stage = stage

    def update(self, rs_set: Mapping[str, Any]) -> Tensor:
        """Weighted sum of one batch; `rs_set` holds m_ref, m_rst, loss_commit (vae) or outputs with `.loss` (lm)."""
        total = sum(self._update_loss(name, *_arguments(name, rs_set)) for name in self.losses if name != "total")
        self._record("total", total)
        return total


def _arguments(name: str, rs_set: Mapping[str, Any]) -> tuple[Any, Any]:
    if name == "recons_feature":
        return rs_set["m_rst"], rs_set["m_ref"]
    if name == "recons_velocity":
        return rs_set["m_rst"][..., JOINT_CHANNELS], rs_set["m_ref"][..., JOINT_CHANNELS]
    if name == "vq_commit":
        return rs_set["loss_commit"], None
    return rs_set["outputs"].loss, None


def _reconstruction(cfg: Any) -> type[nn.Module]:
    kind = cfg.LOSS.ABLATION.RECONS_LOSS
    if kind not in RECONSTRUCTION:
        raise ConfigError(f"LOSS.ABLATION.RECONS_LOSS: expected one of {', '.join(RECONSTRUCTION)}, got {kind!r}")
    return RECONSTRUCTION[kind]
