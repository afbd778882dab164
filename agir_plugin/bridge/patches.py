"""The shipped insertion-only patches: a diff file in, lines put into a text or taken out of it again."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from agir_plugin.errors import HostError, UsageError
from agir_plugin.registry import did_you_mean

_HUNK = re.compile(r"@@ -(\d+),0 \+\d+(?:,\d+)? @@")
_HASH = re.compile(r"sha256 of (\S+) before: ([0-9a-f]{64})")


@dataclass(frozen=True)
class Patch:
    """One diff: what it is for, the file below the root it was made for (with that file's hash), and its insertions.

    An insertion is a pair: the number of lines of the original file that stand before it, and its text (whole lines).
    """

    name: str
    fault: str
    use: str
    until: str
    file: str
    sha256: str
    insertions: tuple[tuple[int, str], ...]


def patches_dir() -> Path:
    """Folder of the shipped patches: inside an installed package, or `patches/` of a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "patches"
    return inside if inside.is_dir() else package.parent / "patches"


def shipped_patches() -> tuple[Patch, ...]:
    """All shipped patches, by name."""
    return tuple(read_patch(path) for path in sorted(patches_dir().glob("*.patch")))


def find_patches(names: Iterable[str]) -> tuple[Patch, ...]:
    """The shipped patches of these names, `all` for every one; UsageError names what there is."""
    known = {patch.name: patch for patch in shipped_patches()}
    chosen = dict.fromkeys(known if "all" in names else names)
    for name in chosen:
        if name not in known:
            raise UsageError(
                f"--patch: expected one of {', '.join(sorted(known))} or all, got {name}{did_you_mean(name, known)}"
            )
    return tuple(known[name] for name in chosen)


def read_patch(path: Path) -> Patch:
    """Parse a diff without context lines that only inserts; HostError for anything else."""
    head, _, body = path.read_text("utf8").partition("\n--- a/")
    facts = dict(line.split(": ", 1) for line in head.splitlines() if line.startswith(("Fault: ", "Use: ", "Until: ")))
    target = _HASH.search(head)
    if target is None or len(facts) < 3:
        raise HostError(f"{path}: expected a patch with Fault, Use, Until and the hash of its file in the head")
    insertions: list[tuple[int, str]] = []
    for line in body.splitlines(keepends=True)[2:]:
        if hunk := _HUNK.match(line):
            insertions.append((int(hunk[1]), ""))
        elif line.startswith("+") and insertions:
            insertions[-1] = (insertions[-1][0], insertions[-1][1] + line[1:])
        else:
            raise HostError(f"{path}: expected a diff that only inserts and has no context lines, got {line.strip()!r}")
    return Patch(path.stem, facts["Fault"], facts["Use"], facts["Until"], target[1], target[2], tuple(insertions))


def insert(text: str, patches: Iterable[Patch]) -> str:
    """The original text with the insertions of all patches; their order does not matter, as places count original lines."""
    lines = text.splitlines(keepends=True)
    wanted = sorted((place, added) for patch in patches for place, added in patch.insertions)
    for place, added in reversed(wanted):
        lines.insert(place, added)
    return "".join(lines)


def take_out(text: str, patches: Iterable[Patch]) -> str | None:
    """The original of a text into which these patches were inserted; None when it is not such a text."""
    lines = text.splitlines(keepends=True)
    for place, added in sorted((place, added) for patch in patches for place, added in patch.insertions):
        count = added.count("\n")
        if "".join(lines[place : place + count]) != added:
            return None
        del lines[place : place + count]
    return "".join(lines)
