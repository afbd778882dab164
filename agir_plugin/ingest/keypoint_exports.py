"""The stacked headers of marker tables as capture software exports them enter; which column is what leaves.

Known by what their makers document and export: Vicon Nexus (a `Trajectories` section: rate, names, X Y Z, units),
Qualisys Track Manager (`NO_OF_FRAMES` ... `MARKER_NAMES`), OptiTrack Motive (`Format Version`, rows of Type, Name, Position,
X Y Z), Visual3D (rows of file, name, TARGET, folder, then ITEM X Y Z), and the tables of pandas and DeepLabCut (a row of
names above one of x y z).
"""
from __future__ import annotations

from collections.abc import Sequence

from agir_plugin.ingest.cells import MISSING, is_number
from agir_plugin.ingest.keypoint_columns import Columns, singles
from agir_plugin.ingest.places import METRES

#: Sections of Vicon's exports; a section starts with a line that holds its name alone.
SECTIONS = frozenset({"devices", "joints", "model outputs", "segments", "trajectories", "events"})
#: Lines of a header between the start of its section and its numbers, at most.
HEADER_LINES = 12
#: A row of x y z that follows the names at once stands this far down at most.
STACKED_ROWS = 4
#: The fifth line of Visual3D's exports names the axes.
VISUAL3D_ROW = 4
#: Kinds of signal in them that are places; others are angles, forces or analog channels.
VISUAL3D_PLACES = frozenset({"TARGET", "LANDMARK"})


def is_export(lines: Sequence[str]) -> bool:
    """Whether the first lines are those of an export; its numbers may start far below."""
    first = lines[0].lstrip().lower() if lines else ""
    if first.startswith(("no_of_frames", "format version")):
        return True
    if _is_visual3d(lines) or _stacked_row(lines) is not None:
        return True
    return _section(first) or any(_section(line) and "trajectories" in line.lower() for line in lines[:HEADER_LINES])


def exported(lines: Sequence[str]) -> Columns | None:
    """The columns of an export, else None; `lines` are those of the file without blank ones."""
    first = lines[0].lstrip().lower()
    if first.startswith("no_of_frames"):
        return _qualisys(lines)
    if first.startswith("format version"):
        return _motive(lines)
    if _is_visual3d(lines):
        return _visual3d(lines)
    stacked = _stacked_row(lines)
    if stacked is not None:
        return _stacked(lines, stacked)
    starts = [k for k, line in enumerate(lines) if _section(line)]
    start = next((k for k in starts if "trajectories" in lines[k].lower()), None)
    if start is None:
        return None
    end = next((k for k in starts if k > start), len(lines))
    return _vicon(lines, start, end)


def _section(line: str) -> bool:
    return line.strip(" ,;\t\"").lower() in SECTIONS


def _cells(line: str, separator: str) -> list[str]:
    return [cell.strip().strip('"').strip() for cell in line.split(separator)]


def _numbers_of(line: str, separator: str) -> list[float]:
    return [float(cell) for cell in _cells(line, separator) if is_number(cell) and "," not in cell]


def _axes_row(lines: Sequence[str], start: int, separator: str) -> int | None:
    """The first line from `start` on that names X, Y and Z for at least one point."""
    for index in range(start, min(start + HEADER_LINES, len(lines))):
        axes = [cell.upper() for cell in _cells(lines[index], separator)]
        if any(axes[k : k + 3] == ["X", "Y", "Z"] for k in range(len(axes) - 2)):
            return index
    return None


def _set_points(known: Columns, axes: Sequence[str], names: Sequence[str]) -> None:
    """Name -> columns of its X, Y and Z, which stand side by side below the name; prefixes ("Anna:LASI") removed.

    Where that makes two points one, as with two subjects or rigid bodies, the first is kept, and noted.
    """
    repeated = []
    for column in range(len(axes) - 2):
        if [axis.upper() for axis in axes[column : column + 3]] != ["X", "Y", "Z"]:
            continue
        label = names[column] if column < len(names) else ""
        name = label.rpartition(":")[2].strip() or f"*{column + 1}"
        if name in known.points:
            repeated.append(label)
        else:
            known.points[name] = (column, column + 1, column + 2)
    if repeated:
        labels = f"{', '.join(repeated[:8])}{', ...' if len(repeated) > 8 else ''}"
        known.notes.append(f"repeated labels, first kept: {labels}")


def _vicon(lines: Sequence[str], start: int, end: int) -> Columns | None:
    """A line with the rate, one with a name above each X, one of axes, and in most versions one of units."""
    separator = max((",", "\t", ";"), key=lines[min(start + 2, len(lines) - 1)].count)
    at = _axes_row(lines, start, separator)
    if at is None or at <= start + 1:
        return None
    axes = _cells(lines[at], separator)
    rates = [number for line in lines[start + 1 : at - 1] for number in _numbers_of(line, separator)]
    known = Columns({}, separator, len(axes), frame=0, kind="markers")
    _set_points(known, axes, _cells(lines[at - 1], separator))
    below = _cells(lines[at + 1], separator) if at + 1 < end else []
    known.unit = next((cell.lower() for cell in below if cell.lower() in METRES), "mm")
    known.first_row = at + 1 if below and is_number(below[0]) else at + 2
    known.last_row = end
    known.stated_fps = rates[0] if rates else None
    return known if known.points else None


