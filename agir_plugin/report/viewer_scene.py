"""A motion, what was measured on it and the file's own events in; the numbers that the viewer page draws, as JSON, out.

    fps, first_s, frames   rate and number of the shown frames; frame k is at first_s + k / fps of the recording
    stride                 one shown frame for so many recorded ones
    points, measured       names of the drawn points and whether the recording shows them (else they were filled in)
    bones                  [from, to, "left" | "right" | "middle"]: indices of points
    coords                 base64: x, y, z of the first point over all frames, then of the second, ...; see `packed`
    gaps                   [point, first, stop]: frames in which a point is unknown and must not be drawn
    events                 {side, kind, at_s, x_m, z_m}: detected, with the foot's place on the floor
    stance                 {side: [[heel strike, toe-off], ...]}: seconds, null for one that was not seen
    stored                 {side, kind, at_s}: events that the laboratory stored in the file

Axes of the page: y up, x along the walk, the origin on the floor under the pelvis's first place; millimetres.
"""
from __future__ import annotations

import base64
from collections.abc import Iterator
from math import ceil
from typing import Any

import numpy as np

from agir_plugin.consts import JOINT, JOINTS, PARENTS, SIDES
from agir_plugin.records import FootEvents, GaitParameters, LabelledEvent, Motion

#: Most frames per second on a page: what a screen shows.
PAGE_FPS = 60.0
#: Most frames on a page; a longer walk (5 minutes at 60 per second) is shown at a lower rate.
MOST_FRAMES = 18_000
#: Coordinates are rounded to this, metres.
STEP_M = 0.001
#: A pelvis that stays within this, metres, walks in no direction; the page then looks along where the body faces.
PATH_M = 1.0
#: Decimals of times, seconds.
TIME_DECIMALS = 4
#: Event kind -> the points of the foot that may stand for its place, best first.
MAKERS = {"heel_strike": ("heel", "ankle"), "toe_off": ("foot",)}


def scene(motion: Motion, gait: GaitParameters, stored: tuple[LabelledEvent, ...] = ()) -> dict[str, Any]:
    """The page's numbers for one walk, refused or not; the same walk gives the same values, in the same order."""
    names, points = _points(motion)
    points = _along_the_walk(points)
    stride = max(ceil(motion.fps / PAGE_FPS - 1e-9), ceil(len(points) / MOST_FRAMES))
    shown = points[::stride]
    measured = motion.measured or frozenset(JOINTS)
    last_s = motion.start_s + motion.seconds
    return {
        "fps": motion.fps / stride,
        "first_s": round(motion.start_s, TIME_DECIMALS),
        "frames": len(shown),
        "stride": stride,
        "points": list(names),
        "measured": [name in measured or name not in JOINT for name in names],
        "bones": _bones(names),
        "coords": packed(shown),
        "gaps": _gaps(shown),
        "events": list(_events(motion, gait, names, points)),
        "stance": {side: _stance(gait, side) for side in SIDES},
        "stored": [
            {"side": event.side, "kind": event.kind, "at_s": round(event.time_s, TIME_DECIMALS)}
            for event in stored if motion.start_s <= event.time_s <= last_s
        ],
    }


def packed(points_m: np.ndarray) -> str:
    """(T, P, 3) metres as base64: whole millimetres of each coordinate in turn, as differences of differences.

    The first value of a coordinate is written as it is, the second as the difference to it, the others as the change of
    that difference: numbers near zero, each in as few bytes as it needs (zigzag, then groups of seven bits, low first,
    the high bit set in all but the last). NaN is written as the value before it; `scene` lists those under "gaps".
    """
    millimetres = np.rint(_held(points_m) / STEP_M).astype(np.int64).reshape(len(points_m), -1).T
    first = np.diff(millimetres, axis=1, prepend=0)
    second = np.concatenate([first[:, :2], np.diff(first[:, 1:], axis=1)], axis=1)
    values = second.ravel()
    return base64.b64encode(_varints(np.where(values < 0, -2 * values - 1, 2 * values))).decode("ascii")


def _varints(values: np.ndarray) -> bytes:
    """Whole numbers from 0 up, each as groups of seven bits, low first; the high bit says that another follows."""
    rest, columns, kept = values.astype(np.uint64), [], []
    more = np.ones(len(values), bool)
    while more.any():
        kept.append(more)
        more = more & (rest > 0x7F)
        columns.append(((rest & 0x7F) | np.where(more, 0x80, 0).astype(np.uint64)).astype(np.uint8))
        rest = rest >> np.uint64(7)
    return b"" if not columns else np.stack(columns, axis=1)[np.stack(kept, axis=1)].tobytes()


def _held(points_m: np.ndarray) -> np.ndarray:
    """NaN replaced by the last known value of the coordinate, by the first known one before it, or by 0."""
    known = np.isfinite(points_m)
    rows = np.arange(len(points_m))[:, None, None]
    before = np.maximum.accumulate(np.where(known, rows, -1), axis=0)
    source = np.where(before < 0, known.argmax(axis=0)[None], before)
    return np.nan_to_num(np.take_along_axis(points_m, source, axis=0), nan=0.0, posinf=0.0, neginf=0.0)


