"""A recording, its motion and what was measured in; one self-contained HTML page with a 3D player out.

The page needs no network and no other file, and its content security policy forbids both: only the style and the script
that it carries itself may act, named by their hashes. Text of files reaches it escaped. The same walk gives the same bytes.
"""
from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from agir_plugin import __version__
from agir_plugin.consts import JOINTS, NOT_A_DEVICE, SIDES
from agir_plugin.errors import CohortError
from agir_plugin.gait import norms, norms_people, z_score
from agir_plugin.records import GaitParameters, Measure, Motion, Recording
from agir_plugin.report.gait_table import KEY_PARAMETERS
from agir_plugin.report.viewer_scene import scene
from agir_plugin.report.wording import USUAL_SD, label, not_measured, number

#: Shown on the page of a walk that nobody walked.
SYNTHETIC = "Synthetic data: nobody walked this."
#: The page's parts, beside this module.
PARTS = "viewer_parts"
#: The script's files, in the order in which they need one another.
SCRIPTS = ("walk.js", "camera.js", "stage.js", "lanes.js", "player.js")
#: How the events are called.
EVENTS = {"heel_strike": "heel strike", "toe_off": "toe-off"}
#: Drawings of the legend, in the same colours and shapes as the player's.
BAR = '<rect y="3" width="22" height="6" rx="3" fill="currentColor"/>'
DASHES = '<path d="M1 6h20" stroke="currentColor" stroke-width="2.4" stroke-dasharray="4 3.5"/>'
LINE = '<path d="M0 6h22" stroke="currentColor" stroke-width="3"/>'
DISC = '<circle cx="11" cy="6" r="4.6" fill="currentColor" stroke="currentColor" stroke-width="1.6"/>'
RING = '<circle cx="11" cy="6" r="4.6" fill="none" stroke="currentColor" stroke-width="1.8"/>'
STAND = '<rect y="1" width="22" height="10" fill="currentColor" opacity=".32"/>'
STORED = (
    '<g stroke="currentColor" stroke-width="1.4"><path d="M6 0v12"/><path d="M16 0v12" stroke-dasharray="2.5 2.5"/></g>'
)


def viewer_page(recording: Recording, motion: Motion, gait: GaitParameters, synthetic: bool = False) -> str:
    """The HTML of the player for one walk; a refused one is shown with its reasons.

    Only the recording's file name appears on the page, not its folder. With `synthetic` the page says that nobody walked.
    """
    walk = scene(motion, gait, recording.events)
    style, script = _part("style.css"), f'(() => {{\n"use strict";\n{chr(10).join(map(_part, SCRIPTS))}}})();\n'
    notices = [NOT_A_DEVICE, *([SYNTHETIC] if synthetic else [])]
    return Template(_part("page.html")).substitute(
        version=__version__,
        title=escape(Path(recording.path).name),
        style=style, style_hash=_hash(style), script=script, script_hash=_hash(script),
        facts=escape(_facts(motion, gait, walk)),
        notices="".join(f"<li>{escape(notice)}</li>" for notice in notices),
        stage_label=escape(_stage_label(walk)),
        legend=_legend(walk),
        measured="\n".join(_measured(recording, motion, gait, walk)),
        footer=escape(f"Made by agir-plugin {__version__}. {NOT_A_DEVICE}"),
        walk=_inert_json(walk),
    )


def is_synthetic(path: Path | str) -> bool:
    """Whether a file lies in a cohort that says of itself that it is synthetic.

    Raises CohortError when there is a `cohort.json` above the file that cannot be understood.
    """
    for folder in Path(path).absolute().parents[:2]:
        manifest = folder / "cohort.json"
        if not manifest.is_file():
            continue
        try:
            return json.loads(manifest.read_text(encoding="utf8"))["synthetic"] is True
        except (ValueError, KeyError, TypeError) as error:
            raise CohortError(
                f"{manifest}: expected a JSON object that says whether the cohort is synthetic, but reading it failed "
                f"({error!r}); build the cohort again or copy the recording elsewhere"
            ) from None
    return False


def _part(name: str) -> str:
    return (files("agir_plugin.report") / PARTS / name).read_text(encoding="utf8")


