"""A cohort file of CARE-PD in, its walks as joint recordings with their gait scores out; its published folds, too.

Data: CARE-PD (arXiv 2510.04312): pickles `{subject: {walk: {"pose": (T, 72) axis-angle of SMPL's 24 joints, "trans": (T, 3) m,
"beta", "fps", "UPDRS_GAIT", "medication", "other"}}}`. They are read by `agir_plugin.unpickle`, which runs nothing.
"""
from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from agir_plugin import unpickle
from agir_plugin.cohort.carepd_folds import FOLD_PARTS, published_folds
from agir_plugin.cohort.names import plain_subject
from agir_plugin.cohort.sources import Found, Source
from agir_plugin.consts import JOINT, JOINTS, SCORES
from agir_plugin.errors import UnreadableFile, UnusableRecording
from agir_plugin.records import Recording

if TYPE_CHECKING:
    from agir_plugin.motion.body_model import Body

#: Pose numbers of the 22 joints that are used, of SMPL's 72.
POSE_NUMBERS = 3 * len(JOINTS)
#: Places farther off than this are no metres.
FARTHEST_M = 1000.0
#: Turns beyond this are no axis-angle vectors in radians (degrees reach 180).
MOST_TURN_RAD = 50.0
#: Highest frame rate that is believed, frames per second.
FASTEST_FPS = 10000.0
#: The trunk is upright along y when at least this part of its length lies on it.
UPRIGHT = 0.9
#: Most walks of one file (the biggest cohort has 1701): a few bytes of a pickle can stand for millions.
MOST_WALKS = 50_000
#: SMPL's own files have 300 shape numbers.
MOST_BETAS = 300
#: Shape numbers may differ by this much from frame to frame.
SAME_SHAPE = 1e-4
#: A state of medication in words.
STATE = re.compile(r"(?:^|[^a-z])(on|off)(?:[^a-z]|$)", re.IGNORECASE)

#: Stands for the pose of a walk that is another walk's.
REPEATED = object()


class _Malformed(ValueError):
    """A walk's record is not of the data's form; the text is the reason of its refusal."""


@dataclass(frozen=True)
class Pose:
    """One walk of a file: SMPL pose (T, 66 or more) in radians, translation (T, 3) in metres, frame rate, rest joints or None.

    `rest_m` is (24, 3), the joints of the walker's own body; without it the average skeleton walks.
    """

    pose_rad: np.ndarray
    translation_m: np.ndarray
    fps: float
    rest_m: np.ndarray | None = None

    def sha256(self) -> str:
        """The hash of all values that the joints are made of."""
        digest = hashlib.sha256(f"{self.pose_rad.shape} {self.fps!r}".encode())
        for values in (self.pose_rad, self.translation_m, self.rest_m):
            if values is not None:
                digest.update(np.ascontiguousarray(values, dtype="<f8").tobytes())
        return digest.hexdigest()

    def rest_joints(self, betas: np.ndarray | None = None) -> np.ndarray:
        """(24, 3) rest joints, as `agir_plugin.motion.body_model` asks a body for them."""
        return self.rest_m


def carepd_sources(path: Path | str, folds: Path | str | None = None, body: Body | None = None) -> Found:
    """Every walk of a CARE-PD pickle, kept or refused with its reason, and the published folds of the file `folds`.

    Joints are those of SMPL's forward kinematics, with the rest joints of `body` and the file's shape numbers where a body is
    given, else on the average skeleton. Refused are walks without a gait score (in a file without any score all walks are kept,
    unlabelled), with a score of 3 or 4 (AGIR has no classes for them), and with a malformed record; each says why.

    `notes` lists scores outside 0 to 2 by walk and counts other refusals. UnreadableFile when the file is damaged, is no pickle
    of this form, or asks for something to be run; CohortError for folds that share or do not know a subject.
    """
    path = Path(path)
    subjects = _checked(path, unpickle.load(path))
    scored = any(not _no_score(record) for walks in subjects.values() for record in walks.values())
    names = _walk_names(subjects)
    seen: set[int] = set()
    sources = [
        _source(path, names[subject, key], str(subject), str(key), _own(record, seen), body, scored)
        for subject, walks in subjects.items()
        for key, record in walks.items()
    ]
    found, fold_notes = published_folds(Path(folds), sources) if folds is not None else ({}, {})
    return Found(tuple(sources), {**_notes(sources, subjects, names), **fold_notes}, found)


