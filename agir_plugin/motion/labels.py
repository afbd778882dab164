"""Labels of markers or joints enter, columns by our own names leave, through the tables of this folder."""
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from agir_plugin.consts import SIDES

_FOLDER = Path(__file__).parent


def normalise(label: str) -> str:
    """`R.Knee_Medial` -> `RKNEEMEDIAL`, `LeftUpLeg` -> `LUPLEG`, `HipLeft` -> `HIPL`: one spelling for comparing."""
    name = re.sub(r"[.\s_\-]", "", label).upper()
    name = re.sub(r"^BIP0*1?|STUDY$", "", name) or name
    for word in ("LEFT", "RIGHT"):
        name = re.sub(f"^{word}|{word}$", word[0], name)
    return name


def match(names: Sequence[str], table: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Column of each of the table's entries that the names have; a column serves one entry, the earliest."""
    columns: dict[str, int] = {}
    for column, name in enumerate(names):
        columns.setdefault(normalise(name), column)
    found: dict[str, int] = {}
    for entry, aliases in table.items():
        column = next((columns[alias] for alias in aliases if alias in columns), None)
        if column is not None:
            found[entry] = column
            columns = {name: other for name, other in columns.items() if other != column}
    return found


@cache
def landmark_table() -> dict[str, list[str]]:
    """Landmark ("left_asis", "c7") -> the marker labels that mean it."""
    table = _load("landmarks.yaml")
    sided = {f"{{side}}_{name}": aliases for name, aliases in table["sided"].items()}
    return _both_sides(sided) | table["midline"]


@cache
def landmark_clusters() -> list[list[str]]:
    """Landmarks that lie on one nearly rigid part of the body, one list per part and side."""
    clusters: list[list[str]] = []
    for cluster in _load("landmarks.yaml")["clusters"]:
        for side in SIDES if any("{s}" in name for name in cluster) else SIDES[:1]:
            clusters.append([name.replace("{s}", side) for name in cluster])
    return clusters


@cache
def landmark_examples() -> dict[str, list[str]]:
    """Marker set -> the labels of its smallest usable part, for messages."""
    return _load("landmarks.yaml")["examples"]


@cache
def joint_table() -> dict[str, list[str]]:
    """Joint of ours -> the names that skeleton files give it."""
    return _both_sides(_load("joint_names.yaml")["joints"])


@cache
def trunk_names() -> list[str]:
    """Names of joints between pelvis and neck, lowest first."""
    return _load("joint_names.yaml")["trunk"]


def _both_sides(table: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Entries that hold "{side}" twice, left then right, with L or R in their aliases; the others as they are."""
    full: dict[str, list[str]] = {}
    for entry, aliases in table.items():
        for side in SIDES if "{side}" in entry else SIDES[:1]:
            full[entry.replace("{side}", side)] = [alias.replace("{s}", side[0].upper()) for alias in aliases]
    return full


def _load(name: str) -> dict[str, Any]:
    import yaml

    return yaml.safe_load((_FOLDER / name).read_text(encoding="utf-8"))
