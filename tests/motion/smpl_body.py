"""A synthetic body in SMPL's file format, a marker set on it, and a walk of its joints; none of it comes from SMPL."""
from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agir_plugin.motion.average_body import PARENTS_24, rest_joints
from agir_plugin.motion.body_model import SMPL_VERTICES, Body, rotations
from agir_plugin.records import Recording

AROUND, RINGS = 16, 16
#: Limb radii in metres by the joint that a tube ends in; the tubes after 23 are the head and the toes.
RADII = (
    (0.10, 0.10, 0.12, 0.06, 0.06, 0.12, 0.045, 0.045, 0.12, 0.035, 0.035, 0.10, 0.06, 0.06, 0.05)
    + (0.06, 0.06, 0.045, 0.045, 0.035, 0.035, 0.03, 0.03, 0.09, 0.03, 0.03)
)
#: Marker -> (joint its tube ends in, part of the way along it, direction) on the left side or the midline.
PLACES = {
    "CLAV": (12, 0.75, (0, 0, 1)), "STRN": (9, 0.4, (0, 0, 1)), "C7": (12, 0.85, (0, 0, -1)), "T10": (9, 0.6, (0, 0, -1)),
    "LSHO": (16, 0.9, (0, 1, 0)), "LUPA": (18, 0.5, (0, 1, 0)), "LEL": (18, 0.95, (0, 1, 0)), "LEM": (18, 0.95, (0, -1, 0)),
    "LFRA": (20, 0.5, (0, 1, 0)), "LWL": (20, 0.95, (0, 0, 1)), "LWM": (20, 0.95, (0, 0, -1)),
    "L.ASIS": (1, 0.6, (0, 0, 1)), "L.PSIS": (1, 0.4, (0, 0, -1)), "L.GTR": (4, 0.05, (1, 0, 0)),
    "L.Knee": (4, 0.95, (1, 0, 0)), "L.Knee.Medial": (4, 0.95, (-1, 0, 0)), "L.HF": (7, 0.12, (1, 0, 0)),
    "L.TT": (7, 0.15, (0, 0, 1)), "L.Ankle": (7, 0.95, (1, 0, 0)), "L.Ankle.Medial": (7, 0.95, (-1, 0, 0)),
    "L.Heel": (10, 0.05, (0, -1, 0)), "L.MT1": (10, 0.95, (-1, 0, 0)), "L.MT5": (10, 0.8, (1, 0, 0)), "L.MT2": (10, 0.9, (0, 1, 0)),
}


def arrays(seed: int = 0) -> dict[str, np.ndarray]:
    """The arrays of an SMPL file: tubes along the bones, 16 vertices around, that bend smoothly at the joints."""
    rng = np.random.default_rng(seed)
    joints = rest_joints()
    template, weights, faces, regressor = _tubes(joints)
    return {
        "v_template": template, "weights": weights, "f": faces, "J_regressor": regressor,
        "shapedirs": _shapes(template, rng), "posedirs": rng.normal(0.0, 2e-4, (SMPL_VERTICES, 3, 207)),
        "kintree_table": np.array([[2**32 - 1, *PARENTS_24[1:]], range(24)], dtype=np.uint32),
    }


def make_body(seed: int = 0) -> Body:
    """The same as a body, without a file."""
    data = arrays(seed)
    return Body(
        "synthetic", data["v_template"], data["shapedirs"], data["posedirs"], data["J_regressor"], data["weights"], data["f"]
    )