def read_walk(path: str, pose: Pose) -> Recording:
    """The joints of one walk, (T, 22, 3) in metres; `up` is +y where the trunk stands along y, else left to the data."""
    from agir_plugin.motion.body_model import joints_from_pose

    joints = joints_from_pose(pose.pose_rad, pose.translation_m, model=None if pose.rest_m is None else pose)
    trunk = (joints[:, JOINT["neck"]] - joints[:, JOINT["pelvis"]]).mean(axis=0)
    upright = trunk[1] > UPRIGHT * np.linalg.norm(trunk)
    return Recording(
        path=path, format="carepd", kind="joints", fps=pose.fps, names=JOINTS, positions_m=joints, up="+y" if upright else None,
    )


def refuse_walk(path: str, reason: str) -> Recording:
    """Raise UnusableRecording: the record of this walk is not of the data's form."""
    raise UnusableRecording(f"{path}: {reason}")


def _checked(path: Path, subjects: Any) -> dict[Any, dict[Any, Any]]:
    form = "expected CARE-PD's form {subject: {walk: {pose, trans, fps, UPDRS_GAIT}}}"
    if not isinstance(subjects, dict) or not subjects:
        raise UnreadableFile(f"{path}: {form}, got {_kind(subjects)}; it is a file of another kind")
    n_walks = 0
    for subject, walks in subjects.items():
        if isinstance(walks, dict) and set(walks) >= set(FOLD_PARTS):
            raise UnreadableFile(f"{path}: {form}, got one of folds ({', '.join(FOLD_PARTS)}); name it after --folds")
        if not isinstance(walks, dict):
            raise UnreadableFile(f"{path}: {form}, got {_kind(walks)} for {str(subject)[:40]}; it is a file of another kind")
        n_walks += len(walks)
    if n_walks > MOST_WALKS:
        raise UnreadableFile(f"{path}: {form} with at most {MOST_WALKS} walks, got {n_walks}; divide the file")
    return subjects


def _kind(value: Any) -> str:
    return f"an empty {type(value).__name__}" if isinstance(value, (dict, list)) and not value else f"a {type(value).__name__}"


def _walk_names(subjects: Mapping[Any, Mapping[Any, Any]]) -> dict[tuple[Any, Any], str]:
    """Subject and key -> a name that is unique and safe in file names: the key where it starts with the subject, else both."""
    names, taken, last = {}, set(), Counter()
    for subject, key in ((subject, key) for subject, walks in subjects.items() for key in walks):
        whole = str(key) if str(key).removeprefix("Trimmed_").startswith(f"{subject}_") else f"{subject}_{key}"
        safe = re.sub(r"[^\w.-]+", "_", whole, flags=re.ASCII)[:100].lstrip(".") or "walk"
        name = safe
        while name.lower() in taken:
            last[safe.lower()] += 1  # goes on where it stopped: many equal names must not be counted through each time
            name = f"{safe}_{last[safe.lower()] + 1}"
        taken.add(name.lower())
        names[subject, key] = name
    return names


def _source(path: Path, walk: str, subject: str, key: str, record: Any, body: Body | None, scored: bool) -> Source:
    place = f"{path.name}#{walk}"
    refusal, score = _score(record) if scored else ("", None)
    try:
        pose = _pose(record, body)
        sha256, read = pose.sha256(), partial(read_walk, f"{path}#{walk}", pose)
    except _Malformed as error:
        refusal = str(error)
        sha256, read = hashlib.sha256(place.encode()).hexdigest(), partial(refuse_walk, f"{path}#{walk}", refusal)
    return Source(
        walk=walk, subject=plain_subject(subject), state=_state(record, key), score=score, place=place, sha256=sha256,
        read=read, refusal=refusal,
    )


def _own(record: Any, seen: set[int]) -> Any:
    """The record; without its pose where another walk has the very same one, which a pickle can repeat at no cost."""
    pose = record.get("pose") if isinstance(record, dict) else None
    if not isinstance(pose, np.ndarray):
        return record
    repeated = id(pose) in seen
    seen.add(id(pose))
    return {**record, "pose": REPEATED} if repeated else record


