"""A seed in, the trials of a synthetic cohort out: who walks, in which state, with which score and true parameters."""
from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from agir_plugin.cohort.steps import WalkParameters
from agir_plugin.errors import UsageError

#: Raised by one whenever the same parameters would give other joints, so that old cohorts are not taken for new ones.
WALKING_MODEL = 1

#: Mean of each cause at severity 0, 1 and 2, and the standard deviation between walks beyond what severity explains.
#: The steps between scores follow the order of the 1680 PD-GaM walks by score (step length and speed fall clearly,
#: foot lift and arm swing fall, cadence hardly, step-time spread and stoop rise). Sizes: speed 1.25 m/s and cadence
#: 110 at score 0 (Bohannon & Andrews 2011; the AGIR paper's example), 102 steps/min and 0.82 m/s in early disease
#: (Pistacchi 2017), foot lift falling from healthy toe heights to shuffling, step-time CV 2-3 % in health and 4-6 %
#: in moderate disease, trunk flexion 0-6 degrees in health. Step length is a share of the leg. All but the cited rows
#: are our choice.
CAUSES: dict[str, tuple[tuple[float, float, float], float]] = {
    "step_length_share": ((0.790, 0.675, 0.520), 0.040),
    "cadence_spm": ((111.0, 108.0, 103.0), 5.5),
    "foot_lift_m": ((0.112, 0.090, 0.064), 0.011),
    "arm_swing_deg": ((37.0, 26.0, 15.5), 5.0),
    "arm_asymmetry_pct": ((6.0, 20.0, 26.0), 9.0),
    "step_time_cv_pct": ((2.3, 3.2, 5.0), 0.8),
    "step_length_cv_pct": ((2.6, 3.8, 6.5), 1.0),
    "step_asymmetry_pct": ((1.5, 3.5, 6.0), 2.5),
    "step_width_m": ((0.090, 0.098, 0.112), 0.016),
    "trunk_flexion_deg": ((3.5, 7.0, 13.0), 2.5),
}
#: Spread of severity about the score: of a session (the scale has only whole numbers) and of the walks within a
#: session. Chosen so that classes overlap: a logistic regression on the measured parameters of unseen subjects' walks
#: reaches about 0.87, and stays below 0.95.
SESSION_SPREAD, WALK_SPREAD = 0.10, 0.27
#: Severity never leaves this range.
SEVERITY_RANGE = (-0.7, 2.8)
#: Medication states, and how far off lies above and on below the severity of an equal score.
STATES = {"off": 0.05, "on": -0.05}
#: Score off and on, and the number of such subjects among 26: sessions then hold about 20, 18 and 14 scores of 0, 1
#: and 2.
SCORE_PAIRS = (((0, 0), 6), ((1, 0), 8), ((1, 1), 3), ((2, 1), 4), ((2, 2), 5))
#: Usual duration of a walk through the laboratory, seconds (mean 3.6 s in the public recordings, up to several more).
USUAL_S = (3.5, 6.5)
#: A walk slower than `SLOW_MPS` is followed along this whole path, metres, with probability `SLOW_CHANCE`.
SLOW_MPS, SLOW_CHANCE, PATH_M, LONGEST_S = 0.62, 0.5, 6.0, 16.0
#: Chance and duration (seconds) of a recording that was cut short, below MotionGPT's shortest clip of 40 frames.
SHORT_CHANCE, SHORT_S = 0.012, (1.75, 1.95)


@dataclass(frozen=True)
class Trial:
    """One synthetic walk before it is walked: labels, duration, true parameters and the key of its random numbers."""

    walk: str
    subject: str
    state: str
    score: int
    seconds: float
    parameters: WalkParameters
    key: tuple[int, ...]

    def generator(self) -> np.random.Generator:
        """The random numbers of this walk's steps, independent of every other walk and of the order of making them."""
        return np.random.default_rng([WALKING_MODEL, *self.key])

    def sha256(self) -> str:
        """Hash of everything the walk is made from, which stands in for the hash of a recording."""
        recipe = {"model": WALKING_MODEL, "key": self.key, "seconds": self.seconds, **asdict(self.parameters)}
        return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class _Person:
    height_m: float
    leg_length_m: float
    step_share: float
    cadence: float
    affected_left: bool


def draw_trials(subjects: int = 26, seed: int = 0, walks_per_session: int = 12) -> tuple[Trial, ...]:
    """The walks of a synthetic cohort: `subjects` people, off and on medication, `walks_per_session` walks each.

    Traits (height, leg length, habitual step and cadence, worse side) are drawn once per person, severity about the
    score once per session, severity about the session and every single cause once per walk. UsageError for a number
    below 1.
    """
    for name, value in (("subjects", subjects), ("walks_per_session", walks_per_session)):
        if value < 1:
            raise UsageError(f"synthetic cohort: expected {name} of at least 1, got {value}; choose a larger number")
    rng = np.random.default_rng([seed, 0])
    pairs = rng.permutation(_score_pairs(subjects))
    return tuple(
        trial
        for number, pair in enumerate(pairs, start=1)
        for trial in _of_subject(number, pair, seed, walks_per_session)
    )


