"""A folder in, all files below it out: links followed once, our own cohorts left out, closed folders told."""
from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Tree:
    """The files below a folder, sorted, links that lead nowhere among them; and the folders that could not be opened."""

    files: tuple[Path, ...]
    closed: tuple[Path, ...]


def files_below(folder: Path) -> Tree:
    """Every file below `folder`. Linked folders are followed, each folder once, so that a loop of links ends.

    A folder below it that is a cohort of ours (`agir ingest lab --out lab/cohort`) is no part of the recordings.
    """
    files: list[Path] = []
    closed: list[Path] = []
    seen = {os.path.realpath(folder)}
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        try:
            entries = sorted(os.scandir(here), key=lambda entry: (entry.is_symlink(), entry.name))
        except OSError:
            closed.append(here)
            continue
        for entry in entries:
            path = here / entry.name
            link = entry.is_symlink()
            if not (os.path.isdir(path) if link else entry.is_dir()):  # isdir does not fail for links in a circle
                files += [path] if link or entry.is_file() else []
            elif os.path.realpath(path) not in seen and not _is_cohort(path):
                seen.add(os.path.realpath(path))
                waiting.append(path)
    return Tree(tuple(sorted(files)), tuple(sorted(closed)))


def _is_cohort(folder: Path) -> bool:
    path = folder / "cohort.json"
    try:
        facts = json.loads(path.read_bytes()) if path.is_file() else None
    except (OSError, ValueError):
        return False
    return isinstance(facts, dict) and {"name", "synthetic", "fps"} <= set(facts)
