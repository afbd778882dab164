"""Writes a folder like that of the public Shida et al. (2023) data, with SYNTHETIC walks: names, oddities and PDGinfo table."""
from __future__ import annotations

import shutil
import struct
from pathlib import Path

import numpy as np

from agir_plugin.cohort import WalkParameters, walk_markers
from agir_plugin.cohort.markers import MARKER_FPS
from agir_plugin.ingest import write_c3d

#: Points that follow the 44 markers in the laboratory's files: one label twice, and Visual3D's virtual points.
VIRTUAL = ("V_R.TT", "V_R.TT", "R.Heel", "V_PELVIS_ORIGIN")
#: Header of PDGinfo, as public code reads it, with both columns that end in `walking`.
HEADER = (
    "ID", "Gender", "Age", "Height (cm)", "ON - UPDRS-II", "ON - UPDRS-II - walking", "OFF - UPDRS-II - walking",
    "ON - UPDRS-III", "ON - UPDRS-III - walking", "OFF - UPDRS-III - walking",
)
#: Subject -> gait scores on and off; SUB02 has none off, and SUB04 no recordings.
SCORES = {"SUB01": (1, 2), "SUB02": (0, None), "SUB03": (1, float("nan")), "SUB04": (2, None)}
#: Files with a whole recording, below C3Dfiles.
WHOLE = (
    "SUB01_off/SUB01_off_walk_1.c3d", "SUB01_off/SUB01_off_walk_2.c3d", "SUB01_off/SUB01_off_walk_10.c3d",
    "SUB01_off/SUB01_off_walk_12.c3d", "SUB01_off/Trimmed_SUB01_off_walk_12b.c3d", "SUB01_off/SUB01_off_static_1.c3d",
    "SUB01_on/SUB01_on_walk_1.c3d", "SUB01_on/sub01_ON_Walk_3.C3D",
    "SUB02_off/SUB02_off_walk_1.c3d", "SUB02_on/SUB02_on_walk_1.c3d", "SUB02_on/SUB02_on_static_1.c3d",
    "SUB03_off/SUB03_off_walk_4.c3d", "SUB03_on/SUB03_on_walk_1.c3d", "SUB03_on/calibration.c3d",
)
#: A file that ends too early.
CORRUPT = "SUB03_on/SUB03_on_walk_2.c3d"
#: Walks that enter a cohort, in order, with their scores.
KEPT = {
    "SUB01_off_walk_1": 2, "SUB01_off_walk_2": 2, "SUB01_off_walk_10": 2, "SUB01_off_walk_12b": 2, "SUB01_on_walk_1": 1,
    "SUB01_on_walk_3": 1, "SUB02_on_walk_1": 0, "SUB03_on_walk_1": 1, "SUB03_on_walk_2": 1,
}
#: Walks that do not, with the reason.
REFUSED = {
    "SUB01_off_static_1": "a static trial, not a walk",
    "SUB01_off_walk_12": "replaced by its trimmed recording",
    "SUB02_off_walk_1": "no gait score for SUB02 off in PDGinfo.xlsx",
    "SUB02_on_static_1": "a static trial, not a walk",
    "SUB03_off_walk_4": "no gait score for SUB03 off in PDGinfo.xlsx",
    "calibration": "its name is not of the data set's form (SUB01_off_walk_1.c3d)",
}


def write_tree(folder: Path, seconds: float = 1.0) -> Path:
    """Write the whole tree below `folder` and return it; every recording is the same short synthetic walk."""
    first = folder / "C3Dfiles" / WHOLE[0]
    write_recording(first, seconds)
    for place in WHOLE[1:]:
        path = folder / "C3Dfiles" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(first, path)
    (folder / "C3Dfiles" / CORRUPT).write_bytes(first.read_bytes()[:-5000])
    session = folder / "C3Dfiles" / "SUB01_off"
    (session / "SUB01_off_walk_1_temporal_distance.txt").write_text("file\nSpeed\tCycle_Time_Mean\n1\t2\n0.87\t1.12\n")
    (session / "SUB01_off_walk_1_grf.csv").write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504))
    (session / "SUB01_off_walk_2_grf.csv").write_text("time,force\n")
    (session / "._SUB01_off_walk_1.c3d").write_bytes(b"\x00\x05\x16\x07")
    (folder / "readme.txt").write_text("about\n")
    write_table(folder / "PDGinfo.xlsx")
    return folder


