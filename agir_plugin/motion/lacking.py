"""A recording whose pelvis or legs cannot be made comes in; the error's one line, with the true cause, goes out."""
from __future__ import annotations

from collections.abc import Collection, Sequence

from agir_plugin.consts import SIDES
from agir_plugin.errors import UnusableRecording
from agir_plugin.motion import labels
from agir_plugin.motion.posture import LEGS
from agir_plugin.records import Recording

#: Labels of a recording that an error message lists.
MOST_NAMES = 24
#: Places on the body from which a joint can be made.
SOURCES = {
    "pelvis": ("asis", "psis", "sacrum", "hip_centre", "trochanter", "pelvis_centre"),
    "hip": ("asis", "psis", "sacrum", "hip_centre", "trochanter", "pelvis_centre"),
    "ankle": ("ankle", "ankle_medial", "ankle_centre", "heel", "toe", "first_metatarsal", "fifth_metatarsal"),
}


def require_legs(recording: Recording, found: Collection[str], expected: str, never_seen: Sequence[str] = ()) -> None:
    """Raise UnusableRecording unless pelvis, hips and ankles are among the `found` joints.

    Where labels that would have made them are there, but `never_seen` in any frame, the line says so; else it says what
    was `expected` and which labels came.
    """
    missing = [name for name in LEGS if name not in found and not name.endswith("knee")]
    if not missing:
        return
    what = ", ".join(name.replace("_", " ") for name in missing)
    blind = _blind(missing, never_seen)
    if blind:
        raise UnusableRecording(
            f"{recording.path}: cannot find {what}: {_listed(blind)} {'is' if len(blind) == 1 else 'are'} labelled but never seen "
            f"in the {len(recording.positions_m)} frames; reconstruct them in the capture software and export the trial again"
        )
    raise UnusableRecording(
        f"{recording.path}: cannot find {what}; expected {expected}; got {_listed(recording.names) or 'no labels'}; "
        "rename the labels or export the missing ones"
    )


def marker_examples() -> str:
    """The smallest usable part of two common marker sets, for messages."""
    return " or ".join(f"{', '.join(names)} ({name})" for name, names in labels.landmark_examples().items())


def _blind(missing: Sequence[str], never_seen: Sequence[str]) -> list[str]:
    """The labels without a place from which a missing joint could have been made."""
    columns, _ = labels.landmarks(never_seen)
    return [never_seen[column] for landmark, column in columns.items() if _makes(landmark, missing)]


def _makes(landmark: str, missing: Sequence[str]) -> bool:
    """Whether one of the missing joints could have been made from this landmark; an ankle only from its own side's."""
    side, _, place = landmark.partition("_")
    if side not in SIDES:
        side, place = "", landmark
    joints = [name.rpartition("_") for name in missing]
    return any(place in SOURCES[joint] and (joint != "ankle" or own == side) for own, _, joint in joints)


def _listed(names: Sequence[str]) -> str:
    more = f", ... ({len(names)} in all)" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more
