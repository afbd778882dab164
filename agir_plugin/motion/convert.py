"""A `Recording` enters, its walks leave, each a `Motion` at the recording's own frame rate."""
from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from agir_plugin.consts import JOINTS, SIDES
from agir_plugin.errors import UnusableRecording
from agir_plugin.motion import labels
from agir_plugin.motion.axes import upright
from agir_plugin.motion.centres import joint_centres
from agir_plugin.motion.knees import add_knees
from agir_plugin.motion.lacking import marker_examples, require_legs
from agir_plugin.motion.pelvis_gaps import fill_pelvis
from agir_plugin.motion.posture import LEGS, complete
from agir_plugin.motion.rigid import fill_from_clusters
from agir_plugin.motion.signals import MARKER_CUTOFF_HZ, fill_short_gaps, hold_and_interpolate, low_pass, runs
from agir_plugin.motion.spikes import without_spikes
from agir_plugin.records import Motion, Recording

#: The floor is this percentile of the feet's lowest points: a stance height that single low frames do not move.
FLOOR_PERCENTILE = 2.0
#: A foot track seen in fewer frames than this part of the ankle's is not waited for when the stretch is chosen.
WORTH_WAITING = 0.5
#: Stretches shorter than this are not walks of their own beside a longer one, seconds: two strides.
SHORTEST_PASS_S = 2.0

Tracks = dict[str, np.ndarray]
#: Flag -> the frames (T,) in which it holds, None for the whole recording.
Flags = dict[str, np.ndarray | None]


def to_motion(recording: Recording) -> Motion:
    """The longest walk of a recording (see `to_motions`), with the flag "several_passes: N" where it holds more than one."""
    passes = to_motions(recording)
    longest = max(passes, key=lambda motion: len(motion.joints_m))
    if len(passes) == 1:
        return longest
    return dataclasses.replace(longest, flags=(*longest.flags, f"several_passes: {len(passes)}, the longest is used"))


def to_motions(recording: Recording) -> tuple[Motion, ...]:
    """Every walk of a recording on 22 joints: y up, right-handed, metres, floor near 0, at the recording's own rate.

    Markers become joint centres through `marker_sets.yaml` and are low-passed at 6 Hz; named joints go through
    `joint_names.yaml` and are not filtered. Single wild frames of a marker are taken out, gaps up to 0.1 s are bridged,
    markers on a rigid part are put back from the others. Each stretch that then shows pelvis and both feet for
    `SHORTEST_PASS_S` is a walk of its own, in order of time (the longest stretch alone where none is so long), flagged
    "trimmed: ..." with `start_s` where it is not the whole file.
    What a recording does not have is filled in neutrally, flagged, and left out of `measured`.

    Raises UnusableRecording when pelvis and legs cannot be made from the recording's labels, or never appear together.
    """
    centres, feet, flags = _from_markers(recording) if recording.kind == "markers" else _from_joints(recording)
    return tuple(_motion(recording, centres, feet, flags, stretch) for stretch in _stretches(recording, centres, feet))


def _motion(recording: Recording, centres: Tracks, feet: Tracks, flags: Flags, stretch: slice) -> Motion:
    """One stretch of a recording as a `Motion`; a flag that holds in some frames is raised where the stretch has one."""
    flags = [flag for flag, frames in flags.items() if frames is None or frames[stretch].any()]
    joints, measured, more = complete({name: track[stretch] for name, track in centres.items()})
    heel, heel_flags = _foot_pair({name: track[stretch] for name, track in feet.items()}, "heel", joints)
    toe, toe_flags = _foot_pair({name: track[stretch] for name, track in feet.items()}, "toe", joints)
    parts = [joints, *(pair for pair in (heel, toe) if pair is not None)]
    if recording.kind == "markers":
        parts = [low_pass(part, recording.fps, MARKER_CUTOFF_HZ) for part in parts]
    floor = _floor(parts)
    joints, *pairs = [part - [0.0, floor, 0.0] for part in parts]
    measured -= {f"{side}_knee" for side in SIDES if "knees_not_measured" in flags}
    own = [*flags, *_trim_flags(stretch, recording), *more, *heel_flags, *toe_flags]
    return Motion(
        joints_m=joints, fps=recording.fps, source=f"{recording.format} {recording.kind}",
        heel_m=pairs.pop(0) if heel is not None else None, toe_m=pairs.pop(0) if toe is not None else None,
        measured=measured, flags=tuple(dict.fromkeys(own)), start_s=stretch.start / recording.fps,
    )


