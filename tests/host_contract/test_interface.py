"""Names and signatures that a plugin may rely on; runs against upstream too, when MOTIONGPT_ROOT names a checkout."""

from __future__ import annotations

import inspect
from importlib import import_module

import pytest

#: Dotted path -> parameters that must be accepted, in this order where they are positional upstream.
SURFACE = {
    "mGPT.config.get_obj_from_str": ["string"],
    "mGPT.config.instantiate_from_config": ["config"],
    "mGPT.config.parse_args": ["phase"],
    "mGPT.data.BASEDataModule": ["collate_fn"],
    "mGPT.data.build_data.build_data": ["cfg", "phase"],
    "mGPT.data.HumanML3D.HumanML3DDataModule": ["cfg"],
    "mGPT.archs.mgpt_lm.MLM": [
        "model_path", "model_type", "stage", "new_token_type", "motion_codebook_size", "framerate", "down_t",
        "predict_ratio", "inbetween_ratio", "max_length", "lora", "quota_ratio", "noise_density",
        "mean_noise_span_length",
    ],
    "mGPT.archs.mgpt_lm.MLM.forward": ["self", "texts", "motion_tokens", "lengths", "tasks"],
    "mGPT.archs.mgpt_lm.MLM.generate_direct": [
        "self", "texts", "max_length", "num_beams", "do_sample", "bad_words_ids",
    ],
    "mGPT.archs.mgpt_lm.MLM.generate_conditional": [
        "self", "texts", "motion_tokens", "lengths", "task", "with_len", "stage", "tasks",
    ],
    "mGPT.archs.mgpt_vq.VQVae": [
        "nfeats", "quantizer", "code_num", "code_dim", "output_emb_width", "down_t", "stride_t", "width", "depth",
    ],
    "mGPT.archs.mgpt_vq.VQVae.encode": ["self", "features"],
    "mGPT.models.build_model.build_model": ["cfg", "datamodule"],
    "mGPT.models.mgpt.MotionGPT": [
        "cfg", "datamodule", "lm", "motion_vae", "codebook_size", "stage", "debug", "condition", "task", "metrics_dict",
    ],
    "mGPT.models.mgpt.MotionGPT.allsplit_step": ["self", "split", "batch", "batch_idx"],
    "mGPT.losses.base.BaseLosses": ["cfg", "losses", "params", "losses_func", "num_joints"],
    "mGPT.callback.build_callbacks": ["cfg"],
    "mGPT.utils.load_checkpoint.load_pretrained": ["cfg", "model"],
    "mGPT.utils.load_checkpoint.load_pretrained_vae": ["cfg", "model"],
}  # fmt: skip
METHODS = {
    "mGPT.archs.mgpt_lm.MLM": [
        "motion_token_to_string", "motion_string_to_token", "placeholder_fulfill", "template_fulfill",
    ],
    "mGPT.models.mgpt.MotionGPT": [
        "train_lm_forward", "val_t2m_forward", "val_m2t_forward", "val_m2m_forward", "val_vae_forward",
        "configure_metrics", "configure_optimizers", "save_npy", "load_state_dict", "metrics_log_dict",
    ],
    "mGPT.losses.base.BaseLosses": ["_update_loss", "compute"],
}  # fmt: skip


def found(path: str) -> object:
    """The object at a dotted path, attributes of classes included."""
    parts = path.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            thing = import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for name in parts[cut:]:
            thing = getattr(thing, name)
        return thing
    raise AssertionError(f"{path} was not found")


@pytest.mark.parametrize("path", SURFACE)
def test_parameters(path: str) -> None:
    names = list(inspect.signature(found(path)).parameters)
    wanted = SURFACE[path]
    missing = [name for name in wanted if name not in names]
    assert not missing, f"{path} takes {names}"
    assert [name for name in names if name in wanted] == wanted


@pytest.mark.parametrize("path", METHODS)
def test_methods(path: str) -> None:
    assert not [name for name in METHODS[path] if not callable(getattr(found(path), name, None))]


def test_metrics_are_found() -> None:
    assert inspect.isclass(import_module("mGPT.metrics").BaseMetrics)
