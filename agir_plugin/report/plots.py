"""A motion and what was measured on it in, one picture of four panels out."""
from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agir_plugin.cohort.files import write_bytes
from agir_plugin.consts import JOINT, SIDES
from agir_plugin.errors import UnusableRecording, UsageError
from agir_plugin.gait import norms, norms_people, z_score
from agir_plugin.gait.course import find_walk
from agir_plugin.gait.event_methods import DEFAULT
from agir_plugin.gait.geometry import smooth
from agir_plugin.records import GaitParameters, Motion
from agir_plugin.report.wording import USUAL_SD, label, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Colour of each side, distinguishable by colour-blind readers (Okabe and Ito).
COLOURS = {"left": "#0072B2", "right": "#D55E00"}
#: Event -> its name and marker: strikes point down, toe-offs up.
EVENTS = {"heel_strike": ("heel strike", "v"), "toe_off": ("toe-off", "^")}
#: Values farther than this from the norm are drawn at the edge of the panel as arrows, standard deviations.
FARTHEST_Z = 6.0
#: Colour and marker of parameters within and beyond the usual range (Okabe and Ito): told apart without colour too.
USUAL, UNUSUAL = ("#009E73", "o"), ("#CC79A7", "D")
#: Longest stretch of time whose single steps the panels can show, s; of a longer walk it is the middle.
LONGEST_SHOWN_S = 20.0
#: Size of the picture, inches, and its resolution, dots per inch.
SIZE, DPI = (11.0, 8.0), 120


def plot_gait(motion: Motion, gait: GaitParameters, path: Path | str, name: str = "") -> Path:
    """Draw foot heights, foot positions, arm angles and parameters against their norms; the suffix of `path` is the
    format and `name` stands in the title.

    Events are marked on the feet; the file appears whole or not at all. Raises UnusableRecording for a refused walk,
    UsageError for a format that cannot be written or where matplotlib is not installed.
    """
    picture = picture_format(path)
    if gait.status == "refused":
        reasons = "; ".join(gait.reasons)
        raise UnusableRecording(f"expected a measured walk to draw, {motion.source} was refused: {reasons}")
    figure = _figure()
    axes = figure.subplot_mosaic([["feet", "norms"], ["ankles", "norms"], ["arms", "norms"]])
    time_s = motion.start_s + np.arange(len(motion.joints_m)) / motion.fps  # as the events count: from the file's start
    forward = find_walk(smooth(motion)).forward
    _draw_feet(axes["feet"], time_s, _foot_heights(motion), gait, "foot joint above\nthe floor (m)")
    _draw_feet(axes["ankles"], time_s, _foot_positions(motion, forward), gait, "ankle ahead of\nthe pelvis (m)")
    _draw_arms(axes["arms"], time_s, motion, forward)
    middle_s = _middle_s(time_s, gait)
    for panel in ("feet", "ankles", "arms"):
        axes[panel].set_xlim(middle_s or axes["feet"].get_xlim())
    part = f", {middle_s[0]:.0f} to {middle_s[1]:.0f} of {time_s[-1]:.0f}" if middle_s else ""
    axes["arms"].set_xlabel(f"time from the recording's first frame (s{part})")
    _draw_norms(axes["norms"], gait)
    axes["feet"].legend(loc="lower left", bbox_to_anchor=(0, 1.01), ncols=4, fontsize="small", frameon=False)
    figure.suptitle(_title(gait, name), x=0.01, ha="left", fontsize="medium")
    content = io.BytesIO()
    figure.savefig(content, format=picture)
    write_bytes(Path(path), content.getvalue())
    return Path(path)


def picture_format(path: Path | str) -> str:
    """The format that the suffix of `path` names; UsageError when it cannot be written or matplotlib is missing."""
    formats = sorted(_figure().canvas.get_supported_filetypes())
    suffix = Path(path).suffix.removeprefix(".").lower()
    if suffix not in formats:
        raise UsageError(f"expected a picture file ending in one of {', '.join(formats)}, got {path}; rename it")
    return suffix


def _figure() -> Figure:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise UsageError("expected matplotlib to draw plots, found none; run `pip install matplotlib`") from None
    return Figure(figsize=SIZE, dpi=DPI, layout="constrained")


def _middle_s(time_s: np.ndarray, gait: GaitParameters) -> tuple[float, float] | None:
    """First and last second that a long recording's panels show, the middle of what was measured; None for all of it."""
    if time_s[-1] - time_s[0] <= LONGEST_SHOWN_S:
        return None
    strikes = [time for side in SIDES for time in gait.events[side].heel_strike_s]
    first = (min(strikes) + max(strikes) - LONGEST_SHOWN_S) / 2
    first = min(max(first, time_s[0]), time_s[-1] - LONGEST_SHOWN_S)
    return first, first + LONGEST_SHOWN_S


def _foot_heights(motion: Motion) -> np.ndarray:
    """Height of the left and right foot joint, (T, 2)."""
    return motion.joints_m[:, [JOINT["left_foot"], JOINT["right_foot"]], 1]


