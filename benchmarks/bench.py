"""Speed as ratios: our way beside the plain alternative, measured in turn in one run. `make bench` prints the table.

Models are small and random, recordings are synthetic: the ratios say what padding, batching and grammar cost, not what a
trained model does. Each figure is the median of several rounds after a warm-up.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from mGPT.archs.mgpt_vq import VQVae
from rich.console import Console
from rich.table import Table

from agir_plugin.bridge.language import GaitLM
from agir_plugin.bridge.rows import motion_text
from agir_plugin.bridge.small_t5 import make_small_t5
from agir_plugin.bridge.tokenizer import encode
from agir_plugin.records import Rationale
from agir_plugin.tasks import load
from agir_plugin.tasks.structure import build

#: Rounds that count, after one that does not.
ROUNDS = 5
#: Length that upstream MotionGPT pads every source and target to, tokens.
UPSTREAM_LENGTH = 256
RATIONALE = Rationale(
    "Walking speed is slightly reduced, step length is noticeably reduced and cadence is normal.",
    "Arm swing is clearly reduced on the left and normal on the right.",
    "The gait is slightly impaired but independent, with a regular rhythm.",
)


def main() -> None:
    """Measure and print."""
    torch.manual_seed(0)
    table = Table(title=f"median of {ROUNDS} rounds, {torch.get_num_threads()} threads")
    for column in ("what", "ours", "alternative", "ratio"):
        table.add_column(column, justify="left" if column == "what" else "right")
    with tempfile.TemporaryDirectory() as folder:
        for what, ours, other in (*language_cases(Path(folder)), *tokenizer_cases()):
            one, two = medians(ours, other)
            table.add_row(what, f"{one * 1000:.0f} ms", f"{two * 1000:.0f} ms", f"{two / one:.1f}")
    Console().print(table)


def medians(ours: Callable[[], object], other: Callable[[], object]) -> tuple[float, float]:
    """Median seconds of two functions, called in turn."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS + 1):
        for kept, function in zip(times, (ours, other), strict=True):
            began = time.perf_counter()
            function()
            kept.append(time.perf_counter() - began)
    return statistics.median(times[0][1:]), statistics.median(times[1][1:])


def language_cases(folder: Path) -> list[tuple[str, Callable[[], object], Callable[[], object]]]:
    """One training step with dynamic against fixed padding; an answer under the grammar against a free one of equal length."""
    instructions = load("reasoning").direction("motion_to_answer").input
    make_small_t5(folder / "t5", [RATIONALE.text(), *instructions], width=128, layers=2)
    lm = GaitLM(str(folder / "t5"), motion_codebook_size=256, max_length=512, max_reasoning_tokens=60)
    draw = np.random.default_rng(0)
    sources = [f"{text} {motion_text(draw.integers(256, size=22), 256)}" for text in instructions[:16]]
    targets = [build(RATIONALE, 1)] * len(sources)

    def step(pad_to: int | None) -> None:
        ids, mask = lm.read(sources, "source")
        labels, label_mask = lm.read(targets, "target")
        labels = labels.masked_fill(label_mask == 0, -100)
        if pad_to is not None:
            ids, mask, labels = _pad(ids, pad_to, 0), _pad(mask, pad_to, 0), _pad(labels, pad_to, -100)
        lm.language_model(input_ids=ids, attention_mask=mask, labels=labels).loss.backward()
        lm.zero_grad()

    return [
        ("training step, 16 rows: longest in batch / padded to 256", lambda: step(None), lambda: step(UPSTREAM_LENGTH)),
        (
            "66 tokens for 16 walks: grammar / free",
            lambda: lm.write(sources),
            lambda: lm.write(sources, constrained=False),
        ),
    ]


def tokenizer_cases() -> list[tuple[str, Callable[[], object], Callable[[], object]]]:
    """Tokenising 200 walks: grouped by length against one by one."""
    vae = VQVae(code_num=256, code_dim=64, output_emb_width=64, width=64, depth=2, norm=None).eval()
    draw = np.random.default_rng(0)
    clips = [draw.normal(size=(int(frames), 263)) for frames in draw.integers(60, 130, size=200)]
    return [
        (
            "tokens of 200 walks: by length / one by one",
            lambda: encode(vae, clips),
            lambda: [encode(vae, [clip]) for clip in clips],
        )
    ]


def _pad(rows: torch.Tensor, length: int, value: int) -> torch.Tensor:
    return torch.nn.functional.pad(rows, (0, length - rows.shape[1]), value=value)


if __name__ == "__main__":
    main()
