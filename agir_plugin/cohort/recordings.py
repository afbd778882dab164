"""Files and folders of recordings and their labels in, one `Source` per recording out."""
from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from agir_plugin.cohort.labels import Label, Labels
from agir_plugin.cohort.sources import Found, Source, file_sha256
from agir_plugin.errors import UnreadableFile
from agir_plugin.ingest import read
from agir_plugin.ingest.reading import endings, is_recording

#: Name before a walk's own name in a recording that was cut to its usable part; it replaces the uncut one.
TRIMMED = "Trimmed_"
#: A standing trial, by its name.
STATIC = re.compile(r"(^|_)static(_|\d|$)", re.IGNORECASE)

#: Name of a recording without its ending -> the files of that name, each with its place.
Recordings = dict[str, list[tuple[str, Path]]]


def find_recordings(paths: Iterable[Path | str], labels: Labels | None) -> Found:
    """The recordings below `paths` as sources, sorted by name, with what was no recording and the labels not used.

    Without `labels` files of one name in several folders are told apart by their place, and a recording whose name tells
    no subject counts as a subject of its own. UnreadableFile for a missing path or a folder without recordings.
    """
    found, others = _find(paths)
    recordings = _told_apart(found) if labels is None else found
    trimmed = {_trial(name) for name in recordings if name.startswith(TRIMMED)}
    sources, used = [], []
    for stem in sorted(recordings, key=_natural):
        replaced = _trial(stem) in trimmed and not stem.startswith(TRIMMED)
        for place, path in recordings[stem]:
            source, label = _source(stem, place, path, labels, replaced)
            sources.append(source)
            used.extend([label] if label else [])
    unused = labels.unused(used) if labels is not None else ()
    spare = [f"{row.walk or row.subject} {'' if row.walk else row.state}".strip() for row in unused]
    notes = {"labels_without_walks": spare, "recordings": len(sources), "other_files": dict(sorted(others.items()))}
    return Found(tuple(sources), notes)


def _source(stem: str, place: str, path: Path, labels: Labels | None, replaced: bool) -> tuple[Source, Label | None]:
    walk = stem.removeprefix(TRIMMED)
    subject, state, label = (labels or Labels("", ())).find(walk)
    subject = subject or (walk if labels is None else "")
    refusal = ""
    if STATIC.search(stem):
        refusal = "a static trial, not a walk"
    elif replaced:
        refusal = "replaced by its trimmed recording"
    elif labels is not None and label is None:
        refusal = f"no gait score for it in {Path(labels.path).name}; add a row for this walk or its session"
    elif labels is not None and not subject:
        refusal = f"its subject is not known; name it SUB01_on_walk_1 or add it to {Path(labels.path).name}"
    source = Source(
        walk=stem if replaced else walk, subject=subject, state=state, score=label.score if label else None, place=place,
        sha256=file_sha256(path), read=partial(read, path), refusal=refusal, static=bool(STATIC.search(stem)),
    )
    return source, label


def _find(paths: Iterable[Path | str]) -> tuple[Recordings, Counter[str]]:
    """Recordings by stem, each with its place: the path below the given folder, or the file name.

    Also how many other files were passed over, by ending.
    """
    seen: set[Path] = set()
    found: Recordings = {}
    others: Counter[str] = Counter()
    for source in map(Path, paths):
        if not source.exists():
            raise UnreadableFile(
                f"{source}: expected a recording or a folder of recordings, but there is nothing; check the path"
            )
        below = [path for path in sorted(source.rglob("*")) if path.is_file()]
        files = [source] if source.is_file() else [path for path in below if is_recording(path)]
        others.update(path.suffix.lower() for path in set(below) - set(files))
        if not files:
            raise UnreadableFile(
                f"{source}: expected recordings ({', '.join(endings())}) in this folder, found none; check the path"
            )
        for path in files:
            place = path.name if path == source else path.relative_to(source).as_posix()
            if path.resolve() not in seen:
                found.setdefault(path.stem, []).append((place, path))
            seen.add(path.resolve())
    return found, others


def _told_apart(recordings: Recordings) -> Recordings:
    """Recordings of one name under names of their own: their place, with the ending where that is needed too."""
    apart: Recordings = {}
    for stem, twins in recordings.items():
        if len(twins) == 1:
            apart[stem] = twins
            continue
        bare = Counter(place.rpartition(".")[0] for place, _ in twins)
        for place, path in twins:
            body, _, ending = place.rpartition(".")
            name = body if bare[body] == 1 else f"{body}_{ending}"
            apart.setdefault(re.sub(r"[^\w.-]+", "_", name), []).append((place, path))
    return apart


def _trial(stem: str) -> str:
    # SUB01_off_walk_12 and Trimmed_SUB01_off_walk_12b are one trial
    return re.sub(r"(?<=\d)[a-z]$", "", stem.removeprefix(TRIMMED))


def _natural(stem: str) -> tuple[tuple[int, int | str], ...]:
    parts = re.split(r"(\d+)", stem.removeprefix(TRIMMED))
    return tuple((0, int(part)) if part.isdigit() else (1, part) for part in parts)