def save_npz(folder: Path, name: str = "SMPL_NEUTRAL.npz") -> Path:
    """The synthetic body as a .npz file."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / name, **arrays())
    return folder / name


def save_pkl(folder: Path, name: str = "SMPL_NEUTRAL.pkl") -> Path:
    """The synthetic body as a pickle with a sparse regressor, as the licensed files have it."""
    from scipy import sparse

    folder.mkdir(parents=True, exist_ok=True)
    data = arrays()
    data["J_regressor"] = sparse.csc_matrix(data["J_regressor"])
    (folder / name).write_bytes(pickle.dumps(data, protocol=2))
    return folder / name


def marker_vertices(body: Body) -> dict[str, int]:
    """Vertex of each of the 44 markers of Shida et al. 2023 on the synthetic body."""
    chosen = {}
    for name, (end, part, direction) in PLACES.items():
        chosen[name] = _vertex(body, end, part, np.array(direction, dtype=float))
        if name.startswith("L"):
            mirrored = np.array(direction, dtype=float) * [-1, 1, 1]
            chosen["R" + name[1:]] = _vertex(body, end + 1, part, mirrored)
    return chosen


def vertices(body: Body, pose_rad: np.ndarray, translation_m: np.ndarray, betas: np.ndarray, rest_m: np.ndarray, ids: np.ndarray):
    """(T, N, 3) rest points skinned like vertices `ids`: plain linear blend skinning, one joint after the other."""
    turns = rotations(pose_rad.reshape(len(pose_rad), 24, 3))
    joints = body.rest_joints(betas)
    world, places = np.zeros_like(turns), np.zeros((len(turns), 24, 3))
    for joint, parent in enumerate(PARENTS_24):
        world[:, joint] = turns[:, joint] if parent < 0 else world[:, parent] @ turns[:, joint]
        offset = joints[joint] if parent < 0 else world[:, parent] @ (joints[joint] - joints[parent])
        places[:, joint] = offset + (translation_m if parent < 0 else places[:, parent])
    bent = rest_m + np.einsum("ncp,tp->tnc", body.pose_m[ids], (turns[:, 1:] - np.eye(3)).reshape(len(turns), -1))
    moved = (np.einsum("tij,tnj->tni", world[:, k], bent - joints[k]) + places[:, k, None] for k in range(24))
    return sum(body.weights[ids, k][:, None] * points for k, points in enumerate(moved))


def walking(frames: int = 72, fps: float = 20.0, speed_mps: float = 1.1) -> tuple[np.ndarray, np.ndarray]:
    """Pose (T, 72) and path (T, 3) of somebody who walks along +z at 0.9 strides per second."""
    phase = 2 * np.pi * 0.9 * np.arange(frames) / fps
    pose = np.zeros((frames, 24, 3))
    for side, (hip, knee, ankle, collar, shoulder, elbow) in ((1, (1, 4, 7, 13, 16, 18)), (-1, (2, 5, 8, 14, 17, 19))):
        swing = phase if side == 1 else phase + np.pi
        pose[:, hip, 0] = -0.1 - 0.42 * np.sin(swing)
        pose[:, hip, 2] = side * 0.05 * np.cos(phase)
        pose[:, knee, 0] = 0.45 + 0.4 * np.sin(swing + 1.9)
        pose[:, ankle, 0] = 0.15 * np.sin(swing - 1.0)
        pose[:, collar, 2] = -side * 0.05
        pose[:, shoulder] = _lowered(side, 1.25 + 0.05 * np.sin(2 * phase), 0.35 * np.sin(swing))
        pose[:, elbow, 1] = -side * (0.5 + 0.2 * np.sin(swing))
    pose[:, 0] = np.stack([0.03 * np.sin(2 * phase), 0.1 * np.sin(phase), 0.05 * np.cos(phase)], axis=-1)
    pose[:, 3, 1], pose[:, 6, 0], pose[:, 9, 1] = -0.07 * np.sin(phase), 0.06, -0.08 * np.sin(phase)
    path = np.stack([0.02 * np.sin(phase), 0.97 + 0.02 * np.cos(2 * phase), speed_mps * np.arange(frames) / fps], axis=-1)
    return pose.reshape(frames, 72), path


def standing(frames: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Pose and path of somebody who stands with the arms held a little out, swaying by a degree."""
    sway = 0.02 * np.sin(np.linspace(0, 6, frames))
    pose = np.zeros((frames, 24, 3))
    pose[:, 16, 2], pose[:, 17, 2] = -0.9 + sway, 0.9 + sway
    pose[:, 18, 1], pose[:, 19, 1] = -0.25, 0.25
    pose[:, 0, 0] = sway
    return pose.reshape(frames, 72), np.tile([0.1, 0.97, 0.2], (frames, 1))


@dataclass(frozen=True, eq=False)
class Subject:
    """Somebody of known shape with 44 markers at known places: what a fit has to find out."""

    body: Body
    betas: np.ndarray
    vertices: dict[str, int]
    offsets_m: np.ndarray

    @classmethod
    def draw(cls, body: Body, seed: int = 0, misplaced_m: float = 0.004) -> Subject:
        """Betas with unit spread; markers 9.5 mm off their vertices and `misplaced_m` aside on each axis."""
        rng = np.random.default_rng(seed)
        vertices = marker_vertices(body)
        offsets = 0.0095 * body.normals()[list(vertices.values())]
        return cls(body, rng.normal(size=10), vertices, offsets + rng.normal(0.0, misplaced_m, offsets.shape))

    def markers(self, pose_rad: np.ndarray, path_m: np.ndarray) -> np.ndarray:
        """(T, 44, 3) exact places of the markers."""
        ids = np.array(list(self.vertices.values()))
        rest = self.body.template_m[ids] + self.body.shape_m[ids] @ self.betas + self.offsets_m
        return vertices(self.body, pose_rad, path_m, self.betas, rest, ids)

    def record(self, pose_rad: np.ndarray, path_m: np.ndarray, fps: float = 20.0, noise_m: float = 0.003) -> Recording:
        """The markers with white noise on each axis."""
        places = self.markers(pose_rad, path_m)
        noise = np.random.default_rng(7).normal(0.0, noise_m, places.shape)
        return Recording("walk.c3d", "c3d", "markers", fps, tuple(self.vertices), places + noise, up="+y")


