"""A stiff person with known landmarks who swings stiff legs and arms while walking at a constant speed."""
from __future__ import annotations

import numpy as np

from agir_plugin.records import Recording

FPS = 100.0
SPEED_MPS = 1.2
CADENCE_HZ = 0.9
#: Landmarks of a standing person, metres: x to the left, y up, z forward; the middle of the pelvis over the origin.
BODY = {
    "LASI": (0.12, 1.00, 0.075), "RASI": (-0.12, 1.00, 0.075),
    "LPSI": (0.05, 1.00, -0.075), "RPSI": (-0.05, 1.00, -0.075),
    "LKNE": (0.14, 0.50, 0.02), "RKNE": (-0.14, 0.50, 0.02), "LANK": (0.12, 0.09, -0.02), "RANK": (-0.12, 0.09, -0.02),
    "LHEE": (0.09, 0.03, -0.09), "RHEE": (-0.09, 0.03, -0.09), "LTOE": (0.09, 0.03, 0.13), "RTOE": (-0.09, 0.03, 0.13),
    "C7": (0.0, 1.50, -0.06), "CLAV": (0.0, 1.42, 0.06), "T10": (0.0, 1.25, -0.09), "STRN": (0.0, 1.27, 0.11),
    "LSHO": (0.19, 1.44, 0.0), "RSHO": (-0.19, 1.44, 0.0), "LELB": (0.26, 1.12, -0.02), "RELB": (-0.26, 1.12, -0.02),
    "LWRA": (0.25, 0.88, 0.06), "LWRB": (0.27, 0.87, 0.0), "RWRA": (-0.25, 0.88, 0.06), "RWRB": (-0.27, 0.87, 0.0),
    "LFHD": (0.07, 1.68, 0.09), "RFHD": (-0.07, 1.68, 0.09), "LBHD": (0.07, 1.68, -0.09), "RBHD": (-0.07, 1.68, -0.09),
}
LOWER = ("LASI", "RASI", "LPSI", "RPSI", "LKNE", "RKNE", "LANK", "RANK", "LHEE", "RHEE", "LTOE", "RTOE")
#: Landmarks that swing about the hip, and how much of the way forwards and back, metres.
SWING_M = {"KNE": 0.12, "ANK": 0.25, "HEE": 0.25, "TOE": 0.25, "ELB": -0.06, "WRA": -0.12, "WRB": -0.12}
#: Rotations from (left, up, forward) to laboratories: name -> matrix whose columns are left, up and forward there.
LABS = {
    "y up, walking +z": np.eye(3),
    "z up, walking +x": np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
    "z up, walking -x": np.array([[0.0, 0.0, -1.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
    "z up, walking +y": np.array([[-1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]),
    "y up, walking +x": np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]]),
    "x up, walking +y": np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]),
}


def walk(
    names: tuple[str, ...] = tuple(BODY), seconds: float = 3.0, speed_mps: float = SPEED_MPS, swing: float = 1.0
) -> np.ndarray:
    """(T, P, 3) landmarks in (left, up, forward), metres, at 100 frames per second."""
    times = np.arange(int(round(seconds * FPS)) + 1) / FPS
    places = np.tile(np.array([BODY[name] for name in names]), (len(times), 1, 1))
    places[..., 2] += speed_mps * times[:, None]
    for column, name in enumerate(names):
        phase = 0.0 if name[0] == "L" else np.pi
        places[:, column, 2] += swing * SWING_M.get(name[1:], 0.0) * np.sin(2 * np.pi * CADENCE_HZ * times + phase)
    return places


def recording(
    places: np.ndarray, names: tuple[str, ...] = tuple(BODY), lab: str = "y up, walking +z", up: str | None = None
) -> Recording:
    """The landmarks as a marker recording in a laboratory's axes."""
    return Recording("walk.c3d", "c3d", "markers", FPS, names, places @ LABS[lab].T, up=up)