def _from_markers(recording: Recording) -> tuple[Tracks, Tracks, Flags]:
    """Joint centres, heel and toe tracks, and flags of a marker recording."""
    seen = [k for k in range(len(recording.names)) if np.isfinite(recording.positions_m[:, k]).all(axis=-1).any()]
    if not seen:
        raise UnusableRecording(
            f"{recording.path}: expected markers that are seen, but all {len(recording.names)} of them are gaps in all "
            f"{len(recording.positions_m)} frames; reconstruct the trial and export it again"
        )
    columns, _ = labels.landmarks([recording.names[k] for k in seen])
    marks = {name: recording.positions_m[:, seen[k]] for name, k in columns.items()}
    marks, flags = upright(marks, recording.up, recording.fps)
    marks, spike_flags = without_spikes(marks, recording.fps)
    marks = {name: fill_short_gaps(track, recording.fps) for name, track in marks.items()}
    marks, mended = fill_pelvis(fill_from_clusters(marks, labels.landmark_clusters()))
    centres, centre_flags = joint_centres(marks)
    never = [name for k, name in enumerate(recording.names) if k not in set(seen)]
    require_legs(recording, centres, f"markers such as {marker_examples()}", never)
    knee_flags = add_knees(centres)
    feet = {f"{side}_heel": marks[f"{side}_heel"] for side in SIDES if f"{side}_heel" in marks}
    feet |= {f"{side}_toe": centres[f"{side}_foot"] for side in SIDES if f"{side}_foot" in centres}
    whole = dict.fromkeys([*flags, *spike_flags, *centre_flags, *knee_flags])
    return centres, feet, whole | {"gaps_filled:pelvis": mended}


def _from_joints(recording: Recording) -> tuple[Tracks, Tracks, Flags]:
    """Joints by our names, and flags, of a recording of named joints; such files have no heels."""
    names = recording.names
    if set(JOINTS) <= set(names):
        columns = {name: names.index(name) for name in JOINTS}
    else:
        columns = labels.match(names, labels.joint_table())
        spelled = [labels.normalise(name) for name in names]
        used = set(columns.values())
        trunk = [spelled.index(name) for name in labels.trunk_names() if name in spelled]
        columns |= {f"chest {index:02d}": k for index, k in enumerate(k for k in trunk if k not in used)}
    tracks = {name: recording.positions_m[:, k] for name, k in columns.items()}
    if "pelvis" not in tracks and {"left_hip", "right_hip"} <= set(tracks):
        tracks["pelvis"] = 0.5 * (tracks["left_hip"] + tracks["right_hip"])
    if "neck" not in tracks and {"left_shoulder", "right_shoulder"} <= set(tracks):
        tracks["neck"] = 0.5 * (tracks["left_shoulder"] + tracks["right_shoulder"])
    require_legs(recording, tracks, "joints such as Hips, LeftUpLeg, LeftLeg, LeftFoot or pelvis, left_hip, ...")
    tracks, flags = upright(tracks, recording.up, recording.fps)
    tracks = {name: fill_short_gaps(track, recording.fps) for name, track in tracks.items()}
    return tracks, {}, dict.fromkeys([*flags, *add_knees(tracks)])


def _stretches(recording: Recording, centres: Tracks, feet: Tracks) -> list[slice]:
    """The stretches of frames with pelvis, legs and those foot tracks that are there most of the time, in order."""
    legs = np.stack([np.isfinite(centres[name]).all(axis=-1) for name in LEGS]).all(axis=0)
    good = legs
    for track in feet.values():
        seen = np.isfinite(track).all(axis=-1)
        if (seen & legs).sum() >= WORTH_WAITING * legs.sum():
            good = good & seen
    found = runs(good) or runs(legs)
    if not found:
        raise UnusableRecording(
            f"{recording.path}: expected at least one frame that shows pelvis, knees and ankles together, got none in "
            f"{len(legs)} frames; fill the gaps in the capture software first"
        )
    shortest = min(SHORTEST_PASS_S * recording.fps, max(stop - start for start, stop in found))
    return [slice(start, stop) for start, stop in found if stop - start >= shortest]


def _trim_flags(stretch: slice, recording: Recording) -> list[str]:
    frames = len(recording.positions_m)
    if stretch.stop - stretch.start == frames:
        return []
    begin, end, whole = (frame / recording.fps for frame in (stretch.start, stretch.stop - 1, frames - 1))
    return [f"trimmed: {begin:.2f} to {end:.2f} s of {whole:.2f} s, where pelvis and feet were seen"]


def _foot_pair(feet: Mapping[str, np.ndarray], kind: str, joints: np.ndarray) -> tuple[np.ndarray | None, list[str]]:
    """(T, 2, 3) heels or toes, left then right, or None unless both feet have them; gaps bridged beside the ankle."""
    pair, flags = [], []
    for side in SIDES:
        track = feet.get(f"{side}_{kind}")
        if track is None or not np.isfinite(track).any():
            return None, []
        if np.isnan(track).any():
            ankle = joints[:, JOINTS.index(f"{side}_ankle")]
            track = np.where(np.isnan(track), ankle + hold_and_interpolate(track - ankle), track)
            flags.append(f"gaps_filled:{side}_{kind}")
        pair.append(track)
    return np.stack(pair, axis=1), flags


def _floor(parts: Sequence[np.ndarray]) -> float:
    """Height of the floor: a low percentile of the lowest foot point per frame."""
    joints, *pairs = parts
    feet = [JOINTS.index(f"{side}_{joint}") for side in SIDES for joint in ("ankle", "foot")]
    lowest = np.min([joints[:, feet, 1].min(axis=1), *(pair[..., 1].min(axis=1) for pair in pairs)], axis=0)
    return float(np.percentile(lowest, FLOOR_PERCENTILE))
