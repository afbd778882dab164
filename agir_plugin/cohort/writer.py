"""Jobs in, a cohort folder out: the one writer of synthetic and of recorded cohorts.

A run that was interrupted goes on where it stopped, and two runs of the same jobs write the same bytes.
"""
from __future__ import annotations

import json
import platform
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from agir_plugin import __version__
from agir_plugin.cohort.files import remove_leftovers, write_array, write_arrays, write_json, write_table, write_text
from agir_plugin.cohort.leftovers import FITTED_FILES, PASS, forget, remove_strangers
from agir_plugin.cohort.lock import LOCK
from agir_plugin.cohort.manifest import WALK_FILES, Cohort
from agir_plugin.cohort.splits import Fold
from agir_plugin.cohort.summary import write_summary
from agir_plugin.cohort.walks import KEPT, REFUSED, Walk, read_walks
from agir_plugin.cohort.workers import in_order
from agir_plugin.consts import MODEL_FPS
from agir_plugin.errors import CohortError, LabelError, UnreadableFile, UnusableRecording

#: Called after each walk with the number of walks done and the number of all walks.
Progress = Callable[[int, int], None]
#: Jobs and their rows while the cohort is not complete, one JSON list per line; removed at the end.
JOURNAL = ".journal.jsonl"


@dataclass(frozen=True)
class Content:
    """What a walk stores: joints (T, 22, 3) at 20 fps in metres, features (T-1, 263), gait report and duration.

    `smpl` holds the arrays of smpl/W.npz where a body was fitted.
    """

    joints_m: np.ndarray
    features: np.ndarray
    report: Mapping[str, Any]
    seconds: float
    smpl: Mapping[str, np.ndarray] | None = None


@dataclass(frozen=True)
class Job:
    """One recording to be written. `make` gives the content of its walks, usually one, and may raise UnreadableFile or
    UnusableRecording: the walk is then refused with that reason. Several walks become `walk`_pass1, _pass2 and so on.
    `refusal` refuses it unread. `truth` is its row of truth.csv. `make` can be pickled.
    """

    walk: str
    subject: str
    state: str
    score: int | None
    source: str
    sha256: str
    make: Callable[[], Sequence[Content]]
    truth: Mapping[str, float] | None = None
    refusal: str = ""


def write_cohort(
    out: Path | str,
    identity: Mapping[str, Any],
    jobs: Sequence[Job],
    notes: Mapping[str, Any] | None = None,
    folds: Mapping[str, Sequence[Fold]] | None = None,
    progress: Progress | None = None,
    workers: int = 1,
    backend: str = "processes",
) -> Cohort:
    """Write every job into `out` and return the opened cohort.

    `identity` holds at least `name` and `synthetic`, and whatever else tells this cohort from another; a folder
    that already holds a cohort of another identity is refused with CohortError, as are two jobs with one name. A
    walk whose row and files are there already, made of the same source by the same versions, is not made again.
    `notes` are added to cohort.json, `folds` are published ones by scheme, written beside our own.
    """
    out = Path(out)
    _refuse_twins(jobs)
    _refuse_unusable(out, jobs)
    facts = {**identity, "fps": MODEL_FPS, "versions": _versions()}
    done = _resume(out, facts)
    remove_leftovers(out)
    write_json(out / "cohort.json", {**facts, "complete": False})
    finished = [_reusable(out, done, job) for job in jobs]
    to_do = [job for job, rows in zip(jobs, finished, strict=True) if rows is None]
    forget(out, [job.walk for job in to_do])
    made = in_order(partial(_write_job, out), to_do, workers, backend)
    rows: list[Walk] = []
    _mend_journal(out / JOURNAL)
    with (out / JOURNAL).open("a", encoding="utf8") as journal:
        for number, (job, known) in enumerate(zip(jobs, finished, strict=True), start=1):
            if known is None:
                known = next(made)
                journal.write(json.dumps([job.walk, [asdict(row) for row in known]]) + "\n")
                journal.flush()
            rows.extend(known)
            if progress is not None:
                progress(number, len(jobs))
    _refuse_empty(out, rows)
    _refuse_shared_names(rows)
    remove_strangers(out, {row.walk for row in rows if row.status == KEPT})
    if any(job.truth is not None for job in jobs):
        truth = [{"walk": job.walk, **(job.truth or {})} for job in jobs]
        write_table(out / "truth.csv", list(truth[0]), truth)
    write_summary(out, {**facts, **(notes or {})}, rows, folds or {})
    (out / JOURNAL).unlink()
    return Cohort.open(out)


