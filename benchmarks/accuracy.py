"""How near events and parameters come to what laboratories stored in their own C3D files: `make accuracy` prints the tables.

    python benchmarks/accuracy.py [FOLDER or FILE ...] [--fps 20] [--markdown]

Every C3D file with labelled heel strikes below the folders (../shared/data when none is named) is measured by every event
method. Error = detected - labelled. A labelled event is found when something was detected within 0.2 s of it, doubled
when more than one was, missed when nothing was; what is missed within 0.3 s of a file's ends is counted apart. Where the
laboratory's own results stand in the file (group ANALYSIS), cadence, speed and step lengths are compared with them: those of
the whole walk, and those of the steps between labelled heel strikes, which are the steps that the laboratory used.
A walk that was refused because it turns has a row of its own over its straight part; it does not count in the totals.
`--fps` resamples the walks first, `--markdown` prints the tables as docs/gait-parameters.md has them.
"""
from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from agir_plugin.consts import SIDES
from agir_plugin.errors import AgirError
from agir_plugin.gait import measure
from agir_plugin.gait.course import find_walk
from agir_plugin.gait.event_methods import METHODS, cutoff_hz, find_events
from agir_plugin.gait.geometry import smooth
from agir_plugin.gait.spatiotemporal import steps
from agir_plugin.ingest import read
from agir_plugin.motion import resample, to_motion
from agir_plugin.records import FootEvents, GaitParameters, LabelledEvent, Motion, Recording

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
#: A detected event within this of a labelled one, seconds, is that event.
SAME_EVENT_S = 0.2
#: Events nearer to a file's ends than this, seconds, may be missed.
EDGE_S = 0.3
#: An error up to this, milliseconds, is small: the share of such errors is shown.
SMALL_MS = 50.0
#: Our parameter (and side) -> what Plug-in Gait calls it; without a side the laboratory's left and right are averaged.
STORED = {
    "cadence_spm": "Cadence", "speed_mps": "Walking Speed", "step_length_m_left": "Step Length",
    "step_length_m_right": "Step Length",
}
#: Unit of a stored value -> factor to ours.
UNITS = {"m": 1.0, "cm": 0.01, "mm": 0.001, "m/s": 1.0, "cm/s": 0.01, "mm/s": 0.001, "m/min": 1 / 60, "steps/min": 1.0,
         "1/min": 1.0}
EVENT_COLUMNS = (
    "file", "events by", "Hz", "strikes", "median", "mean ± SD", "95 %", "largest", "≤ 50 ms", "doubled", "missed", "at ends",
    "toe-offs", "median", "mean ± SD",
)
RESULT_COLUMNS = (
    "file", "events by", "over", "cadence", "lab", "speed", "lab", "step left", "lab", "step right", "lab",
)


@dataclass
class Errors:
    """Errors of one kind of event, milliseconds, and how many labelled events were seen twice or not at all."""

    found_ms: list[float] = field(default_factory=list)
    doubled: int = 0
    missed: int = 0
    missed_at_ends: int = 0

    def add(self, other: Errors) -> None:
        """Count another file's errors with these."""
        self.found_ms += other.found_ms
        self.doubled += other.doubled
        self.missed += other.missed
        self.missed_at_ends += other.missed_at_ends

    def size(self, share: float) -> float:
        """The error that `share` percent of the events do not exceed, ms; NaN where none was found."""
        return float(np.percentile(np.abs(self.found_ms), share)) if self.found_ms else float("nan")

    def small_pct(self) -> float:
        """Share of the errors up to `SMALL_MS`, percent."""
        return 100 * float(np.mean(np.abs(self.found_ms) <= SMALL_MS)) if self.found_ms else float("nan")

    def mean_and_sd(self) -> str:
        """Signed mean and standard deviation, as text."""
        if len(self.found_ms) < 2:
            return f"{self.found_ms[0]:.0f}" if self.found_ms else ""
        return f"{np.mean(self.found_ms):z.0f} ± {np.std(self.found_ms, ddof=1):.0f}"


@dataclass(frozen=True)
class Outcome:
    """One file by one method: what was measured, and the errors of its heel strikes and toe-offs.

    `part` says that only the straight part of a turning walk was looked at, which `measure` refused.
    """

    file: str
    part: bool
    fps: float
    method: str
    gait: GaitParameters
    strikes: Errors
    offs: Errors
    same_steps: Mapping[str, float]
    stored: Mapping[str, float]