def _qualisys(lines: Sequence[str]) -> Columns | None:
    """Lines of a key and its values; MARKER_NAMES in the order of the columns; millimetres; no axis line in most versions."""
    head = {}
    for index, line in enumerate(lines[: 2 * HEADER_LINES]):
        key, *values = _cells(line, "\t")
        if is_number(key) or key.lower() in MISSING:
            break
        head[key.upper()] = (index, values)
    names = [value for value in head.get("MARKER_NAMES", (0, []))[1] if value]
    first_row = 1 + max(index for index, _ in head.values())
    if not names or first_row >= len(lines):
        return None
    width = len(lines[first_row].rstrip("\t\r\n").split("\t"))
    before = 2 if "FRAME" in head or width >= 2 + 3 * len(names) else 0
    known = Columns({}, "\t", before + 3 * len(names), unit="mm", first_row=first_row, kind="markers")
    known.frame, known.time = (0, 1) if before else (None, None)
    above = [cell for name in names for cell in (name, "", "")]
    _set_points(known, [*[""] * before, *["X", "Y", "Z"] * len(names)], [*[""] * before, *above])
    rate = head.get("FREQUENCY", (0, []))[1]
    known.stated_fps = float(rate[0]) if rate and is_number(rate[0]) else None
    return known


def _motive(lines: Sequence[str]) -> Columns | None:
    """Keys and values in the first line; below them, a value for each column: type, name, id, Position or Rotation, axis."""
    keys = _cells(lines[0], ",")
    pairs = dict(zip((key.lower() for key in keys[::2]), keys[1::2], strict=False))
    at = _axes_row(lines, 1, ",")
    if at is None or at < 3:
        return None
    above = [_cells(line, ",") for line in lines[1:at]]
    names = next((cells for cells in above if "name" in [cell.lower() for cell in cells[:2]]), above[1])
    axes, kinds = _cells(lines[at], ","), above[-1]
    places = [axis if k < len(kinds) and kinds[k].lower() == "position" else "" for k, axis in enumerate(axes)]
    known = Columns({}, ",", len(axes), first_row=at + 1)
    _set_points(known, places, names)
    known.kind = "joints" if any("bone" in (cell.lower() for cell in cells) for cells in above[:1]) else "markers"
    singles(axes, known)
    known.unit = pairs.get("length units", "").lower()
    known.unit = known.unit if known.unit in METRES else None
    rate = pairs.get("export frame rate") or pairs.get("capture frame rate") or ""
    known.stated_fps = float(rate) if is_number(rate) else None
    return known if known.points else None


def _is_visual3d(lines: Sequence[str]) -> bool:
    """Whether the first line names a C3D file above each column, or the fifth the axes; the head may end before that."""
    files = lines[0].split("\t", 2) if lines else []
    if len(files) > 1 and not files[0].strip() and files[1].strip().lower().endswith(".c3d"):
        return True
    return len(lines) > VISUAL3D_ROW and lines[VISUAL3D_ROW].upper().startswith("ITEM\tX\tY\tZ")


def _visual3d(lines: Sequence[str]) -> Columns | None:
    """Lines of file names, names, kinds of signal, folders and axes; metres, no rate; the first file's columns are taken."""
    if len(lines) <= VISUAL3D_ROW or "\t" not in lines[0]:
        return None
    files, names, kinds, _, axes = (_cells(line, "\t") for line in lines[: VISUAL3D_ROW + 1])
    places = [name == files[1] and kind.upper() in VISUAL3D_PLACES for name, kind in zip(files, kinds, strict=False)]
    known = Columns({}, "\t", len(axes), frame=0, first_row=VISUAL3D_ROW + 1, kind="markers")
    _set_points(known, [axis if place else "" for axis, place in zip(axes, places, strict=False)], names)
    others = sorted(set(files[1:]) - {files[1], ""})
    if others:
        known.notes.append(f"trials of {len(others) + 1} files in one table; {files[1]} taken, left out: {', '.join(others[:5])}")
    return known if known.points else None


def _stacked_row(lines: Sequence[str]) -> int | None:
    """The line, below a first one without a section's name, that holds x, y and z and nothing else but a leading word."""
    for index in range(1, min(STACKED_ROWS, len(lines))):
        if _section(lines[index - 1]):
            return None
        separator = max((",", "\t", ";"), key=lines[index].count)
        axes = [cell.lower() for cell in _cells(lines[index], separator)]
        if axes[1:4] == ["x", "y", "z"] and set(axes[1:]) <= {"x", "y", "z", "likelihood"} and not is_number(axes[0]):
            return index
    return None


def _stacked(lines: Sequence[str], at: int) -> Columns | None:
    """Names above the axes, repeated for each column or above x alone; the first column counts the frames; no rate."""
    separator = max((",", "\t", ";"), key=lines[at].count)
    axes = _cells(lines[at], separator)
    known = Columns({}, separator, len(axes), frame=0, first_row=at + 1)
    _set_points(known, axes, _cells(lines[at - 1], separator))
    return known if known.points else None
