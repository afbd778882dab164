"""`agir gait` and `agir assess`: recordings in, measured parameters or assessments out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from agir_plugin.cli.console import OUT, check_result_files, progress_bar, say, waiting, write_json_result, write_result
from agir_plugin.errors import AgirError, UnreadableFile, UnusableRecording, UsageError

if TYPE_CHECKING:
    from agir_plugin.records import GaitParameters, Motion

#: What one file gives.
Found = TypeVar("Found")

#: Columns of `agir gait --csv` before the parameters.
FACTS = ("file", "status", "reasons", "flags", "fps", "source", "n_strides")


def _frame_rate(value: float | None) -> float | None:
    """Check --fps before anything is loaded."""
    from agir_plugin.ingest.places import FASTEST_FPS

    if value is not None and not 0 < value <= FASTEST_FPS:
        raise typer.BadParameter(f"expected frames per second above 0 and up to {FASTEST_FPS:g}, got {value:g}")
    return value


def _event_method(value: str) -> str:
    """Check --events before anything is loaded."""
    from agir_plugin.gait.event_methods import NAMES

    if value not in NAMES:
        raise typer.BadParameter(f"expected one of {', '.join(NAMES)}, got {value!r}")
    return value


Files = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE", help="C3D, TRC, AMC, BVH or CSV files, or npy joints (T,22,3) in metres, Y up.", show_default=False
    ),
]
Fps = Annotated[
    float | None,
    typer.Option(
        "--fps",
        help="Frames per second, in place of the file's own (npy: 20).",
        callback=_frame_rate,
        show_default=False,
    ),
]
Json = Annotated[
    str | None,
    typer.Option("--json", metavar="OUT", help="Write JSON to this file, or - for stdout.", show_default=False),
]
Csv = Annotated[
    str | None,
    typer.Option("--csv", metavar="OUT", help="Write a table, one row per file, or - for stdout.", show_default=False),
]
Plot = Annotated[
    Path | None,
    typer.Option(
        "--plot", metavar="OUT", help="Draw one walk: foot paths, events, norms (png, svg, pdf).", show_default=False
    ),
]

Events = Annotated[
    str,
    typer.Option(
        "--events",
        metavar="METHOD",
        help="Where heel strikes and toe-offs come from: landing (default), zeni, oconnor, minimum_height, or file for the "
        "labels that the laboratory stored.",
        callback=_event_method,
        show_default=False,
    ),
]

Sessions = Annotated[
    str | None,
    typer.Option(
        "--sessions",
        metavar="OUT",
        help="Pool the walks of each session of a cohort (its folder stands for FILE) into a table, or - for stdout.",
        show_default=False,
    ),
]


def gait(
    files: Files,
    json_out: Json = None,
    csv_out: Csv = None,
    plot: Plot = None,
    fps: Fps = None,
    events: Events = "landing",
    sessions: Sessions = None,
) -> None:
    """Measure gait events and parameters of recordings.

    * `agir gait walk.c3d`: a card, each parameter beside its norm
    * `agir gait *.c3d --json gait.json --csv gait.csv`: events and parameters of many walks
    * `agir gait joints.npy --fps 30 --json -`: JSON for the next program
    * `agir gait walk.c3d --plot walk.png`: a picture of the feet and their events
    * `agir gait walk.c3d --events zeni`: events by a published method, `--events file`: the laboratory's labels
    * `agir gait COHORT --sessions sessions.csv`: one row per subject and state, pooled over their walks

    A walk that cannot be measured (a standing trial, a single step, somebody running) is refused with its reasons,
    which is a result: exit code 0. A file that cannot be read is named on stderr and the others go on: exit code 1.
    """
    if sessions is not None:
        others = {"--json": json_out, "--csv": csv_out, "--plot": plot, "--fps": fps}
        _write_sessions(files, sessions, [name for name, value in others.items() if value is not None], events)
        return
    _check_gait_results(len(files), json_out, csv_out, plot)
    if fps is not None and events == "file":
        raise UsageError("expected --events file without --fps: labels keep the file's own time; leave one of them out")
    from agir_plugin.gait import report_json
    from agir_plugin.report import gait_card

    found, failed = _each(files, "measuring", lambda path: (path, *_measure(path, fps, events)))
    reports = [report_json(str(path), measured) for path, _, measured in found]
    if json_out is None and csv_out is None:
        for path, _, measured in found:
            OUT.print(gait_card(str(path), measured))
    if json_out is not None and reports:
        write_json_result(reports[0] if len(files) == 1 else reports, json_out)
    if csv_out is not None and reports:
        write_result(_table(reports), csv_out)
    if plot is not None and found:
        _plot(*found[0], plot)
    _end(failed, len(files))


def assess(
    files: Files,
    model: Annotated[
        Path, typer.Option("--model", metavar="RUN", help="Folder of a finished stage 2 run.", show_default=False)
    ],
    json_out: Json = None,
    fps: Fps = None,
) -> None:
    """Score walks with a trained model and check its rationale against what was measured.

    * `agir assess walk.c3d --model demo_run/experiments/model/AGIR_stage2_demo`: a card
    * `agir assess *.c3d --model experiments/model/AGIR_stage2 --json scores.json`: a list, one entry per file

    The score (MDS-UPDRS item 3.10: 0 normal, 1 slight, 2 mild) and its probabilities come from the model; beside every
    statement of the rationale stands what was measured on the same walk. A walk that cannot be measured is refused and
    gets no score.

    Research software, not a medical device.
    """
    check_result_files({"--json": json_out})
    from agir_plugin.report import assessment_json, card

    with waiting("loading the model"):
        from agir_plugin.bridge.assess import assess as assess_one
        from agir_plugin.bridge.run import load_run

        run = load_run(model, to_assess=True)
    results, failed = _each(files, "assessing", lambda path: assess_one(path, run, fps))
    if json_out is None:
        for result in results:
            OUT.print(card(result))
    elif results:
        documents = [assessment_json(result) for result in results]
        write_json_result(documents[0] if len(files) == 1 else documents, json_out)
    _end(failed, len(files))


def _check_gait_results(n_files: int, json_out: str | None, csv_out: str | None, plot: Path | None) -> None:
    check_result_files({"--json": json_out, "--csv": csv_out})
    if plot is None:
        return
    from agir_plugin.report.plots import picture_format

    check_result_files({"--plot": plot})
    picture_format(plot)
    if n_files != 1:
        raise UsageError(f"expected one file with --plot, got {n_files}; plot them one at a time")


def _write_sessions(folders: Sequence[Path], out: str, others: Sequence[str], events: str) -> None:
    """The sessions of one cohort as a table; UsageError for options that the walks of a cohort have been measured with."""
    given = [*others, *(["--events"] if events != "landing" else [])]
    if len(folders) != 1 or given:
        got = f"{len(folders)} of them" if len(folders) != 1 else f"{', '.join(given)} too"
        raise UsageError(f"expected one cohort folder and no other option with --sessions, got {got}; leave the rest out")
    check_result_files({"--sessions": out})
    from agir_plugin.cohort import Cohort
    from agir_plugin.cohort.sessions import session_parameters, session_table

    write_result(session_table(session_parameters(Cohort.open(folders[0]))), out)


def _measure(path: Path, fps: float | None, events: str) -> tuple[Motion, GaitParameters]:
    from agir_plugin.gait import measure
    from agir_plugin.ingest import read
    from agir_plugin.motion import to_motion

    recording = read(path, fps)
    motion = to_motion(recording)
    return motion, measure(motion, events, recording.events)


def _each(files: Sequence[Path], title: str, work: Callable[[Path], Found]) -> tuple[list[Found], list[str]]:
    """The results of the files that can be used, in order, and one line for each that cannot."""
    results, failed = [], []
    with progress_bar(title) as update:
        for number, path in enumerate(files, start=1):
            try:
                results.append(work(path))
            except (UnreadableFile, UnusableRecording) as error:
                failed.append(_naming(path, error))
            update(number, len(files))
    return results, failed


def _naming(path: Path, error: AgirError) -> str:
    """The error's text, with the file named once."""
    text = str(error)
    return text if str(path) in text else f"{path}: {text}"