def main() -> None:
    """Read the arguments, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("places", nargs="*", type=Path, default=[DATA], metavar="FOLDER", help="folders or C3D files")
    parser.add_argument("--fps", type=float, help="resample the walks to this many frames per second first")
    parser.add_argument("--markdown", action="store_true", help="print the tables as the documentation has them")
    chosen = parser.parse_args()
    console = Console()
    console = console if console.is_terminal else Console(width=180)
    measured, unused = outcomes(chosen.places, chosen.fps)
    for title, columns, rows in tables(measured):
        if chosen.markdown:
            print("\n".join(["", f"{title}", "", *markdown(columns, rows)]))
        else:
            console.print(_rich(title, columns, rows))
    for line in unused:
        console.print(line, style="dim", highlight=False)


def outcomes(places: Sequence[Path], fps: float | None = None) -> tuple[list[Outcome], list[str]]:
    """Every labelled C3D file below `places` by every method, and a line for each that could not be used."""
    measured, unused = [], []
    for path in _files(places):
        try:
            recording = read(path)
            if not any(event.kind == "heel_strike" for event in recording.events):
                continue
            motion = to_motion(recording)
        except AgirError as error:
            unused.append(f"not read: {path.name}: {error}")
            continue
        motion = motion if fps is None else resample(motion, fps)
        stored = _stored(path)
        for method in METHODS:
            gait = measure(motion, method)
            if gait.status == "refused" and "turning" not in gait.flags:
                unused.append(f"refused: {path.name} by {method}: {'; '.join(gait.reasons)}")
                continue
            part = gait.status == "refused"
            errors = straight_errors_ms(recording, motion, method) if part else errors_ms(recording, gait.events)
            same = _of_labelled_steps(motion, method, recording.events) if stored and not part else {}
            measured.append(Outcome(path.stem, part, motion.fps, method, gait, *errors, same, {} if part else stored))
    return measured, unused


def errors_ms(
    recording: Recording, events: Mapping[str, FootEvents], span_s: tuple[float, float] | None = None
) -> tuple[Errors, Errors]:
    """Compare the labelled heel strikes and toe-offs, all or those in a span, with those that were detected."""
    span_s = span_s or (0.0, (len(recording.positions_m) - 1) / recording.fps)
    return _errors_ms(recording, events, "heel_strike", span_s), _errors_ms(recording, events, "toe_off", span_s)


def straight_errors_ms(recording: Recording, motion: Motion, method: str) -> tuple[Errors, Errors]:
    """The same for the straight part of a motion."""
    walk = find_walk(smooth(motion, cutoff_hz(method)))
    events, points = find_events(walk, method), walk.points
    kinds = zip(SIDES, events.heel_strikes, events.toe_offs, strict=True)
    found = {side: FootEvents(*(tuple(points.first_s + at / points.fps) for at in both)) for side, *both in kinds}
    return errors_ms(recording, found, (points.first_s, points.first_s + (len(points) - 1) / points.fps))


def _errors_ms(
    recording: Recording, events: Mapping[str, FootEvents], kind: str, span_s: tuple[float, float]
) -> Errors:
    first, last = span_s
    found = Errors()
    for event in recording.events:
        if event.kind != kind or not first <= event.time_s <= last:
            continue
        apart = np.array(getattr(events[event.side], f"{kind}_s")) - event.time_s
        near = apart[np.abs(apart) < SAME_EVENT_S]
        if len(near):
            found.found_ms.append(1000 * float(near[np.argmin(np.abs(near))]))
            found.doubled += len(near) > 1
        elif first + EDGE_S < event.time_s < last - EDGE_S:
            found.missed += 1
        else:
            found.missed_at_ends += 1
    return found


def tables(measured: Sequence[Outcome]) -> list[tuple[str, Sequence[str], list[list[str]]]]:
    """Title, columns and rows of the table of events and of the table of results."""
    events = [
        _event_row(one.file + " (straight part)" * one.part, one.method, f"{one.fps:g}", one.strikes, one.offs)
        for one in measured
    ]
    for method in METHODS:
        strikes, offs = Errors(), Errors()
        of_method = [one for one in measured if one.method == method and not one.part]
        for one in of_method:
            strikes.add(one.strikes)
            offs.add(one.offs)
        if of_method:
            events.append(_event_row(f"all {len(of_method)} files", method, "", strikes, offs))
    results = [row for one in measured if one.stored for row in _result_rows(one)]
    return [
        ("Detected minus labelled, milliseconds", EVENT_COLUMNS, events),
        ("Ours beside the laboratory's stored results: steps/min, m/s, m (difference)", RESULT_COLUMNS, results),
    ]


def markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a Markdown table."""
    head = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    return [*head, *(f"| {' | '.join(row)} |" for row in rows)]


