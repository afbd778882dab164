"""Files that claim, nest or repeat far more than they hold: refused or read soon and within 1 GB of memory.

They are read in a child process whose memory and processor time the operating system limits, so that a reader that
believes them is killed and not this test.
"""
from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable

import pytest
from ingest_samples import AMC, AMC_FRAME, ASF, BVH, TRC, WIDE, correct_files, place

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc and RLIMIT_AS")


def _c3d_claims(raw: bytes, points: int, analog: int, last: int) -> bytes:
    return raw[:2] + struct.pack("<4H", points, analog, 1, last) + raw[10:]


def _npy_claims(shape: str, descr: str = "<f8", held: int = 1000) -> bytes:
    head = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    head = head.ljust(-(-(len(head) + 11) // 64) * 64 - 11) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + bytes(held)


def _columns(count: int) -> str:
    return ",".join(f"p{k}_{axis}" for k in range(count // 3) for axis in "xyz")


#: Name -> kind of file and its bytes, made from the correct C3D file: what claims or repeats more than it holds.
CLAIMS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "c3d of 65535 points": ("c3d", lambda raw: _c3d_claims(raw, 65535, 0, 6)),
    "c3d of 65535 frames": ("c3d", lambda raw: _c3d_claims(raw, 4, 0, 65535)),
    "c3d of 65535 channels": ("c3d", lambda raw: _c3d_claims(raw, 4, 65535, 65535)),
    "c3d with data beyond the file": ("c3d", lambda raw: raw[:16] + b"\xff\xff" + raw[18:]),
    "c3d that holds the 2 GB that it claims": ("c3d", lambda raw: _c3d_claims(raw, 2000, 0, 65535)),
    "c3d of 2 GB": ("c3d", lambda raw: raw),
    "bvh of 10^9 frames": ("bvh", lambda _: BVH.replace("Frames: 4", "Frames: 1000000000").encode()),
    "bvh of 10^5000 frames": ("bvh", lambda _: BVH.replace("Frames: 4", "Frames: 1" + "0" * 5000).encode()),
    "bvh of 10^5 joints, each in the last": ("bvh", lambda _: (
        "HIERARCHY\nROOT a\n{\n" + "JOINT b\n{\nOFFSET 0 1 0\nCHANNELS 0\n" * 100_000 + "}\n" * 100_001
        + "MOTION\nFrames: 1\nFrame Time: 0.01\n0\n").encode()),
    "bvh of 10^4 joints": ("bvh", lambda _: (
        "HIERARCHY\nROOT a\n{\nOFFSET 0 1 0\nCHANNELS 1 Xrotation\n" + "JOINT b\n{\nOFFSET 0 1 0\nCHANNELS 0\n" * 9998
        + "}\n" * 9999 + "MOTION\nFrames: 100\nFrame Time: 0.01\n" + "0\n" * 100).encode()),
    "bvh of 10^4 joints in 10^4 frames": ("bvh", lambda _: (
        "HIERARCHY\nROOT a\n{\nOFFSET 0 1 0\nCHANNELS 1 Xrotation\n" + "JOINT b\n{\nOFFSET 0 1 0\nCHANNELS 0\n" * 9998
        + "}\n" * 9999 + "MOTION\nFrames: 10000\nFrame Time: 0.01\n" + "0\n" * 10_000).encode()),
    "bvh with a word of 20 MB": ("bvh", lambda _: BVH.encode() + b"1" * 20_000_000),
    "bvh whose names never end": ("bvh", lambda _: b"HIERARCHY\nROOT " + b"a " * 10_000_000),
    "bvh of blanks": ("bvh", lambda _: b"HIERARCHY\n" + b" " * 20_000_000),
    "bvh of MOTION": ("bvh", lambda _: b"HIERARCHY\n" + b"MOTION\n" * 3_000_000),
    "bvh of MOTION and blanks": ("bvh", lambda _: b"HIERARCHY\n" + (b"MOTION" + b" \n" * 2000) * 2000),
    "bvh of one line": ("bvh", lambda _: b"HIERARCHY" + b"x" * 20_000_000),
    "trc of 10^8 markers": ("trc", lambda _: TRC.replace("\t3\t2\tmm", "\t3\t100000000\tmm").encode()),
    "trc of 10^9 frames": ("trc", lambda _: TRC.replace("\t3\t2\tmm", "\t1000000000\t2\tmm").encode()),
    "trc of 200 000 labels": ("trc", lambda _: TRC.replace("RKNE", "\t\t\t".join(f"M{k}" for k in range(200_000))).encode()),
    "trc with a line of 20 MB": ("trc", lambda _: (TRC + "4\t0.03" + "\t1" * 10_000_000).encode()),
    "trc with a cell of 20 MB": ("trc", lambda _: (TRC + "4\t0.03\t" + "1" * 20_000_000).encode()),
    "trc of 600 000 frames": ("trc", lambda _: TRC.encode() + b"4\t0.03\t1\t2\t3\t4\t5\t6\n" * 600_000),
    "trc of 200 000 frames": ("trc", lambda _: TRC.encode() + b"4\t0.03\t1\t2\t3\t4\t5\t6\n" * 200_000),
    "trc of empty lines": ("trc", lambda _: (TRC + "\n" * 5_000_000).encode()),
    "trc of 400 000 rows and one of 15 000 cells": ("trc", lambda _: (
        TRC + "4\t0.03\t1\t2\t3\n" * 400_000 + "5\t0.04" + "\t1" * 14_990 + "\n").encode()),
    "trc whose times leap": ("trc", lambda _: TRC.replace("\t0.02\t", "\t1e8\t").encode()),
    "amc of 600 000 frames": ("amc", lambda _: (":DEGREES\n" + f"7\n{AMC_FRAME}" * 600_000).encode()),
    "amc of 100 000 frames": ("amc", lambda _: (":DEGREES\n" + f"7\n{AMC_FRAME}" * 100_000).encode()),
    "amc of empty frames": ("amc", lambda _: (":DEGREES\n" + "1\n" * 2_000_000).encode()),
    "amc with a line of 20 MB": ("amc", lambda _: (AMC + "root" + " 1" * 10_000_000).encode()),
    "amc with a number of 20 MB": ("amc", lambda _: (AMC + "9" * 20_000_000).encode()),
    "asf of 60 000 bones": ("asf", lambda _: ASF.replace(":hierarchy", "".join(
        f"begin\nname b{k}\ndirection 0 1 0\nlength 1\nend\n" for k in range(60_000)) + ":hierarchy").encode()),
    "asf of 2000 bones": ("asf", lambda _: ASF.replace(":hierarchy", "".join(
        f"begin\nname b{k}\ndirection 0 1 0\nlength 1\nend\n" for k in range(2000)) + ":hierarchy").encode()),
    "asf whose hierarchy nests deeply": ("asf", lambda _: ASF.replace(
        "lfemur ltibia\n", "".join(f"b{k} b{k + 1}\n" for k in range(200_000))).encode()),
    "asf with a number of 10^6 digits": ("asf", lambda _: ASF.replace("length 7", "length " + "7" * 1_000_000).encode()),
    "asf whose unit is almost 0": ("asf", lambda _: ASF.replace("length 0.45", "length 1e-320").encode()),
    "wide csv of 10^5 columns": ("wide", lambda _: f"time,{_columns(100_000)}\n".encode() + b"0,1,2\n"),
    "wide csv of 10^5 columns, filled": ("wide", lambda _: (
        f"time,{_columns(100_000)}\n" + ("0" + ",1" * 99_999 + "\n") * 100).encode()),
    "wide csv with a cell of 10^6 digits": ("wide", lambda _: WIDE.replace("1.5", "1" * 1_000_000, 1).encode()),
    "wide csv with 1e999999": ("wide", lambda _: WIDE.replace("1.5", "1e999999", 1).encode()),
    "wide csv with a name of 1 MB": ("wide", lambda _: WIDE.replace("hip_y", "a_" * 1_000_000).encode()),
    "wide csv with an open quotation mark": ("wide", lambda _: (WIDE + '0.03,"' + "1,2\n" * 1_000_000).encode()),
    "long csv of as many names as frames": ("long", lambda _: (
        "frame,name,x,y,z,fps\n" + "".join(f"{k},n{k},1,2,3,50\n" for k in range(100_000))).encode()),
    "long csv of 4000 names in 4000 frames": ("long", lambda _: (
        "frame,name,x,y,z,fps\n" + "".join(f"{k},n{k},1,2,3,50\n" for k in range(4000))).encode()),
    "csv of commas": ("wide", lambda _: b"," * 20_000_000),
    "csv of NUL bytes": ("wide", lambda _: WIDE.encode().replace(b"3", b"\0")),
    "csv in UTF-16": ("wide", lambda _: WIDE.encode("utf-16")),
    "csv in UTF-16, cut in a letter": ("wide", lambda _: WIDE.encode("utf-16")[:-1]),
    "trc in UTF-16": ("trc", lambda _: TRC.encode("utf-16")),
    "csv larger than any walk": ("wide", lambda _: WIDE.encode() + b"0.03,1,2,3,4,5,6\n" * 5_000_000),
    "nexus csv of devices": ("wide", lambda _: b"Devices\n1000\n,,Force\nFrame,Sub Frame,Fx\n" + b"1,0,1\n" * 2_000_000),
    "nexus csv of sections": ("wide", lambda _: b"Devices\n" * 2_000_000 + b"Trajectories\n"),
    "nexus csv of 300 000 markers": ("wide", lambda _: (
        "Trajectories\n100\n,," + "A,,," * 300_000 + "\nFrame,Sub Frame" + ",X,Y,Z" * 300_000 + "\n1,0,1\n").encode()),
    "qtm tsv of 300 000 markers": ("wide", lambda _: ("NO_OF_FRAMES\t1\nMARKER_NAMES" + "\tA" * 300_000 + "\n1\t2\t3\n").encode()),
    "motive csv of 300 000 columns": ("wide", lambda _: (
        "Format Version,1.2\n\n" + f",,{'A,' * 300_000}\n" * 3 + f",,{'Position,' * 300_000}\n"
        + f"Frame,Time{',X,Y,Z' * 100_000}\n").encode()),
    "yaml of anchors within anchors": ("yaml", lambda _: (
        "a: &a0 [x]\n" + "".join(f"b{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]\n" for k in range(1, 12))
        + "names: {hip: *a11}\n").encode()),
    "yaml of 10^5 brackets": ("yaml", lambda _: b"names: " + b"[" * 100_000),
    "npy of 10^12 joints": ("joints", lambda _: _npy_claims("(1000000000000, 22, 3)")),
    "npy of 4 GB": ("joints", lambda _: _npy_claims("(8000000, 22, 3)")),
    "npy whose shape overflows": ("joints", lambda _: _npy_claims("(4611686018427387904, 22, 3)")),
    "npy of a negative shape": ("joints", lambda _: _npy_claims("(-1, 22, 3)")),
    "npy of no bytes each": ("joints", lambda _: _npy_claims("(1000000000, 22, 3)", "|V0")),
    "npy of brackets": ("joints", lambda _: _npy_claims("(" * 3000)),
    "npy that holds the 4 GB that it claims": ("joints", lambda _: _npy_claims("(8000000, 22, 3)")),
    "npy of 10^12 features": ("features", lambda _: _npy_claims("(1000000000000, 263)")),
    "npy of text features": ("features", lambda _: _npy_claims("(3, 263)", "<U9", 263 * 3 * 36)),
    "npy of 4 GB of features": ("features", lambda _: _npy_claims("(2000000, 263)")),
}
#: Claims whose files are made as large as this without storing it, bytes.
STRETCHED = {"c3d that holds the 2 GB that it claims": 2_100_000_000, "c3d of 2 GB": 2_000_000_000,
             "npy that holds the 4 GB that it claims": 4_300_000_000, "npy of 4 GB of features": 4_300_000_000}
#: Run by the child: a copy of itself reads each file with 1 GB more memory than it has and 5 s of processor time.
LIMITED = """
import json, os, resource, sys, traceback
from agir_plugin.errors import AgirError
from agir_plugin.ingest import read
from agir_plugin.ingest.reading import endings

endings()
held = int(open("/proc/self/statm").read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
for path in sys.stdin.read().splitlines():
    receive, send = os.pipe()
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_AS, (held + 2**30, held + 2**30))
        resource.setrlimit(resource.RLIMIT_CPU, (5, 5))
        try:
            said = f"read: {read(path).positions_m.shape}"
        except AgirError as error:
            said = f"refused: {error}"
        except BaseException:
            said = f"traceback: {traceback.format_exc()[-600:]}"
        os.write(send, said.encode()[:4000])
        os._exit(0)
    os.close(send)
    _, status = os.waitpid(child, 0)
    said = os.read(receive, 5000).decode("utf-8", "replace") or f"killed: status {status}"
    os.close(receive)
    print(json.dumps([path, said]), flush=True)
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the child said of each claim: "read: shape", "refused: reason", "traceback: ..." or "killed: status"."""
    folder = tmp_path_factory.mktemp("claims")
    c3d = correct_files(folder)["c3d"]
    paths = {}
    for number, (name, (kind, make)) in enumerate(CLAIMS.items()):
        (folder / f"{number}").mkdir()
        path = place(folder / f"{number}", kind, make(c3d))
        if name in STRETCHED:
            os.truncate(path, STRETCHED[name])
        paths[name] = str(path)
    child = subprocess.run(
        [sys.executable, "-c", LIMITED], input="\n".join(paths.values()), capture_output=True, text=True, timeout=280,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    assert child.returncode == 0, child.stderr
    answers = dict(json.loads(line) for line in child.stdout.splitlines())
    return {name: answers[path] for name, path in paths.items()}


@pytest.mark.parametrize("name", CLAIMS)
def test_claims_end_soon_and_within_memory(said: dict[str, str], name: str) -> None:
    assert said[name].startswith(("read: ", "refused: ")), said[name]