def _end(failed: Sequence[str], total: int) -> None:
    """Say which files gave nothing; AgirError (exit code 1) when there are any."""
    if not failed:
        return
    if total == 1:
        raise AgirError(failed[0])
    for line in failed:
        say(f"agir: {line}")
    raise AgirError(f"{len(failed)} of {total} files could not be used (named above), {total - len(failed)} are done")


def _table(reports: Sequence[dict[str, Any]]) -> str:
    """One CSV row per report; the parameters have the column names of a cohort's parameters.csv."""
    from agir_plugin.cohort.files import table
    from agir_plugin.cohort.summary import COLUMN_NAMES

    names = dict.fromkeys(name for report in reports for name in report["parameters"])
    rows = [
        {
            **{key: "; ".join(report[key]) if isinstance(report[key], list) else report[key] for key in FACTS},
            **{COLUMN_NAMES.get(name, name): measure["value"] for name, measure in report["parameters"].items()},
        }
        for report in reports
    ]
    return table((*FACTS, *(COLUMN_NAMES.get(name, name) for name in names)), rows)


def _plot(file: Path, motion: Motion, measured: GaitParameters, plot: Path) -> None:
    if measured.status == "refused":
        say(f"{file}: nothing to draw, the walk was refused: {'; '.join(measured.reasons)}")
        return
    from agir_plugin.report.plots import plot_gait

    plot_gait(motion, measured, plot, file.name)
    say(f"wrote {plot}")
