"""A folder of the public Shida et al. (2023) recordings in, its walks with their gait scores out.

Data: Shida et al., Front. Neurosci. 17:992585 (2023), figshare article 14896881, CC BY 4.0: C3D files of 26 people with
Parkinson's disease, on and off medication, and a table of clinical scores, PDGinfo.
"""
from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from agir_plugin.cohort.labels import Label, Labels, read_labels
from agir_plugin.cohort.names import MACOS, natural_key, plain_place
from agir_plugin.cohort.shida_names import TrialName, parse_name, session_of_folder, sidecar_kind
from agir_plugin.cohort.sources import Found, Source, sealed
from agir_plugin.cohort.trees import files_below
from agir_plugin.errors import UnreadableFile, UsageError
from agir_plugin.ingest import read

#: What may be done with recordings that were cut to their usable part.
TRIMMED = ("prefer", "drop")
#: Why an uncut recording is left out.
REPLACED = "replaced by its trimmed recording"
#: First bytes of an Excel 97 file; the set's force and angle tables are such files under the ending .csv.
OLE2 = bytes.fromhex("d0cf11e0a1b11ae1")


@dataclass(frozen=True)
class _File:
    path: Path
    place: str
    name: TrialName | None


def shida_sources(
    folder: Path | str, labels: Path | str | Labels | None, trimmed: Literal["prefer", "drop"] = "prefer"
) -> Found:
    """Every C3D file below `folder` as a walk, kept or refused with its reason, with the scores of `labels` (see `read_labels`).

    Refused are static trials, walks whose session has no score, files of other names, second files of one walk, and, of a trial
    that was also cut to its usable part (`Trimmed_`), the uncut file (`trimmed="prefer"`) or the cut one (`"drop"`). With
    `labels=None` all walks are without a score. The content of a recording is not looked at here.

    `notes` counts the files beside the recordings by kind, and lists sessions without a label, labels without recordings, and
    files whose folder is of another session than their name says.

    UsageError for another `trimmed`; UnreadableFile when the folder or its C3D files are missing; LabelError for a score other
    than 0, 1, 2, naming subject and state.
    """
    if trimmed not in TRIMMED:
        raise UsageError(f"trimmed: expected one of {', '.join(TRIMMED)}, got {trimmed!r}; choose one of these")
    folder = Path(folder)
    known = labels if isinstance(labels, Labels) else read_labels(labels) if labels is not None else None
    files, others, closed = _files(folder, skip=None if known is None else Path(known.path))
    if not files:
        also = f"; {closed[0]} could not be opened" if closed else ""
        raise UnreadableFile(
            f"{folder}: expected the C3D files of the data set (SUB01_off/SUB01_off_walk_1.c3d), found none{also}; unpack "
            "C3Dfiles.zip there, or run `agir fetch shida --out` with this folder"
        )
    refusals, names = _refusals(files, trimmed)
    sources, used = [], []
    for file in sorted(files, key=lambda file: (natural_key(names[file.place]), file.place)):
        source, label = _source(file, names[file.place], refusals.get(file.place, ""), known)
        sources.append(source)
        used.extend([label] if label else [])
    notes = _notes(files, sources, others, known, used)
    return Found(tuple(sources), notes | ({"folders_not_opened": closed} if closed else {}))


def _files(folder: Path, skip: Path | None) -> tuple[list[_File], Counter[str], list[str]]:
    """The C3D files, how many of each other kind there are (without the labels file), and folders that cannot be opened."""
    if not folder.is_dir():
        raise UnreadableFile(f"{folder}: expected the folder of the data set, but there is none; check the path")
    files, others = [], Counter()
    tree = files_below(folder)
    for path in tree.files:
        if skip is not None and os.path.realpath(path) == os.path.realpath(skip):
            continue
        if path.suffix.lower() == ".c3d" and not path.name.startswith(MACOS):
            files.append(_File(path, path.relative_to(folder).as_posix(), parse_name(path.stem)))
        else:
            others[_kind(path)] += 1
    return files, others, [plain_place(str(path)) for path in tree.closed]


