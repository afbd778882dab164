"""Both wheels hold what runs outside a checkout, and nothing else; every shipped YAML is one that the host accepts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Mapping
from configparser import ConfigParser
from email.parser import Parser
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from mGPT.config import parse_args

from agir_plugin.bridge.settings import data_settings, experiment_folder, loss_settings, run_settings

ROOT = Path(__file__).resolve().parents[1]
#: Distribution -> the folder it is built from, its package, and where its `configs/` come to lie.
SOURCES = {"agir-plugin": (ROOT, "agir_plugin"), "agir-motiongpt": (ROOT / "third_party" / "motiongpt", "mGPT")}
#: What setuptools reads; nothing else of the checkout is there when the wheels are built.
BUILD_FILES = ("setup.cfg", "setup.py", "pyproject.toml", "README.md", "LICENSE", "configs", "patches")
#: What no build may pick up from the working tree.
LEFTOVERS = shutil.ignore_patterns("__pycache__", "*.egg-info", "build")
CONFIGS = sorted(path.name for path in (ROOT / "configs").glob("agir_*.yaml"))
STAGES = {"vq": ("vae", "tokenizer"), "stage1": ("lm_pretrain", "generative"), "stage2": ("lm_instruct", "reasoning")}

Wheel = Mapping[str, bytes]


def least_setuptools() -> int:
    """The major version of setuptools that pyproject.toml asks for."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text("utf8"))["build-system"]["requires"]
    return int(next(item for item in wanted if item.startswith("setuptools")).partition(">=")[2].split(".")[0])


@pytest.fixture(scope="session")
def builder() -> None:
    """Skip, by name, where this environment cannot build without the network."""
    try:
        found = version("setuptools")
    except PackageNotFoundError:
        pytest.skip("needs setuptools to build wheels without the network: pip install -e '.[dev]'")
    if int(found.split(".")[0]) < least_setuptools():
        pytest.skip(f"needs setuptools >= {least_setuptools()} to build wheels, found {found}: pip install -e '.[dev]'")


