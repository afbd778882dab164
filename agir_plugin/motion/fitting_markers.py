"""A marker recording enters; its markers with a place on the body's skin leave, upright, and the vertex of each."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from agir_plugin.consts import JOINT, JOINTS, PARENTS, SIDES
from agir_plugin.errors import UnusableRecording, UsageError
from agir_plugin.motion import labels
from agir_plugin.motion.axes import upright
from agir_plugin.motion.body_model import SMPL_VERTICES, Body
from agir_plugin.records import Recording

#: Joints that are fitted; the hands (22, 23) follow the wrists.
N_JOINTS = len(JOINTS)
#: Markers that a body needs to be fitted: three on each of four segments.
FEWEST_MARKERS = 12
#: Markers below this number on a segment, or farther down its limb, leave the joint at its end to the prior.
FEWEST_ON_SEGMENT = 2
_RULE_AXES = {"outward": -1.0, "inward": 1.0}  # of the right side, where x points inward


@dataclass(frozen=True, eq=False)
class Marked:
    """M markers: normalised labels, vertex numbers (M,), places (T, M, 3) in metres with y up and NaN where unseen, flags."""

    names: tuple[str, ...]
    vertices: np.ndarray
    places_m: np.ndarray
    flags: tuple[str, ...]


def table_vertices(body: Body) -> dict[str, int]:
    """Normalised label -> vertex of SMPL's mesh for the 44 markers of `marker_vertices.yaml`.

    Raises UsageError for a mesh of another size, on which the numbers mean nothing: give `marker_vertices` yourself.
    """
    if len(body.template_m) != SMPL_VERTICES:
        raise UsageError(
            f"expected SMPL's mesh of {SMPL_VERTICES} vertices to place markers on, got {len(body.template_m)} in "
            f"{body.name}; give marker_vertices, a vertex for each label"
        )
    chosen = {label: _chosen(body, entry) for label, entry in _table()["midline"].items()}
    for label, entry in _table()["right"].items():
        chosen[label] = _chosen(body, entry)
        chosen[f"L{label[1:]}"] = mirrored_vertex(body, chosen[label])
    return chosen


def mirrored_vertex(body: Body, vertex: int) -> int:
    """The vertex nearest to the mirrored place of another."""
    place = body.template_m[vertex] * [-1.0, 1.0, 1.0]
    return int(np.argmin(((body.template_m - place) ** 2).sum(axis=-1)))


def mark(recording: Recording, body: Body, marker_vertices: Mapping[str, int] | None = None) -> Marked:
    """The recording's markers that have a vertex: those of `marker_vertices`, else those of the table.

    With the table, a label that `marker_sets.yaml` gives the same place counts too. Of equal labels the first is taken.
    Raises UnusableRecording for a recording that is not of markers, or has fewer than `FEWEST_MARKERS` of them; UsageError
    for a vertex that the body does not have.
    """
    if marker_vertices is None:
        chosen = _by_table(recording.names, table_vertices(body))
    else:
        chosen = {labels.normalise(label): int(vertex) for label, vertex in marker_vertices.items()}
        wrong = [label for label, vertex in chosen.items() if not 0 <= vertex < len(body.template_m)]
        if wrong:
            raise UsageError(f"expected vertices 0 to {len(body.template_m) - 1}, got others for {', '.join(wrong[:5])}")
    columns = _columns(recording.names)
    return take(recording, {label: vertex for label, vertex in chosen.items() if label in columns})


def take(recording: Recording, vertices: Mapping[str, int]) -> Marked:
    """The markers of these normalised labels, where the recording has them and sees them at least once.

    Raises UnusableRecording as `mark` does.
    """
    if recording.kind != "markers":
        raise UnusableRecording(f"{recording.path}: expected markers to fit a body to, got {recording.kind}; use to_motion")
    columns = _columns(recording.names)
    seen = np.isfinite(recording.positions_m).all(axis=-1).any(axis=0)
    names = tuple(name for name in vertices if name in columns and seen[columns[name]])
    if len(names) < FEWEST_MARKERS:
        raise UnusableRecording(
            f"{recording.path}: expected at least {FEWEST_MARKERS} markers with a known place on the body, got "
            f"{len(names)} ({', '.join(names) or 'none'}) of {len(recording.names)}; name their vertices in marker_vertices"
        )
    landmarks = {k: entry for entry, k in labels.landmarks(recording.names)[0].items()}
    tracks = {landmarks.get(k, f"marker {k}"): recording.positions_m[:, k] for k in columns.values() if seen[k]}
    turned, flags = upright(tracks, recording.up, recording.fps)
    places = [turned[landmarks.get(columns[name], f"marker {columns[name]}")] for name in names]
    return Marked(names, np.array([vertices[name] for name in names]), np.stack(places, axis=1), tuple(flags))


def landmark_columns(names: Sequence[str]) -> dict[str, int]:
    """Landmark ("left_heel") -> its place among the names."""
    return labels.landmarks(names)[0]


def measured_joints(body: Body, vertices: np.ndarray) -> frozenset[str]:
    """The joints that markers hold in place: those whose segment, or what hangs on it, carries enough of them."""
    followed = np.argmax(body.weights[vertices], axis=1)
    followed = np.where(followed >= N_JOINTS, followed - 2, followed)  # hands follow the wrists
    count = np.bincount(followed, minlength=N_JOINTS)
    for joint in range(N_JOINTS - 1, 0, -1):
        count[PARENTS[joint]] += count[joint]
    held = [joint for joint in range(1, N_JOINTS) if count[PARENTS[joint]] >= FEWEST_ON_SEGMENT]
    return frozenset(JOINTS[joint] for joint in (0, *held))


def _by_table(names: Sequence[str], vertices: Mapping[str, int]) -> dict[str, int]:
    """The recording's normalised labels -> vertices: by label, else by the landmark that the label means."""
    by_landmark: dict[str, int] = {}
    for label, entry in _table()["midline"].items():
        by_landmark[entry["landmark"]] = vertices[label]
    for label, entry in _table()["right"].items():
        for side in SIDES if "landmark" in entry else ():
            by_landmark[f"{side}_{entry['landmark']}"] = vertices[side[0].upper() + label[1:]]
    meant = {k: entry for entry, k in landmark_columns(names).items()}
    chosen: dict[str, int] = {}
    for label, column in _columns(names).items():
        vertex = vertices.get(label, by_landmark.get(meant.get(column, "")))
        if vertex is not None and vertex not in chosen.values():
            chosen[label] = vertex
    return chosen


def _columns(names: Sequence[str]) -> dict[str, int]:
    columns: dict[str, int] = {}
    for column, name in enumerate(names):
        columns.setdefault(labels.normalise(name), column)
    return columns


def _chosen(body: Body, entry: Mapping[str, Any]) -> int:
    """The vertex of a right or midline entry: its number, or the one that its rule finds."""
    if "vertex" in entry:
        return int(entry["vertex"])
    joint = JOINT[f"right_{entry['joint']}"]
    child = PARENTS.index(joint)
    origin = body.joints_m[joint] + entry.get("below", 0.0) * (body.joints_m[child] - body.joints_m[joint])
    ahead = (body.template_m - origin) @ [_RULE_AXES[entry["towards"]], 0.0, 0.0]
    aside = np.linalg.norm((body.template_m - origin)[:, 1:], axis=-1)
    follows = np.isin(np.argmax(body.weights, axis=1), (joint, PARENTS[joint]))
    return int(np.argmin(np.where(follows & (ahead > 0), aside, np.inf)))


@cache
def _table() -> dict[str, dict[str, dict[str, Any]]]:
    import yaml

    return yaml.safe_load((Path(__file__).parent / "marker_vertices.yaml").read_text(encoding="utf-8"))
