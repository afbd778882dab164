"""A table of normal values (YAML) in; norms and z-scores out. The shipped table is cited row by row and replaceable."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from agir_plugin.errors import ConfigError
from agir_plugin.gait.catalog import UNITS

#: The table that is used when no other is named: healthy adults of 60 to 80 years.
SHIPPED = Path(__file__).with_name("norms.yaml")


@dataclass(frozen=True)
class Norm:
    """Mean and standard deviation of a parameter in healthy people, its unit, and where the numbers come from."""

    mean: float
    sd: float
    unit: str
    source: str


@cache
def norms(path: Path = SHIPPED) -> Mapping[str, Norm]:
    """The norms of a YAML table, by parameter name; ConfigError names the row that is wrong."""
    import yaml

    try:
        rows = yaml.safe_load(path.read_text(encoding="utf8"))["norms"]
    except (OSError, yaml.YAMLError, TypeError, KeyError) as error:
        raise ConfigError(
            f"expected a YAML file with a `norms:` table at {path}, got {error!r}; start from {SHIPPED.name}"
        ) from None
    return MappingProxyType({name: _norm(name, row, path) for name, row in rows.items()})


def z_score(name: str, value: float | None, path: Path = SHIPPED) -> float | None:
    """(value - mean) / SD of the norm; None where the value is missing or no norm is known."""
    norm = norms(path).get(name)
    return None if value is None or norm is None else (value - norm.mean) / norm.sd


def _norm(name: str, row: Mapping[str, object], path: Path) -> Norm:
    if name not in UNITS:
        raise ConfigError(f"{path}: {name!r} is not a gait parameter; known are {', '.join(UNITS)}")
    try:
        norm = Norm(**row)
    except TypeError as error:
        raise ConfigError(
            f"{path}: the norm of {name} needs mean, sd, unit and source, and nothing else ({error})"
        ) from None
    if norm.unit != UNITS[name] or not norm.sd > 0 or not norm.source:
        raise ConfigError(
            f"{path}: the norm of {name} needs unit {UNITS[name]!r}, a positive sd and a source, got {norm}"
        )
    return norm
