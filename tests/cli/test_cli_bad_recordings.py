"""Each recording that cannot be used: one line with file, cause and remedy, the right exit code, no output."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

#: File -> what the line says of the cause, and of the remedy.
COULD_NOT = {
    "nowhere.c3d": ("there is no such file", "check the path"),
    "": ("expected a recording, got a folder", "name one of the files in it"),
    "empty.c3d": ("the file is empty", "export it again"),
    "truncated.c3d": ("the file is truncated", "copy it again"),
    "noise.c3d": ("the ending .c3d says c3d, but the first bytes", "export it again"),
    "noise.bvh": ("the ending .bvh says bvh, but the first bytes", "export it again"),
    "noise.npy": ("the ending .npy says npy, but the first bytes", "export it again"),
    "noise.xyz": ("got a file of unknown type (.xyz", "convert it to one of these"),
    "unknown.c3d": ("cannot find pelvis", "rename the labels or export the missing ones"),
    "unseen.c3d": ("expected markers that are seen, but all", "export it again"),
    "all_gaps.npy": ("expected at least one frame that shows pelvis", "fill the gaps"),
    "twenty.npy": ("expected joints of shape (frames, 22, 3) in metres with y up, got (", "SMPL's joint order"),
    "flat.npy": ("expected joints of shape (frames, 22, 3) in metres with y up, got (", "SMPL's joint order"),
    "pickled.npy": ("one NumPy cannot load (Array can't be memory-mapped: Python objects", "save it with numpy.save"),
}
#: File -> the reason for which the walk is refused.
REFUSED = {"standing.c3d": "the person stands", "one_step.c3d": "at least 2 heel strikes of each foot"}


@pytest.mark.parametrize("name", COULD_NOT)
def test_one_line_and_exit_code_1(agir, files: Path, tmp_path: Path, name: str):
    ended = agir("gait", files / name, "--json", tmp_path / "gait.json", "--csv", tmp_path / "gait.csv")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"agir: {files / name}: ") and ended.err.count("\n") == 1
    assert all(text in ended.err for text in COULD_NOT[name])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_walk_is_a_result(agir, files: Path, name: str):
    ended = agir("gait", files / name, "--json", "-")
    assert (ended.code, ended.err) == (0, "")
    document = json.loads(ended.out)
    assert document["status"] == "refused"
    assert REFUSED[name] in document["reasons"][0]
    assert all(measure["value"] is None for measure in document["parameters"].values())