def _lowered(side: int, down: np.ndarray, ahead: np.ndarray) -> np.ndarray:
    """Axis-angle of an arm that is lowered from T-pose and then swung forward."""
    from scipy.spatial.transform import Rotation

    lower = Rotation.from_rotvec(np.stack([0 * down, 0 * down, -side * down], axis=-1))
    forward = Rotation.from_rotvec(np.stack([-ahead, 0 * ahead, 0 * ahead], axis=-1))
    return (forward * lower).as_rotvec()


def _tubes(joints: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    ends = [(PARENTS_24[end], end, joints[PARENTS_24[end]], joints[end]) for end in range(1, 24)]
    ends = [(a, b, start + [0, -0.04, -0.06], end) if b in (10, 11) else (a, b, start, end) for a, b, start, end in ends]
    ends += [(15, 15, joints[15], joints[15] + [0, 0.14, 0])]
    ends += [(foot, foot, joints[foot], joints[foot] + [0, 0, 0.06]) for foot in (10, 11)]
    template, weights = np.zeros((SMPL_VERTICES, 3)), np.zeros((SMPL_VERTICES, 24))
    faces, regressor = [], np.zeros((24, SMPL_VERTICES))
    for tube, (owner, end, start_m, end_m) in enumerate(ends):
        first = tube * AROUND * RINGS
        for ring in range(RINGS):
            here = slice(first + ring * AROUND, first + (ring + 1) * AROUND)
            part = ring / (RINGS - 1)
            template[here] = start_m + part * (end_m - start_m) + RADII[tube] * _circle(end_m - start_m)
            weights[here] = _skin(owner, end, part)
            if ring:
                faces += _band(here.start)
        if end != owner:
            regressor[end, first + (RINGS - 1) * AROUND : first + RINGS * AROUND] = 1 / AROUND
    regressor[0, 2 * AROUND * RINGS : 2 * AROUND * RINGS + AROUND] = 1 / AROUND  # the trunk's first ring
    rest = slice(len(ends) * AROUND * RINGS, None)
    count = SMPL_VERTICES - rest.start
    crown = np.stack([np.sin(np.arange(count)), np.zeros(count), np.cos(np.arange(count))], axis=-1)
    template[rest] = joints[15] + [0, 0.2, 0] + 0.02 * crown
    weights[rest, 15] = 1.0
    return template, weights, np.array(faces), regressor


def _circle(axis: np.ndarray) -> np.ndarray:
    """(16, 3) unit vectors around an axis; mirrored axes give mirrored sets."""
    helper = np.array([0.0, 0.0, 1.0]) if abs(axis[2]) < 0.8 * np.linalg.norm(axis) else np.array([0.0, 1.0, 0.0])
    across = np.cross(axis, helper) / np.linalg.norm(np.cross(axis, helper))
    upward = np.cross(across, axis) / np.linalg.norm(axis)
    angle = 2 * np.pi * np.arange(AROUND)[:, None] / AROUND
    return np.cos(angle) * upward - np.sin(angle) * across


def _skin(owner: int, end: int, part: float) -> np.ndarray:
    row = np.zeros(24)
    after = 0.5 * np.clip((part - 0.8) / 0.2, 0, 1) ** 2 if end != owner else 0.0
    before = 0.5 * np.clip((0.2 - part) / 0.2, 0, 1) ** 2 if owner else 0.0
    row[end] += after
    row[PARENTS_24[owner]] += before
    row[owner] += 1 - after - before
    return row


def _band(first: int) -> list[tuple[int, int, int]]:
    """Triangles between a ring that starts at `first` and the one before, seen from outside counter-clockwise."""
    faces = []
    for k in range(AROUND):
        low, next_low = first - AROUND + k, first - AROUND + (k + 1) % AROUND
        faces += [(low, low + AROUND, next_low), (next_low, low + AROUND, next_low + AROUND)]
    return faces


def _shapes(template: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Ten smooth left-right symmetric ways to differ: size and widths first, then waves; one unit moves 1 to 2 cm."""
    shapes = np.zeros((*template.shape, 10))
    shapes[..., 0] = 0.03 * template
    shapes[..., 1] = template * [0.06, 0.0, 0.04]
    for index in range(2, 10):
        x, y, z = template.T
        wave = 0.006 * np.sin(rng.uniform(2, 5) * np.abs(x) + rng.uniform(2, 5) * y + rng.uniform(0, 6))
        shapes[..., index] = wave[:, None] * rng.normal(size=3) * np.stack([np.tanh(20 * x), np.ones_like(x), np.ones_like(x)], -1)
    return shapes


def _vertex(body: Body, end: int, part: float, direction: np.ndarray) -> int:
    first = (end - 1) * AROUND * RINGS + round(part * (RINGS - 1)) * AROUND
    ring = body.template_m[first : first + AROUND]
    return first + int(np.argmax((ring - ring.mean(axis=0)) @ direction))
