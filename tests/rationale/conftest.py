"""Made-up walks for the rationale tests: parameters in, `GaitParameters` out, and random ones by seed."""
from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from agir_plugin.gait import norms
from agir_plugin.records import GaitParameters, Measure

_UNITS = {"_m": "m", "_mps": "m/s", "_pct": "%", "_deg": "deg", "_s": "s", "_spm": "steps/min"}
#: Parameters a random walk may have; the margin of stability has no norm, so nothing may be said of it.
_RANDOM = (*norms(), "margin_of_stability_ml_m", "step_width_cv_pct")


def measure(name: str, value: float | None, confidence: str = "high") -> Measure:
    stem = name.removesuffix("_left").removesuffix("_right")
    unit = next((unit for ending, unit in _UNITS.items() if stem.endswith(ending)), "")
    return Measure(value, unit, 12, confidence, "" if value is not None else "not seen")


def walk(confidence: str = "high", **values: float | None) -> GaitParameters:
    parameters = {name: measure(name, value, confidence) for name, value in values.items()}
    return GaitParameters("ok", 20.0, "made up", 6, parameters=parameters)


def random_walks(seed: int, count: int) -> Iterator[GaitParameters]:
    """Walks of every kind: normal to far off, parameters missing or uncertain, some refused."""
    chance = random.Random(seed)
    for _ in range(count):
        spread = chance.choice((0.7, 1.5, 3.5))
        parameters = {}
        for name in _RANDOM:
            norm = norms().get(name)
            mean, sd = (norm.mean, norm.sd) if norm else (0.05, 0.05)
            value = None if chance.random() < 0.08 else max(0.0, chance.gauss(mean, spread * sd))
            parameters[name] = measure(name, value, chance.choices(("high", "medium", "low"), (6, 3, 1))[0])
        status = "refused" if chance.random() < 0.02 else "ok"
        yield GaitParameters(status, 20.0, "made up", 6, reasons=("too short",), parameters=parameters)


def mirrored(gait: GaitParameters) -> GaitParameters:
    swap = {"left": "right", "right": "left"}
    parameters = {}
    for name, value in gait.parameters.items():
        stem, _, side = name.rpartition("_")
        parameters[f"{stem}_{swap[side]}" if side in swap else name] = value
    return replace(gait, parameters=parameters)


@pytest.fixture(scope="session")
def make_walk() -> Callable[..., GaitParameters]:
    return walk


@pytest.fixture(scope="session")
def make_random_walks() -> Callable[[int, int], Iterator[GaitParameters]]:
    return random_walks


@pytest.fixture(scope="session")
def mirror_walk() -> Callable[[GaitParameters], GaitParameters]:
    return mirrored