def claim(out: Path, identity: Mapping[str, Any]) -> None:
    """Make `out` the folder of this cohort before anything else is put there; CohortError when it holds something else."""
    facts = {**identity, "fps": MODEL_FPS, "versions": _versions()}
    _resume(out, facts)
    if not (out / "cohort.json").is_file():
        write_json(out / "cohort.json", {**facts, "complete": False})


def _refuse_twins(jobs: Sequence[Job]) -> None:
    first: dict[str, Job] = {}
    for job in jobs:
        other = first.setdefault(job.walk.casefold(), job)
        if other is not job:
            both = job.walk if job.walk == other.walk else f"{other.walk} (upper and lower case are one)"
            raise CohortError(
                f"expected one recording per walk, but {other.source} and {job.source} are both {both}; rename "
                "or leave out one of them"
            )


def _refuse_shared_names(rows: Sequence[Walk]) -> None:
    first: dict[str, Walk] = {}
    for row in rows:
        other = first.setdefault(row.walk, row)
        if other is not row:
            raise CohortError(
                f"{other.source} and {row.source} both give a walk {row.walk}, for a recording that holds several walks numbers "
                "them so; rename one of the files"
            )


def _refuse_unusable(out: Path, jobs: Sequence[Job]) -> None:
    # before anything is touched: a cohort that is there is not given up for a table of scores that does not fit
    if all(job.refusal for job in jobs):
        raise _nothing_usable(out, [job.refusal for job in jobs])


def _versions() -> dict[str, str]:
    return {
        "agir-plugin": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in ("numpy", "scipy")},
    }


def _resume(out: Path, facts: Mapping[str, Any]) -> dict[str, list[Walk]]:
    """Rows that an earlier run finished, by the name of their job; none when other versions made them."""
    path = out / "cohort.json"
    if out.exists() and not out.is_dir():
        raise CohortError(f"{out}: expected a folder for the cohort, but it is a file; choose another folder")
    if not path.is_file():
        if out.exists() and {path.name for path in out.iterdir()} - {LOCK}:
            raise CohortError(
                f"{out}: expected a new folder or a cohort, but it holds other files; choose another folder"
            )
        return {}
    try:
        before = dict(json.loads(path.read_text(encoding="utf8")))
    except (ValueError, TypeError) as error:
        raise CohortError(
            f"{path}: expected JSON, but reading it failed ({error}); remove the folder or choose another"
        ) from None
    for key, value in facts.items():
        if key != "versions" and before.get(key) != value:
            raise CohortError(
                f"{out}: already holds another cohort ({key} is {before.get(key)!r}, this one has {value!r}); "
                "choose another folder or remove that one"
            )
    if before.get("versions") != facts["versions"]:
        (out / JOURNAL).unlink(missing_ok=True)
        return {}
    rows = _rows(out / "walks.csv")
    done: dict[str, list[Walk]] = {}
    for row in rows:
        done.setdefault(row.walk, []).append(row)
        if PASS.search(row.walk):
            done.setdefault(PASS.sub("", row.walk), []).append(row)
    return done | _journal(out / JOURNAL)


def _rows(path: Path) -> tuple[Walk, ...]:
    try:
        return read_walks(path) if path.is_file() else ()
    except (CohortError, LabelError):
        return ()  # another program changed it: all is made anew


