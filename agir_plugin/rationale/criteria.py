"""What each gait score means, in our own words: a score in, its notion out, for prompts and for human writers.

The clinical scale's own text belongs to its owner and is not repeated here. Limits in numbers do not exist on it: every
threshold of this package is a heuristic of ours (`features.py`).
"""
from __future__ import annotations

from dataclasses import dataclass

from agir_plugin.consts import SCORES
from agir_plugin.errors import LabelError

#: What an examiner weighs together when judging gait, except turning, which a straight walk of seconds cannot show.
WEIGHED = ("length and speed of the strides", "how high the feet are lifted", "how the heel lands", "arm swing")


@dataclass(frozen=True)
class Criterion:
    """One level of the gait item: a name that is safe to use in a rationale, and what is expected at that level."""

    score: int
    level: str
    foot: str
    arm: str
    overall: str

    def text(self) -> str:
        """One line for a prompt."""
        return f"{self.score} ({self.level}): {self.foot} {self.arm} {self.overall}"


_CRITERIA = {
    0: Criterion(
        0, "no impairment",
        "Steps follow each other in a regular rhythm, with ordinary speed, length and lift.",
        "Both arms swing freely and about equally.",
        "Nothing about the walk stands out; the person is independent.",
    ),
    1: Criterion(
        1, "slight impairment",
        "Speed and rhythm are close to ordinary; at most small or passing signs, such as shorter or lower steps.",
        "Arm swing may be a little smaller, often on one side.",
        "A trained eye sees a minor change; the person walks independently.",
    ),
    2: Criterion(
        2, "substantial impairment, still independent",
        "The walk is plainly altered: slower, with shorter or lower steps, or an uneven rhythm.",
        "Arm swing is clearly smaller or nearly missing, on one side or both.",
        "Anyone would notice the impairment, yet the person walks without help or a device.",
    ),
}


def criterion(score: int) -> Criterion:
    """The notion of one gait score; LabelError for a score outside 0, 1, 2."""
    if score not in _CRITERIA:
        raise LabelError(f"expected a gait score of {SCORES}, got {score!r}; higher scores do not occur in AGIR's data")
    return _CRITERIA[score]


def criteria_block() -> str:
    """All notions, one line each, and what is weighed together."""
    lines = [f"Weighed together: {', '.join(WEIGHED)}.", *(criterion(score).text() for score in SCORES)]
    return "\n".join(lines)