def _kind(path: Path) -> str:
    if path.name.startswith(MACOS):
        return "macOS attributes (._*)"
    kind = sidecar_kind(path.name)
    if kind is None:
        return plain_place(path.suffix.lower() or path.name)
    try:
        with path.open("rb") as file:
            return f"{kind} (an Excel 97 file)" if file.read(len(OLE2)) == OLE2 and kind.endswith(".csv") else kind
    except OSError:
        return f"{kind} (cannot be opened)"


def _refusals(files: Sequence[_File], trimmed: str) -> tuple[dict[str, str], dict[str, str]]:
    """Place -> why a file is left out by its name alone, and place -> a walk name that no other file has."""
    cut = {file.name.trial for file in files if file.name and file.name.trimmed}
    refusals, first = {}, {}
    for file in files:
        why = _by_name(file.name, cut, trimmed)
        if not why:
            other = first.setdefault(file.name.walk, file.place)
            why = "" if other == file.place else f"a second file of {file.name.walk}; {other} is used"
        if why:
            refusals[file.place] = why
    return refusals, _names(files, refusals)


def _by_name(name: TrialName | None, cut: set[tuple], trimmed: str) -> str:
    if name is None:
        return "its name is not of the data set's form (SUB01_off_walk_1.c3d)"
    if name.static:
        return "a static trial, not a walk"
    if trimmed == "prefer" and not name.trimmed and name.trial in cut:
        return REPLACED
    if trimmed == "drop" and name.trimmed:
        return "a trimmed recording; the choice was to leave these out"
    return ""


def _names(files: Sequence[_File], refusals: Mapping[str, str]) -> dict[str, str]:
    # walks that are kept have their own name; a refused file of that name gets the file's, or one with a number
    names = {file.place: file.name.walk for file in files if file.place not in refusals}
    taken = set(names.values())
    for file in files:
        if file.place in refusals:
            stem = re.sub(r"[^\w.-]+", "_", file.path.stem)
            own = file.name.walk if file.name else stem
            uncut = () if refusals[file.place] != REPLACED else (f"{own}_untrimmed",)
            wanted = (own, stem, *uncut, *(f"{own}_copy{number}" for number in range(2, len(files) + 2)))
            names[file.place] = next(name for name in wanted if name not in taken)
            taken.add(names[file.place])
    return names


def _source(file: _File, walk: str, refusal: str, labels: Labels | None) -> tuple[Source, Label | None]:
    subject, state = (file.name.subject, file.name.state) if file.name else ("", "")
    label = labels.find(file.name.walk)[2] if labels is not None and file.name and not file.name.static else None
    if not refusal and labels is not None and label is None:
        refusal = f"no gait score for {subject} {state} in {Path(labels.path).name}"
    sha256, closed = sealed(file.path)
    source = Source(
        walk=walk, subject=subject, state=state, score=label.score if label else None, place=plain_place(file.place),
        sha256=sha256, read=partial(read, file.path), refusal=refusal or closed, static=bool(file.name and file.name.static),
    )
    return source, label


def _notes(
    files: Sequence[_File], sources: Sequence[Source], others: Counter[str], labels: Labels | None, used: Sequence[Label]
) -> dict[str, Any]:
    scored = labels is not None
    walks = [source for source in sources if source.subject and not source.static]
    lacking = Counter(f"{walk.subject} {walk.state}" for walk in walks if scored and walk.score is None)
    spare = [row.walk or f"{row.subject} {row.state}".strip() for row in (labels.unused(used) if scored else ())]
    strange = [plain_place(file.place) for file in files if _elsewhere(file)]
    sidecars = {kind: count for kind, count in sorted(others.items()) if sidecar_kind(kind.partition(" (")[0])}
    return {
        "sidecars": sidecars,
        "other_files": dict(sorted(others.items())),
        "sessions_without_label": dict(sorted(lacking.items())),
        "labels_without_walks": spare,
        "in_the_folder_of_another_session": strange,
    }


def _elsewhere(file: _File) -> bool:
    folder = session_of_folder(file.path.parent.name)
    return file.name is not None and folder not in (None, (file.name.subject, file.name.state))
