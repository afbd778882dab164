"""One small correct file of each kind, and the place in a folder where its reader finds it."""
from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from agir_plugin.ingest import write_c3d
from agir_plugin.motion import to_features

ASF = (
    ":units\n length 0.45\n angle deg\n:root\n order TX TY TZ RX RY RZ\n axis XYZ\n position 0 0 0\n orientation 0 0 0\n"
    ":bonedata\nbegin\nid 1\nname lfemur\ndirection 0 -1 0\nlength 7\naxis 0 0 20 XYZ\ndof rx ry rz\nend\n"
    "begin\nid 2\nname ltibia\ndirection 0 -1 0\nlength 7\naxis 0 0 20 XYZ\ndof rx\nend\n"
    ":hierarchy\nbegin\nroot lfemur\nlfemur ltibia\nend\n"
)
AMC_FRAME = "root 1 2 3 4 5 6\nlfemur 1 2 3\nltibia 4\n"
AMC = f":FULLY-SPECIFIED\n:DEGREES\n1\n{AMC_FRAME}2\n{AMC_FRAME}3\n{AMC_FRAME}"
BVH_HEAD = (
    "HIERARCHY\nROOT Hips\n{\nOFFSET 0 0 0\nCHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation\n"
    "JOINT LeftUpLeg\n{\nOFFSET 0.1 -0.1 0\nCHANNELS 3 Zrotation Xrotation Yrotation\nEnd Site\n{\nOFFSET 0 -0.4 0\n}\n}\n}\n"
)
BVH = f"{BVH_HEAD}MOTION\nFrames: 4\nFrame Time: 0.01\n" + "0 1 0 4 5 6 7 8 9\n" * 4
TRC_KEYS = "PathFileType\t4\t(X/Y/Z)\tw.trc\nDataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\n"
TRC = (
    f"{TRC_KEYS}100\t100\t3\t2\tmm\nFrame#\tTime\tLKNE\t\t\tRKNE\t\t\n\t\tX1\tY1\tZ1\tX2\tY2\tZ2\n\n"
    "1\t0.00\t1\t2\t3\t4\t5\t6\n2\t0.01\t1\t2\t3\t4\t5\t6\n3\t0.02\t1\t2\t\t4\t5\t6\n"
)
WIDE = "time,hip_x,hip_y,hip_z,knee_x,knee_y,knee_z\n0.00,1,2,3,1,1.5,3\n0.01,1,2,3,1,1.5,3\n0.02,1,2,3,,,\n"
LONG = "frame;name;x;y;z;fps\n1;hip;1;2;3;50\n1;knee;1;1.5;3;50\n2;hip;1;2;3;50\n2;knee;1;1.5;3;50\n"
MAPPING = "names: {hip: Pelvis}\nunit: mm\nup: -y\nkind: joints\nfps: 30\n"
#: Kinds of files that are read; "asf" is the skeleton of a motion, "yaml" the mapping of a table.
KINDS = ("c3d", "trc", "bvh", "amc", "asf", "wide", "long", "yaml", "joints", "features")


def correct_files(folder: Path) -> dict[str, bytes]:
    """Bytes of one small correct file of each kind; `folder` is written to."""
    features = to_features(_joints()).astype(np.float64)
    features[:, 3] = 0.9
    return {
        "c3d": _c3d(folder), "trc": TRC.encode(), "bvh": BVH.encode(), "amc": AMC.encode(), "asf": ASF.encode(),
        "wide": WIDE.encode(), "long": LONG.encode(), "yaml": MAPPING.encode(), "joints": _npy(_joints()),
        "features": _npy(features),
    }


def place(folder: Path, kind: str, raw: bytes) -> Path:
    """Put the bytes where the reader of their kind finds them; the file to read."""
    if kind == "asf":
        (folder / "by.asf").write_bytes(raw)
        (folder / "by.amc").write_bytes(AMC.encode())
        return folder / "by.amc"
    if kind == "amc":
        (folder / "walk.asf").write_bytes(ASF.encode())
    if kind == "yaml":
        (folder / "mapped.yaml").write_bytes(raw)
        (folder / "mapped.csv").write_bytes(WIDE.encode())
        return folder / "mapped.csv"
    ending = {"wide": "csv", "long": "csv", "joints": "npy", "features": "npy"}.get(kind, kind)
    path = folder / f"walk.{ending}"
    path.write_bytes(raw)
    return path


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _joints(frames: int = 5) -> np.ndarray:
    return np.random.default_rng(0).uniform(0.1, 1.5, (frames, 22, 3))


def _c3d(folder: Path) -> bytes:
    path = folder / "source.c3d"
    write_c3d(path, ["LASI", "RASI", "SACR", "LKNE"], np.random.default_rng(0).uniform(0.1, 1, (6, 4, 3)), 100.0, up="+z")
    return path.read_bytes()
