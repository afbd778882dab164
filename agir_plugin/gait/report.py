"""`GaitParameters` to plain JSON values and back: the contract of `agir gait FILE --json`."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agir_plugin.consts import SIDES
from agir_plugin.errors import UsageError
from agir_plugin.records import FootEvents, GaitParameters, Measure

#: Decimals of event times in JSON, seconds: a tenth of a millisecond.
TIME_DECIMALS = 4


def report_json(file: str, gait: GaitParameters) -> dict[str, Any]:
    """The JSON object of one measured file; times are seconds from the file's first frame."""
    return {
        "file": file,
        "status": gait.status,
        "reasons": list(gait.reasons),
        "flags": list(gait.flags),
        "fps": float(gait.fps),
        "source": gait.source,
        "n_strides": gait.n_strides,
        "events": {side: _events_json(gait.events.get(side, FootEvents())) for side in SIDES},
        "parameters": {name: _measure_json(measure) for name, measure in gait.parameters.items()},
    }


def from_json(values: Mapping[str, Any]) -> GaitParameters:
    """The inverse of `report_json`; UsageError names the first key that is missing."""
    try:
        return GaitParameters(
            status=values["status"], fps=values["fps"], source=values["source"], n_strides=values["n_strides"],
            reasons=tuple(values["reasons"]), flags=tuple(values["flags"]),
            events={side: _events(values["events"][side]) for side in SIDES},
            parameters={name: Measure(**measure) for name, measure in values["parameters"].items()},
        )
    except (KeyError, TypeError) as error:
        where = values.get("file", "the object")
        raise UsageError(
            f"expected gait parameters as `agir gait --json` writes them, but {where!r} has a missing or unknown key "
            f"({error}); measure the walk again"
        ) from None


def _events_json(events: FootEvents) -> dict[str, list[float]]:
    return {
        "heel_strike_s": [round(time, TIME_DECIMALS) for time in events.heel_strike_s],
        "toe_off_s": [round(time, TIME_DECIMALS) for time in events.toe_off_s],
    }


def _events(times: Mapping[str, Any]) -> FootEvents:
    return FootEvents(**{kind: tuple(values) for kind, values in times.items()})


def _measure_json(measure: Measure) -> dict[str, Any]:
    return {
        "value": measure.value, "unit": measure.unit, "n": measure.n, "confidence": measure.confidence,
        "reason": measure.reason,
    }
