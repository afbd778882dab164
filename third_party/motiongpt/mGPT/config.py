"""Commands and YAML files to one configuration: arguments go in, an OmegaConf node comes out.

Merge order, the last wins: configs/default.yaml, the --cfg file, every configs/<group>/<name>.yaml as node
`<group>.<name>`, the assets file, the flags, and last the trailing KEY=VALUE words.
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mGPT.errors import ConfigError
from mGPT.utils.arithmetic import evaluate
from mGPT.utils.config_files import config_folders, find_config, own_configs, read_yaml

#: Sections that only the host reads: an unknown key in them is a mistake. All others are open to plugins.
CLOSED_SECTIONS = ("TRAIN", "EVAL", "TEST", "LOGGER")
#: Keys below these places are free (optimiser and logger arguments).
OPEN_PLACES = ("TRAIN.OPTIM.params", "TRAIN.LR_SCHEDULER.params", "LOGGER.WANDB.params", "LOGGER.TENSORBOARD.params")
_OVERRIDE = re.compile(r"^[A-Za-z_][\w.\[\]-]*=")


def get_obj_from_str(string: str, reload: bool = False) -> Any:
    """The object that a dotted path names; ConfigError says which part of the path is missing."""
    module_name, _, name = str(string).rpartition(".")
    if not module_name:
        raise ConfigError(f"target: expected a dotted path such as package.module.Class, got {string!r}")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"target {string}: no module named {error.name!r}; is the package that holds it installed?"
        ) from error
    if reload:
        module = importlib.reload(module)
    if not hasattr(module, name):
        raise ConfigError(f"target {string}: module {module_name} has no {name!r}")
    return getattr(module, name)


def instantiate_from_config(config: Mapping[str, Any] | DictConfig, **extra: Any) -> Any:
    """Call what `target` names with `params` as keyword arguments, handed over as plain values."""
    plain = to_plain(config)
    if not isinstance(plain, dict) or "target" not in plain:
        raise ConfigError(f"expected a mapping with the key 'target', got {plain!r}")
    return get_obj_from_str(plain["target"])(**(plain.get("params") or {}), **extra)


def to_plain(node: Any) -> Any:
    """Dicts, lists and scalars of a configuration node, everything resolved; other values unchanged."""
    if isinstance(node, DictConfig | ListConfig):
        try:
            return OmegaConf.to_container(node, resolve=True, throw_on_missing=True)
        except OmegaConfBaseException as error:
            raise ConfigError(_one_line(error)) from None
    return node


def parse_args(phase: str = "train", argv: Sequence[str] | None = None) -> DictConfig:
    """The configuration of a command line (`sys.argv` by default); may be called any number of times in a process.

    `phase` is train, test or codes. ConfigError names unknown keys, missing files and values that do not parse.
    """
    register_resolvers()
    words = list(sys.argv[1:] if argv is None else argv)
    flags, overrides = _split_overrides(words)
    args = _parser(phase).parse_args(flags)
    cfg = load_config(args.cfg, args.cfg_assets)
    cfg = _merged([cfg, _from_flags(args), _dotlist(overrides, cfg)])
    _check_known(cfg)
    cfg.TIME = cfg.get("TIME", None)
    if phase == "test":
        cfg.DEBUG = False
    if cfg.DEBUG and not str(cfg.NAME).startswith("debug--"):
        cfg.NAME = f"debug--{cfg.NAME}"
        cfg.LOGGER.VAL_EVERY_STEPS = 1
    return cfg


def load_config(path: str | Path, assets: str | Path) -> DictConfig:
    """default.yaml, then `path`, then group files (unless FULL_CONFIG is true there), then the assets file."""
    register_resolvers()
    own = own_configs() / "default.yaml"  # first, so that an older default.yaml in the working folder lacks no key
    parts = [read_yaml(file) for file in (own, find_config("configs/default.yaml"), find_config(path))]
    if not parts[-1].get("FULL_CONFIG", False):
        parts += _group_files()
    return _merged([*parts, read_yaml(find_config(assets))])


def register_resolvers() -> None:
    """Make `${eval:...}` safe arithmetic; calling it again changes nothing."""
    if hasattr(OmegaConf, "register_resolver"):  # OmegaConf 2.4 and later; a text may come as a number already
        OmegaConf.register_resolver("eval", evaluate, replace=True, annotation_validation="off")
    else:
        OmegaConf.register_new_resolver("eval", evaluate, replace=True)


def _merged(parts: Sequence[Any]) -> DictConfig:
    try:
        return OmegaConf.merge(*parts)
    except OmegaConfBaseException as error:
        raise ConfigError(f"the configuration files do not fit together: {_one_line(error)}") from None


def _group_files() -> list[DictConfig]:
    """Nodes `<group>.<name>` of the first folder that has each file; later folders only add what is new."""
    found: dict[tuple[str, str], Path] = {}
    for folder in config_folders():
        for file in sorted(folder.glob("*/*.yaml")):
            found.setdefault((file.parent.name, file.stem), file)
    return [OmegaConf.create({group: {name: read_yaml(file)}}) for (group, name), file in found.items()]


def _split_overrides(words: Sequence[str]) -> tuple[list[str], list[str]]:
    flags: list[str] = []
    overrides: list[str] = []
    for index, word in enumerate(words):
        value_of_flag = index > 0 and words[index - 1].startswith("--") and "=" not in words[index - 1]
        (overrides if _OVERRIDE.match(word) and not value_of_flag else flags).append(word)
    return flags, overrides


def _parser(phase: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m mGPT.{ {'codes': 'get_motion_code'}.get(phase, phase) }",
        epilog="Trailing KEY=VALUE words change any key, for example TRAIN.END_EPOCH=2; they win over every file.",
    )
    parser.add_argument("--cfg", default="./configs/default.yaml", help="experiment YAML")
    parser.add_argument("--cfg_assets", default="./configs/assets.yaml", help="YAML with the places of data and models")
    parser.add_argument("--batch_size", type=int, help="TRAIN.BATCH_SIZE")
    parser.add_argument("--num_nodes", type=int, help="NUM_NODES")
    parser.add_argument("--device", type=int, nargs="+", help="DEVICE: indices of the devices to use")
    parser.add_argument("--task", help="model.params.task, such as t2m, m2t, m2m or a word of a plugin")
    if phase != "test":
        parser.add_argument("--nodebug", action="store_true", help="DEBUG false, whatever the YAML says")
    else:
        parser.add_argument(
            "--nodebug", action="store_true", help="accepted for symmetry; a test is never in debug mode"
        )
    return parser


def _from_flags(args: argparse.Namespace) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if args.batch_size is not None:
        given["TRAIN"] = {"BATCH_SIZE": args.batch_size}
    if args.num_nodes is not None:
        given["NUM_NODES"] = args.num_nodes
    if args.device is not None:
        given["DEVICE"] = args.device
    if args.task is not None:
        given["model"] = {"params": {"task": args.task}}
    if args.nodebug:
        given["DEBUG"] = False
    return given


def _dotlist(overrides: Sequence[str], cfg: DictConfig) -> DictConfig:
    for word in overrides:
        first = re.split(r"[.=\[]", word, maxsplit=1)[0]
        if first not in cfg:
            raise ConfigError(f"{word}: no section or key {first!r}{_near(first, [str(key) for key in cfg])}")
    try:
        return OmegaConf.from_dotlist(list(overrides))
    except (OmegaConfBaseException, ValueError) as error:
        raise ConfigError(f"KEY=VALUE words {list(overrides)}: {_one_line(error)}") from None


def _check_known(cfg: DictConfig) -> None:
    """Closed sections take known keys only. A plugin may add sections, but none that looks like a misspelt known one."""
    known = _key_paths(read_yaml(own_configs() / "default.yaml"))
    sections = {path for path in known if "." not in path}
    for section in (str(key) for key in cfg if str(key) not in sections):
        if get_close_matches(section, sections, n=1, cutoff=0.75):
            raise ConfigError(f"{section}: unknown section{_near(section, sorted(sections))}")
    for section in CLOSED_SECTIONS:
        for path in sorted(_key_paths({section: cfg.get(section)})):
            if path not in known and not path.startswith(tuple(f"{place}." for place in OPEN_PLACES)):
                hint = _near(path, sorted(known))
                raise ConfigError(
                    f"{path}: unknown key{hint} (the keys of {section} are those in configs/default.yaml)"
                )


def _near(word: str, known: Sequence[str]) -> str:
    found = get_close_matches(word, known, n=1)
    return f"; did you mean {found[0]}?" if found else ""


def _key_paths(node: Any, prefix: str = "") -> set[str]:
    if not isinstance(node, Mapping | DictConfig):
        return set()
    paths: set[str] = set()
    for key in node:
        value = node._get_node(key) if isinstance(node, DictConfig) else node[key]
        paths |= {f"{prefix}{key}"} | _key_paths(value, f"{prefix}{key}.")
    return paths


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
