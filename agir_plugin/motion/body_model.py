"""SMPL poses enter, joint places leave; a body is the average skeleton or a licensed SMPL file that the user has.

SMPL (Loper et al., ACM Trans. Graph. 34(6):248, 2015) is a mesh whose shape is linear in `betas` and whose skin follows 24
joints by linear blend skinning. The arrays of its files are read here without executing anything, and the skinning is our
own: the package `smplx` would unpickle the file. The tests hold both against each other.
"""
from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from agir_plugin.consts import JOINTS, PARENTS
from agir_plugin.errors import UnreadableFile, UsageError
from agir_plugin.motion.average_body import PARENTS_24, rest_joints
from agir_plugin.motion.smpl_arrays import listed, plain_array, read_arrays

#: Environment variable that names the folder of SMPL files.
FOLDER_VARIABLE = "AGIR_SMPL_DIR"
#: Where the files can be had after registration, under their own licence.
REGISTRATION = "https://smpl.is.tue.mpg.de"
GENDERS = ("neutral", "female", "male")
#: Arrays that an SMPL file must have, and the axes that are checked.
KEYS = ("v_template", "shapedirs", "posedirs", "J_regressor", "weights", "kintree_table", "f")
#: Vertices of SMPL's mesh; a file with others is not SMPL's, though it can be used where no vertex is meant by number.
SMPL_VERTICES = 6890
#: Shape numbers that are used; SMPL files hold 10 or 300, and motion files 10 or 16.
MOST_BETAS = 10
_N = len(JOINTS)


@dataclass(frozen=True, eq=False)
class Body:
    """A skinned mesh of V vertices on 24 joints in T-pose: y up, facing +z, left at +x, metres.

    `template_m` (V, 3); `shape_m` (V, 3, B) metres per beta; `pose_m` (V, 3, 207) metres per entry of (R - I) of joints 1
    to 23, row by row; `regressor` (24, V); `weights` (V, 24) skinning weights; `faces` (F, 3) vertex indices.
    """

    name: str
    template_m: np.ndarray
    shape_m: np.ndarray
    pose_m: np.ndarray
    regressor: np.ndarray
    weights: np.ndarray
    faces: np.ndarray
    joints_m: np.ndarray = field(init=False)
    joint_shape_m: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "joints_m", self.regressor @ self.template_m)
        object.__setattr__(self, "joint_shape_m", np.einsum("jv,vcb->jcb", self.regressor, self.shape_m, optimize=True))

    def rest_joints(self, betas: np.ndarray | None = None) -> np.ndarray:
        """(24, 3) rest joints of the shape; they are linear in `betas`, of which as many as the body has are used."""
        return self.joints_m if betas is None else self.joints_m + self.joint_shape_m @ self.own_betas(betas)

    def own_betas(self, betas: np.ndarray) -> np.ndarray:
        """(B,) as many shape numbers as the body has: surplus ones are left out, missing ones are 0."""
        own = np.zeros(self.joint_shape_m.shape[-1])
        given = np.asarray(betas, dtype=np.float64).reshape(-1)[: len(own)]
        own[: len(given)] = given
        return own

    def normals(self) -> np.ndarray:
        """(V, 3) outward unit normals of the template: the mean of the adjacent faces', weighted by their area."""
        corners = self.template_m[self.faces]
        across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normals = np.zeros_like(self.template_m)
        for corner in range(3):
            np.add.at(normals, self.faces[:, corner], across)
        return normals / np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-12)


def joints_from_pose(
    pose_rad: np.ndarray, translation_m: np.ndarray, betas: np.ndarray | None = None, model: Body | None = None
) -> np.ndarray:
    """(T, 22, 3) joints in metres of SMPL poses: forward kinematics along the tree, all frames at once.

    `pose_rad` is (T, 66 or more) axis-angle in radians, joint by joint, the first turning the whole body in the room, or
    (T, 22 or more, 3, 3) rotation matrices; `translation_m` is (T, 3) in the same room. Without `model` the rest joints are
    those of the average skeleton and `betas` are not used; a constant distance to SMPL's own pelvis then remains, because
    SMPL's rest pelvis is not in its origin. Frames that hold NaN give NaN. Raises UsageError for other shapes.
    """
    turns = local_rotations(pose_rad)
    translation = np.asarray(translation_m, dtype=np.float64)
    if translation.shape != (len(turns), 3):
        raise UsageError(f"expected a translation of shape ({len(turns)}, 3), got {translation.shape}; give one per pose")
    rest = rest_joints() if model is None else model.rest_joints(betas)
    joints = np.empty((len(turns), _N, 3))
    world = np.empty((len(turns), _N, 3, 3))
    joints[:, 0], world[:, 0] = rest[0] + translation, turns[:, 0]
    for joint in range(1, _N):
        parent = PARENTS[joint]
        world[:, joint] = world[:, parent] @ turns[:, joint]
        joints[:, joint] = joints[:, parent] + world[:, parent] @ (rest[joint] - rest[parent])
    return joints


