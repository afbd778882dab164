"""Finds the shipped YAML configs and checks settings: an unknown key is an error that names the nearest known one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from agir_plugin.errors import ConfigError
from agir_plugin.registry import did_you_mean


class Settings(BaseModel):
    """Base of every settings block: frozen, and no key that is not declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")


S = TypeVar("S", bound=Settings)


def configs_dir() -> Path:
    """Folder of the shipped `agir_*.yaml`: inside an installed package, or `configs/` of a checkout."""
    package = Path(__file__).parent
    inside = package / "configs"
    return inside if inside.is_dir() else package.parent / "configs"


def check_settings(model: type[S], values: Mapping[str, Any] | None, where: str) -> S:
    """Build a settings block from plain values; ConfigError lists every wrong key or value under its full name.

    `where` is the block's dotted place in the YAML file, such as `DATASET.AGIR`.
    """
    try:
        return model.model_validate(dict(values or {}))
    except ValidationError as error:
        raise ConfigError("; ".join(_explain(item, model, where) for item in error.errors())) from None


def _explain(item: Mapping[str, Any], model: type[Settings], where: str) -> str:
    place = ".".join([where, *map(str, item["loc"])])
    if item["type"] == "extra_forbidden":
        known = sorted(model.model_fields)
        hint = did_you_mean(str(item["loc"][-1]), known)
        return f"{place}: unknown key{hint} (known here: {', '.join(known)})"
    if item["type"] == "missing":
        return f"{place}: this key is required"
    return f"{place}: {item['msg']}, got {item['input']!r}"
