"""Recordings of subjects in, each subject's SMPL shape and the walks of that body out: the MoSh-style way into a cohort.

One shape per subject, from a static trial where there is one, is used for all of the subject's walks: fitted to markers, or
the betas of SMPL files that another program fitted. This module needs the licensed body (AGIR_SMPL_DIR); without it the
markers' joint centres are enough for everything else.
"""
from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agir_plugin.cohort.files import write_arrays
from agir_plugin.cohort.names import plain_subject
from agir_plugin.cohort.sources import Source
from agir_plugin.errors import AgirError, CohortError, UnusableRecording
from agir_plugin.gait import passes
from agir_plugin.motion import to_motions
from agir_plugin.records import Motion, Recording

if TYPE_CHECKING:
    from numpy.lib.npyio import NpzFile

    from agir_plugin.motion.fitting import SubjectShape

#: Folder of a cohort that holds the subjects' shapes, one file each.
SHAPES = Path("smpl", "shapes")
#: Format of recordings that hold SMPL poses (the reader's name).
SMPL = "smpl"
#: The body that is fitted: the licensed one has others, but the recordings do not say whose they are.
GENDER = "neutral"


@dataclass(frozen=True)
class Fitted:
    """One straight walk on the fitted body, and its SMPL parameters at the recording's own rate, by AMASS's names."""

    motion: Motion
    smpl: Mapping[str, np.ndarray]


def subject_shapes(
    sources: Iterable[Source], folder: Path, progress: Callable[[int, int], None] | None = None
) -> dict[str, str]:
    """Fit and write `folder`/SUBJECT.npz for every subject with walks to read; subject -> why there is none, where it failed.

    Static trials are tried first, then the subject's walks, until one fits. A shape that is there already, of the same
    recording, is kept. UsageError when the body is not there.
    """
    from agir_plugin.motion.body_model import load_body

    load_body(GENDER)
    candidates: dict[str, list[Source]] = {}
    for source in sorted(sources, key=lambda source: not source.static):
        if source.static or not source.refusal:
            candidates.setdefault(source.subject, []).append(source)
    candidates = {subject: found for subject, found in candidates.items() if not all(source.static for source in found)}
    failures = {}
    for number, (subject, found) in enumerate(candidates.items(), start=1):
        reason = _shape_of(found, _shape_file(folder, subject))
        if reason:
            failures[subject] = reason
        if progress is not None:
            progress(number, len(candidates))
    return failures


def fitted_walks(read: Callable[[], Recording], shapes: Path, subject: str) -> list[Fitted]:
    """Every straight walk of a recording, on the subject's body. UnusableRecording when the body does not fit it."""
    recording = read()
    if recording.format == SMPL:
        return _posed_walks(recording, _shape_file(shapes, subject))
    if recording.kind != "markers":
        raise UnusableRecording(
            f"{recording.path}: expected markers to fit a body to, got {recording.kind}; ingest it without --smpl"
        )
    return _marker_walks(recording, _load(_shape_file(shapes, subject)))


def _posed_walks(recording: Recording, shape_file: Path) -> list[Fitted]:
    """The walks of an SMPL motion file on the subject's one shape, not on that of the file."""
    from agir_plugin.motion.body_model import load_body
    from agir_plugin.motion.smpl_file import on_body, read_smpl

    with _opened(shape_file) as shape:
        betas, gender = shape["betas"], str(shape["gender"])
    motion = dataclasses.replace(read_smpl(Path(recording.path)), betas=betas)
    return [
        Fitted(one, _smpl(_during(one, 0.0, motion.fps), motion.pose, motion.translation_m, motion.fps, betas, gender))
        for seen in to_motions(on_body(motion, load_body(gender))) for one in passes(seen)
    ]