def _pose(record: Any, body: Body | None) -> Pose:
    if not isinstance(record, dict):
        raise _Malformed(f"expected a record with pose, trans and fps, got {_kind(record)}")
    if record.get("pose") is REPEATED:
        raise _Malformed("its pose is that of another walk")
    pose = _numbers(record, "pose")
    pose = pose.reshape(len(pose), 3 * pose.shape[1]) if pose.ndim == 3 and pose.shape[2] == 3 else pose
    translation = _numbers(record, "trans")
    if pose.ndim != 2 or pose.shape[1] < POSE_NUMBERS or len(pose) < 2:
        raise _Malformed(f"expected a pose of shape (frames, 72), got {pose.shape}")
    if translation.shape != (len(pose), 3):
        raise _Malformed(f"expected a translation of shape ({len(pose)}, 3), got {translation.shape}")
    if np.abs(translation).max() > FARTHEST_M:
        raise _Malformed(f"expected a translation in metres, got {np.abs(translation).max():.3g}")
    if np.abs(pose).max() > MOST_TURN_RAD:
        raise _Malformed(f"expected a pose in radians, got {np.abs(pose).max():.3g}")
    return Pose(pose, translation, _fps(record), None if body is None else body.rest_joints(_betas(record)))


def _numbers(record: Mapping[str, Any], name: str) -> np.ndarray:
    if record.get(name) is None:
        raise _Malformed(f"expected {name}, got none")
    values = record[name]
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiu":
        raise _Malformed(f"expected {name} as an array of numbers, got {_kind(values)}")
    bad = ~np.isfinite(values)
    if bad.any():
        frames = int(bad.reshape(len(values), -1).any(axis=1).sum()) if values.ndim else 1
        raise _Malformed(f"{name} has no number in {frames} of {len(values) if values.ndim else 1} frames")
    return values


def _fps(record: Mapping[str, Any]) -> float:
    fps = _scalar(record.get("fps"))
    if fps is None or not 0 < fps <= FASTEST_FPS:
        raise _Malformed(f"expected a frame rate above 0, got {'none' if fps is None else format(fps, 'g')}")
    return fps


def _betas(record: Mapping[str, Any]) -> np.ndarray | None:
    # one row for the walk, or the same for each frame
    if record.get("beta") is None:
        return None
    if isinstance(record["beta"], np.ndarray) and record["beta"].size > MOST_BETAS * len(record["pose"]):
        raise _Malformed("expected at most one row of shape numbers (beta) per frame")
    betas = np.atleast_2d(_numbers(record, "beta"))
    if betas.ndim != 2 or betas.size == 0 or np.ptp(betas, axis=0).max() > SAME_SHAPE:
        raise _Malformed(f"expected one row of shape numbers (beta), got different ones in an array of shape {betas.shape}")
    return betas[0].astype(np.float64)


def _scalar(value: Any) -> float | None:
    """A number, an array of one, or a text that is one, as float; None for anything else, NaN and infinity."""
    try:
        number = float(value.item() if isinstance(value, np.ndarray) else value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _no_score(record: Any) -> bool:
    return not isinstance(record, dict) or _scalar(record.get("UPDRS_GAIT")) is None


def _score(record: Any) -> tuple[str, int | None]:
    """Why a walk is left out because of its score ("" when it is not), and the score where it is one of AGIR's."""
    if _no_score(record):
        return "no gait score", None
    score = _scalar(record["UPDRS_GAIT"])
    if score not in SCORES:
        return f"gait score {score:g}; AGIR has classes for 0, 1 and 2 only", None
    return "", int(score)


def _state(record: Any, key: str) -> str:
    told = record.get("medication") if isinstance(record, dict) else None
    found = STATE.search(told) if isinstance(told, str) else None
    found = found or STATE.search(key)
    return found[1].lower() if found else ""


def _notes(
    sources: list[Source], subjects: Mapping[Any, Mapping[Any, Any]], names: Mapping[tuple[Any, Any], str]
) -> dict[str, Any]:
    told = {names[subject, key]: _scalar(record.get("UPDRS_GAIT")) for subject, walks in subjects.items()
            for key, record in walks.items() if isinstance(record, dict)}
    rates = Counter(f"{source.read.args[1].fps:g}" for source in sources if isinstance(source.read.args[1], Pose))
    return {
        "scores_outside_0_to_2": {walk: score for walk, score in told.items() if score is not None and score not in SCORES},
        "walks_without_score": sum(told.get(source.walk) is None for source in sources),
        "frame_rates": dict(sorted(rates.items())),
    }
