"""Files and folders of recordings and their labels in, one `Source` per recording out."""
from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from agir_plugin.cohort.labels import WALK_NAME, Label, Labels
from agir_plugin.cohort.names import MACOS, natural_key, numbered, plain_name, plain_place
from agir_plugin.cohort.sources import Found, Source, sealed
from agir_plugin.cohort.trees import Tree, files_below
from agir_plugin.errors import UnreadableFile
from agir_plugin.ingest import read
from agir_plugin.ingest.reading import endings, is_recording

#: Name before a walk's own name in a recording that was cut to its usable part; it replaces the uncut one.
TRIMMED = "Trimmed_"
#: A standing trial, by its name.
STATIC = re.compile(r"(^|_)static(_|\d|$)", re.IGNORECASE)
#: How what macOS adds beside files is counted.
MACOS_KIND = "macOS attributes (._*)"


@dataclass(frozen=True)
class _File:
    """A recording's file, and its path below the given folder."""

    path: Path
    place: str

    @property
    def stem(self) -> str:
        return plain_name(self.path.stem)

    @property
    def trial(self) -> str:
        # SUB01_off_walk_12 and Trimmed_SUB01_off_walk_12b are one trial; where the name tells no subject, the folder does
        bare = re.sub(r"(?<=\d)[a-z]$", "", self.stem.removeprefix(TRIMMED))
        return bare if WALK_NAME.fullmatch(bare) else f"{self.place.rpartition('/')[0]}/{bare}"


@dataclass
class _Searched:
    """What was found below the given paths: recordings, other files by ending, folders that could not be opened."""

    files: list[_File] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    closed: list[str] = field(default_factory=list)


def find_recordings(paths: Iterable[Path | str], labels: Labels | None) -> Found:
    """The recordings below `paths` as sources, sorted by name, with what was no recording and the labels not used.

    Files of one name in several folders are told apart by their place; with `labels` only where the name tells no subject
    (two files of one named walk are then an error of the builder). Without `labels` a recording whose name tells no subject
    counts as a subject of its own. A file that cannot be opened is refused with that reason, and a folder is listed.
    UnreadableFile for a missing path or a folder without recordings.
    """
    found = _search(paths)
    trimmed = {file.trial: file.stem.removeprefix(TRIMMED) for file in found.files if file.stem.startswith(TRIMMED)}
    sources, used = [], []
    for name, file in _named(found.files, labels is not None):
        by = "" if file.stem.startswith(TRIMMED) else trimmed.get(file.trial, "")
        source, label = _source(name, file, labels, by)
        sources.append(source)
        used.extend([label] if label else [])
    unused = labels.unused(used) if labels is not None else ()
    spare = [f"{row.walk or row.subject} {'' if row.walk else row.state}".strip() for row in unused]
    notes = {"labels_without_walks": spare, "recordings": len(sources), "other_files": dict(sorted(found.others.items()))}
    more = {"folders_not_opened": found.closed, "same_recording": _copies(sources)}
    return Found(_same_subjects(sources), notes | {name: told for name, told in more.items() if told})


def _source(stem: str, file: _File, labels: Labels | None, replaced_by: str) -> tuple[Source, Label | None]:
    walk = stem.removeprefix(TRIMMED)
    subject, state, label = (labels or Labels("", ())).find(walk)
    if labels is None:  # a place before the name, `day2_SUB01_on_walk_1`, makes nobody another person
        named = WALK_NAME.fullmatch(file.stem.removeprefix(TRIMMED))
        subject, state = (named["subject"], named["state"].lower()) if named else (subject or walk, state)
    sha256, refusal = sealed(file.path)
    if STATIC.search(stem):
        refusal = "a static trial, not a walk"
    elif replaced_by:
        refusal = "replaced by its trimmed recording"
    elif labels is not None and label is None:
        refusal = f"no gait score for it in {Path(labels.path).name}; add a row for this walk or its session"
    elif labels is not None and not subject:
        refusal = f"its subject is not known; name it SUB01_on_walk_1 or add it to {Path(labels.path).name}"
    source = Source(
        walk=f"{walk}_untrimmed" if replaced_by == walk else walk, subject=subject, state=state,
        score=label.score if label else None, place=file.place, sha256=sha256, read=partial(read, file.path), refusal=refusal,
        static=bool(STATIC.search(stem)),
    )
    return source, label


def _same_subjects(sources: list[Source]) -> tuple[Source, ...]:
    """One spelling per subject, the first: `SUB01` and `sub01` are one person, who must not be trained and tested on."""
    spelled: dict[str, str] = {}
    return tuple(replace(one, subject=spelled.setdefault(one.subject.casefold(), one.subject)) for one in sources)


def _copies(sources: list[Source]) -> list[list[str]]:
    """Places of usable recordings whose bytes are the same: copies of one walk, in two people's folders perhaps."""
    places: dict[str, list[str]] = {}
    for source in sources:
        if not source.refusal:
            places.setdefault(source.sha256, []).append(source.place)
    return [same for same in places.values() if len(same) > 1]


def _search(paths: Iterable[Path | str]) -> _Searched:
    found, seen = _Searched(), set()
    for source in map(Path, paths):
        if not source.exists():
            raise UnreadableFile(
                f"{source}: expected a recording or a folder of recordings, but there is nothing; check the path"
            )
        tree = files_below(source) if source.is_dir() else Tree((source,), ())
        files = [path for path in tree.files if path == source or _is_recording(path)]
        found.closed += [plain_place(str(path)) for path in tree.closed]
        found.others.update(_kind(path) for path in sorted(set(tree.files) - set(files)))
        if not files:
            closed = f"; {found.closed[0]} could not be opened" if found.closed else ""
            raise UnreadableFile(
                f"{source}: expected recordings ({', '.join(endings())}) in this folder, found none{closed}; check the path"
            )
        for path in files:
            place = path.name if path == source else path.relative_to(source).as_posix()
            if os.path.realpath(path) not in seen:
                found.files.append(_File(path, plain_place(place)))
            seen.add(os.path.realpath(path))
    return found


def _is_recording(path: Path) -> bool:
    """By content and ending; where nothing can be looked at, such as a link to nowhere, by its ending alone: listed, not lost."""
    if path.name.startswith(MACOS):
        return False
    return is_recording(path) if os.path.exists(path) else path.suffix.lower() in endings()


def _kind(path: Path) -> str:
    return MACOS_KIND if path.name.startswith(MACOS) else plain_place(path.suffix.lower())


def _named(files: list[_File], labelled: bool) -> list[tuple[str, _File]]:
    """The files, each with its walk's name, in the natural order of the names."""
    stems = Counter(file.stem.casefold() for file in files)
    named, twins = [], []
    for file in files:
        alone = stems[file.stem.casefold()] == 1 or (labelled and WALK_NAME.fullmatch(file.stem))
        if alone:
            named.append((file.stem, file))
        else:
            twins.append(file)
    taken = {name.casefold() for name, _ in named}
    bodies = Counter(file.place.rpartition(".")[0] for file in twins)
    places = Counter(file.place for file in twins)
    for file in twins:
        body, _, ending = file.place.rpartition(".")
        if places[file.place] > 1:  # the same path below two given folders
            body = f"{file.path.parent.name}_{body}"
        elif bodies[body] > 1:
            body = f"{body}_{ending}"
        wanted = plain_name(re.sub(r"[^\w.-]+", "_", body))
        name = next(name for name in numbered(wanted) if name.casefold() not in taken)
        taken.add(name.casefold())
        named.append((name, file))
    return sorted(named, key=lambda pair: natural_key(pair[0].removeprefix(TRIMMED)))