def write_recording(path: Path, seconds: float) -> None:
    """One synthetic walk as a C3D file of the laboratory's markers, with a repeated label and virtual points."""
    names, positions_m = walk_markers(WalkParameters(cadence_spm=104.0, step_length_m=0.58), seconds, np.random.default_rng(5))
    virtual = np.repeat(positions_m[:, :1] + 0.1, len(VIRTUAL), axis=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_c3d(path, (*names, *VIRTUAL), np.concatenate([positions_m, virtual], axis=1), MARKER_FPS)


def write_xls(path: Path, rows: list[list]) -> Path:
    """Write a table as an Excel 97 file: records of one sheet in the stream `Workbook` of a compound file with one FAT sector."""
    cells = b"".join(
        _record(0x0203, struct.pack("<HHHd", row, column, 0, cell)) if isinstance(cell, (int, float)) else
        _record(0x0204, struct.pack("<HHHHB", row, column, 0, len(cell), 0) + cell.encode("latin-1"))
        for row, values in enumerate(rows) for column, cell in enumerate(values)
    )
    book, sheet = (_record(0x0809, struct.pack("<HHHHII", 0x600, kind, 0x0DBB, 0x07CC, 0, 6)) for kind in (5, 16))
    end = _record(0x000A, b"")
    name = b"\x05\x00table"
    offset = len(book) + 4 + 6 + len(name) + len(end)
    stream = book + _record(0x0085, struct.pack("<IBB", offset, 0, 0) + name) + end + sheet + cells + end
    path.write_bytes(_compound_file(stream))
    return path


def _record(kind: int, content: bytes) -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def _compound_file(stream: bytes) -> bytes:
    # sector 0 is the FAT, 1 the directory, from 2 on the stream; streams below 4096 bytes would lie elsewhere
    stream = stream.ljust(4096, b"\0")
    sectors = -(-len(stream) // 512)
    fat = [-3, -2, *range(3, sectors + 2), -2]
    fat += [-1] * (128 - len(fat))
    head = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(10)
    head += struct.pack("<IIIIiIiI", 1, 1, 0, 4096, -2, 0, -2, 0) + struct.pack("<109i", 0, *[-1] * 108)
    entries = _entry("Root Entry", 5, 1, -2, 0) + _entry("Workbook", 2, -1, 2, len(stream))
    return head + struct.pack("<128i", *fat) + entries.ljust(512, b"\0") + stream.ljust(512 * sectors, b"\0")


def _entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
    links = struct.pack("<HBBiii", 2 * len(name) + 2, kind, 1, -1, -1, child)
    return name.encode("utf-16-le").ljust(64, b"\0") + links + bytes(36) + struct.pack("<iII", start, size, 0)


def table_rows(scores: dict[str, tuple] = SCORES) -> list[list]:
    """Header and rows of a PDGinfo table; the columns of part II hold scores that must not be taken."""
    return [list(HEADER), *([subject, "F", 66, 160.5, 11, 3, 4, 30, on, off] for subject, (on, off) in scores.items())]


def write_table(path: Path, rows: list[list] | None = None, sheet: str = "PDGinfo") -> Path:
    """Write a PDGinfo.xlsx whose first sheet is another one."""
    import openpyxl

    book = openpyxl.Workbook()
    book.active.title = "about"
    page = book.create_sheet(sheet)
    for row in table_rows() if rows is None else rows:
        page.append(["NaN" if cell != cell else cell for cell in row])
    book.save(path)
    return path