@pytest.fixture(scope="session")
def files(builder: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Distribution -> its wheel, built from a copy, so that the checkout stays as it was."""
    folder = tmp_path_factory.mktemp("wheels")
    copies = [_copy(name, folder / "sources") for name in SOURCES]
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "-w",
        str(folder),
    ]
    ended = subprocess.run([*command, *map(str, copies)], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]
    return {name: next(folder.glob(f"{name.replace('-', '_')}-*.whl")) for name in SOURCES}


@pytest.fixture(scope="session")
def wheels(files: dict[str, Path]) -> dict[str, Wheel]:
    """Distribution -> the content of its wheel by file name."""
    return {name: _content(path) for name, path in files.items()}


def _copy(name: str, where: Path) -> Path:
    source, package = SOURCES[name]
    copy = where / name
    copy.mkdir(parents=True)
    for item in (*BUILD_FILES, package):
        if item == "patches" and name != "agir-plugin":
            continue
        if (source / item).is_dir():
            shutil.copytree(source / item, copy / item, ignore=LEFTOVERS)
        else:
            shutil.copy(source / item, copy / item)
    return copy


def _content(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as wheel:
        return {name: wheel.read(name) for name in wheel.namelist()}


def _metadata(wheel: Wheel, name: str) -> str:
    return next(content for path, content in wheel.items() if path.endswith(f".dist-info/{name}")).decode()


@pytest.mark.parametrize("name", SOURCES)
def test_every_file_of_the_package_is_in_the_wheel_as_it_is(name: str, wheels: dict[str, Wheel]) -> None:
    source, package = SOURCES[name]
    expected = {
        path.relative_to(source).as_posix(): path.read_bytes()
        for path in (source / package).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    data = [path for path in expected if not path.endswith(".py")]
    assert data and {path: wheels[name].get(path) for path in expected} == expected


@pytest.mark.parametrize(("name", "inner"), [("agir-plugin", "agir_plugin/configs"), ("agir-motiongpt", "mGPT/configs")])
def test_the_configs_are_in_the_wheel_byte_for_byte(name: str, inner: str, wheels: dict[str, Wheel]) -> None:
    folder = SOURCES[name][0] / "configs"
    expected = {f"{inner}/{path.relative_to(folder).as_posix()}": path.read_bytes() for path in folder.rglob("*.yaml")}
    assert expected == {path: content for path, content in wheels[name].items() if path.startswith(f"{inner}/")}


def test_templates_and_tables_are_there(wheels: dict[str, Wheel]) -> None:
    wheel = wheels["agir-plugin"]
    for folder in ("tasks/templates", "gait", "rationale", "motion"):
        assert [path for path in wheel if path.startswith(f"agir_plugin/{folder}/") and path.endswith(".yaml")], folder
    assert {f"agir_plugin/tasks/templates/{name}.yaml" for name in ("generative", "reasoning")} <= set(wheel)
    assert {f"agir_plugin/configs/{name}" for name in CONFIGS} <= set(wheel)
    assert {f"agir_plugin/patches/{path.name}" for path in (ROOT / "patches").glob("*.patch")} <= set(wheel)


@pytest.mark.parametrize("name", SOURCES)
def test_nothing_else_is_in_the_wheel(name: str, wheels: dict[str, Wheel]) -> None:
    tops = {path.partition("/")[0] for path in wheels[name]}
    assert {top for top in tops if not top.endswith(".dist-info")} == {SOURCES[name][1]}
    assert not [
        path for path in wheels[name] if "test" in path.split("/")[1:-1] or path.endswith((".npy", ".c3d", ".ckpt", ".pyc"))
    ]


def test_entry_points_name_objects_that_are_in_the_wheel(wheels: dict[str, Wheel]) -> None:
    wheel = wheels["agir-plugin"]
    points = ConfigParser()
    points.read_string(_metadata(wheel, "entry_points.txt"))
    assert points["console_scripts"]["agir"] == "agir_plugin.cli.app:main"
    assert points["motiongpt.configs"]["agir"] == "agir_plugin.config:configs_dir"
    assert {"c3d", "bvh", "joints"} <= set(points["agir_plugin.readers"])
    assert {"generative", "reasoning"} <= set(points["agir_plugin.tasks"])
    assert "rules" in points["agir_plugin.writers"]
    for group in points.sections():
        for target in points[group].values():
            module, _, name = target.partition(":")
            code = wheel[f"{module.replace('.', '/')}.py"].decode()
            assert not name or f"def {name}(" in code or f"\n{name} = " in code, target


@pytest.mark.parametrize("name", SOURCES)
def test_metadata_names_licence_python_and_the_release(name: str, wheels: dict[str, Wheel]) -> None:
    facts = Parser().parsestr(_metadata(wheels[name], "METADATA"))
    assert facts["Name"] == name and facts["Requires-Python"] == ">=3.11"
    assert "MIT" in (facts["License-Expression"] or facts["License"])
    assert any(path.endswith("LICENSE") for path in wheels[name])


@pytest.mark.parametrize("name", SOURCES)
def test_the_description_on_the_package_index_has_no_place_left_to_fill_in(name: str, wheels: dict[str, Wheel]) -> None:
    assert "@@" not in Parser().parsestr(_metadata(wheels[name], "METADATA")).get_payload()


def test_the_host_extra_asks_for_the_host_that_is_built_here(wheels: dict[str, Wheel]) -> None:
    plugin, host = (Parser().parsestr(_metadata(wheels[name], "METADATA")) for name in SOURCES)
    wanted = [line for line in plugin.get_all("Requires-Dist") if line.startswith("agir-motiongpt")]
    assert [line.replace(" ", "").partition(";")[0] for line in wanted] == [f"agir-motiongpt=={host['Version']}"]
    assert {"host", "smpl", "upstream", "web", "eval", "dev"} <= set(plugin.get_all("Provides-Extra"))


#: Run with the two wheels unpacked before everything else on the path, in a folder that is no checkout.
ELSEWHERE = """
import json, sys
import agir_plugin, mGPT
from agir_plugin.cli.training import config_path
from agir_plugin.tasks import load
from mGPT.config import parse_args
cfg = parse_args("train", ["--cfg", "agir_stage2_demo.yaml"])
print(json.dumps({
    "from": [agir_plugin.__file__, mGPT.__file__, str(config_path("agir_vq.yaml"))],
    "instructions": len(load("reasoning").direction("motion_to_answer").input), "name": cfg.NAME,
}))
"""


def test_installed_elsewhere_templates_and_configs_are_found(files: dict[str, Path], tmp_path: Path) -> None:
    site = tmp_path / "site"
    for wheel in files.values():
        zipfile.ZipFile(wheel).extractall(site)
    (tmp_path / "work").mkdir()
    environment = {**os.environ, "PYTHONPATH": str(site)}
    command = [sys.executable, "-c", ELSEWHERE]
    ended = subprocess.run(command, cwd=tmp_path / "work", env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]
    found = json.loads(ended.stdout)
    assert all(Path(place).is_relative_to(site) for place in found["from"]), found["from"]
    assert (found["instructions"], found["name"]) == (200, "AGIR_stage2_demo")


def _stage(name: str) -> str:
    return name.removeprefix("agir_").removesuffix(".yaml").removesuffix("_demo")


@pytest.mark.parametrize("name", CONFIGS)
def test_a_shipped_config_loads_in_the_host_and_its_blocks_are_valid(name: str) -> None:
    cfg = parse_args("train", ["--cfg", str(ROOT / "configs" / name)])
    stage, task = STAGES[_stage(name)]
    assert (cfg.TRAIN.STAGE, data_settings(cfg).task) == (stage, task)
    losses, run = loss_settings(cfg), run_settings(cfg)
    if task == "reasoning":
        assert losses.lm > 0 and losses.fmt.weight > 0 and losses.cls.weight > 0
        assert run.mode == ("max" if run.monitor == "Metrics/accuracy" else "min")
    if task == "generative":
        assert (losses.lm > 0, losses.fmt.weight, losses.cls.weight) == (True, 0, 0)


@pytest.mark.parametrize("name", CONFIGS)
def test_sizes_within_a_shipped_config_agree(name: str) -> None:
    params = parse_args("train", ["--cfg", str(ROOT / "configs" / name)]).model.params
    vq = params.motion_vae.params
    assert params.codebook_size == vq.code_num and vq.code_dim == vq.output_emb_width and vq.nfeats == 263
    if _stage(name) != "vq":
        assert params.lm.params.motion_codebook_size == vq.code_num


@pytest.mark.parametrize("size", ["", "_demo"])
def test_each_stage_begins_where_the_one_before_it_ended(size: str) -> None:
    vq, first, second = (parse_args("train", ["--cfg", str(ROOT / "configs" / f"agir_{stage}{size}.yaml")]) for stage in STAGES)
    assert first.model.params.motion_vae == second.model.params.motion_vae == vq.model.params.motion_vae
    assert first.model.params.lm.params.model_path == second.model.params.lm.params.model_path
    for cfg in (first, second):
        assert Path(cfg.TRAIN.PRETRAINED_VAE) == experiment_folder(vq) / "checkpoints" / "last.ckpt"
    assert Path(second.TRAIN.PRETRAINED) == experiment_folder(first) / "checkpoints" / "best.ckpt"
    for cfg in (vq, first, second):
        assert Path(cfg.TEST.CHECKPOINTS).parent == experiment_folder(cfg) / "checkpoints"
