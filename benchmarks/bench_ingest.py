"""How fast recordings become a cohort, and in how much memory: `make bench-ingest` prints the table.

Recordings are SYNTHETIC: 4 s walks of 44 markers at 150 Hz as C3D files, made here. Each line is a process of its own, from
its start to the finished cohort, so that start-up counts and memory is its own.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from agir_plugin.cohort import WalkParameters, walk_markers
from agir_plugin.cohort.markers import MARKER_FPS
from agir_plugin.ingest import write_c3d

SECONDS = 4.0
#: Different walks; larger folders hold copies of them under other names.
DIFFERENT = 40
#: Walks and workers of each line; the last two differ in the number of walks alone.
RUNS = ((200, 1), (200, 2), (800, 2))
#: What a process runs: a cohort of a folder, then its time without imports and the largest memory of it and of a worker. (Linux
#: says so in /proc; `resource` would count what this script had before.)
CHILD = """
import json, sys, time
from pathlib import Path
from agir_plugin.cohort import build_cohort

def peak_mb(process):
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)

began = time.perf_counter()
cohort = build_cohort([sys.argv[1]], sys.argv[2], workers=int(sys.argv[3]))
seconds = time.perf_counter() - began
workers = [child for task in Path("/proc/self/task").iterdir() for child in (task / "children").read_text().split()]
largest = max(map(peak_mb, workers), default=0.0)
print(json.dumps({"seconds": seconds, "kept": len(cohort.kept), "own_mb": peak_mb("self"), "worker_mb": largest}))
"""


def main() -> None:
    """Generate, measure and print."""
    table = Table(title=f"C3D to cohort: SYNTHETIC walks of {SECONDS:g} s, 44 markers, {MARKER_FPS:g} Hz")
    for column in ("walks", "workers", "seconds", "walks/s", "walks/s per worker", "main process MB", "largest worker MB"):
        table.add_column(column, justify="right")
    with tempfile.TemporaryDirectory() as folder:
        for walks, workers in RUNS:
            found = measure(laboratory(Path(folder) / f"lab{walks}", walks), Path(folder) / "cohort", workers)
            rate = walks / found["seconds"]
            worker = f"{found['worker_mb']:.0f}" if workers > 1 else "-"
            table.add_row(
                str(walks), str(workers), f"{found['seconds']:.1f}", f"{rate:.1f}", f"{rate / workers:.1f}",
                f"{found['own_mb']:.0f}", worker,
            )
    Console().print(table)


def laboratory(folder: Path, walks: int) -> Path:
    """A folder of `walks` recordings, four to a subject; made once."""
    if folder.is_dir():
        return folder
    folder.mkdir()
    for number in range(walks):
        path = folder / f"SUB{number // 4:03d}_on_walk_{number % 4 + 1}.c3d"
        if number >= DIFFERENT:
            first = number % DIFFERENT
            shutil.copyfile(folder / f"SUB{first // 4:03d}_on_walk_{first % 4 + 1}.c3d", path)
            continue
        parameters = WalkParameters(cadence_spm=100.0 + number % 20, step_length_m=0.50 + 0.01 * (number % 20))
        names, places = walk_markers(parameters, SECONDS, np.random.default_rng(number), MARKER_FPS)
        write_c3d(path, names, places, MARKER_FPS, up="+y")
    return folder


def measure(lab: Path, out: Path, workers: int) -> dict[str, float]:
    """Build the cohort in a fresh process and return what it reports."""
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-c", CHILD, str(lab), str(out), str(workers)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout)
    if found["kept"] != len(list(lab.iterdir())):
        raise SystemExit(f"expected {len(list(lab.iterdir()))} kept walks, got {found['kept']}: the figures would mean nothing")
    return found


if __name__ == "__main__":
    main()
