"""`Recording` values enter; `Motion` values on 22 joints and HumanML3D features leave."""
from __future__ import annotations

from agir_plugin.motion.convert import to_motion, to_motions
from agir_plugin.motion.features import to_features, to_joints
from agir_plugin.motion.skeleton import retarget_scale
from agir_plugin.motion.transform import mirror, resample

__all__ = ["mirror", "resample", "retarget_scale", "to_features", "to_joints", "to_motion", "to_motions"]
