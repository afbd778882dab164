"""A synthetic walk in, the 44 laboratory markers of Shida et al. (2023) around its joints out."""
from __future__ import annotations

import numpy as np

from agir_plugin.cohort.feet import TOE_OUT_DEG, FootPath
from agir_plugin.cohort.steps import WalkParameters, plan_steps
from agir_plugin.cohort.walker import WalkingBody, body_at, frame_times_s, trunk_frames
from agir_plugin.consts import JOINT
from agir_plugin.errors import UsageError

#: Frame rate of that laboratory.
MARKER_FPS = 150.0
#: The markers in the order of its C3D files (Shida et al., Front. Neurosci. 17:992585, 2023); there is none on the
#: head.
MARKERS = tuple(
    (
        "CLAV STRN C7 T10 RSHO LSHO RUPA REL REM RFRA RWL RWM LUPA LEL LEM LFRA LWL LWM R.ASIS L.ASIS R.PSIS "
        "L.PSIS R.GTR R.Knee R.HF R.TT R.Ankle R.Heel R.MT1 R.MT5 L.GTR L.Knee L.HF L.TT L.Ankle L.Heel L.MT1 "
        "L.MT5 R.Knee.Medial R.Ankle.Medial R.MT2 L.Knee.Medial L.Ankle.Medial L.MT2"
    ).split()
)
#: Places of the pelvis markers in the pelvis frame (outward, up, forward) as shares of body height. Chosen so that
#: the hip regression of Harrington et al. (J Biomech 40:595, 2007) finds this body's hips and the pelvis lies midway
#: between its front and back to about 1 cm.
PELVIS_PLACES = {"ASIS": (0.0718, 0.0047, 0.0365), "PSIS": (0.026, 0.0047, -0.0485)}
#: Places of the trunk markers from the named joint, (left, up, forward) of the trunk, as shares of body height.
TRUNK_PLACES = {
    "CLAV": ("neck", 0.0, -0.015, 0.030),
    "C7": ("neck", 0.0, 0.015, -0.030),
    "STRN": ("spine3", 0.0, -0.018, 0.068),
    "T10": ("spine3", 0.0, -0.018, -0.060),
}
#: Shoulder joint below the acromion as a part of the acromions' distance (Rab et al., Gait Posture 15:113, 2002).
BELOW_ACROMION = 0.17
#: Half widths of elbow, wrist, knee and ankle with a marker's radius, and depth of a marker on the limb, metres at
#: 1.7 m height.
HALF_WIDTH_M = {"elbow": 0.042, "wrist": 0.032, "knee": 0.056, "ankle": 0.041, "limb": 0.045}
#: Height at which these widths hold, metres.
REFERENCE_HEIGHT_M = 1.70

Placed = dict[str, np.ndarray]


def walk_markers(
    parameters: WalkParameters,
    seconds: float,
    rng: np.random.Generator,
    fps: float = MARKER_FPS,
) -> tuple[tuple[str, ...], np.ndarray]:
    """Names and positions (T, 44, 3) of the markers of one walk, metres; the laboratory's x is ahead, y up, z right.

    The walk is the one that `walk_joints` gives for the same parameters, seconds and generator state. Markers sit
    at constant places on their segments. UsageError for a rate or duration that is not positive.
    """
    body = body_at(plan_steps(parameters, seconds, rng), frame_times_s(seconds, fps))
    placed: Placed = {}
    _pelvis_markers(placed, body, parameters)
    _trunk_markers(placed, body, parameters)
    for side, name, letter in ((1, "left", "L"), (-1, "right", "R")):
        _arm_markers(placed, body, parameters, side, name, letter)
        _leg_markers(placed, body, parameters, side, name, letter)
        _foot_markers(placed, body.feet[0 if side == 1 else 1], parameters, side, letter)
    ahead_up_left = np.stack([placed[name] for name in MARKERS], axis=1)[..., [2, 1, 0]]
    return MARKERS, ahead_up_left * np.array([1.0, 1.0, -1.0])