def _gaps(points_m: np.ndarray) -> list[list[int]]:
    lost = ~np.isfinite(points_m).all(axis=-1)
    edges = np.diff(np.pad(lost, ((1, 1), (0, 0))).astype(int), axis=0).T
    return [
        [point, int(first), int(stop)]
        for point, edge in enumerate(edges)
        for first, stop in zip(np.flatnonzero(edge == 1), np.flatnonzero(edge == -1), strict=True)
    ]


def _points(motion: Motion) -> tuple[tuple[str, ...], np.ndarray]:
    """Names and places (T, P, 3) of the 22 joints, then of the heels where the recording has them."""
    if motion.heel_m is None:
        return JOINTS, motion.joints_m
    return (*JOINTS, *(f"{side}_heel" for side in SIDES)), np.concatenate([motion.joints_m, motion.heel_m], axis=1)


def _bones(names: tuple[str, ...]) -> list[list[Any]]:
    """The skeleton's bones; a foot with a heel also has its sole."""
    pairs = [(JOINTS[parent], name) for name, parent in zip(JOINTS, PARENTS, strict=True) if parent >= 0]
    for side in SIDES:
        if f"{side}_heel" in names:
            pairs += [(f"{side}_ankle", f"{side}_heel"), (f"{side}_heel", f"{side}_foot")]
    return [[names.index(start), names.index(end), _side(end)] for start, end in pairs]


def _side(name: str) -> str:
    side = name.partition("_")[0]
    return side if side in SIDES else "middle"


def _along_the_walk(points_m: np.ndarray) -> np.ndarray:
    """The points turned about the vertical and moved: x along the walk, the pelvis's first place above the origin."""
    ahead = _direction(points_m)
    right = np.array([-ahead[2], 0.0, ahead[0]])
    pelvis = points_m[:, JOINT["pelvis"]]
    known = np.isfinite(pelvis).all(axis=-1)
    origin = pelvis[known.argmax()] * [1.0, 0.0, 1.0] if known.any() else np.zeros(3)
    return (points_m - origin) @ np.stack([ahead, [0.0, 1.0, 0.0], right], axis=1)


def _direction(points_m: np.ndarray) -> np.ndarray:
    """Horizontal unit vector (3,): the main axis of the pelvis's path, the way it starts; else where the body faces."""
    across = points_m[:, JOINT["left_hip"]] - points_m[:, JOINT["right_hip"]]
    facing = np.cross(across[np.isfinite(across).all(axis=-1)], [0.0, 1.0, 0.0]).sum(axis=0)[::2]
    path = points_m[:, JOINT["pelvis"], ::2]
    path = path[np.isfinite(path).all(axis=-1)]
    if len(path) > 1 and np.linalg.norm(np.ptp(path, axis=0)) > PATH_M:
        main = np.linalg.svd(path - path.mean(axis=0), full_matrices=False)[2][0]
        facing = main if main @ (path[len(path) // 4] - path[0]) >= 0 else -main
    length = np.linalg.norm(facing)
    x, z = facing / length if length > 0 else (0.0, 1.0)
    return np.array([x, 0.0, z])


def _events(
    motion: Motion, gait: GaitParameters, names: tuple[str, ...], points_m: np.ndarray
) -> Iterator[dict[str, Any]]:
    """The detected events in the order of their times, with the place of the foot's point that makes them."""
    times = motion.start_s + np.arange(len(points_m)) / motion.fps
    found = [
        (at_s, side, kind)
        for side, feet in gait.events.items() for kind in MAKERS for at_s in getattr(feet, f"{kind}_s")
    ]
    for at_s, side, kind in sorted(found):
        maker = next(f"{side}_{name}" for name in MAKERS[kind] if f"{side}_{name}" in names)
        x_m, z_m = (float(np.interp(at_s, times, points_m[:, names.index(maker), axis])) for axis in (0, 2))
        yield {
            "side": side, "kind": kind, "at_s": round(at_s, TIME_DECIMALS), "x_m": round(x_m, 3), "z_m": round(z_m, 3),
        }


def _stance(gait: GaitParameters, side: str) -> list[list[float | None]]:
    """[heel strike, toe-off] of each contact of a foot; None for the end of a contact that was not seen."""
    feet = gait.events.get(side, FootEvents())
    events = sorted([*((at_s, "strike") for at_s in feet.heel_strike_s), *((at_s, "off") for at_s in feet.toe_off_s)])
    contacts: list[list[float | None]] = []
    for at_s, kind in events:
        time_s = round(at_s, TIME_DECIMALS)
        if kind == "strike":
            contacts.append([time_s, None])
        elif contacts and contacts[-1][1] is None:
            contacts[-1][1] = time_s
        else:
            contacts.append([None, time_s])
    return contacts
