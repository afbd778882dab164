"""Landmarks with y about up enter, landmarks with y at right angles to the floor that the feet stand on leave."""
from __future__ import annotations

import numpy as np

from agir_plugin.consts import SIDES
from agir_plugin.motion.marks import FOOT, PELVIS, Marks, mean_of, sided
from agir_plugin.motion.signals import runs
from agir_plugin.motion.vectors import UP, unit

#: A foot that moves slower than this stands, m/s; it has to for `STANCE_S` seconds.
RESTING_MPS = 0.35
STANCE_S = 0.1
#: Places where the feet stood that are needed, and how far apart the first and the last must be, metres.
FEWEST_PLACES = 4
SHORTEST_PATH_M = 1.5
#: Spread of a landmark's height between stances, metres, and of the body's lean to the side (radians): their ratio says
#: how far the slope across the path is believed, which a straight path hardly shows.
HEIGHT_SPREAD_M = 0.01
LEAN_SPREAD = 0.05
#: Smaller tilts than this stay: laboratories' floors and the body's lean are no better known, degrees.
SMALLEST_DEG = 4.0
#: No ramp is steeper, degrees: feet that rest at such different heights climb stairs, jump or drift.
STEEPEST_RAMP_DEG = 20.0


def level_floor(marks: Marks, fps: float) -> tuple[dict[str, np.ndarray], list[str]]:
    """The landmarks rotated so that the floor is level, and flags.

    The floor is the plane through the places where each foot landmark rests, one height for each landmark; across a
    straight path it is the body's own upright. A floor that slopes under a body that stands straight to y is a ramp and
    stays (flag "floor_slopes: 8 degrees"); one to which the body stands straight shows that y was not vertical and is
    made level (flag "vertical_corrected: 8 degrees"). Without a path of 1.5 m nothing is done.
    """
    body = _body_axis(marks)
    places = _resting_places(marks, fps)
    if body is None or places is None:
        return dict(marks), []
    normal = _normal(*places, body)
    tilt_deg = _angle_deg(normal, UP)
    if tilt_deg < SMALLEST_DEG:
        return dict(marks), []
    if _angle_deg(body, UP) < _angle_deg(body, normal):
        return dict(marks), [f"floor_slopes: {tilt_deg:.0f} degrees"] if tilt_deg <= STEEPEST_RAMP_DEG else []
    turn = _turn(normal, UP)
    return {name: track @ turn.T for name, track in marks.items()}, [f"vertical_corrected: {tilt_deg:.0f} degrees"]


def _body_axis(marks: Marks) -> np.ndarray | None:
    """(3,) unit mean direction from the feet to the pelvis: steps and sway to both sides cancel."""
    feet = mean_of(marks, [*sided(FOOT, "left"), *sided(FOOT, "right")])
    pelvis = mean_of(marks, [*sided(PELVIS, "left"), *sided(PELVIS, "right"), "sacrum", "pelvis_centre", "pelvis"])
    if feet is None or pelvis is None:
        return None
    between = (pelvis - feet)[np.isfinite(pelvis - feet).all(axis=-1)]
    return unit(between.mean(axis=0)) if len(between) else None


def _resting_places(marks: Marks, fps: float) -> tuple[np.ndarray, np.ndarray] | None:
    """Places (N, 3) where foot landmarks rested and the landmark (N,) of each; None when they do not span a path."""
    places, owners = [], []
    for owner, name in enumerate(name for side in SIDES for name in sided(FOOT, side) if name in marks):
        track = marks[name]
        speed = np.linalg.norm(np.gradient(track, axis=0), axis=-1) * fps if len(track) > 2 else np.array([])
        for start, stop in runs(speed < RESTING_MPS):
            if stop - start >= STANCE_S * fps:
                places.append(np.median(track[start:stop], axis=0))
                owners.append(owner)
    if len(places) < FEWEST_PLACES or np.linalg.norm(np.ptp(places, axis=0)) < SHORTEST_PATH_M:
        return None
    return np.array(places), np.array(owners)


def _normal(places: np.ndarray, owners: np.ndarray, body: np.ndarray) -> np.ndarray:
    """(3,) unit normal of the floor: least squares of height on place, drawn to the body's axis where they do not say."""
    kinds = (owners[:, None] == np.unique(owners)).astype(float)
    rows = np.concatenate([places[:, [0, 2]], kinds], axis=1)
    prior = np.eye(2, rows.shape[1]) * HEIGHT_SPREAD_M / LEAN_SPREAD
    slope_of_body = -body[[0, 2]] / body[1]
    wanted = np.concatenate([places[:, 1], slope_of_body * HEIGHT_SPREAD_M / LEAN_SPREAD])
    slope = np.linalg.lstsq(np.concatenate([rows, prior]), wanted, rcond=None)[0][:2]
    return unit(np.array([-slope[0], 1.0, -slope[1]]))


def _turn(start: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """(3, 3) the shortest rotation that takes one unit vector to another (Rodrigues), not its opposite."""
    axis = np.cross(start, goal)
    cross = np.array([[0.0, -axis[2], axis[1]], [axis[2], 0.0, -axis[0]], [-axis[1], axis[0], 0.0]])
    return np.eye(3) + cross + cross @ cross / (1.0 + start @ goal)


def _angle_deg(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip(first @ second, -1.0, 1.0))))