def _hash(text: str) -> str:
    """The source expression that allows an inline style or script (Content Security Policy Level 2, section 4.2.5)."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode('utf8')).digest()).decode('ascii')}"


def _inert_json(values: Mapping[str, Any]) -> str:
    """JSON that no HTML parser takes for markup, whatever its texts are."""
    text = json.dumps(values, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _facts(motion: Motion, gait: GaitParameters, walk: Mapping[str, Any]) -> str:
    source = " ".join(dict.fromkeys(gait.source.split()))  # a joints file holds joints: one word is enough
    facts = [source, f"{motion.fps:g} frames per second", f"{len(motion.joints_m)} frames, {motion.seconds:.2f} s"]
    if walk["stride"] > 1:
        facts.append(f"one frame in {walk['stride']} shown")
    return ", ".join(facts)


def _stage_label(walk: Mapping[str, Any]) -> str:
    seconds = (walk["frames"] - 1) / walk["fps"]
    return (
        f"3D skeleton walking over a floor grid of one metre, {seconds:.1f} seconds, {len(walk['events'])} foot events. "
        "Arrow keys step through the frames, space plays, A, D, W and S orbit, plus and minus zoom."
    )


def _legend(walk: Mapping[str, Any]) -> str:
    items = [("left", BAR, "left"), ("right", BAR, "right"), ("path", LINE, "pelvis over the floor")]
    if walk["events"]:
        items += [("middle", DISC, "heel strike"), ("middle", RING, "toe-off"), ("middle", STAND, "stance")]
    if walk["stored"]:
        items.append(("middle", STORED, "stored in the file: heel strike, toe-off"))
    if not all(walk["measured"]):
        items.append(("unknown", DASHES, "not measured, filled in"))
    return "".join(
        f'<li class="{kind}"><svg viewBox="0 0 22 12" aria-hidden="true">{drawing}</svg><span>{text}</span></li>'
        for kind, drawing, text in items
    )


def _measured(
    recording: Recording, motion: Motion, gait: GaitParameters, walk: Mapping[str, Any]
) -> Iterable[str]:
    """The sections beside the player."""
    if gait.status == "refused":
        yield _section("This walk was refused", _list(gait.reasons), "refused")
    else:
        yield _section("Measured on this walk", "".join(_parameters(gait)))
    if gait.flags:
        chips = "".join(f"<li>{escape(flag)}</li>" for flag in gait.flags)
        yield _section("Flags", f'<ul class="flags">{chips}</ul>')
    filled = [name.replace("_", " ") for name in JOINTS if motion.measured and name not in motion.measured]
    if filled:
        yield _section("Not in the recording", f"<p>Filled in, dashed and grey: {escape(', '.join(filled))}.</p>")
    if walk["events"] or walk["stored"]:
        yield _section("Foot events", _events_table(walk))
    if recording.notes:
        yield _section("Notes of the reader", _list(recording.notes))


def _section(heading: str, body: str, kind: str = "") -> str:
    style = f' class="{kind}"' if kind else ""
    return f"<section{style}><h2>{heading}</h2>{body}</section>"


def _list(texts: Iterable[str]) -> str:
    return f'<ul class="plain">{"".join(f"<li>{escape(text)}</li>" for text in texts)}</ul>'


def _parameters(gait: GaitParameters) -> Iterable[str]:
    """The table of the main parameters, the others in a part that opens, and what could not be measured."""
    measured = {name: measure for name, measure in gait.parameters.items() if measure.value is not None}
    main = {name: measured[name] for name in KEY_PARAMETERS if name in measured}
    others = {name: measure for name, measure in measured.items() if name not in main}
    yield _table(main)
    yield (
        f'<p class="small">Healthy: mean &plusmn; SD of {escape(norms_people())}. &#9660; &#9650;: more than '
        f"{USUAL_SD:g} SD away. {gait.n_strides} strides. Paler: low confidence.</p>"
    )
    if others:
        yield f"<details><summary>{len(others)} more parameters</summary>{_table(others)}</details>"
    lacking = not_measured(gait)
    if lacking:
        texts = [f"{', '.join(names)}: {reason}" for reason, names in lacking.items()]
        count = sum(map(len, lacking.values()))
        yield f"<details><summary>{count} not measured</summary>{_list(texts)}</details>"


def _table(measured: Mapping[str, Measure]) -> str:
    columns = {"parameter": "", "value": ' colspan="2"', "healthy": "", "z": ""}
    head = "".join(f'<th scope="col"{span}>{name}</th>' for name, span in columns.items())
    body = "".join(_row(name, measure) for name, measure in measured.items())
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _row(name: str, measure: Measure) -> str:
    norm, z = norms().get(name), z_score(name, measure.value)
    usual = "" if norm is None else f"{number(norm.mean, norm.unit)} &plusmn; {number(norm.sd, norm.unit)}"
    shown = None if z is None else round(z, 1)  # as printed, so that no mark stands beside a number inside the range
    outside = shown is not None and abs(shown) > USUAL_SD
    mark = "" if not outside else " &#9650;" if shown > 0 else " &#9660;"
    score = "" if shown is None else f"{shown:+.1f}{mark}".replace("-", "&minus;")
    return (
        f'<tr class="{measure.confidence}"><th scope="row">{escape(label(name))}</th>'
        f'<td>{number(measure.value, measure.unit)}</td><td class="unit">{escape(measure.unit)}</td><td>{usual}</td>'
        f'<td{" class=unusual" if outside else ""}>{score}</td></tr>'
    )


def _events_table(walk: Mapping[str, Any]) -> str:
    """Times of all events, for those who read rather than look; the file's own beside the detected ones."""
    columns = {"detected": walk["events"], "in the file": walk["stored"]}
    head = "".join(f'<th scope="col">{name}, s</th>' for name, events in columns.items() if events)
    rows = [
        (f"{side}, {word}", [_times(events, side, kind) for events in columns.values() if events])
        for side in SIDES for kind, word in EVENTS.items()
    ]
    body = "".join(
        f'<tr><th scope="row">{name}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>' for name, cells in rows
    )
    counts = ", ".join(f"{len(events)} {name}" for name, events in columns.items() if events)
    table = f'<table class="events"><thead><tr><th scope="col">event</th>{head}</tr></thead><tbody>{body}</tbody></table>'
    return f"<details><summary>{counts}</summary>{table}</details>"


def _times(events: Iterable[Mapping[str, Any]], side: str, kind: str) -> str:
    return " ".join(f"{event['at_s']:.2f}" for event in events if (event["side"], event["kind"]) == (side, kind))
