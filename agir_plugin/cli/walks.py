"""`agir gait` and `agir assess`: recordings in, measured parameters or assessments out."""
from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from agir_plugin.cli.console import OUT, progress_bar, say, write_json_result
from agir_plugin.errors import AgirError, UsageError

Files = Annotated[list[Path], typer.Argument(help="C3D, BVH, or npy files: joints (T,22,3) in metres, Y up.", show_default=False)]
Fps = Annotated[float | None, typer.Option("--fps", help="Frame rate of npy files (default 20).", show_default=False)]
Json = Annotated[str | None, typer.Option("--json", help="Write JSON to this file, or `-` for stdout.", show_default=False)]


def gait(
    files: Files,
    json_out: Json = None,
    csv_out: Annotated[Path | None, typer.Option("--csv", help="Write one row per file.", show_default=False)] = None,
    plot: Annotated[Path | None, typer.Option("--plot", help="Draw one file's signals and events (PNG).", show_default=False)] = None,
    fps: Fps = None,
) -> None:
    """Measure gait events and parameters of recordings.

    Example: `agir gait walk.c3d` shows a card; `agir gait *.c3d --json - --csv parameters.csv` writes files.
    A walk that cannot be measured is refused with its reasons (exit code 0); a file that cannot be read ends with 1.
    """
    from agir_plugin.gait import measure, report_json
    from agir_plugin.ingest import read
    from agir_plugin.motion import to_motion
    from agir_plugin.report import gait_card

    if plot is not None and len(files) != 1:
        raise UsageError(f"expected one file with --plot, got {len(files)}; plot them one at a time")
    reports: list[dict[str, Any]] = []
    failed: list[str] = []
    for path in files:
        try:
            motion = to_motion(read(path, fps))
            measured = measure(motion)
        except AgirError as error:
            failed.append(_naming(path, error))
            continue
        reports.append(report_json(str(path), measured))
        if plot is not None:
            from agir_plugin.report.plots import plot_gait

            plot_gait(motion, measured, plot)
            say(f"wrote {plot}")
        if json_out is None and csv_out is None:
            OUT.print(gait_card(str(path), measured))
    if json_out is not None and reports:
        write_json_result(reports[0] if len(files) == 1 else reports, json_out)
    if csv_out is not None and reports:
        _write_csv(csv_out, reports)
    _end(failed, len(files))


def assess(
    files: Files,
    model: Annotated[Path, typer.Option("--model", help="Folder of a finished stage 2 run.", show_default=False)],
    json_out: Json = None,
    fps: Fps = None,
) -> None:
    """Score walks with a trained model and check its rationale against what was measured.

    Example: `agir assess walk.c3d --model demo_run/experiments/model/AGIR_stage2_demo` shows a card; add `--json -` for JSON.
    Research software, not a medical device.
    """
    from agir_plugin.bridge.assess import assess_many, load_run
    from agir_plugin.report import assessment_json, card

    run = load_run(model)
    results, failed = [], []
    with progress_bar("assessing") as update:
        for number, path in enumerate(files, start=1):
            try:
                results += list(assess_many([path], run, fps))
            except AgirError as error:
                failed.append(_naming(path, error))
            update(number, len(files))
    if json_out is None:
        for result in results:
            OUT.print(card(result))
    elif results:
        documents = [assessment_json(result) for result in results]
        write_json_result(documents[0] if len(files) == 1 else documents, json_out)
    _end(failed, len(files))


def _naming(path: Path, error: AgirError) -> str:
    """The error's text, with the file named once."""
    text = str(error)
    return text if str(path) in text else f"{path}: {text}"


def _end(failed: list[str], total: int) -> None:
    if not failed:
        return
    for line in failed[:-1]:
        say(f"agir: {line}")
    if total > 1:
        say(f"agir: {total - len(failed)} of {total} files done")
    raise AgirError(failed[-1])


def _write_csv(path: Path, reports: list[dict[str, Any]]) -> None:
    from agir_plugin.cohort.files import write_table

    names = sorted({name for report in reports for name in report["parameters"]})
    facts = ("file", "status", "reasons", "flags", "fps", "source", "n_strides")
    rows = [
        {
            **{key: "; ".join(report[key]) if isinstance(report[key], list) else report[key] for key in facts},
            **{name: report["parameters"].get(name, {}).get("value") for name in names},
        }
        for report in reports
    ]
    write_table(path, (*facts, *names), rows)
    say(f"wrote {path}")