def _journal(path: Path) -> dict[str, list[Walk]]:
    try:
        return {walk: [Walk(**row) for row in rows] for walk, rows in map(json.loads, _whole_lines(path))}
    except (ValueError, TypeError):
        path.unlink()  # damaged: what it told is made anew
        return {}


def _whole_lines(path: Path) -> list[str]:
    # a line without its line break was being written when the run was killed
    return path.read_text(encoding="utf8").split("\n")[:-1] if path.is_file() else []


def _mend_journal(path: Path) -> None:
    """Take off the line that a kill cut short, or the next line would be joined to it."""
    if path.is_file():
        write_text(path, "".join(f"{line}\n" for line in _whole_lines(path)))


def _reusable(out: Path, done: Mapping[str, list[Walk]], job: Job) -> list[Walk] | None:
    """The rows that an earlier run wrote for this job, when they and their files are still those of its source."""
    rows = [row for row in done.get(job.walk, ()) if row.source == job.source]
    kept = [row.walk for row in rows if row.status == KEPT]
    if not kept or job.refusal:
        return None
    wanted = (job.sha256, job.subject, job.state, job.score)
    same = all((row.sha256, row.subject, row.state, row.score) == wanted for row in rows)
    there = (out / kind / f"{walk}{ending}" for walk in kept for kind, ending in WALK_FILES.items())
    # after a power cut a file can be there, and empty
    return rows if same and all(path.is_file() and path.stat().st_size for path in there) else None


def _write_job(out: Path, job: Job) -> list[Walk]:
    """Make the walks of one job and write their files; their rows."""
    row = {
        "walk": job.walk, "subject": job.subject, "state": job.state, "score": job.score, "source": job.source,
        "sha256": job.sha256,
    }
    if job.refusal:
        return [Walk(**row, status=REFUSED, reason=job.refusal)]
    try:
        contents = job.make()
    except (UnreadableFile, UnusableRecording) as error:
        return [Walk(**row, status=REFUSED, reason=str(error))]
    if len(contents) == 1:
        return [_write_walk(out, row, contents[0])]
    return [
        _write_walk(out, {**row, "walk": f"{job.walk}_pass{number}"}, content)
        for number, content in enumerate(contents, start=1)
    ]


def _write_walk(out: Path, row: Mapping[str, Any], content: Content) -> Walk:
    row = {**row, "frames": len(content.joints_m), "seconds": round(content.seconds, 6)}
    if content.report["status"] != "ok":
        return Walk(**row, status=REFUSED, reason="; ".join(content.report["reasons"]))
    walk = row["walk"]
    write_array(out / "joints" / f"{walk}.npy", content.joints_m.astype(np.float32))
    write_array(out / "new_joint_vecs" / f"{walk}.npy", content.features.astype(np.float32))
    if content.smpl is not None:
        write_arrays(out / "smpl" / f"{walk}.npz", content.smpl)
    write_json(out / "gait" / f"{walk}.json", content.report)
    return Walk(**row)


def _refuse_empty(out: Path, rows: Sequence[Walk]) -> None:
    if any(row.status == KEPT for row in rows):
        return
    (out / JOURNAL).unlink()
    for kind in FITTED_FILES:
        shutil.rmtree(out / kind, ignore_errors=True)
    if {path.name for path in out.iterdir()} <= {"cohort.json", LOCK}:  # else an earlier run's walks are there to go on with
        (out / "cohort.json").unlink()
    raise _nothing_usable(out, [row.reason for row in rows])


def _nothing_usable(out: Path, reasons: Sequence[str]) -> CohortError:
    why = Counter(reasons).most_common(1)
    return CohortError(
        f"{out}: expected at least one usable walk, but all {len(reasons)} were "
        f"refused{f', most often: {why[0][0]}' if why else ''}; check the recordings and their labels"
    )
