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
#: Exports of capture software: three frames of these markers at 200 Hz.
NAMES = ("LASI", "RKNE")
#: Three frames of LASI and RKNE in millimetres; RKNE is not seen in the second.
ROWS = [("10", "-20", "900", "100", "50.5", "500"), ("11", "-21", "901", "", "", ""), ("12", "-22", "902", "102", "52.5", "502")]
EXPECTED_M = [[[0.01, -0.02, 0.9], [0.1, 0.0505, 0.5]], [[0.011, -0.021, 0.901], [np.nan] * 3],
              [[0.012, -0.022, 0.902], [0.102, 0.0525, 0.502]]]

TRAJECTORIES = "Trajectories\n200\n,,Anna:LASI,,,Anna:RKNE,,\nFrame,Sub Frame,X,Y,Z,X,Y,Z\n,,mm,mm,mm,mm,mm,mm\n" + "".join(
    f"{695 + k},0,{','.join(row)}\n" for k, row in enumerate(ROWS))
DEVICES = "Devices\n1000\n,,Force Plate - Force,,\nFrame,Sub Frame,Fx,Fy,Fz\n,,N,N,N\n" + "".join(
    f"{695 + k // 5},{k % 5},1,2,3\n" for k in range(400))
MODEL = "Model Outputs\n200\n,,Anna:LHipAngles,,\nFrame,Sub Frame,X,Y,Z\n,,deg,deg,deg\n695,0,1,2,3\n"
WORKSTATION = "Title\nDate:\nDescription:,\"\"\n\nTRAJECTORIES\n200,Hz\n,LASI,,,RKNE,,\nField #,X,Y,Z,X,Y,Z\n" + "".join(
    f"{1 + k},{','.join(row)}\n" for k, row in enumerate(ROWS))
QTM_HEAD = ("NO_OF_FRAMES\t3\nNO_OF_CAMERAS\t13\nNO_OF_MARKERS\t2\nFREQUENCY\t200\nNO_OF_ANALOG\t0\nANALOG_FREQUENCY\t0\n"
            "DESCRIPTION\t--\nTIME_STAMP\t2024-04-15, 10:39:38.777\t406646.66137317\nDATA_INCLUDED\t3D\n"
            "MARKER_NAMES\tLASI\tRKNE\nTRAJECTORY_TYPES\tMeasured\tMeasured\n")
QTM = QTM_HEAD + "".join("\t".join(row) + "\n" for row in ROWS)
QTM_TIMED = QTM_HEAD + "Frame\tTime\tLASI X\tLASI Y\tLASI Z\tRKNE X\tRKNE Y\tRKNE Z\n" + "".join(
    f"{k + 1}\t{k / 200:.5f}\t" + "\t".join(row) + "\n" for k, row in enumerate(ROWS))
MOTIVE_KEYS = ("Format Version,1.23,Take Name,walk,Capture Frame Rate,200.000000,Export Frame Rate,200.000000,"
               "Length Units,Millimeters\n\n")
MOTIVE_AXES = "Frame,Time (Seconds),X,Y,Z,W,X,Y,Z,X,Y,Z\n" + "".join(
    f"{k},{k / 200:.6f},0,0,0,1,{','.join(row)}\n" for k, row in enumerate(ROWS))
MOTIVE = (f"{MOTIVE_KEYS},Type{',Bone' * 7}{',Marker' * 3}\n,Name{',Anna:LASI' * 7}{',Anna:RKNE' * 3}\n,ID{',1' * 10}\n"
          f",Parent{',Root' * 10}\n,{',Rotation' * 4}{',Position' * 6}\n{MOTIVE_AXES}")
MOTIVE_OLD = (f"{MOTIVE_KEYS},{',Bone' * 7}{',Marker' * 3}\n,{',Anna:LASI' * 7}{',Anna:RKNE' * 3}\n,{',1' * 10}\n"
              f",{',Rotation' * 4}{',Position' * 6}\n{MOTIVE_AXES}")
METRES = [[cell and f"{float(cell) / 1000:g}" for cell in row] for row in ROWS]
D_FLOW = "TimeStamp\tFrameNumber\t" + "\t".join(f"{name}.Pos{axis}" for name in NAMES for axis in "XYZ") + "\n" + "".join(
    f"{7 + k / 200}\t{k}\t" + "\t".join(row) + "\n" for k, row in enumerate(METRES))
TOOLKIT = "Time," + ",".join(f"{name}[{k}]" for name in NAMES for k in range(4)) + "\n" + "".join(
    f"{k / 200},{','.join(row[:3])},1,{','.join(row[3:])},1\n" for k, row in enumerate(METRES))
VISUAL3D = "".join("\t".join(cells) + "\n" for cells in (
    ["", *["walk.c3d"] * 6, *["other.c3d"] * 3], ["", *["LASI"] * 3, *["RKNE"] * 3, *["LASI"] * 3], ["", *["TARGET"] * 9],
    ["", *["ORIGINAL"] * 9], ["ITEM", *["X", "Y", "Z"] * 3], *([f"{k + 1}", *row, "7", "8", "9"] for k, row in enumerate(METRES)),
))
#: Kinds of files that are read; "asf" is the skeleton of a motion, "yaml" the mapping of a table.
KINDS = ("c3d", "trc", "bvh", "amc", "asf", "wide", "long", "yaml", "joints", "features", "nexus", "qtm", "motive", "visual3d")


def correct_files(folder: Path) -> dict[str, bytes]:
    """Bytes of one small correct file of each kind; `folder` is written to."""
    features = to_features(_joints()).astype(np.float64)
    features[:, 3] = 0.9
    return {
        "c3d": _c3d(folder), "trc": TRC.encode(), "bvh": BVH.encode(), "amc": AMC.encode(), "asf": ASF.encode(),
        "wide": WIDE.encode(), "long": LONG.encode(), "yaml": MAPPING.encode(), "joints": _npy(_joints()),
        "features": _npy(features), "nexus": (DEVICES + TRAJECTORIES).encode(), "qtm": QTM.encode(), "motive": MOTIVE.encode(),
        "visual3d": VISUAL3D.encode(),
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
    tables = ("wide", "long", "nexus", "qtm", "motive", "visual3d")
    ending = "csv" if kind in tables else {"joints": "npy", "features": "npy"}.get(kind, kind)
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