def _score_pairs(subjects: int) -> np.ndarray:
    # largest remainders: exact for 26, near the same shares for any other number
    wanted = np.array([count for _, count in SCORE_PAIRS]) * subjects / sum(count for _, count in SCORE_PAIRS)
    counts = np.floor(wanted).astype(int)
    counts[np.argsort(counts - wanted, kind="stable")[: subjects - counts.sum()]] += 1
    return np.repeat(np.array([pair for pair, _ in SCORE_PAIRS]), counts, axis=0)


def _of_subject(number: int, pair: Sequence[int], seed: int, walks: int) -> list[Trial]:
    rng = np.random.default_rng([seed, number])
    person = _person(rng)
    trials = []
    for state_number, (state, score) in enumerate(zip(STATES, pair, strict=True)):
        severity = int(score) + STATES[state] + rng.normal(0, SESSION_SPREAD)
        for index in range(1, walks + 1):
            key = (seed, number, state_number, index)
            parameters, seconds = _walk(person, severity, np.random.default_rng([*key, 1]))
            subject = f"SUB{number:02d}"
            trials.append(
                Trial(f"{subject}_{state}_walk_{index}", subject, state, int(score), seconds, parameters, key)
            )
    return trials


def _person(rng: np.random.Generator) -> _Person:
    height = float(np.clip(rng.normal(1.67, 0.08), 1.48, 1.90))
    return _Person(
        height_m=height,
        leg_length_m=height * float(np.clip(rng.normal(0.491, 0.010), 0.465, 0.52)),
        step_share=float(np.clip(rng.normal(1, 0.03), 0.9, 1.1)),
        cadence=float(np.clip(rng.normal(1, 0.03), 0.9, 1.1)),
        affected_left=bool(rng.integers(2)),
    )


def _walk(person: _Person, session_severity: float, rng: np.random.Generator) -> tuple[WalkParameters, float]:
    severity = float(np.clip(session_severity + rng.normal(0, WALK_SPREAD), *SEVERITY_RANGE))
    cause = {name: _at(means, severity) + spread * rng.normal() for name, (means, spread) in CAUSES.items()}
    worse = 1 - max(cause["arm_asymmetry_pct"], 0.0) / 200
    better_deg, worse_deg = ((2 - worse) * cause["arm_swing_deg"], worse * cause["arm_swing_deg"])
    left_deg, right_deg = (worse_deg, better_deg) if person.affected_left else (better_deg, worse_deg)
    side = 1 if person.affected_left else -1
    parameters = WalkParameters(
        cadence_spm=_within(person.cadence * cause["cadence_spm"] * np.sqrt(0.82 / person.leg_length_m), 55, 140),
        step_length_m=_within(person.step_share * cause["step_length_share"] * person.leg_length_m, 0.12, 0.95),
        step_width_m=_within(cause["step_width_m"], 0.03, 0.2),
        foot_lift_m=_within(cause["foot_lift_m"], 0.018, 0.17),
        arm_swing_left_deg=_within(left_deg, 1.5, 75),
        arm_swing_right_deg=_within(right_deg, 1.5, 75),
        step_time_asymmetry_pct=_within(side * cause["step_asymmetry_pct"], -20, 20),
        step_length_asymmetry_pct=_within(-side * cause["step_asymmetry_pct"], -20, 20),
        step_time_cv_pct=_within(cause["step_time_cv_pct"], 0.8, 14),
        step_length_cv_pct=_within(cause["step_length_cv_pct"], 0.8, 16),
        trunk_flexion_deg=_within(cause["trunk_flexion_deg"], -3, 40),
        height_m=_within(person.height_m, 1.2, 2.2),
        leg_length_m=_within(person.leg_length_m, 0.55, 1.15),
    )
    return parameters, _seconds(parameters.speed_mps, rng)


def _at(means: tuple[float, float, float], severity: float) -> float:
    # straight lines through the three means, going on beyond both ends
    low, middle, high = means
    return middle + (severity - 1) * (high - middle if severity > 1 else middle - low)


def _within(value: float, low: float, high: float) -> float:
    return round(float(np.clip(value, low, high)), 6)


def _seconds(speed_mps: float, rng: np.random.Generator) -> float:
    usual, chance, short = rng.uniform(*USUAL_S), rng.uniform(), rng.uniform(*SHORT_S)
    if chance < SHORT_CHANCE:
        return round(float(short), 3)
    if speed_mps < SLOW_MPS and chance > 1 - SLOW_CHANCE:
        return round(float(np.clip(PATH_M / speed_mps, usual, LONGEST_S)), 3)
    return round(float(usual), 3)
