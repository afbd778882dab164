"""The EVENT group of a C3D file enters, heel strikes and toe-offs in seconds from the first stored frame leave."""
from __future__ import annotations

import re
from typing import Literal, cast

import numpy as np

from agir_plugin.ingest.c3d_layout import Groups, texts
from agir_plugin.records import LabelledEvent

#: Event labels, letters only and lower case, once the side is taken away -> our names.
KINDS = {
    "footstrike": "heel_strike", "heelstrike": "heel_strike", "initialcontact": "heel_strike",
    "strike": "heel_strike", "footcontact": "heel_strike", "footon": "heel_strike",
    "hs": "heel_strike", "ic": "heel_strike", "fs": "heel_strike",
    "footoff": "toe_off", "toeoff": "toe_off", "to": "toe_off", "off": "toe_off", "fo": "toe_off",
}


def labelled_events(groups: Groups, first_s: float, seconds: float) -> tuple[tuple[LabelledEvent, ...], list[str]]:
    """Events in order of time, and notes on those left out.

    C3D stores absolute times (minutes, seconds), so the first stored frame's own time `first_s` is subtracted. Where
    that puts no event inside the recording but the stored times all fit, they counted from the first frame already.
    """
    contexts, labels = texts(groups, "EVENT", "CONTEXTS"), texts(groups, "EVENT", "LABELS")
    times = _times_s(groups)
    count = min(len(labels), len(times))
    notes = [] if len(labels) == len(times) else [f"{len(labels)} event labels for {len(times)} event times"]
    absolute = times[:count]
    relative = absolute - first_s
    if count and not _inside(relative, seconds).any() and _inside(absolute, seconds).all():
        relative = absolute
        notes.append("event times already counted from the first frame")
    found, others = [], 0
    for index in range(count):
        event = _event(contexts[index] if index < len(contexts) else "", labels[index], float(relative[index]))
        if event is None or not _inside(relative[index], seconds):
            others += 1
            continue
        found.append(event)
    if others:
        notes.append(f"{others} events left out (outside the recording, or neither heel strike nor toe-off)")
    return tuple(sorted(found, key=lambda event: event.time_s)), notes


def _times_s(groups: Groups) -> np.ndarray:
    stored = groups.get("EVENT", {}).get("TIMES")
    if not isinstance(stored, np.ndarray) or stored.size % 2:
        return np.zeros(0)
    minutes, seconds = stored.reshape(-1, 2).T
    return minutes * 60.0 + seconds


def _inside(times_s: np.ndarray, seconds: float) -> np.ndarray:
    return (times_s >= -0.02) & (times_s <= seconds)


def _event(context: str, label: str, time_s: float) -> LabelledEvent | None:
    word = re.sub(r"[^a-z]", "", label.lower())
    side = next((side for side in ("left", "right") if side in word or side == context.strip().lower()), None)
    word = word.replace("left", "").replace("right", "")
    if word not in KINDS and word[:1] in ("l", "r"):
        side = "left" if word[0] == "l" else "right"
        word = word[1:]
    if side is None or word not in KINDS:
        return None
    kind = cast(Literal["heel_strike", "toe_off"], KINDS[word])
    return LabelledEvent(cast(Literal["left", "right"], side), kind, time_s)
