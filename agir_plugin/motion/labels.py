"""Labels of markers or joints enter, columns by our own names leave, through the tables of this folder."""
from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from agir_plugin.consts import SIDES
from agir_plugin.errors import UsageError

_FOLDER = Path(__file__).parent
#: Environment variable that names a YAML file of the user's own marker sets, of the form of marker_sets.yaml.
SETS_VARIABLE = "AGIR_MARKER_SETS"
#: A first or last word that more than this part of all labels share is the subject's name, not a part of the label.
SHARED_WORD = 0.5
#: Letters for left and right in other languages: French, Italian and Spanish ...
SIDE_LETTERS = (("G", "D"), ("S", "D"), ("I", "D"))
#: ... which are believed where so many labels come in pairs.
FEWEST_PAIRS = 4
#: Words that many labels share although they belong to them.
_SIDE_WORDS = {"", "L", "R", "LEFT", "RIGHT", "LT", "RT"}


@dataclass(frozen=True)
class MarkerSet:
    """A laboratory's or software's marker set: its name, where it is described, and its labels by landmark.

    `labels` maps our landmark ("left_asis", "c7") to the labels that the set uses for it, compared after `normalise`.
    """

    name: str
    source: str
    labels: Mapping[str, Sequence[str]]


def normalise(label: str) -> str:
    """`R.Knee_Medial` -> `RKNEEMEDIAL`, `LeftUpLeg` -> `LUPLEG`, `HipLeft` -> `HIPL`: one spelling for comparing.

    A subject's name before a colon is dropped, and so are 3ds Max's `Bip01`, FreeMoCap's `body_`, OpenCap's `_study`, the
    `p` of Xsens's points (`pRightASI`) and a number in front (`2 - L_Heel`). `Lt Knee` and `LxKnee` are left knees.
    """
    name = re.sub(r"^\s*\d+\s*-\s+", "", label.rpartition(":")[2])
    name = re.sub(r"^p(?=[A-Z])", "", name)
    name = re.sub(r"^\s*([LR])[tx](?=[._\s\-A-Z])", r"\1", name)
    name = re.sub(r"[.\s_\-]", "", name).upper()
    name = re.sub(r"^BIP0*1?|^BODY(?=[A-Z])|STUDY$", "", name) or name
    for word in ("LEFT", "RIGHT"):
        name = re.sub(f"^{word}|{word}$", word[0], name)
    return name


