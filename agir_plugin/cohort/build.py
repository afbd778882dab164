"""Recordings and their labels, or a seed, in; a cohort folder out."""
from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np

from agir_plugin.cohort.labels import Label, Labels, read_labels
from agir_plugin.cohort.manifest import Cohort
from agir_plugin.cohort.synthetic import WALKING_MODEL, Trial, draw_trials
from agir_plugin.cohort.walker import body_at, frame_times_s, plan_steps
from agir_plugin.cohort.writer import Content, Job, Progress, write_cohort
from agir_plugin.consts import JOINTS, MODEL_FPS
from agir_plugin.errors import UnreadableFile
from agir_plugin.gait import measure, report_json
from agir_plugin.ingest import read
from agir_plugin.ingest.reading import endings
from agir_plugin.motion import resample, to_features, to_motion
from agir_plugin.records import Motion

#: Name before a walk's own name in a recording that was cut to its usable part; it replaces the uncut one.
TRIMMED = "Trimmed_"
#: A standing trial, by its name.
STATIC = re.compile(r"(^|_)static(_|\d|$)", re.IGNORECASE)


def synthesise(
    out: Path | str,
    subjects: int = 26,
    seed: int = 0,
    walks_per_session: int = 12,
    progress: Progress | None = None,
) -> Cohort:
    """Make a synthetic cohort in `out`: `subjects` people, off and on medication, `walks_per_session` walks each.

    The same arguments give the same bytes; an interrupted run goes on. truth.csv holds the true parameters of every
    walk, and the cadence, step length and speed of its own steps. UsageError for numbers below 1, CohortError when
    `out` holds something else.
    """
    trials = draw_trials(subjects, seed, walks_per_session)
    identity = {
        "name": f"synthetic-{subjects}x2x{walks_per_session}-seed{seed}",
        "synthetic": True,
        "seed": seed,
        "subjects": subjects,
        "walks_per_session": walks_per_session,
        "walking_model": WALKING_MODEL,
    }
    return write_cohort(out, identity, [_synthetic_job(trial) for trial in trials], progress=progress)


def build_cohort(
    sources: Iterable[Path | str],
    out: Path | str,
    labels: Path | str | None = None,
    progress: Progress | None = None,
) -> Cohort:
    """Make a cohort in `out` from recordings (files, or folders that are searched) and a CSV of gait scores, if there is one.

    A walk is named by its file (`SUB01_off_walk_1.c3d`); other names need a row with their subject in `labels` (see
    `read_labels`). Every file is accounted for in walks.csv: kept, or refused with its reason (unlabelled, static,
    replaced by its trimmed version, unreadable, not measurable); files of other kinds are counted in cohort.json.

    Without `labels` walks are kept without a score: such a cohort can train a tokenizer, but not be learnt from or tested
    on. Files of one name in several folders or formats are then walks of their own, named by their place, and a walk whose
    name tells no subject counts as a subject of its own.

    LabelError for a score outside 0 to 2, before anything is written; CohortError for two files of one walk or when
    nothing is usable; UnreadableFile for a missing source.
    """
    known = read_labels(labels) if labels is not None else Labels("", ())
    recordings, others = _find(sources)
    if labels is None:
        recordings = _told_apart(recordings)
    trimmed = {_trial(name) for name in recordings if name.startswith(TRIMMED)}
    jobs, used = [], []
    for stem in sorted(recordings, key=_natural):
        for place, path in recordings[stem]:
            job, label = _recorded_job(
                stem, place, path, known, _trial(stem) in trimmed and not stem.startswith(TRIMMED), labels is not None
            )
            jobs.append(job)
            used.extend([label] if label else [])
    spare = [f"{row.walk or row.subject} {'' if row.walk else row.state}".strip() for row in known.unused(used)]
    identity = {"name": Path(out).resolve().name, "synthetic": False}
    notes = {"labels_without_walks": spare, "other_files": dict(sorted(others.items()))}
    return write_cohort(out, identity, jobs, notes=notes, progress=progress)


