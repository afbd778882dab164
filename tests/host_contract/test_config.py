"""Configuration: merge order, safe arithmetic, overrides, file search, and errors that name what is wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import HOST
from mGPT import config
from mGPT.errors import ConfigError
from mGPT.utils import config_files
from mGPT.utils.arithmetic import evaluate


def parse(tmp_path: Path, experiment: str, *words: str, assets: str = "{}", phase: str = "train") -> object:
    """The configuration of an experiment text and command-line words."""
    (tmp_path / "e.yaml").write_text(experiment)
    (tmp_path / "a.yaml").write_text(assets)
    return config.parse_args(
        phase, ["--cfg", str(tmp_path / "e.yaml"), "--cfg_assets", str(tmp_path / "a.yaml"), *words]
    )


def test_the_last_file_wins_and_words_win_over_all(tmp_path: Path) -> None:
    text = "NAME: mine\nFOLDER: from_experiment\nSEED_VALUE: 7\nlm: {default: {params: {max_length: 9}}}"
    cfg = parse(tmp_path, text, assets="FOLDER: from_assets")
    assert (cfg.SEED_VALUE, cfg.NAME) == (7, "mine")  # default.yaml < experiment
    assert cfg.lm.default.params.max_length == 256  # experiment < group file
    assert cfg.FOLDER == "from_assets"  # experiment < assets
    cfg = parse(
        tmp_path,
        text,
        "--batch_size",
        "4",
        "FOLDER=from_words",
        "lm.default.params.max_length=8",
        assets="FOLDER: from_assets",
    )
    assert (cfg.FOLDER, cfg.lm.default.params.max_length, cfg.TRAIN.BATCH_SIZE) == ("from_words", 8, 4)
    assert parse(tmp_path, text, "--batch_size", "4", "TRAIN.BATCH_SIZE=5").TRAIN.BATCH_SIZE == 5  # flag < word


def test_a_saved_whole_configuration_is_not_mixed_with_group_files(tmp_path: Path) -> None:
    cfg = parse(tmp_path, "FULL_CONFIG: true\nvq: {default: {params: {width: 99}}}")
    assert cfg.vq.default.params.width == 99


def test_flags_and_phases(tmp_path: Path) -> None:
    cfg = parse(
        tmp_path, "NAME: n\nDEBUG: true", "--task", "gait", "--device", "0", "1", "SEED_VALUE=3", "--num_nodes", "2"
    )
    assert (cfg.model.params.task, list(cfg.DEVICE), cfg.NUM_NODES, cfg.SEED_VALUE) == ("gait", [0, 1], 2, 3)
    assert (cfg.NAME, cfg.DEBUG, cfg.LOGGER.VAL_EVERY_STEPS) == ("debug--n", True, 1)
    assert parse(tmp_path, "NAME: n\nDEBUG: true", "--nodebug").NAME == "n"
    assert parse(tmp_path, "NAME: n").DEBUG is False
    assert parse(tmp_path, "NAME: n\nDEBUG: true", phase="test").DEBUG is False


def test_parsing_twice_and_resolving(tmp_path: Path) -> None:
    for _ in range(2):
        cfg = parse(tmp_path, "NAME: n", "LOGGER.VAL_EVERY_STEPS=3")
        assert cfg.TRAIN.LR_SCHEDULER.params.T_max == 300
    params = config.to_plain(cfg.model.params)
    assert params["motion_vae"]["target"] == "mGPT.archs.mgpt_vq.VQVae" and params["codebook_size"] == 512


@pytest.mark.parametrize(
    ("text", "value"),
    [("1+2*3", 7), ("(1+2)*3", 9), ("7//2 - 7%4", 0), ("2**-1", 0.5), ("-3 + +1.5", -1.5), ("9/4", 2.25), (5, 5)],
)
def test_arithmetic(text: object, value: float) -> None:
    assert evaluate(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').getpid()",
        "a+1",
        "(1).real",
        "[1]",
        "1 if 1 else 2",
        "True",
        "'a'*3",
        "1/0",
        "9**999",
        "",
        "1;2",
        "lambda: 1",
    ],
)
def test_nothing_but_arithmetic_is_evaluated(text: str) -> None:
    with pytest.raises(ConfigError, match="eval"):
        evaluate(text)


def test_code_in_a_yaml_file_is_refused(tmp_path: Path) -> None:
    cfg = parse(tmp_path, "NAME: n\nmodel: {params: {codebook_size: \"${eval:'__import__(1)'}\"}}")
    with pytest.raises(ConfigError, match="only numbers"):
        config.to_plain(cfg.model)


@pytest.mark.parametrize(
    ("experiment", "words", "message"),
    [
        ("TRAIN: {END_EPOCHS: 5}", [], "TRAIN.END_EPOCHS: unknown key; did you mean TRAIN.END_EPOCH?"),
        ("NAME: n", ["TRAIN.END_EPOCHS=5"], "did you mean TRAIN.END_EPOCH?"),
        ("NAME: n", ["TRIAN.STAGE=vae"], "no section or key 'TRIAN'; did you mean TRAIN?"),
        ("- a list", [], "expected a mapping"),
        ("a: [1", [], "expected YAML"),
        ("TRAIN: {OPTIM: {params: {eps: 1.0e-6}}}", ["NOSUCH=1"], "NOSUCH"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, experiment: str, words: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message.replace("?", r"\?")):
        parse(tmp_path, experiment, *words)


def test_files_are_sought_by_name_in_all_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin, here = tmp_path / "plugin", tmp_path / "here"
    (plugin / "deep").mkdir(parents=True)
    (here / "configs").mkdir(parents=True)
    (plugin / "agir_stage1.yaml").write_text("NAME: from_plugin")
    (plugin / "deep" / "group.yaml").write_text("target: a.b")
    (here / "configs" / "mine.yaml").write_text("NAME: from_here")
    point = type("Point", (), {"name": "p", "value": "m:f", "load": lambda self: lambda: plugin})()
    monkeypatch.setattr(config_files, "entry_points", lambda group: [point] if group == "motiongpt.configs" else [])
    monkeypatch.chdir(here)
    assert config_files.find_config("configs/mine.yaml") == here / "configs" / "mine.yaml"
    assert config_files.find_config("mine.yaml") == here / "configs" / "mine.yaml"
    assert config_files.find_config("configs/agir_stage1.yaml") == plugin / "agir_stage1.yaml"
    assert config_files.find_config("./configs/default.yaml") == HOST / "configs" / "default.yaml"
    cfg = config.parse_args("train", ["--cfg", "configs/agir_stage1.yaml"])
    assert (cfg.NAME, cfg.deep.group.target) == ("from_plugin", "a.b")
    with pytest.raises(ConfigError) as told:
        config_files.find_config("configs/nowhere.yaml")
    for place in (here, plugin, HOST / "configs"):
        assert str(place) in str(told.value)


def test_a_broken_plugin_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ImportError("no module agir")

    point = type("Point", (), {"name": "broken", "value": "m:f", "load": lambda self: fail()})()
    monkeypatch.setattr(config_files, "entry_points", lambda group: [point])
    with pytest.raises(ConfigError, match="entry point broken = m:f"):
        config_files.config_folders()


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("nodots", "expected a dotted path"),
        ("no_such_package.Thing", "no module named 'no_such_package'"),
        ("mGPT.errors.Nothing", "has no 'Nothing'"),
    ],
)
def test_wrong_targets_are_named(target: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        config.instantiate_from_config({"target": target})


def test_importing_the_tokenizer_is_light() -> None:
    heavy = {"transformers", "pytorch_lightning", "omegaconf"}
    code = f"import sys, mGPT.archs.mgpt_vq; print(sorted({heavy} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], cwd=HOST, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
