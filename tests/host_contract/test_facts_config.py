"""Configuration as plugins meet it, in whichever host is in use: which file wins, which keys are there, what objects get."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Parse
from mGPT.data.build_data import build_data
from mGPT.models.build_model import build_model
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigAttributeError

pytestmark = pytest.mark.filterwarnings("ignore:register_new_resolver:UserWarning")

#: Keys of configs/default.yaml that a plugin's experiment file may leave out, with their values.
DEFAULTS = {
    "SEED_VALUE": 1234,
    "TRAIN.SPLIT": "train",
    "TRAIN.BATCH_SIZE": 8,
    "TRAIN.END_EPOCH": 2000,
    "TRAIN.RESUME": "",
    "TRAIN.PRETRAINED": "",
    "TRAIN.PRETRAINED_VAE": "",
    "TRAIN.OPTIM": {"target": "AdamW", "params": {"lr": 2e-4, "betas": [0.9, 0.99], "weight_decay": 0.0}},
    "TRAIN.LR_SCHEDULER.target": "CosineAnnealingLR",
    "TRAIN.LR_SCHEDULER.params.eta_min": 1e-6,
    "EVAL.SPLIT": "val",
    "EVAL.BATCH_SIZE": 16,
    "TEST.SPLIT": "test",
    "TEST.BATCH_SIZE": 16,
    "TEST.CHECKPOINTS": "",
    "TEST.SAVE_PREDICTIONS": False,
    "TEST.REPLICATION_TIMES": 20,
    "DATASET.target": "mGPT.data.HumanML3D.HumanML3DDataModule",
    "DATASET.TASK_PATH": "",
    "DATASET.NFEATS": 263,
    "DATASET.HUMANML3D.MAX_MOTION_LEN": 196,
    "DATASET.HUMANML3D.MIN_MOTION_LEN": 40,
    "DATASET.HUMANML3D.MAX_TEXT_LEN": 20,
    "DATASET.HUMANML3D.UNIT_LEN": 4,
    "DATASET.HUMANML3D.STD_TEXT": False,
    "METRIC.DIST_SYNC_ON_STEP": True,
    "LOSS.LAMBDA_VELOCITY": 0.5,
    "LOSS.LAMBDA_COMMIT": 0.02,
    "LOSS.ABLATION.RECONS_LOSS": "l1_smooth",
    "model.target": "mGPT.models.mgpt.MotionGPT",
    "model.params.condition": "text",
    "model.params.task": "t2m",
    "model.params.codebook_size": 512,
    "LOGGER.VAL_EVERY_STEPS": 10,
    "LOGGER.WANDB.params.project": None,
    "lm.default.target": "mGPT.archs.mgpt_lm.MLM",
    "lm.default.params.model_type": "t5",
    "lm.default.params.motion_codebook_size": 512,
    "vq.default.target": "mGPT.archs.mgpt_vq.VQVae",
    "vq.default.params.quantizer": "ema_reset",
    "vq.default.params.width": 512,
    "vq.default.params.depth": 3,
    "vq.default.params.down_t": 2,
}


def test_assets_win_over_group_files_over_the_experiment_over_the_defaults(parse: Parse) -> None:
    experiment = {"SEED_VALUE": 7, "FOLDER": "of_experiment", "vq": {"default": {"params": {"width": 9}}}}
    cfg = parse(experiment, {"FOLDER": "of_assets", "TEST": {"FOLDER": "results"}})
    assert cfg.SEED_VALUE == 7 and cfg.TRAIN.BATCH_SIZE == 8
    assert cfg.vq.default.params.width == 512  # the group file wins over the experiment
    assert cfg.FOLDER == "of_assets"


def test_a_mapping_in_the_experiment_takes_the_place_of_a_group_file(parse: Parse) -> None:
    inline = {"target": "my.LM", "params": {"size": 3}}
    assert OmegaConf.to_container(parse({"model": {"params": {"lm": inline}}}, {}).model.params.lm) == inline
    cfg = parse({"mine": {"lm": inline}, "model": {"params": {"lm": "${mine.lm}"}}}, {})
    assert cfg.model.params.lm.target == "my.LM" and cfg.model.params.lm.params.size == 3


def test_a_whole_saved_configuration_is_not_mixed_with_group_files(parse: Parse) -> None:
    cfg = parse({"FULL_CONFIG": True, "vq": {"default": {"params": {"width": 99}}}}, {})
    assert cfg.vq.default.params.width == 99


@pytest.mark.parametrize("key", DEFAULTS)
def test_defaults(key: str, parse: Parse) -> None:
    found = OmegaConf.select(parse({}, {}, "--nodebug"), key, throw_on_missing=True)
    assert (OmegaConf.to_container(found) if isinstance(found, DictConfig) else found) == DEFAULTS[key]


def test_a_key_that_is_nowhere_is_an_error(parse: Parse) -> None:
    with pytest.raises(ConfigAttributeError):
        _ = parse({}, {}).DATASET.NO_SUCH_KEY


def test_flags_win_over_all_files(parse: Parse) -> None:
    given = {"TRAIN": {"STAGE": "lm_pretrain", "BATCH_SIZE": 3}, "EVAL": {"BATCH_SIZE": 4}}
    flags = ["--batch_size", "5", "--num_nodes", "2", "--device", "0", "1", "--task", "gait"]
    cfg = parse(given, {"TRAIN": {"BATCH_SIZE": 6}}, *flags)
    assert (cfg.TRAIN.BATCH_SIZE, cfg.EVAL.BATCH_SIZE, cfg.NUM_NODES, list(cfg.DEVICE)) == (5, 4, 2, [0, 1])
    assert cfg.model.params.task == "gait" and cfg.model.params.stage == "lm_pretrain"


@pytest.mark.parametrize(
    ("words", "phase", "name", "every"),
    [((), "train", "debug--n", 1), (("--nodebug",), "train", "n", 3), ((), "test", "n", 3)],
)
def test_debug_runs_have_a_name_of_their_own(
    words: tuple[str, ...], phase: str, name: str, every: int, parse: Parse
) -> None:
    cfg = parse({"DEBUG": True, "LOGGER": {"VAL_EVERY_STEPS": 3}}, {}, *words, phase=phase)
    assert (name, every, name.startswith("debug")) == (cfg.NAME, cfg.LOGGER.VAL_EVERY_STEPS, cfg.DEBUG)
    assert list(cfg.DEVICE) == [0]


def test_arithmetic_in_a_file(parse: Parse) -> None:
    cfg = parse({"LOGGER": {"VAL_EVERY_STEPS": 3}, "mine": "${eval:'2 * (3 + 4)'}"}, {}, "--nodebug")
    assert cfg.TRAIN.LR_SCHEDULER.params.T_max == 300 and cfg.mine == 14


def test_models_get_plain_values_and_the_configuration(parse: Parse) -> None:
    params = {"lm": None, "motion_vae": None, "codebook_size": 5, "metrics_dict": "${METRIC.TYPE}", "extra": {"a": [1]}}
    cfg = parse({"METRIC": {"TYPE": ["MRMetrics"]}, "model": {"target": "builtins.dict", "params": params}}, {})
    data = object()
    made: dict[str, Any] = build_model(cfg, data)
    assert made["cfg"] is cfg and made["datamodule"] is data
    assert type(made["metrics_dict"]) is list and made["metrics_dict"] == ["MRMetrics"]
    assert type(made["extra"]) is dict and made["extra"] == {"a": [1]} and made["stage"] == "vae"


def test_data_modules_are_called_with_the_configuration_and_the_phase(parse: Parse) -> None:
    cfg = parse({"DATASET": {"target": "builtins.dict"}}, {})
    made = build_data(cfg)
    assert made["cfg"] is cfg and made["phase"] == "train"
