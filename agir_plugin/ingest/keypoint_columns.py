"""The header of a keypoint table enters; which column is which coordinate of which point leaves."""
from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

#: Separators that a table may have, in the order of trust when they are equally frequent.
SEPARATORS = ("\t", ";", ",")
#: Column names (letters only, lower case) of the time -> seconds in one of its units.
TIMES = {
    "time": 1.0, "times": 1.0, "t": 1.0, "seconds": 1.0, "timesec": 1.0, "timeseconds": 1.0, "timestamp": 1.0,
    "timestamps": 1.0, "timems": 0.001, "timestampms": 0.001, "milliseconds": 0.001, "ms": 0.001,
}
FRAMES = frozenset({"frame", "frames", "frameindex", "frameno", "framenumber", "index"})
RATES = frozenset({"fps", "framerate", "rate", "hz"})
POINTS = frozenset({"name", "marker", "joint", "keypoint", "landmark", "label", "point", "jointname", "markername"})

_AXIS = r"(?P<axis>[xyz])(?:[ _]?[\[(]?(?P<unit>mm|cm|m|in)[\])]?)?"
_WIDE = re.compile(rf"(?P<name>.+?)[ _.:\-](?:pos(?:ition)?[ _.]?)?{_AXIS}", re.IGNORECASE)
_INDEXED = re.compile(r"(?P<name>.+?)(?:\[(?P<index>[0-3])\]|_(?P<number>[1-4]))")
_LONG = re.compile(_AXIS, re.IGNORECASE)


@dataclass
class Columns:
    """Columns by meaning. `points`: name -> columns of x, y, z; a long table has one entry "" and `point`.

    Rows from `first_row` up to `last_row` (or the last) hold the numbers; `stated_fps` is a rate that the header names;
    `kind` is "markers" or "joints" where the header tells; `notes` say what had to be decided.
    """

    points: dict[str, tuple[int, int, int]]
    separator: str
    width: int
    point: int | None = None
    time: int | None = None
    time_unit_s: float = 1.0
    frame: int | None = None
    rate: int | None = None
    unit: str | None = None
    unused: list[str] = field(default_factory=list)
    first_row: int = 1
    last_row: int | None = None
    stated_fps: float | None = None
    kind: str | None = None
    notes: list[str] = field(default_factory=list)


def understand(line: str) -> Columns | None:
    """The columns of a wide table (name_x, name_y, name_z, ...) or a long one (frame, name, x, y, z), else None."""
    separator = max(SEPARATORS, key=line.count)
    cells = [cell.strip().strip("\"'").strip() for cell in line.split(separator)]
    known = Columns({}, separator, len(cells))
    rest = singles(cells, known)
    pattern = _WIDE if known.point is None else _LONG
    found: dict[str, dict[str, int]] = {}
    units = set()
    for column in rest:
        match = pattern.fullmatch(cells[column])
        if match is None:
            continue
        found.setdefault(match.groupdict().get("name") or "", {}).setdefault(match["axis"].lower(), column)
        units.add((match["unit"] or "").lower())
    known.points = {name: (axes["x"], axes["y"], axes["z"]) for name, axes in found.items() if len(axes) == 3}
    if not known.points and known.point is None:
        known.points = _indexed(cells, rest)
    if not known.points or (known.point is not None and known.frame is None and known.time is None):
        return None
    known.unit = units.pop() or None if len(units) == 1 else None
    used = {column for columns in known.points.values() for column in columns}
    known.unused = [cells[column] for column in rest if column not in used and cells[column]]
    return known


def singles(cells: Sequence[str], known: Columns) -> list[int]:
    """Set the time, frame, rate and point columns of `known`, the first of each; returns the other columns."""
    rest = []
    for column, cell in enumerate(cells):
        word = re.sub(r"[^a-z]", "", cell.lower())
        if word in TIMES and known.time is None:
            known.time, known.time_unit_s = column, TIMES[word]
        elif word in FRAMES and known.frame is None:
            known.frame = column
        elif word in RATES and known.rate is None:
            known.rate = column
        elif word in POINTS and known.point is None:
            known.point = column
        else:
            rest.append(column)
    return rest


def _indexed(cells: Sequence[str], rest: Sequence[int]) -> dict[str, tuple[int, int, int]]:
    """Points whose coordinates are numbered: LASI[0], LASI[1], LASI[2] (with [3], the 1 of homogeneous ones) or LASI_1 to _3.

    Four numbers from _1 to _4 are a quaternion, no place.
    """
    found: dict[str, dict[int, int]] = {}
    for column in rest:
        match = _INDEXED.fullmatch(cells[column])
        if match is not None:
            index = int(match["index"]) if match["index"] else int(match["number"]) + 9
            found.setdefault(match["name"], {}).setdefault(index, column)
    sets = {(0, 1, 2), (0, 1, 2, 3), (10, 11, 12)}
    return {name: tuple(axes[k] for k in sorted(axes)[:3]) for name, axes in found.items() if tuple(sorted(axes)) in sets}
