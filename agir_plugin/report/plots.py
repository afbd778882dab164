"""A motion and what was measured on it in, one picture of four panels out."""
from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agir_plugin.cohort.files import write_bytes
from agir_plugin.consts import JOINT, SIDES
from agir_plugin.errors import UnusableRecording, UsageError
from agir_plugin.gait import norms, z_score
from agir_plugin.gait.course import find_walk
from agir_plugin.gait.geometry import smooth
from agir_plugin.records import GaitParameters, Motion
from agir_plugin.report.wording import USUAL_SD, label, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Colour of each side, distinguishable by colour-blind readers (Okabe and Ito).
COLOURS = {"left": "#0072B2", "right": "#D55E00"}
#: Event -> marker: strikes point down, toe-offs up.
MARKERS = {"heel_strike": "v", "toe_off": "^"}
#: Values farther than this from the norm are drawn at the edge of the panel, standard deviations.
FARTHEST_Z = 6.0
#: Size of the picture, inches, and its resolution, dots per inch.
SIZE, DPI = (11.0, 8.0), 120


def plot_gait(motion: Motion, gait: GaitParameters, path: Path | str) -> Path:
    """Draw foot heights, foot positions, arm angles and parameters against their norms; the suffix of `path` is the
    format.

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
    axes["arms"].set(xlabel="time from the recording's first frame (s)", xlim=axes["feet"].get_xlim())
    _draw_norms(axes["norms"], gait)
    figure.legend(*axes["feet"].get_legend_handles_labels(), loc="outside upper left", ncols=4)
    figure.suptitle(f"{motion.source}, {gait.n_strides} strides, {gait.fps:g} frames per second", x=0.98, ha="right")
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


def _foot_heights(motion: Motion) -> np.ndarray:
    """Height of the left and right foot joint, (T, 2)."""
    return motion.joints_m[:, [JOINT["left_foot"], JOINT["right_foot"]], 1]


def _foot_positions(motion: Motion, forward: np.ndarray) -> np.ndarray:
    """How far the left and right ankle are ahead of the pelvis, (T, 2)."""
    pelvis = motion.joints_m[:, [JOINT["pelvis"]]]
    return (motion.joints_m[:, [JOINT["left_ankle"], JOINT["right_ankle"]]] - pelvis) @ forward


def _draw_feet(axes: Axes, time_s: np.ndarray, paths: np.ndarray, gait: GaitParameters, what: str) -> None:
    for side, path in zip(SIDES, paths.T, strict=True):
        axes.plot(time_s, path, color=COLOURS[side], label=side)
        for kind, marker in MARKERS.items():
            events = getattr(gait.events[side], f"{kind}_s")
            name = kind.replace("_", " ") if side == SIDES[-1] else None
            axes.plot(events, np.interp(events, time_s, path), marker, color=COLOURS[side], label=name)
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
        axes.text(0.5, 0.5, "the recording does not show the arms", ha="center", transform=axes.transAxes)


def _draw_norms(axes: Axes, gait: GaitParameters) -> None:
    """Each measured parameter with a norm as its distance from the mean, in standard deviations; the band is usual."""
    values = {name: gait.value(name) for name in norms() if gait.value(name) is not None and not name.endswith(SIDES)}
    z = np.asarray([z_score(name, value) for name, value in values.items()])
    rows = np.arange(len(values))
    inside = np.abs(z) <= USUAL_SD
    axes.axvspan(-USUAL_SD, USUAL_SD, color="0.9", zorder=0)
    axes.axvline(0, color="0.6", linewidth=0.8, zorder=0)
    axes.scatter(np.clip(z, -FARTHEST_Z, FARTHEST_Z), rows, c=np.where(inside, "#009E73", "#CC79A7"), zorder=2)
    units = {name: gait.parameters[name].unit for name in values}
    names = [f"{label(name)} {number(value, units[name])} {units[name]}" for name, value in values.items()]
    axes.set_yticks(rows, names, fontsize="small")
    axes.invert_yaxis()
    axes.set(xlim=(-FARTHEST_Z - 0.5, FARTHEST_Z + 0.5), xlabel="SD from the mean of healthy adults")