def local_rotations(pose_rad: np.ndarray) -> np.ndarray:
    """(T, 22, 3, 3) rotations of each joint against its parent, from axis-angle (T, >= 66) or matrices (T, >= 22, 3, 3)."""
    pose = np.asarray(pose_rad, dtype=np.float64)
    if pose.ndim == 4 and pose.shape[1] >= _N and pose.shape[2:] == (3, 3):
        return pose[:, :_N]
    if pose.ndim != 2 or pose.shape[1] < 3 * _N:
        raise UsageError(
            f"expected poses of shape (frames, {3 * _N} or more) in radians or (frames, {_N} or more, 3, 3), got {pose.shape}"
        )
    return rotations(pose[:, : 3 * _N].reshape(len(pose), _N, 3))


def rotations(axis_angle_rad: np.ndarray) -> np.ndarray:
    """(..., 3, 3) rotation matrices of axis-angle vectors (..., 3) (Rodrigues 1840), exact near 0 as well."""
    x, y, z = np.moveaxis(np.asarray(axis_angle_rad, dtype=np.float64), -1, 0)
    square = x * x + y * y + z * z
    angle = np.sqrt(square)
    first, second = np.sinc(angle / np.pi), 0.5 * np.sinc(angle / (2.0 * np.pi)) ** 2
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*x.shape, 3, 3)
    return np.eye(3) + first[..., None, None] * cross + second[..., None, None] * (cross @ cross)


def load_body(gender: str = "neutral", folder: Path | str | None = None) -> Body:
    """The SMPL body of a gender from `folder`, or from the folder that the environment variable AGIR_SMPL_DIR names.

    Looked for are SMPL_NEUTRAL.npz and SMPL_NEUTRAL.pkl (FEMALE, MALE) in it and in its subfolder `smpl`. A body that was
    read once is kept. Raises UsageError when no folder is named or it has no such file, UnreadableFile when the file is
    damaged or is no SMPL body.
    """
    if gender not in GENDERS:
        raise UsageError(f"expected a body of gender {', '.join(GENDERS)}, got {gender!r}")
    folder = folder or os.environ.get(FOLDER_VARIABLE)
    if not folder:
        raise UsageError(
            f"expected the environment variable {FOLDER_VARIABLE} to name a folder with SMPL_{gender.upper()}.pkl or .npz, but "
            f"it is not set; register at {REGISTRATION}, download the body and set it"
        )
    path = _find(Path(folder), gender)
    return _read(path, gender, path.stat().st_mtime_ns)


def _find(folder: Path, gender: str) -> Path:
    name = f"SMPL_{gender.upper()}"
    places = [place / f"{name}{ending}" for place in (folder / "smpl", folder) for ending in (".npz", ".pkl")]
    for path in places:
        if path.is_file():
            return path
    raise UsageError(
        f"expected {name}.pkl or {name}.npz in {folder} or {folder / 'smpl'} ({FOLDER_VARIABLE}), found neither; register at "
        f"{REGISTRATION}, download the body and put it there"
    )


@cache
def _read(path: Path, gender: str, changed_ns: int) -> Body:
    """One file; `changed_ns` makes a file that was replaced a new one."""
    arrays, names = read_arrays(path, KEYS)
    missing = [key for key in KEYS if key not in arrays]
    if missing:
        raise UnreadableFile(
            f"{path}: expected an SMPL body with {', '.join(KEYS)}, but {', '.join(missing)} cannot be read from it "
            f"(it holds {listed(names)}); use the file from {REGISTRATION} as it comes"
        )
    body = {key: _dense(path, key, arrays[key]) for key in KEYS}
    _check(path, body)
    return Body(
        name=f"SMPL {gender}", template_m=body["v_template"], shape_m=body["shapedirs"][..., :MOST_BETAS],
        pose_m=body["posedirs"], regressor=body["J_regressor"], weights=body["weights"], faces=body["f"].astype(np.int64),
    )


def _dense(path: Path, key: str, value: Any) -> np.ndarray:
    """float64 of an array, or of a sparse matrix as SMPL's files hold for the joints."""
    array = plain_array(path, key, value)
    if array.dtype.kind not in "fiu":
        raise UnreadableFile(f"{path}: expected numbers in {key}, got {array.dtype}; use the file from {REGISTRATION}")
    return array.astype(np.float64)


def _check(path: Path, body: Mapping[str, np.ndarray]) -> None:
    count = len(body["v_template"]) if body["v_template"].ndim else 0
    joints = len(PARENTS_24)
    expected = {
        "v_template": (count, 3), "shapedirs": (count, 3, None), "posedirs": (count, 3, 9 * (joints - 1)),
        "J_regressor": (joints, count), "weights": (count, joints), "kintree_table": (2, joints), "f": (None, 3),
    }
    for key, shape in expected.items():
        came = body[key].shape
        fits = len(came) == len(shape) and all(want in (None, got) for want, got in zip(shape, came, strict=True))
        if not fits or not np.isfinite(body[key]).all():
            raise UnreadableFile(f"{path}: expected finite numbers of shape {shape} in {key}, got {came}; it is no SMPL body")
    if tuple(body["kintree_table"][0, 1:]) != PARENTS_24[1:]:
        raise UnreadableFile(f"{path}: expected SMPL's joint tree {PARENTS_24}, got {body['kintree_table'][0].tolist()}")
    if body["f"].min(initial=0) < 0 or body["f"].max(initial=0) >= count:
        raise UnreadableFile(f"{path}: expected faces of vertices 0 to {count - 1}, got others; it is no SMPL body")
