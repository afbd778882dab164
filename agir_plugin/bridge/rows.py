"""A window of motion codes and what is known of its walk -> the source and target texts that the language model sees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from agir_plugin.bridge.settings import DataSettings
from agir_plugin.records import Rationale
from agir_plugin.tasks import load
from agir_plugin.tasks.render import fill
from agir_plugin.tasks.spec import DESCRIPTION, MOTION, RATIONALE, Kind
from agir_plugin.tasks.structure import build, section_text


@dataclass(frozen=True)
class Window:
    """One window of one walk. `score` and `rationale` are None for a walk that has no label (it can only be assessed)."""

    walk: str
    subject: str
    state: str
    number: int
    codes: np.ndarray
    score: int | None = None
    rationale: Rationale | None = None


@dataclass(frozen=True)
class Row:
    """One line of a batch: what the model reads, what it should write, and whose window it is."""

    kind: Kind
    source: str
    target: str
    window: Window


class RowBatch:
    """The rows of a batch. No Sequence: Lightning takes sequences and dataclasses apart to look for tensors, not this."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = tuple(rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def __getitem__(self, index: int) -> Row:
        return self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)


class RowWriter:
    """Turns windows into rows with the task templates that `DATASET.AGIR` names."""

    def __init__(self, settings: DataSettings, codebook_size: int) -> None:
        self.settings, self.codebook_size = settings, codebook_size
        self.generative = load(settings.generative_template)
        self.reasoning = load(settings.reasoning_template)

    def training_row(self, window: Window, draw: np.random.Generator) -> Row:
        """A row with drawn objective, direction, instruction and crop; equal generators give equal rows."""
        window = self._crop(window, draw)
        generative = self.settings.task == "generative" or (
            self.settings.ego and draw.random() < self.settings.ego_share
        )
        if not generative:
            return self._row("motion_to_answer", window, draw)
        reading = draw.random() < self.settings.motion_to_text_share
        return self._row("motion_to_description" if reading else "description_to_motion", window, draw)

    def evaluation_row(self, window: Window) -> Row:
        """The row of evaluation and assessment: the task's first instruction, the whole window, no draw."""
        return self._row(
            "motion_to_description" if self.settings.task == "generative" else "motion_to_answer", window, None
        )

    def _row(self, kind: Kind, window: Window, draw: np.random.Generator | None) -> Row:
        direction = (self.generative if kind != "motion_to_answer" else self.reasoning).direction(kind)
        values = self._values(window, answer=kind == "motion_to_answer")
        source, target = (_choose(strings, draw) for strings in (direction.input, direction.output))
        return Row(kind, fill(source, values), fill(target, values) if window.rationale is not None else "", window)

    def _values(self, window: Window, answer: bool) -> dict[str, str]:
        values = {MOTION: motion_text(window.codes, self.codebook_size)}
        if window.rationale is None:
            return values
        if answer:
            return {**values, RATIONALE: build(window.rationale, window.score)}
        return {**values, DESCRIPTION: section_text(window.rationale)}

    def _crop(self, window: Window, draw: np.random.Generator) -> Window:
        most = min(self.settings.crop_tokens, (len(window.codes) - 1) // 4)
        if most <= 0:
            return window
        head, tail = draw.integers(0, most + 1, size=2)
        return replace(window, codes=window.codes[head : len(window.codes) - tail])


def motion_text(codes: Iterable[int], codebook_size: int) -> str:
    """Codes -> MotionGPT's motion string `<motion_id_K>...<motion_id_K+1>`, without blanks, K being the codebook size."""
    return "".join(f"<motion_id_{int(code)}>" for code in (codebook_size, *codes, codebook_size + 1))


def _choose(strings: Sequence[str], draw: np.random.Generator | None) -> str:
    return strings[0] if draw is None else strings[draw.integers(len(strings))]
