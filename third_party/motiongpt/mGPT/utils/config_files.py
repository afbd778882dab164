"""Finds configuration files: a path or name goes in; the file comes out, or one error that lists every place."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

import mGPT
from mGPT.errors import ConfigError

#: Entry points of this group are functions that return a folder of configuration files (a pathlib.Path).
ENTRY_POINT_GROUP = "motiongpt.configs"


def own_configs() -> Path:
    """The host's own configuration folder: inside an installed package, or `configs/` of a checkout."""
    package = Path(mGPT.__file__).parent
    inside = package / "configs"
    return inside if inside.is_dir() else package.parent / "configs"


def config_folders() -> list[Path]:
    """Where file names are sought, first come first: `configs/` here, the host's own, those of installed plugins."""
    here = Path.cwd() / "configs"
    plugins = [
        _plugin_folder(point) for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda item: item.name)
    ]
    return list(dict.fromkeys([here, own_configs(), *plugins]))


def find_config(path: str | Path) -> Path:
    """The file as given, or by its name in one of `config_folders`; ConfigError lists every place that was tried."""
    given = Path(path)
    inner = Path(*given.parts[1:]) if given.parts[:1] == ("configs",) else given
    tries = [given.absolute()]
    if not given.is_absolute():
        tries += [folder / name for folder in config_folders() for name in (inner, Path(given.name))]
    for candidate in dict.fromkeys(tries):
        if candidate.is_file():
            return candidate
    listed = ", ".join(str(item) for item in dict.fromkeys(tries))
    raise ConfigError(
        f"configuration file {path} was not found; looked at {listed}; give a full path or a shipped file name"
    )


def read_yaml(path: Path) -> DictConfig:
    """One YAML file as a configuration node; ConfigError names file and place when it is no mapping or no YAML."""
    try:
        loaded = OmegaConf.load(path)
    except (YAMLError, OmegaConfBaseException, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: expected YAML, got: {' '.join(str(error).split())}") from None
    if not isinstance(loaded, DictConfig):
        raise ConfigError(f"{path}: expected a mapping of keys at the top, got a list")
    return loaded


def _plugin_folder(point: EntryPoint) -> Path:
    try:
        return Path(point.load()())
    except (ImportError, AttributeError, TypeError) as error:
        raise ConfigError(
            f"entry point {point.name} = {point.value} of group {ENTRY_POINT_GROUP}: expected a function that "
            f"returns a folder, "
            f"got: {error}; mend or uninstall that plugin"
        ) from error
