"""The YAML file beside a keypoint table enters; names, unit, vertical, kind and rate leave."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agir_plugin.errors import ConfigError
from agir_plugin.ingest.places import FASTEST_FPS, METRES

#: A mapping for all tables of a folder; one with a table's own stem goes first.
FOLDER_MAPPING = "keypoints.yaml"
#: Larger files are no mapping, bytes.
LARGEST_MAPPING = 1_000_000


@dataclass(frozen=True)
class KeypointMapping:
    """What a mapping file says; None where it says nothing. `names` is name in the table -> name to use."""

    names: Mapping[str, str] = field(default_factory=dict)
    unit: str | None = None
    up: str | None = None
    kind: str | None = None
    fps: float | None = None
    file: str | None = None


def mapping_for(path: Path) -> KeypointMapping:
    """The mapping of `walk.csv`: walk.yaml beside it, else keypoints.yaml in its folder, else an empty one.

    Raises ConfigError when that file is not YAML, has other keys than names, unit, up, kind and fps, or values that
    mean nothing.
    """
    for beside in (path.with_suffix(".yaml"), path.parent / FOLDER_MAPPING):
        if beside.is_file():
            return _checked(_load(beside), beside)
    return KeypointMapping()


def _load(beside: Path) -> dict[str, Any]:
    import yaml

    try:
        if beside.stat().st_size > LARGEST_MAPPING:
            raise ValueError(f"more than {LARGEST_MAPPING:,} bytes")
        content = yaml.safe_load(beside.read_text(encoding="utf-8"))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:100] or type(error).__name__
        raise ConfigError(f"{beside}: expected YAML with names, unit, up, kind or fps, got {reason}; mend it") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{beside}: expected YAML with names, unit, up, kind or fps, got {type(content).__name__}; mend it")
    return content


def _checked(content: dict[str, Any], beside: Path) -> KeypointMapping:
    names = content.pop("names", None) or {}
    choices = {"unit": tuple(METRES), "up": tuple(sign + axis for axis in "xyz" for sign in "+-"), "kind": ("joints", "markers")}
    for key, allowed in choices.items():
        if content.get(key) is not None and content[key] not in allowed:
            raise ConfigError(f"{beside}: expected {key} to be one of {', '.join(allowed)}, got {content[key]!r}; correct it")
    rate = content.get("fps")
    if rate is not None and not (isinstance(rate, int | float) and 0 < rate <= FASTEST_FPS):
        raise ConfigError(f"{beside}: expected fps above 0 and up to {FASTEST_FPS:g}, got {rate!r}; correct it")
    unknown = [str(key) for key in content if key not in (*choices, "fps")]
    if unknown:
        raise ConfigError(f"{beside}: expected the keys names, unit, up, kind and fps, got {', '.join(unknown)[:80]}; remove it")
    if not isinstance(names, dict):
        raise ConfigError(f"{beside}: expected names as `name in the table: name to use`, got {type(names).__name__}; correct it")
    return KeypointMapping({str(old): str(new) for old, new in names.items()}, **content, file=beside.name)