def match(names: Sequence[str], table: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Column of each of the table's entries that the names have; a column serves one entry, the earliest."""
    columns: dict[str, int] = {}
    for column, name in enumerate(names):
        columns.setdefault(normalise(name), column)
    return _take(columns, table)


def landmarks(names: Sequence[str]) -> tuple[dict[str, int], str]:
    """Column of each landmark that the labels name, and the name of the marker set that explains most of them.

    That set is asked first, the others in the order of how much they explain, `other spellings` last. A word that most
    labels share (`Subject1_LASI`) is tried without, a side at the end (`ASIS_L`, `HeelR`) is read like one in front, and
    `SIDE_LETTERS` in front or at the end (`TLNG`, `TLND`) are tried where labels come in such pairs.
    """
    columns, best = _landmarks_of(tuple(names))
    return dict(columns), best


@cache
def marker_sets() -> tuple[MarkerSet, ...]:
    """All marker sets: those of the file that `AGIR_MARKER_SETS` names, then those of `marker_sets.yaml` in its order.

    The last one collects spellings of no set. UsageError when the user's file is missing or not of that form.
    """
    own = [_marker_set(entry) for entry in _load("marker_sets.yaml")["sets"]]
    return (*_users_sets(), *own)


def _users_sets() -> list[MarkerSet]:
    """The marker sets of the file that the environment names; none without it."""
    place = os.environ.get(SETS_VARIABLE)
    if not place:
        return []
    import yaml

    wanted = "{sets: [{name: ..., source: ..., labels: {landmark: label or [labels]}}]} as in marker_sets.yaml"
    try:
        entries = yaml.safe_load(Path(place).read_text(encoding="utf-8"))["sets"]
        sets = [_marker_set({"source": place, **entry}) for entry in entries]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, TypeError, KeyError, AttributeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise UsageError(f"{SETS_VARIABLE}={place}: expected {wanted}, but reading it failed ({reason})") from None
    unknown = sorted({name for one in sets for name in one.labels} - set(landmark_names()))
    if unknown:
        known = ", ".join(sorted({name.removeprefix("left_").removeprefix("right_") for name in landmark_names()}))
        raise UsageError(f"{SETS_VARIABLE}={place}: no landmarks called {', '.join(unknown)}; expected some of {known}")
    return sets


def _marker_set(entry: Mapping[str, Any]) -> MarkerSet:
    known = landmark_names()
    lists = {name: [labels] if isinstance(labels, str) else labels for name, labels in entry["labels"].items()}
    sided = {f"{{side}}_{name}" if f"left_{name}" in known else name: labels for name, labels in lists.items()}
    spelled = {
        name: list(dict.fromkeys(normalise(label) for label in labels)) for name, labels in _both_sides(sided).items()
    }
    return MarkerSet(entry["name"], entry["source"], spelled)


@cache
def landmark_names() -> dict[str, str]:
    """Landmark ("left_asis", "c7") -> where on the body it is."""
    table = _load("landmarks.yaml")
    sided = {f"{side}_{name}": f"{place}, {side}" for name, place in table["sided"].items() for side in SIDES}
    return sided | table["midline"]


@cache
def landmark_table() -> dict[str, list[str]]:
    """Landmark -> every label that some marker set gives it, in the order of the sets."""
    table: dict[str, list[str]] = {name: [] for name in landmark_names()}
    for marker_set in marker_sets():
        for name, labels in marker_set.labels.items():
            table[name].extend(label for label in labels if label not in table[name])
    return table


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


@lru_cache(maxsize=64)
def _landmarks_of(names: tuple[str, ...]) -> tuple[Mapping[str, int], str]:
    """`landmarks`, remembered: the files of one laboratory have the same labels."""
    other_sides = [_with_side_letters(names, *letters) for letters in SIDE_LETTERS]
    readings = [_columns(reading) for reading in (names, _without_shared_word(names), *other_sides)]
    found = [_landmarks(columns) for columns in readings]
    return max(found, key=lambda reading: len(reading[0]))


def _landmarks(columns: Mapping[str, int]) -> tuple[dict[str, int], str]:
    """Columns by landmark through the sets, best first, and the best one's name; `columns` are by spelling."""
    *sets, last = marker_sets()
    explained = {marker_set.name: len(_take(columns, marker_set.labels)) for marker_set in sets}
    ranked = sorted(sets, key=lambda marker_set: -explained[marker_set.name])
    found: dict[str, int] = {}
    for marker_set in (*ranked, last):
        used = set(found.values())
        left = {name: column for name, column in columns.items() if column not in used}
        wanted = {name: labels for name, labels in marker_set.labels.items() if name not in found}
        found |= _take(left, wanted)
    return found, ranked[0].name


def _take(columns: Mapping[str, int], table: Mapping[str, Sequence[str]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for entry, aliases in table.items():
        column = next((columns[alias] for alias in aliases if alias in columns), None)
        if column is not None:
            found[entry] = column
            columns = {name: other for name, other in columns.items() if other != column}
    return found


def _columns(names: Sequence[str]) -> dict[str, int]:
    """Column by spelling; of equal spellings a marker of OpenCap's laboratory set, then the first, wins."""
    order = sorted(range(len(names)), key=lambda column: not names[column].strip().lower().endswith("study"))
    spelled = [(normalise(names[column]), column) for column in order]
    columns: dict[str, int] = {}
    for name, column in spelled:
        columns.setdefault(name, column)
    known = {alias for aliases in landmark_table().values() for alias in aliases}
    for name, column in spelled:
        if name not in known and name[-1:] in ("L", "R"):
            columns.setdefault(name[-1] + name[:-1], column)
    return columns


def _without_shared_word(names: Sequence[str]) -> list[str]:
    """The labels without a first or last word that most of them share; unchanged when there is none."""
    words = [re.split(r"[._\s\-]+", name.rpartition(":")[2].strip()) for name in names]
    first = _most_common(word[0] for word in words if len(word) > 1)
    last = _most_common(word[-1] for word in words if len(word) > 1)
    plain = []
    for word in words:
        start = 1 if len(word) > 1 and word[0] == first[0] and first[1] > SHARED_WORD * len(names) else 0
        stop = -1 if len(word) - start > 1 and word[-1] == last[0] and last[1] > SHARED_WORD * len(names) else None
        plain.append("_".join(word[start:stop]))
    return plain


def _with_side_letters(names: Sequence[str], left: str, right: str) -> list[str]:
    """The labels with L and R in front for `left` and `right` in front or at the end of pairs; unchanged without pairs."""
    plain = [normalise(name) for name in names]
    for at_end in (True, False):
        stems = [(name[:-1], name[-1:]) if at_end else (name[1:], name[:1]) for name in plain]
        pairs = {stem for stem, side in stems if stem and side == left} & {stem for stem, side in stems if side == right}
        if len(pairs) >= FEWEST_PAIRS:
            sides = {left: "L", right: "R"}
            return [
                sides[side] + stem if stem in pairs and side in sides else name
                for (stem, side), name in zip(stems, plain, strict=True)
            ]
    return list(names)


def _most_common(words: Iterable[str]) -> tuple[str, int]:
    counts = Counter(word for word in words if word.upper() not in _SIDE_WORDS)
    return counts.most_common(1)[0] if counts else ("", 0)


def _both_sides(table: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Entries that hold "{side}", left then right, with L or R for {s} in their labels; the others as they are."""
    full: dict[str, list[str]] = {}
    for entry, aliases in table.items():
        for side in SIDES if "{side}" in entry else SIDES[:1]:
            full[entry.replace("{side}", side)] = [alias.replace("{s}", side[0].upper()) for alias in aliases]
    return full


def _load(name: str) -> dict[str, Any]:
    import yaml

    return yaml.safe_load((_FOLDER / name).read_text(encoding="utf-8"))
