"""A rationale in, what it may not say out: words that give the score away, topics that a short walk cannot show."""
from __future__ import annotations

import re

from agir_plugin.records import Rationale
from agir_plugin.tasks.structure import SECTIONS, leaks

#: Topic -> its words. A few seconds of straight walking show no turn; the other topics are not measured.
TOPICS = {
    "turning": r"(?<!in )turn(?:s|ed|ing)?|pivot(?:s|ed|ing)?|en bloc",
    "medication": (
        r"medicat\w*|medicines?|levodopa|l[ -]dopa|dopamin\w*|drugs?|dos(?:e|es|age)|(?:on|off)[ -](?:state|phase)"
        r"|carbidopa|sinemet|madopar|tablets?|pills?|treat(?:ed|ments?)|therap(?:y|ies)|deep brain stimulat\w*|dbs"
    ),
    "diagnosis": (
        r"parkinson\w*|pd|diagnos\w*|diseases?|disorders?|syndromes?|patholog\w*|neurodegenerat\w*|dementia|stroke"
        r"|hoehn|hemipare\w*|hemipleg\w*|atax\w*|spastic\w*"
    ),
    "freezing": r"freez(?:e|es|ing)|froze|frozen|fog",
}


def forbidden(rationale: Rationale) -> tuple[str, ...]:
    """One line for each leak of the score and each forbidden topic, in reading order; empty when there is none.

    A denied topic ("no freezing") counts too: whether there was any could not be seen either.
    """
    return tuple(line for section in SECTIONS for line in _in_section(section, getattr(rationale, section)))


def _in_section(section: str, text: str) -> list[str]:
    found = [f"{section}: gives the score away by {word!r}" for word in leaks(text)]
    for topic, words in TOPICS.items():
        for match in re.finditer(rf"\b(?:{words})\b", text, re.IGNORECASE):
            found.append(f"{section}: speaks of {topic} ({match.group()!r}), which such a walk does not show")
    return found
