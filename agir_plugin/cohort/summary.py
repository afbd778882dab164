"""The rows and files of a cohort's walks in; walks.csv, parameters.csv, folds, statistics and cohort.json out."""
from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from agir_plugin.cohort.files import write_array, write_json, write_json_with_list, write_table, write_text
from agir_plugin.cohort.leftovers import remove_folds
from agir_plugin.cohort.splits import DEFAULT_SCHEME, FEWEST_SUBJECTS, SCHEMES, Fold, subject_folds
from agir_plugin.cohort.statistics import group_statistics
from agir_plugin.cohort.walks import COLUMNS, KEPT, Walk
from agir_plugin.gait import from_json

#: Parameters whose name does not end with their unit -> their column of parameters.csv.
COLUMN_NAMES = {"walk_ratio": "walk_ratio_m_per_spm"}


def write_summary(
    out: Path, facts: Mapping[str, Any], rows: Sequence[Walk], published: Mapping[str, Sequence[Fold]] | None = None
) -> None:
    """Write what is known of all walks together; cohort.json comes last and marks the cohort as complete.

    `facts` is the head of cohort.json, `rows` every walk in order, of which at least one is kept and has its files.
    `published` are folds by scheme that others chose; they are written beside our own, with the subjects that are here.
    """
    kept = [row for row in rows if row.status == KEPT]
    write_table(out / "walks.csv", COLUMNS, [asdict(row) for row in rows])
    _write_parameters(out, kept)
    default, written = _write_folds(out, kept)
    written += _write_published(out, {row.subject for row in kept}, published or {})
    remove_folds(out, written)
    head = {
        **facts,
        "counts": _counts(rows),
        "statistics": _write_statistics(out, kept, default),
        "default_fold": f"{DEFAULT_SCHEME}/0" if default else "",
        "complete": True,
    }
    write_json_with_list(out / "cohort.json", head, "walks", (_line(out, row) for row in rows))


def _line(out: Path, row: Walk) -> dict[str, Any]:
    """What cohort.json says of one walk: who and whence, kept or why not, its flags and its pace."""
    line = {name: getattr(row, name) for name in ("walk", "subject", "state", "score", "status", "reason", "source", "seconds")}
    if row.status != KEPT:
        return line
    gait = from_json(json.loads((out / "gait" / f"{row.walk}.json").read_text(encoding="utf8")))
    pace = {name: _rounded(gait.value(name)) for name in ("speed_mps", "cadence_spm")}
    return {**line, "fps": gait.fps, "n_strides": gait.n_strides, **pace, "flags": list(gait.flags)}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _write_published(out: Path, subjects: set[str], schemes: Mapping[str, Sequence[Fold]]) -> list[Path]:
    written = []
    for scheme, folds in schemes.items():
        for number, fold in enumerate(folds):
            here = {part: [name for name in names if name in subjects] for part, names in fold.as_dict().items()}
            written.append(_write_fold(out, scheme, number, here))
    return written


def _write_fold(out: Path, scheme: str, number: int, parts: Mapping[str, list[str]]) -> Path:
    path = out / "folds" / scheme / f"{number}.json"
    write_json(path, parts)
    return path


def _counts(rows: Sequence[Walk]) -> dict[str, Any]:
    kept = [row for row in rows if row.status == KEPT]
    scored = Counter(row.score for row in kept if row.score is not None)
    return {
        "walks": len(rows),
        "kept": len(kept),
        "refused": len(rows) - len(kept),
        "subjects": len({row.subject for row in kept}),
        "sessions": len({(row.subject, row.state) for row in kept}),
        "walks_by_score": {str(score): n for score, n in sorted(scored.items())},
        **({"unlabelled": len(kept) - scored.total()} if scored.total() < len(kept) else {}),
    }


def _write_parameters(out: Path, kept: Sequence[Walk]) -> None:
    rows, names = [], {}
    for walk in kept:
        gait = from_json(json.loads((out / "gait" / f"{walk.walk}.json").read_text(encoding="utf8")))
        values = {COLUMN_NAMES.get(name, name): measure.value for name, measure in gait.parameters.items()}
        names |= dict.fromkeys(values)
        rows.append({"walk": walk.walk, "n_strides": gait.n_strides, **values})
    write_table(out / "parameters.csv", ["walk", "n_strides", *names], rows)


def _write_folds(out: Path, kept: Sequence[Walk]) -> tuple[Fold | None, list[Path]]:
    """The default fold, None with too few subjects, and the files that were written."""
    scores: dict[str, dict[str, int | None]] = {}
    for walk in kept:
        scores.setdefault(walk.subject, {})[walk.state] = walk.score
    subjects = {
        subject: tuple(score for score in by_state.values() if score is not None) for subject, by_state in scores.items()
    }
    if len(subjects) < FEWEST_SUBJECTS:
        _write_lists(out, kept, Fold(tuple(subjects), (), ()))
        return None, []
    written = [
        _write_fold(out, scheme, number, fold.as_dict())
        for scheme in SCHEMES for number, fold in enumerate(subject_folds(subjects, scheme))
    ]
    default = subject_folds(subjects, DEFAULT_SCHEME)[0]
    _write_lists(out, kept, default)
    return default, written


def _write_lists(out: Path, kept: Sequence[Walk], fold: Fold) -> None:
    for part in fields(fold):
        names = [walk.walk for walk in kept if walk.subject in getattr(fold, part.name)]
        write_text(out / f"{part.name}.txt", "".join(f"{name}\n" for name in names))


def _write_statistics(out: Path, kept: Sequence[Walk], fold: Fold | None) -> dict[str, Any]:
    used = [walk for walk in kept if fold is None or walk.subject in fold.train]
    mean, std = group_statistics(np.load(out / "new_joint_vecs" / f"{walk.walk}.npy") for walk in used)
    write_array(out / "Mean.npy", mean)
    write_array(out / "Std.npy", std)
    return {
        "of": f"train subjects of {DEFAULT_SCHEME}/0" if fold else "all subjects (too few to divide)",
        "walks": len(used),
        "frames": sum(walk.frames - 1 for walk in used),
    }
