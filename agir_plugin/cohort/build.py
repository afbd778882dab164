"""Recordings and their labels, or a seed, in; a cohort folder out."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np

from agir_plugin.cohort.fitted import SHAPES, fitted_walks, subject_shapes
from agir_plugin.cohort.labels import read_labels
from agir_plugin.cohort.lock import held
from agir_plugin.cohort.manifest import Cohort
from agir_plugin.cohort.recordings import find_recordings
from agir_plugin.cohort.sources import Found, Source
from agir_plugin.cohort.synthetic import WALKING_MODEL, Trial, draw_trials
from agir_plugin.cohort.walker import body_at, frame_times_s, plan_steps
from agir_plugin.cohort.writer import Content, Job, Progress, claim, write_cohort
from agir_plugin.consts import JOINTS, MODEL_FPS, N_FEATURES
from agir_plugin.gait import measure, passes, report_json
from agir_plugin.motion import resample, to_features, to_motions
from agir_plugin.records import Motion, Recording


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
    with held(Path(out)):
        return write_cohort(out, identity, [_synthetic_job(trial) for trial in trials], progress=progress)


def build_cohort(
    paths: Iterable[Path | str],
    out: Path | str,
    labels: Path | str | None = None,
    progress: Progress | None = None,
    workers: int = 1,
    backend: str = "processes",
) -> Cohort:
    """Make a cohort in `out` from recordings (files, or folders that are searched) and a table of gait scores, if there is one.

    A walk is named by its file (`SUB01_off_walk_1.c3d`); other names need a row with their subject in `labels` (see
    `read_labels`). Every file is accounted for in walks.csv: kept, or refused with its reason (unlabelled, static,
    replaced by its trimmed version, unreadable, not measurable); files of other kinds are counted in cohort.json. A file
    that holds several straight walks gives as many, `W_pass1`, `W_pass2` and so on.

    Without `labels` walks are kept without a score: such a cohort can train a tokenizer, but not be learnt from or tested
    on. Files of one name in several folders or formats are then walks of their own, named by their place, and a walk whose
    name tells no subject counts as a subject of its own.

    `workers` processes share the work, on `backend` (see `workers.in_order`); the bytes are the same for any number.

    LabelError for a score outside 0 to 2, before anything is written; CohortError for two files of one walk or when
    nothing is usable; UnreadableFile for a missing path.
    """
    found = find_recordings(paths, read_labels(labels) if labels is not None else None)
    return build_from(found, out, progress, workers, backend)


def build_from(
    found: Found,
    out: Path | str,
    progress: Progress | None = None,
    workers: int = 1,
    backend: str = "processes",
    smpl: bool = False,
) -> Cohort:
    """Make a cohort in `out` of a collection's sources, with its published folds; as `build_cohort` does.

    With `smpl` the SMPL body of AGIR_SMPL_DIR is fitted to the markers (see `fitted`), and smpl/ holds each walk's
    parameters; a walk or subject that does not fit is refused with that reason.
    """
    out = Path(out)
    identity = {"name": out.resolve().name, "synthetic": False, **({"body": "SMPL"} if smpl else {})}
    with held(out):
        if smpl:
            claim(out, identity)
        failures = subject_shapes(found.sources, out / SHAPES, progress) if smpl else {}
        jobs = [_recorded_job(source, out / SHAPES if smpl else None, failures) for source in found.sources]
        return write_cohort(
            out, identity, jobs, notes=found.notes, folds=found.folds, progress=progress, workers=workers, backend=backend
        )


def _synthetic_job(trial: Trial) -> Job:
    realised = plan_steps(trial.parameters, trial.seconds, trial.generator()).realised()
    return Job(
        walk=trial.walk,
        subject=trial.subject,
        state=trial.state,
        score=trial.score,
        source="synthetic",
        sha256=trial.sha256(),
        make=partial(_synthetic_contents, trial),
        truth={
            "seconds": trial.seconds,
            "speed_mps": trial.parameters.speed_mps,
            **asdict(trial.parameters),
            **realised,
        },
    )


def _synthetic_contents(trial: Trial) -> list[Content]:
    plan = plan_steps(trial.parameters, trial.seconds, trial.generator())
    joints = body_at(plan, frame_times_s(trial.seconds, MODEL_FPS)).joints_m.astype(np.float32).astype(np.float64)
    motion = Motion(joints, MODEL_FPS, source="synthetic walk", measured=frozenset(JOINTS))
    report = report_json(f"joints/{trial.walk}.npy", measure(motion))
    return [Content(joints, to_features(joints), report, motion.seconds)]


def _recorded_job(source: Source, shapes: Path | None, failures: Mapping[str, str]) -> Job:
    make = partial(_recorded_contents, source.read, source.place)
    if shapes is not None:
        make = partial(_fitted_contents, source.read, source.place, shapes, source.subject)
    return Job(
        walk=source.walk, subject=source.subject, state=source.state, score=source.score, source=source.place,
        sha256=source.sha256, make=make, refusal=source.refusal or failures.get(source.subject, ""),
    )


def _recorded_contents(read: Callable[[], Recording], place: str) -> list[Content]:
    """Every straight walk of a recording."""
    return [_content(one, place) for motion in to_motions(read()) for one in passes(motion)]


def _fitted_contents(read: Callable[[], Recording], place: str, shapes: Path, subject: str) -> list[Content]:
    """Every straight walk of a recording, on the subject's SMPL body."""
    return [_content(one.motion, place, one.smpl) for one in fitted_walks(read, shapes, subject)]


def _content(motion: Motion, place: str, smpl: Mapping[str, np.ndarray] | None = None) -> Content:
    joints = resample(motion, MODEL_FPS).joints_m.astype(np.float32).astype(np.float64)
    report = report_json(place, measure(motion))
    features = to_features(joints) if report["status"] == "ok" else np.empty((0, N_FEATURES))  # those of a refusal are not kept
    return Content(joints, features, report, motion.seconds, smpl)