def _marker_walks(recording: Recording, shape: SubjectShape) -> list[Fitted]:
    from agir_plugin.motion.fitting import as_motion, fit_walk

    found = []
    for seen in to_motions(recording):
        part = _part(recording, seen)
        fit = fit_walk(part, shape)
        whole = as_motion(fit, shape, part)
        flags = tuple(dict.fromkeys((*seen.flags, *whole.flags)))
        whole = dataclasses.replace(whole, start_s=whole.start_s + seen.start_s, flags=flags)
        for one in passes(whole):
            frames = _during(one, whole.start_s, fit.fps)
            smpl = _smpl(frames, fit.pose_rad, fit.translation_m, fit.fps, shape.betas, GENDER)
            residuals = {"marker_names": np.array(fit.names), "residual_m": fit.residual_m[frames].astype(np.float32)}
            found.append(Fitted(one, {**smpl, **residuals}))
    return found


def _shape_of(candidates: Iterable[Source], path: Path) -> str:
    """Write the shape of the first recording that fits; why none does, or an empty text."""
    reason = ""
    for source in candidates:
        if path.is_file() and str(np.load(path, allow_pickle=False)["sha256"]) == source.sha256:
            return ""
        try:
            shape = _shape(source.read())
        except AgirError as error:
            reason = reason or str(error)
            continue
        write_arrays(path, {**shape, "source": np.array(source.place), "sha256": np.array(source.sha256)})
        return ""
    return f"the subject's shape could not be fitted: {reason}"


def _part(recording: Recording, seen: Motion) -> Recording:
    """The frames of a recording that a motion was made of."""
    start = round(seen.start_s * recording.fps)
    return dataclasses.replace(recording, positions_m=recording.positions_m[start : start + len(seen.joints_m)])


def _during(one: Motion, start_s: float, fps: float) -> slice:
    """The frames of one pass in arrays that begin at `start_s`."""
    start = round((one.start_s - start_s) * fps)
    return slice(start, start + len(one.joints_m))


def _smpl(
    frames: slice, pose: np.ndarray, translation_m: np.ndarray, fps: float, betas: np.ndarray, gender: str
) -> dict[str, np.ndarray]:
    """One pass by AMASS's names."""
    return {
        "poses": pose[frames].astype(np.float32),
        "trans": translation_m[frames].astype(np.float32),
        "betas": betas,
        "gender": np.array(gender),
        "mocap_framerate": np.array(fps),
    }


def _shape_file(folder: Path, subject: str) -> Path:
    plain = plain_subject(subject)  # a table may call a person 2024/17, or ..
    return folder / f"{plain if plain == subject else f'{plain}_{hashlib.sha256(subject.encode()).hexdigest()[:8]}'}.npz"


def _shape(recording: Recording) -> dict[str, np.ndarray]:
    """A subject's shape from one recording: betas and gender, and where markers were fitted, their places."""
    from agir_plugin.motion.body_model import load_body
    from agir_plugin.motion.fitting import fit_shape
    from agir_plugin.motion.smpl_file import read_smpl

    if recording.format == SMPL:
        motion = read_smpl(Path(recording.path))
        if motion.betas is None:
            raise UnusableRecording(f"{recording.path}: expected betas to take the subject's shape from, but the file has none")
        return {"betas": motion.betas, "gender": np.array(motion.gender)}
    shape = fit_shape(recording, load_body(GENDER))
    return {
        "names": np.array(shape.names), "vertices": shape.vertices, "betas": shape.betas, "offsets_m": shape.offsets_m,
        "rms_m": np.array(shape.rms_m), "frames": np.array(shape.frames), "gender": np.array(GENDER),
    }


def _load(path: Path) -> SubjectShape:
    from agir_plugin.motion.body_model import load_body
    from agir_plugin.motion.fitting import SubjectShape

    with _opened(path) as found:
        if "vertices" not in found:
            raise UnusableRecording(
                f"{path}: expected marker places, but the subject's shape comes from an SMPL file ({found['source']}); ingest "
                "markers and SMPL files apart"
            )
        return SubjectShape(
            body=load_body(GENDER), names=tuple(found["names"].tolist()), vertices=found["vertices"], betas=found["betas"],
            offsets_m=found["offsets_m"], rms_m=float(found["rms_m"]), frames=int(found["frames"]),
        )


def _opened(path: Path) -> NpzFile:
    if not path.is_file():
        raise CohortError(f"{path}: expected the subject's shape; run the command that makes the cohort again")
    return np.load(path, allow_pickle=False)