def _foot_positions(motion: Motion, forward: np.ndarray) -> np.ndarray:
    """How far the left and right ankle are ahead of the pelvis, (T, 2)."""
    pelvis = motion.joints_m[:, [JOINT["pelvis"]]]
    return (motion.joints_m[:, [JOINT["left_ankle"], JOINT["right_ankle"]]] - pelvis) @ forward


def _title(gait: GaitParameters, name: str) -> str:
    """File, source, rate, event method and number of strides in one line."""
    source, _, method = gait.source.partition(", events: ")
    parts = (name, source, f"{gait.fps:g} frames/s", f"events: {method or DEFAULT}", f"{gait.n_strides} strides")
    return "  |  ".join(part for part in parts if part)


def _draw_feet(axes: Axes, time_s: np.ndarray, paths: np.ndarray, gait: GaitParameters, what: str) -> None:
    for side, path in zip(SIDES, paths.T, strict=True):
        axes.plot(time_s, path, color=COLOURS[side], label=side)
        for kind, (_, marker) in EVENTS.items():
            events = getattr(gait.events[side], f"{kind}_s")
            axes.plot(events, np.interp(events, time_s, path), marker, color=COLOURS[side])
    for name, marker in EVENTS.values():
        axes.plot([], [], marker, color="0.3", label=name)
    axes.set(ylabel=what)


def _draw_arms(axes: Axes, time_s: np.ndarray, motion: Motion, forward: np.ndarray) -> None:
    """Angle of the line from shoulder to wrist to the vertical, in the plane of walking; forward is positive."""
    for side in SIDES:
        joints = [f"{side}_shoulder", f"{side}_wrist"]
        if motion.measured and not motion.measured.issuperset(joints):
            continue
        shoulder, wrist = (motion.joints_m[:, JOINT[name]] for name in joints)
        arm = wrist - shoulder
        angle = np.degrees(np.unwrap(np.arctan2(arm @ forward, -arm[:, 1])))
        axes.plot(time_s, angle, color=COLOURS[side], label=side)
    axes.set(ylabel="arm to the\nvertical (deg)")
    if not axes.lines:
        axes.set_yticks([])
        axes.text(0.5, 0.5, "the recording does not show the arms", ha="center", transform=axes.transAxes)


def _draw_norms(axes: Axes, gait: GaitParameters) -> None:
    """Each measured parameter with a norm as its distance from the mean, in standard deviations; the band is usual.

    Hollow marks are of low confidence; the small ones are a parameter's left and right side.
    """
    names = [name for name in norms() if gait.value(name) is not None and not name.endswith(SIDES)]
    axes.axvspan(-USUAL_SD, USUAL_SD, color="0.92", zorder=0)
    axes.axvline(0, color="0.6", linewidth=0.8, zorder=0)
    for row, name in enumerate(names):
        for side in SIDES:
            _mark(axes, gait, f"{name}_{side}", row, COLOURS[side], ".", 30)
        colour, marker = USUAL if abs(z_score(name, gait.value(name))) <= USUAL_SD else UNUSUAL
        _mark(axes, gait, name, row, colour, marker, 55)
    rows = np.arange(len(names))
    axes.set_yticks(rows, [_value(gait, name) for name in names], fontsize="small")
    beside = axes.secondary_yaxis("right")
    beside.set_yticks(rows, [_healthy(name) for name in names], fontsize="x-small", color="0.4")
    beside.tick_params(length=0)
    axes.set(
        xlim=(-FARTHEST_Z - 0.5, FARTHEST_Z + 0.5), ylim=(len(names) - 0.4, -0.6),
        xlabel=f"SD from the mean of healthy people: {norms_people()}",
    )
    if not names:
        axes.text(0, -0.5, "no parameter has a norm", ha="center")
    axes.set_title(
        f"grey: within {USUAL_SD:g} SD; hollow: low confidence; small: left, right; right margin: norm", fontsize="x-small",
        loc="left",
    )


def _mark(axes: Axes, gait: GaitParameters, name: str, row: int, colour: str, marker: str, size: float) -> None:
    """One parameter's mark in its row, if it was measured and has a norm; an arrow at the edge when it lies beyond."""
    z = z_score(name, gait.value(name))
    if z is None:
        return
    if abs(z) > FARTHEST_Z:
        marker = ">" if z > 0 else "<"
    filled = colour if gait.parameters[name].confidence != "low" else "white"
    axes.scatter(np.clip(z, -FARTHEST_Z, FARTHEST_Z), row, size, filled, marker=marker, edgecolors=colour, zorder=2)


def _value(gait: GaitParameters, name: str) -> str:
    unit = gait.parameters[name].unit
    return f"{label(name)}  {number(gait.value(name), unit)} {unit}"


def _healthy(name: str) -> str:
    norm = norms()[name]
    return f"{number(norm.mean, norm.unit)} ± {number(norm.sd, norm.unit)}"