def add_noise_and_gap(
    positions_m: np.ndarray,
    fps: float,
    rng: np.random.Generator,
    noise_m: float = 0.0005,
    gap_s: float = 0.2,
) -> np.ndarray:
    """A copy of (T, P, 3) marker positions with white noise of `noise_m` per axis and a gap (NaN) of `gap_s`.

    The gap lies in the middle half of the recording, in a marker drawn by `rng`. UsageError when the recording is
    not longer than four gaps.
    """
    gap = int(round(gap_s * fps))
    n_frames, n_markers, _ = positions_m.shape
    if gap < 0 or noise_m < 0 or n_frames <= 4 * gap:
        raise UsageError(
            "marker noise: expected noise and gap of at least 0 and a recording longer than four gaps, got "
            f"{noise_m} m, {gap_s} s and {n_frames / fps:.2f} s; choose a shorter gap"
        )
    noisy = positions_m + rng.normal(0.0, noise_m, positions_m.shape)
    start = int(rng.integers(n_frames // 4, 3 * n_frames // 4 - gap + 1))
    noisy[start : start + gap, int(rng.integers(n_markers))] = np.nan
    return noisy


def _scale(parameters: WalkParameters) -> float:
    return parameters.height_m / REFERENCE_HEIGHT_M


def _pelvis_markers(placed: Placed, body: WalkingBody, parameters: WalkParameters) -> None:
    root = body.joints_m[:, JOINT["pelvis"]]
    for name, place in PELVIS_PLACES.items():
        for side, letter in ((1, "L"), (-1, "R")):
            offset = parameters.height_m * np.array(place) * [side, 1, 1]
            placed[f"{letter}.{name}"] = root + body.pelvis @ offset


def _trunk_markers(placed: Placed, body: WalkingBody, parameters: WalkParameters) -> None:
    trunk = trunk_frames(body.thorax, parameters)
    for name, (joint, *offset) in TRUNK_PLACES.items():
        placed[name] = body.joints_m[:, JOINT[joint]] + trunk @ (parameters.height_m * np.array(offset))
    left, right = (body.joints_m[:, JOINT[f"{side}_shoulder"]] for side in ("left", "right"))
    upwards = _unit(0.5 * (left + right) - body.joints_m[:, JOINT["pelvis"]])
    rise = BELOW_ACROMION * np.linalg.norm(left - right, axis=-1, keepdims=True)
    placed["LSHO"], placed["RSHO"] = left + rise * upwards, right + rise * upwards


def _arm_markers(
    placed: Placed, body: WalkingBody, parameters: WalkParameters, side: int, name: str, letter: str
) -> None:
    shoulder, elbow, wrist = (body.joints_m[:, JOINT[f"{name}_{joint}"]] for joint in ("shoulder", "elbow", "wrist"))
    outward = side * body.thorax[:, :, 0]
    size = {part: _scale(parameters) * width for part, width in HALF_WIDTH_M.items()}
    upper, fore = _square(outward, elbow - shoulder), _square(outward, wrist - elbow)
    placed[f"{letter}UPA"] = 0.5 * (shoulder + elbow) + size["limb"] * upper
    placed[f"{letter}FRA"] = 0.5 * (elbow + wrist) + 0.8 * size["limb"] * fore
    placed[f"{letter}EL"], placed[f"{letter}EM"] = elbow + size["elbow"] * upper, elbow - size["elbow"] * upper
    placed[f"{letter}WL"], placed[f"{letter}WM"] = wrist + size["wrist"] * fore, wrist - size["wrist"] * fore


def _leg_markers(
    placed: Placed, body: WalkingBody, parameters: WalkParameters, side: int, name: str, letter: str
) -> None:
    hip, knee, ankle = (body.joints_m[:, JOINT[f"{name}_{joint}"]] for joint in ("hip", "knee", "ankle"))
    size = {part: _scale(parameters) * width for part, width in HALF_WIDTH_M.items()}
    outward = _square(side * body.pelvis[:, :, 0], hip - ankle)
    shank = _unit(ankle - knee)
    ahead = side * np.cross(outward, -shank)
    placed[f"{letter}.GTR"] = hip + parameters.body.length_m("hip_half_width") * side * body.pelvis[:, :, 0]
    placed[f"{letter}.HF"] = knee + 1.2 * size["limb"] * shank + 1.1 * size["limb"] * outward
    placed[f"{letter}.TT"] = knee + 1.3 * size["limb"] * shank + size["limb"] * ahead
    for label, joint, half in (("Knee", knee, size["knee"]), ("Ankle", ankle, size["ankle"])):
        placed[f"{letter}.{label}"], placed[f"{letter}.{label}.Medial"] = joint + half * outward, joint - half * outward


def _foot_markers(placed: Placed, foot: FootPath, parameters: WalkParameters, side: int, letter: str) -> None:
    scale, azimuth = _scale(parameters), side * np.radians(TOE_OUT_DEG)
    sole = _unit(foot.foot_m - foot.heel_m)
    outward = side * np.array([np.cos(azimuth), 0.0, -np.sin(azimuth)])
    placed[f"{letter}.Heel"] = foot.heel_m + 0.01 * scale * np.cross(sole, side * outward)
    placed[f"{letter}.MT2"] = foot.foot_m + 0.006 * scale * np.cross(sole, side * outward)
    placed[f"{letter}.MT1"] = foot.foot_m - scale * (0.032 * outward - 0.002 * sole)
    placed[f"{letter}.MT5"] = foot.foot_m + scale * (0.048 * outward - 0.022 * sole)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _square(direction: np.ndarray, limb: np.ndarray) -> np.ndarray:
    # unit part of `direction` at right angles to the limb
    along = _unit(limb)
    return _unit(direction - (direction * along).sum(axis=-1, keepdims=True) * along)
