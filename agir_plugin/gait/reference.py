"""A table of normal values (YAML) in; norms and z-scores out. The shipped table is cited row by row and replaceable."""
from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from agir_plugin.errors import ConfigError
from agir_plugin.gait.catalog import UNITS

#: The table that is used when no other is named: healthy adults of 60 to 80 years.
SHIPPED = Path(__file__).with_name("norms.yaml")
#: Environment variable that names a YAML file of the user's own norms, which replaces the shipped table.
NORMS_VARIABLE = "AGIR_NORMS"


@dataclass(frozen=True)
class Norm:
    """Mean and standard deviation of a parameter in healthy people, its unit, and where the numbers come from."""

    mean: float
    sd: float
    unit: str
    source: str


def norms(path: Path | None = None) -> Mapping[str, Norm]:
    """The norms of a YAML table, by parameter name; ConfigError names the file and the row that is wrong.

    Without `path` it is the table that `AGIR_NORMS` names, else the shipped one.
    """
    return _table(path or norms_file())[1]


def norms_file() -> Path:
    """The table of norms in use: the file that `AGIR_NORMS` names, else the shipped one."""
    return Path(os.environ.get(NORMS_VARIABLE) or SHIPPED)


def norms_people(path: Path | None = None) -> str:
    """Whose values the table holds, in words: its `people:`, else its file's name."""
    return _table(path or norms_file())[0]


def z_score(name: str, value: float | None, path: Path | None = None) -> float | None:
    """(value - mean) / SD of the norm; None where the value is missing or no norm is known."""
    norm = norms(path).get(name)
    return None if value is None or norm is None else (value - norm.mean) / norm.sd


@cache
def _table(path: Path) -> tuple[str, Mapping[str, Norm]]:
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf8"))
        rows, people = dict(content["norms"].items()), str(content.get("people") or f"the people of {path.name}")
    except (OSError, UnicodeDecodeError, yaml.YAMLError, TypeError, KeyError, AttributeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise ConfigError(
            f"expected a YAML file with a `norms:` table at {path}, but reading it failed ({reason}); start from {SHIPPED.name}"
        ) from None
    return people, MappingProxyType({name: _norm(name, row, path) for name, row in rows.items()})


def _norm(name: str, row: Mapping[str, object], path: Path) -> Norm:
    if name not in UNITS:
        raise ConfigError(f"{path}: {name!r} is not a gait parameter; known are {', '.join(UNITS)}")
    try:
        norm = Norm(**row)
    except TypeError:
        raise ConfigError(
            f"{path}: the norm of {name} needs mean, sd, unit and source, and nothing else, got {row!r}"
        ) from None
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (norm.mean, norm.sd))
    if not (numbers and math.isfinite(norm.mean) and 0 < norm.sd < math.inf and norm.unit == UNITS[name] and norm.source):
        raise ConfigError(
            f"{path}: the norm of {name} needs unit {UNITS[name]!r}, a finite mean, a positive sd and a source, got {row!r}"
        )
    return norm
