"""What a task template is: the placeholders it may hold and the checked values of one YAML file."""
from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from agir_plugin.config import Settings
from agir_plugin.errors import UsageError

#: Becomes the walk's motion tokens.
MOTION = "<Motion_Placeholder>"
#: Becomes the walk's `Foot: … Arm: …` text, never in quotes (MotionGPT quotes half of all captions, this one not).
DESCRIPTION = "<Description_Placeholder>"
#: Becomes the structured answer of `structure.build`.
RATIONALE = "<Rationale_Placeholder>"
PLACEHOLDERS = (MOTION, DESCRIPTION, RATIONALE)
#: Anything that is written like a placeholder, known or not.
PLACEHOLDER = re.compile(r"<\w*placeholder\w*>", re.IGNORECASE)

Kind = Literal["motion_to_description", "description_to_motion", "motion_to_answer"]
#: Kind of direction -> the one placeholder of its inputs and the one of its outputs.
EXPECTED: dict[str, tuple[str, str]] = {
    "motion_to_description": (MOTION, DESCRIPTION),
    "description_to_motion": (DESCRIPTION, MOTION),
    "motion_to_answer": (MOTION, RATIONALE),
}


def _even_blanks(value: object) -> object:
    """One blank for each run of blanks, so that a folded YAML text reads as it was meant."""
    return " ".join(value.split()) if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(_even_blanks)]


class Direction(Settings):
    """One way through the model: `input` strings to draw a prompt from, `output` strings to draw a target from."""

    kind: Kind
    input: tuple[Text, ...] = Field(min_length=1)
    output: tuple[Text, ...] = Field(min_length=1)


class TemplateFile(Settings):
    """The keys of a template's YAML file.

    `group` and `task_class` are MotionGPT's words for it in the exported JSON; `max_words` is the budget of an input
    string, its placeholder not counted.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    version: int = Field(ge=1)
    summary: Text = Field(min_length=1)
    group: str = Field(min_length=1)
    task_class: str = Field(min_length=1)
    max_words: int = Field(default=60, ge=1)
    directions: tuple[Direction, ...] = Field(min_length=1)


class TaskTemplate(TemplateFile):
    """A task template in memory; `source` is the file it was read from, for messages."""

    source: str = ""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of its directions, in file order."""
        return tuple(direction.kind for direction in self.directions)

    @property
    def placeholders(self) -> tuple[str, ...]:
        """Every placeholder that its strings hold, sorted, unknown ones too."""
        strings = [text for direction in self.directions for text in (*direction.input, *direction.output)]
        return tuple(sorted({found for text in strings for found in PLACEHOLDER.findall(text)}))

    def direction(self, kind: str) -> Direction:
        """The direction of this kind. Raises UsageError when the template has none."""
        for direction in self.directions:
            if direction.kind == kind:
                return direction
        raise UsageError(
            f"{self.source or self.name}: expected a direction of kind {kind!r}, found {', '.join(self.kinds)}; "
            "add it to the template or choose another task"
        )
