"""File names of the Shida et al. (2023) recordings in, subject, state, trial and kind out."""
from __future__ import annotations

import re
from dataclasses import dataclass

#: Names of its C3D files without the ending: SUB01_off_walk_1, SUB01_off_static_1, Trimmed_SUB01_off_walk_12b.
TRIAL = re.compile(
    r"(?P<before>trimmed_)?(?P<subject>sub\d+)_(?P<state>on|off)_(?P<kind>walk|static)_?(?P<number>\d+)(?P<letter>[a-z]?)"
    r"(?P<after>_trimmed)?",
    re.IGNORECASE,
)
#: Folders of one session: SUB01_off.
SESSION = re.compile(r"(sub\d+)_(on|off)", re.IGNORECASE)
#: Files beside the recordings, by the end of their names.
SIDECARS = ("temporal_distance.txt", "grf.csv", "angular_kinematics.csv", "linear_kinematics.csv")


@dataclass(frozen=True)
class TrialName:
    """What a file's name says; `letter` tells two parts of one trial apart."""

    subject: str
    state: str
    number: int
    letter: str
    static: bool
    trimmed: bool

    @property
    def walk(self) -> str:
        """The canonical name, `SUB01_off_walk_12b`, whatever the case of the file's own."""
        return f"{self.subject}_{self.state}_{'static' if self.static else 'walk'}_{self.number}{self.letter}"

    @property
    def trial(self) -> tuple[str, str, bool, int]:
        """Equal for 12, 12b and their trimmed versions."""
        return self.subject, self.state, self.static, self.number


def parse_name(stem: str) -> TrialName | None:
    """The parts of a file name without its ending, or None for a name of another kind."""
    found = TRIAL.fullmatch(stem)
    if found is None:
        return None
    return TrialName(
        subject=found["subject"].upper(), state=found["state"].lower(), number=int(found["number"]), letter=found["letter"].lower(),
        static=found["kind"].lower() == "static", trimmed=bool(found["before"] or found["after"]),
    )


def session_of_folder(name: str) -> tuple[str, str] | None:
    """Subject and state that a folder's name tells, or None."""
    found = SESSION.fullmatch(name)
    return (found[1].upper(), found[2].lower()) if found else None


def sidecar_kind(name: str) -> str | None:
    """Which of `SIDECARS` a file is by its name, or None."""
    return next((kind for kind in SIDECARS if name.lower().endswith(kind)), None)