def _event_row(file: str, method: str, rate: str, strikes: Errors, offs: Errors) -> list[str]:
    return [
        file, method, rate, str(len(strikes.found_ms)), _ms(strikes.size(50)), strikes.mean_and_sd(), _ms(strikes.size(95)),
        _ms(strikes.size(100)), _ms(strikes.small_pct(), " %"), str(strikes.doubled), str(strikes.missed),
        str(strikes.missed_at_ends), str(len(offs.found_ms)), _ms(offs.size(50)), offs.mean_and_sd(),
    ]


def _result_rows(one: Outcome) -> list[list[str]]:
    whole = {name: one.gait.value(name) for name in STORED}
    rows = []
    for over, ours in (("walk", whole), ("labelled steps", one.same_steps)):
        cells = [_pair(ours.get(name), one.stored.get(name), 1 if name == "cadence_spm" else 3) for name in STORED]
        rows.append([one.file, one.method, over, *(cell for pair in cells for cell in pair)])
    return rows


def _pair(ours: float | None, theirs: float | None, decimals: int) -> tuple[str, str]:
    """Our value with its difference from the laboratory's, and the laboratory's."""
    shown = "" if ours is None else f"{ours:.{decimals}f}"
    if theirs is None:
        return shown, ""
    return (f"{shown} ({100 * (ours / theirs - 1):+.1f} %)" if shown else ""), f"{theirs:.{decimals}f}"


def _of_labelled_steps(motion: Motion, method: str, labels: Sequence[LabelledEvent]) -> dict[str, float]:
    """Our values over the steps between the first and the last labelled heel strike."""
    walk = find_walk(smooth(motion, cutoff_hz(method)))
    times = [event.time_s for event in labels if event.kind == "heel_strike"]
    first, last = min(times) - SAME_EVENT_S, max(times) + SAME_EVENT_S
    ends = {step: walk.points.first_s + step.end / walk.points.fps for step in steps(walk, find_events(walk, method))}
    same = [step for step, end in ends.items() if first <= end - step.time_s and end <= last]
    lengths = {side: [step.length_m for step in same if step.side == number] for number, side in enumerate(SIDES)}
    found = {f"step_length_m_{side}": float(np.mean(values)) for side, values in lengths.items() if values}
    if same:
        seconds = sum(step.time_s for step in same)
        found["cadence_spm"] = 60 * len(same) / seconds
        found["speed_mps"] = sum(step.length_m for step in same) / seconds
    return found


def _ms(value: float, unit: str = "") -> str:
    return "" if np.isnan(value) else f"{value:.0f}{unit}"


def _stored(path: Path) -> dict[str, float]:
    """The laboratory's results of a file by our names and in our units; empty where it stored none."""
    import ezc3d

    group = ezc3d.c3d(str(path))["parameters"].get("ANALYSIS", {})
    if not all(key in group and len(group[key]["value"]) for key in ("NAMES", "CONTEXTS", "UNITS", "VALUES")):
        return {}
    columns = [group[key]["value"] for key in ("NAMES", "CONTEXTS", "UNITS", "VALUES")]
    values = {
        (name.strip(), side.strip().lower()): float(value) * UNITS[unit.strip()]
        for name, side, unit, value in zip(*columns, strict=False) if unit.strip() in UNITS
    }
    found = {}
    for ours, theirs in STORED.items():
        wanted = [side for side in SIDES if ours.endswith(f"_{side}")] or SIDES
        of_sides = [values[theirs, side] for side in wanted if (theirs, side) in values]
        if of_sides:
            found[ours] = float(np.mean(of_sides))
    return found


def _files(places: Sequence[Path]) -> list[Path]:
    """The C3D files among and below `places`, in order."""
    found = []
    for place in places:
        if not place.exists():
            raise SystemExit(f"{place}: no such file or folder; name a folder with C3D files that hold labelled events")
        inside = sorted(place.rglob("*")) if place.is_dir() else [place]
        found += [path for path in inside if path.suffix.lower() == ".c3d"]
    return found


def _rich(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(title=title)
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number in (0, 1, 2) else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


if __name__ == "__main__":
    main()
