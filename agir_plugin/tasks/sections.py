"""The rationale's text: three parts under their headings; text in, parts or the reason why not out."""
from __future__ import annotations

import re
from collections.abc import Sequence

from agir_plugin.errors import UsageError
from agir_plugin.records import Rationale

#: The parts of a rationale, in their order; they are the field names of `Rationale`.
SECTIONS = ("foot", "arm", "overall")
#: The headings as they are written.
HEADINGS = tuple(f"{name.capitalize()}:" for name in SECTIONS)
#: The parts that a stage 1 description may hold (AGIR, section "generative stage": limbs only, no summary).
STAGE1_SECTIONS = ("foot", "arm")

_HEADING = re.compile(r"\b(Foot|Arm|Overall)\s*:")
_ANY_HEADING = re.compile(_HEADING.pattern, re.IGNORECASE)
_LEAKS = re.compile(
    r"\bscor(?:e|es|ed|ing)\b|\b(?:mds[\s-]*)?updrs\b|\bgrad(?:e|es|ed|ing)\b|\brat(?:ed|ing|ings)\b"
    r"|\b(?:class|level|stage|category|label|item)\s+(?:of\s+)?(?:zero|one|two|three|four)\b|[0-4]",
    re.IGNORECASE,
)


def split_sections(text: str) -> Rationale | None:
    """The three parts of `Foot: … Arm: … Overall: …`, or None when one is missing, empty, repeated or out of order.

    Tolerates what language models write: `**Foot:**`, `Foot :`, no blank before a heading, line breaks between parts.
    """
    return read_sections(text)[0]


def section_text(rationale: Rationale, sections: Sequence[str] = STAGE1_SECTIONS) -> str:
    """A stage 1 description, `Foot: … Arm: …`. Raises UsageError for any other part, `overall` above all."""
    wrong = [name for name in sections if name not in STAGE1_SECTIONS]
    if wrong or not sections:
        raise UsageError(
            f"expected one or more of the sections {list(STAGE1_SECTIONS)}, got {list(sections)}; "
            "a description of stage 1 never holds the Overall part, which sums up the impairment"
        )
    chosen = [name for name in STAGE1_SECTIONS if name in sections]
    return " ".join(f"{name.capitalize()}: {checked_part(name, getattr(rationale, name))}" for name in chosen)


def leaks(text: str) -> list[str]:
    """The words and digits of `text` that would give the score away, in reading order; empty when there are none.

    Counted are `score`, `UPDRS`, `grade`, `rated`, `rating` and their forms, `level two` and the like, and any of the
    digits 0-4.
    """
    return [match.group() for match in _LEAKS.finditer(text)]


def faults(rationale: Rationale) -> tuple[str, ...]:
    """Every reason why `build` would refuse this rationale, in plain words; empty when it would take it."""
    return tuple(fault for name in SECTIONS for fault in _part_faults(name, _normal(getattr(rationale, name))))


def read_sections(text: str) -> tuple[Rationale | None, str]:
    """The three parts, or None and the reason."""
    before, *pieces = _HEADING.split(text.replace("**", ""))
    headings, parts = pieces[::2], [" ".join(part.split()) for part in pieces[1::2]]
    wanted = [heading.rstrip(":") for heading in HEADINGS]
    if not text.strip():
        return None, "expected a rationale of three parts, found an empty one"
    if headings != wanted:
        found = ", ".join(f"{heading}:" for heading in headings) or "none of them"
        return None, f"expected the parts {', '.join(HEADINGS)} once each in this order, found {found}"
    if before.strip():
        return None, f"expected the rationale to begin with {HEADINGS[0]}, found {short(before.strip())} before it"
    empty = [heading for heading, part in zip(HEADINGS, parts, strict=True) if not part]
    if empty:
        return None, f"expected a sentence after {empty[0]}, found nothing"
    return Rationale(*parts), ""


def checked_part(name: str, text: str) -> str:
    """One part with its blanks made even. Raises UsageError with every reason why it cannot stand in an answer."""
    part = _normal(text)
    found = _part_faults(name, part)
    if found:
        raise UsageError("; ".join(found))
    return " ".join(part.split())


def _normal(text: str) -> str:
    """Markdown bold removed and ends stripped; line breaks inside are kept, so that they can be refused."""
    return text.replace("**", "").strip()


def _part_faults(name: str, part: str) -> list[str]:
    where = f"the {name.capitalize()} part of the rationale"
    if not part:
        return [f"{where} is empty; expected one or two plain sentences"]
    found = []
    if len(part.splitlines()) > 1:
        found.append(f"{where} has a line break ({part!r}); put its sentences on one line")
    marks = sorted(set(part) & set("#<>"))
    if marks:
        kept = f"{' '.join(marks)}, which are kept for captions and special tokens"
        found.append(f"{where} holds {kept}; remove them from {part!r}")
    headings = [match.group() for match in _ANY_HEADING.finditer(part)]
    if headings:
        found.append(f"{where} holds the heading {headings[0]!r}, which would start another part; reword {part!r}")
    given_away = leaks(part)
    if given_away:
        words = ", ".join(map(repr, given_away))
        found.append(f"{where} gives the score away by {words}; say what is seen instead: {part!r}")
    return found


def short(text: str) -> str:
    """The text in quotes, cut to 40 characters."""
    return repr(text if len(text) <= 40 else f"{text[:39]}…")
