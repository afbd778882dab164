"""Landmarks in a laboratory's axes enter, landmarks with y up in a right-handed frame leave, with what looked wrong."""
from __future__ import annotations

import numpy as np

from agir_plugin.motion.marks import FOOT, PELVIS, Marks, mean_of, sided
from agir_plugin.motion.sides import sides_in_place
from agir_plugin.motion.tilt import level_floor

#: The pelvis stands this far above the feet in a person who walks, metres (a small child to a very tall adult).
PELVIS_ABOVE_FEET_M = (0.35, 1.45)
#: Usual height of the pelvis above the feet; of several units that make a person, the one nearest to it is taken.
USUAL_M = 0.9
#: Factors by which a wrong length unit is off: mm, cm, dm, inches and feet taken for metres, and the other way round.
UNIT_FACTORS = (0.001, 0.01, 0.1, 0.0254, 0.3048, 10.0, 100.0, 1000.0)
#: Part of the standing direction that may lie off an axis before the vertical is called uncertain (25 degrees).
TILT = 0.42


def upright(marks: Marks, up: str | None, fps: float) -> tuple[dict[str, np.ndarray], list[str]]:
    """Landmarks (T, 3) rotated so that y points up in a right-handed frame, and flags.

    The standing direction, from the feet to the pelvis in the same frames, decides between the axes; the file's own
    statement `up` is used when the data cannot say, and overruled (flag "vertical_from_data") when they disagree. A
    vertical that is off every axis, as a tilted camera's is, is found from the floor that the feet stand on, and sides
    that are exchanged are put right: see `level_floor` and `sides_in_place`, which add flags of their own.
    Further flags: "vertical_uncertain", "units_guessed" with "scaled_by: ...", "implausible_size".
    """
    standing = _standing(marks)
    axis, flags = _vertical(standing, up)
    turn = _turn_up(axis)
    scale, unit_flags = _unit_scale(standing)
    turned, tilt_flags = level_floor({name: scale * places @ turn.T for name, places in marks.items()}, fps)
    if any(flag.startswith("vertical_corrected") for flag in tilt_flags):
        flags = [flag for flag in flags if flag != "vertical_uncertain"]
    turned, side_flags = sides_in_place(turned)
    return turned, [*flags, *tilt_flags, *side_flags, *unit_flags]


def _standing(marks: Marks) -> np.ndarray | None:
    """(3,) median vector from the feet to the pelvis, or None when the two are never seen together."""
    feet = mean_of(marks, [*sided(FOOT, "left"), *sided(FOOT, "right")])
    pelvis = mean_of(marks, [*sided(PELVIS, "left"), *sided(PELVIS, "right"), "sacrum", "pelvis_centre", "pelvis"])
    if feet is None or pelvis is None:
        return None
    between = pelvis - feet
    between = between[np.isfinite(between).all(axis=-1)]
    return np.median(between, axis=0) if len(between) else None


def _vertical(standing: np.ndarray | None, up: str | None) -> tuple[str, list[str]]:
    """The vertical axis as "+y" and flags."""
    if standing is None:
        return up or "+y", ["vertical_uncertain"]
    length = float(np.linalg.norm(standing))
    index = int(np.argmax(np.abs(standing)))
    axis = f"{'-' if standing[index] < 0 else '+'}{'xyz'[index]}"
    off_axis = np.sqrt(max(length**2 - standing[index] ** 2, 0.0))
    if length == 0 or off_axis > TILT * length:
        return up or axis, ["vertical_uncertain"]
    return axis, ["vertical_from_data"] if up is not None and axis != up else []


def _turn_up(axis: str) -> np.ndarray:
    """(3, 3) rotation that takes the named axis to +y; z-up laboratories become (x, z, -y)."""
    up = np.zeros(3)
    up["xyz".index(axis[1])] = -1.0 if axis[0] == "-" else 1.0
    across = np.eye(3)[1] if axis[1] == "x" else np.eye(3)[0]
    return np.stack([across, up, np.cross(across, up)])


def _unit_scale(standing: np.ndarray | None) -> tuple[float, list[str]]:
    """The factor that makes a person of it, and flags when that is not 1 or there is none."""
    if standing is None:
        return 1.0, []
    low, high = PELVIS_ABOVE_FEET_M
    height = float(np.linalg.norm(standing))
    if low <= height <= high:
        return 1.0, []
    fitting = [factor for factor in UNIT_FACTORS if low <= height * factor <= high]
    if not fitting:
        return 1.0, ["implausible_size"]
    best = min(fitting, key=lambda factor: abs(np.log(height * factor / USUAL_M)))
    return best, ["units_guessed", f"scaled_by: {best:g}"]
