"""A cohort folder and its walks in; what earlier runs left there and is no longer true goes away."""
from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from agir_plugin.cohort.files import write_text
from agir_plugin.cohort.manifest import WALK_FILES
from agir_plugin.errors import CohortError

#: What other commands make of a walk's features or measurements: it is dropped when the walk is made anew or is gone.
DERIVED_FILES = {"TOKENS": ".npy", "texts": ".txt"}
#: What a cohort of fitted bodies holds besides, one file per walk.
FITTED_FILES = {"smpl": ".npz"}
#: End of the name of a walk that is one of several in a recording.
PASS = re.compile(r"_pass\d+$")


def forget(out: Path, walks: Iterable[str]) -> None:
    """Drop tokens, texts and rationales of earlier versions of walks that are made anew: they are not of the new ones."""
    anew = set(walks)
    _drop(out, DERIVED_FILES, lambda name: name in anew or PASS.sub("", name) in anew)


def remove_strangers(out: Path, kept: set[str]) -> None:
    """Remove the files of walks that an earlier run kept and this one does not have or refuses."""
    _drop(out, {**WALK_FILES, **FITTED_FILES, **DERIVED_FILES}, lambda name: name not in kept)


def remove_folds(out: Path, written: Iterable[Path]) -> None:
    """Remove folds of an earlier run over other subjects; `written` are those of this one."""
    stay = set(written)
    for path in sorted((out / "folds").glob("*/*.json")):
        if path not in stay:
            path.unlink()
            if not any(path.parent.iterdir()):
                path.parent.rmdir()


def _drop(out: Path, kinds: Mapping[str, str], is_old: Callable[[str], bool]) -> None:
    for kind, ending in kinds.items():
        for path in (out / kind).glob(f"*{ending}"):
            if is_old(path.name.removesuffix(ending)):
                path.unlink()
    path = out / "rationales.jsonl"
    if path.is_file():
        lines = path.read_text(encoding="utf8").splitlines(keepends=True)
        stay = [line for number, line in enumerate(lines, start=1) if not is_old(_walk_of(line, f"{path}, line {number}"))]
        if len(stay) < len(lines):
            write_text(path, "".join(stay))


def _walk_of(line: str, where: str) -> str:
    try:
        return str(json.loads(line)["walk"])
    except (ValueError, KeyError, TypeError) as error:
        raise CohortError(
            f"{where}: expected a JSON object with walk, but reading it failed ({error}); correct the line or write the rationales "
            "again"
        ) from None