def _synthetic_job(trial: Trial) -> Job:
    realised = plan_steps(trial.parameters, trial.seconds, trial.generator()).realised()
    return Job(
        walk=trial.walk,
        subject=trial.subject,
        state=trial.state,
        score=trial.score,
        source="synthetic",
        sha256=trial.sha256(),
        make=partial(_synthetic_content, trial),
        truth={
            "seconds": trial.seconds,
            "speed_mps": trial.parameters.speed_mps,
            **asdict(trial.parameters),
            **realised,
        },
    )


def _synthetic_content(trial: Trial) -> Content:
    plan = plan_steps(trial.parameters, trial.seconds, trial.generator())
    joints = body_at(plan, frame_times_s(trial.seconds, MODEL_FPS)).joints_m.astype(np.float32).astype(np.float64)
    motion = Motion(joints, MODEL_FPS, source="synthetic walk", measured=frozenset(JOINTS))
    return Content(
        joints, to_features(joints), report_json(f"joints/{trial.walk}.npy", measure(motion)), motion.seconds
    )


def _recorded_job(
    stem: str, place: str, path: Path, labels: Labels, replaced: bool, scored: bool
) -> tuple[Job, Label | None]:
    walk = stem.removeprefix(TRIMMED)
    subject, state, label = labels.find(walk)
    if not scored:
        subject = subject or walk
    refusal = ""
    if STATIC.search(stem):
        refusal = "a static trial, not a walk"
    elif replaced:
        refusal = "replaced by its trimmed recording"
    elif label is None and scored:
        refusal = f"no gait score for it in {Path(labels.path).name}; add a row for this walk or its session"
    elif not subject:
        refusal = f"its subject is not known; name it SUB01_on_walk_1 or add it to {Path(labels.path).name}"
    job = Job(
        walk=stem if replaced else walk,
        subject=subject,
        state=state,
        score=label.score if label else None,
        source=place,
        sha256=_sha256(path),
        make=partial(_recorded_content, path, place),
        refusal=refusal,
    )
    return job, label


def _recorded_content(path: Path, place: str) -> Content:
    motion = to_motion(read(path))
    joints = resample(motion, MODEL_FPS).joints_m.astype(np.float32).astype(np.float64)
    return Content(joints, to_features(joints), report_json(place, measure(motion)), motion.seconds)


def _find(sources: Iterable[Path | str]) -> tuple[dict[str, list[tuple[str, Path]]], Counter[str]]:
    """Stem -> the recordings of that name, each with its place: the path below the given folder, or the file name.

    Also how many files of other endings were passed over.
    """
    known, seen = endings(), set()
    found: dict[str, list[tuple[str, Path]]] = {}
    others: Counter[str] = Counter()
    for source in map(Path, sources):
        if not source.exists():
            raise UnreadableFile(
                f"{source}: expected a recording or a folder of recordings, but there is nothing; check the path"
            )
        below = [path for path in sorted(source.rglob("*")) if path.is_file()]
        files = [source] if source.is_file() else [path for path in below if path.suffix.lower() in known]
        others.update(path.suffix.lower() for path in below if path.suffix.lower() not in known)
        if not files:
            raise UnreadableFile(
                f"{source}: expected recordings ({', '.join(known)}) in this folder, found none; check the path"
            )
        for path in files:
            place = path.name if path == source else path.relative_to(source).as_posix()
            if path.resolve() not in seen:
                found.setdefault(path.stem, []).append((place, path))
            seen.add(path.resolve())
    return found, others


def _told_apart(recordings: dict[str, list[tuple[str, Path]]]) -> dict[str, list[tuple[str, Path]]]:
    """Recordings of one name under names of their own: their place, with the ending where that is needed too."""
    apart: dict[str, list[tuple[str, Path]]] = {}
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


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
