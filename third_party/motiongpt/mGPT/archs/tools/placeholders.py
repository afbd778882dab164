"""Fills instruction templates: a prompt and one sample's caption, motion and length go in, the finished text comes out.

All placeholders are replaced in one pass, so a caption that happens to contain one is left as it is. The length is in
frames; a motion string of n codes belongs to n * down_t frames.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mGPT.archs.tools import motion_strings
from mGPT.errors import ConfigError, DataError

PLACEHOLDER = re.compile(r"<[A-Za-z]+_Placeholder(?:_[A-Za-z0-9]+)?>")
CAPTION, MOTION = "<Caption_Placeholder>", motion_strings.MOTION_SLOT
#: Prompts of the evaluation, one per task word: what the model is asked and what it should answer.
EVALUATION_TASKS: Mapping[str, Mapping[str, Any]] = {
    "t2m": {"class": "t2m", "input": [f"Generate motion: {CAPTION}"], "output": [MOTION]},
    "t2m_len": {
        "class": "t2m",
        "input": [f"Generate motion with <Frame_Placeholder> frames: {CAPTION}"],
        "output": [MOTION],
    },
    "m2t": {"class": "m2t", "input": [f"Generate text: {MOTION}"], "output": [CAPTION]},
    "pred": {
        "class": "pred",
        "input": ["Predict motion: <Motion_Placeholder_s1>"],
        "output": ["<Motion_Placeholder_s2>"],
    },
    "inbetween": {
        "class": "inbetween",
        "input": ["Complete the masked motion: <Motion_Placeholder_Masked>"],
        "output": [MOTION],
    },
}


@dataclass(frozen=True)
class Filler:
    """How placeholders are filled; the fields are the language model's settings of the same names."""

    codebook_size: int
    framerate: float
    predict_ratio: float
    inbetween_ratio: float
    quota_ratio: float

    def fill(self, prompt: str, frames: int, motion_string: str, text: str) -> str:
        """The prompt with every placeholder replaced; DataError when it asks for a motion and none is there."""
        return PLACEHOLDER.sub(lambda match: self._value(match[0], frames, motion_string, text), prompt)

    def _value(self, name: str, frames: int, motion_string: str, text: str) -> str:
        if name == CAPTION:
            return f'"{text}"' if self.quota_ratio and random.random() < self.quota_ratio else text
        if name in ("<Frame_Placeholder>", "<Framelen_Placeholder>"):
            return str(frames)
        if name == "<Second_Placeholder>":
            return f"{frames // self.framerate:.1f}"
        maker = _MOTION_MAKERS.get(name)
        if maker is None:
            raise ConfigError(f"template: unknown placeholder {name}; known are {', '.join(KNOWN)}")
        if not motion_string:
            raise DataError(f"template asks for {name}, but this sample has no motion; use a template without motion")
        return maker(self, motion_strings.pieces(motion_string))

    def _whole(self, words: Sequence[str]) -> str:
        return "".join(words)

    def _head(self, words: Sequence[str]) -> str:
        return "".join(words[: self._head_pieces(words)]) + words[-1]

    def _tail(self, words: Sequence[str]) -> str:
        return words[0] + "".join(words[self._head_pieces(words) :])

    def _masked(self, words: Sequence[str]) -> str:
        codes = len(words) - 2
        first, last = int(codes * self.inbetween_ratio + 1), int(codes * (1 - self.inbetween_ratio) + 1)
        mask = motion_strings.word(self.codebook_size + 2)
        return "".join([*words[:first], *[mask] * (last - first), *words[last:]])

    def _head_pieces(self, words: Sequence[str]) -> int:
        return int((len(words) - 2) * self.predict_ratio + 1)


_MOTION_MAKERS: Mapping[str, Callable[[Filler, Sequence[str]], str]] = {
    MOTION: Filler._whole,
    "<Motion_Placeholder_s1>": Filler._head,
    "<Motion_Placeholder_s2>": Filler._tail,
    "<Motion_Placeholder_Masked>": Filler._masked,
}
#: Every placeholder that a template may hold.
KNOWN = (CAPTION, "<Frame_Placeholder>", "<Framelen_Placeholder>", "<Second_Placeholder>", *_MOTION_MAKERS)


def draw(task: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    """One input and one output string of a task, drawn with Python's `random`."""
    return random.choice(task["input"]), random.choice(task["output"])
