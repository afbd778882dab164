"""The language model over words and motion codes: captions and codes go in; a loss, texts or codes come out."""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from mGPT.archs.tools import lm_weights, motion_strings, spans, text_batch
from mGPT.archs.tools.motion_strings import MotionParse
from mGPT.archs.tools.placeholders import EVALUATION_TASKS, Filler, draw
from mGPT.errors import ConfigError

log = logging.getLogger("mGPT")

Task = Mapping[str, Any]
Codes = Sequence[Tensor] | Tensor


class LMOutput(NamedTuple):
    """loss scalar; logits (B, T, V); labels (B, T) with -100 at padding: `logits[:, t]` predicts `labels[:, t]`."""

    loss: Tensor
    logits: Tensor
    labels: Tensor


class MLM(nn.Module):
    """T5 with one word per motion code and three for start, end and mask; one code covers `down_t` frames.

    `counts` tells how many inputs and targets were cut at `max_length` and how many generated motions were refused.
    `span_ratio` is the share of lm_pretrain batches trained by span corruption instead of templates.
    """

    def __init__(
        self,
        model_path: str,
        model_type: str = "t5",
        stage: str = "lm_pretrain",
        new_token_type: str = "insert",
        motion_codebook_size: int = 512,
        framerate: float = 20.0,
        down_t: int = 4,
        predict_ratio: float = 0.2,
        inbetween_ratio: float = 0.25,
        max_length: int = 256,
        lora: bool = False,
        quota_ratio: float = 0.5,
        noise_density: float = 0.15,
        mean_noise_span_length: int = 3,
        span_ratio: float = 0.0,
        motion_cap: int = 128,
        text_cap: int = 40,
        **kwargs: Any,  # the shared YAML block also carries keys for other networks
    ) -> None:
        super().__init__()
        _check_kind(model_type, new_token_type, lora)
        self.stage, self.lm_type = stage, "encdec"
        self.m_codebook_size, self.framerate, self.down_t = motion_codebook_size, framerate, down_t
        self.predict_ratio, self.inbetween_ratio, self.quota_ratio = predict_ratio, inbetween_ratio, quota_ratio
        self.noise_density, self.mean_noise_span_length, self.span_ratio = (
            noise_density,
            mean_noise_span_length,
            span_ratio,
        )
        self.max_length, self.motion_cap, self.text_cap = max_length, motion_cap, text_cap
        self.counts: Counter[str] = Counter()
        self._told: set[str] = set()
        self.tokenizer = lm_weights.load_tokenizer(model_path)
        self.language_model = lm_weights.load_t5(model_path)
        self.add_words(motion_strings.vocabulary(motion_codebook_size))

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.language_model.parameters()).device

    def add_words(self, words: Sequence[str]) -> int:
        """Add plain words (kept by skip_special_tokens) and grow the embeddings; words already there add 0."""
        added = self.tokenizer.add_tokens(list(words))
        if len(self.tokenizer) != self.language_model.get_input_embeddings().num_embeddings:
            lm_weights.grow(self.language_model, len(self.tokenizer))
        return added

    def forward(
        self, texts: Sequence[str], motion_tokens: Codes, lengths: Sequence[int], tasks: Sequence[Task]
    ) -> LMOutput:
        """Loss of one batch; `lengths` counts the valid codes of each row of `motion_tokens` (B, Lmax)."""
        motions = self.motion_token_to_string(motion_tokens, lengths)
        if self.stage == "lm_pretrain" and self.span_ratio and random.random() < self.span_ratio:
            return self._span_loss(random.choice([list(texts), motions]))
        frames = [int(length) * self.down_t for length in lengths]
        inputs, outputs = self.template_fulfill(tasks, frames, motions, texts)
        return self.loss_of(inputs, outputs)

    def loss_of(self, inputs: Sequence[str], outputs: Sequence[str]) -> LMOutput:
        """Cross-entropy of the output texts given the input texts, mean over all target tokens."""
        source, target = self.encode(inputs, "inputs"), self.encode(outputs, "targets")
        return self._loss(source, target)

    def encode(self, texts: Sequence[str], role: str = "inputs") -> text_batch.TextBatch:
        """Ids and mask padded to the longest text; what is cut is counted as `truncated_<role>`."""
        batch = text_batch.encode(self.tokenizer, texts, self.max_length, self.device)
        if batch.truncated:
            self._count(
                f"truncated_{role}",
                len(batch.truncated),
                f"cut at max_length {self.max_length}: {texts[batch.truncated[0]]!r}",
            )
        return batch

    def generate_direct(
        self,
        texts: Sequence[str],
        max_length: int = 256,
        num_beams: int = 1,
        do_sample: bool = True,
        bad_words_ids: list[list[int]] | None = None,
        **generation: Any,
    ) -> tuple[list[Tensor], list[str]]:
        """Answers to texts: the codes of each answer (empty tensor when it holds no motion) and the answer as text.

        Further keyword arguments go to transformers' `generate`.
        """
        source = self.encode(texts)
        ids = self.language_model.generate(
            input_ids=source.ids,
            attention_mask=source.mask,
            max_new_tokens=max_length,
            num_beams=num_beams,
            do_sample=do_sample,
            bad_words_ids=bad_words_ids,
            **generation,
        )
        answers = self.tokenizer.batch_decode(ids, skip_special_tokens=True)
        return self.motion_string_to_token(answers)

    def generate_conditional(
        self,
        texts: Sequence[str] | None = None,
        motion_tokens: Codes | None = None,
        lengths: Sequence[int] | None = None,
        task: str = "t2m",
        with_len: bool = False,
        stage: str = "train",
        tasks: Sequence[Task] | None = None,
    ) -> list[Tensor] | list[str]:
        """Codes (t2m, pred, inbetween) or captions (m2t), asked with the task's evaluation prompt or with `tasks`.

        `lengths` counts the codes of each row where `motion_tokens` are given, else the frames that `with_len` asks
        for. A motion that could not be read from the answer is an empty tensor and counted in `refused_motions`.
        """
        if tasks is None:
            tasks = [self.evaluation_task(task, with_len)] * len(texts if motion_tokens is None else motion_tokens)
        if motion_tokens is None:
            motions, frames = [""] * len(tasks), list(lengths or [0] * len(tasks))
        else:
            lengths = [len(row) for row in motion_tokens] if lengths is None else lengths
            motions = self.motion_token_to_string(motion_tokens, lengths)
            frames = [int(length) * self.down_t for length in lengths]
        inputs, _ = self.template_fulfill(tasks, frames, motions, texts or [""] * len(tasks), stage)
        if task == "m2t":
            return self._captions(inputs)
        codes, answers = self.generate_direct(inputs, max_length=self.motion_cap, do_sample=True)
        self._count_refused(codes, answers)
        return codes

    def evaluation_task(self, task: str, with_len: bool = False) -> Task:
        """The fixed prompt of a task word; ConfigError lists the known ones."""
        name = "t2m_len" if task == "t2m" and with_len else task
        if name not in EVALUATION_TASKS:
            known = ", ".join(key for key in EVALUATION_TASKS if "_" not in key)
            raise ConfigError(f"language model task: expected one of {known}, got {task!r}")
        return EVALUATION_TASKS[name]

    def motion_token_to_string(self, motion_token: Codes, lengths: Sequence[int]) -> list[str]:
        """Motion strings of code rows; `lengths` counts the valid codes of each row."""
        rows = [row.tolist()[: int(length)] for row, length in zip(motion_token, lengths, strict=True)]
        return [motion_strings.to_string(row, self.m_codebook_size) for row in rows]

    def motion_string_to_token(self, motion_string: Sequence[str]) -> tuple[list[Tensor], list[str]]:
        """Codes of each string's first motion (empty where it holds none; never a made-up motion), and its words."""
        parsed = self.parse_motions(motion_string)
        codes = [torch.tensor(item.codes or (), dtype=torch.long, device=self.device) for item in parsed]
        return codes, [item.text for item in parsed]

    def parse_motions(self, motion_string: Sequence[str]) -> list[MotionParse]:
        """For each string the codes of its first motion, or None and the reason."""
        return [motion_strings.parse(text, self.m_codebook_size) for text in motion_string]

    def placeholder_fulfill(self, prompt: str, length: int, motion_string: str, text: str) -> str:
        """One template string filled; `length` in frames. Only captions are ever quoted, at `quota_ratio`."""
        filler = Filler(
            self.m_codebook_size, self.framerate, self.predict_ratio, self.inbetween_ratio, self.quota_ratio
        )
        return filler.fill(prompt, length, motion_string, text)

    def template_fulfill(
        self,
        tasks: Sequence[Task],
        lengths: Sequence[int],
        motion_strings: Sequence[str],
        texts: Sequence[str],
        stage: str = "test",
    ) -> tuple[list[str], list[str]]:
        """Inputs and outputs of a batch: one string of each drawn per task and filled; `lengths` in frames."""
        inputs, outputs = [], []
        for task, frames, motion, text in zip(tasks, lengths, motion_strings, texts, strict=True):
            asked, answer = draw(task)
            inputs.append(self.placeholder_fulfill(asked, int(frames), motion, text))
            asks_for_motion = not motion and "<Motion_" in answer  # generation: the answer is what is sought
            outputs.append(answer if asks_for_motion else self.placeholder_fulfill(answer, int(frames), motion, text))
        return inputs, outputs

    def _loss(self, source: text_batch.TextBatch, target: text_batch.TextBatch) -> LMOutput:
        labels = target.labels()
        result = self.language_model(input_ids=source.ids, attention_mask=source.mask, labels=labels)
        return LMOutput(result.loss, result.logits, labels)

    def _span_loss(self, texts: Sequence[str]) -> LMOutput:
        rng = np.random.default_rng(random.getrandbits(32))
        sentinels = spans.sentinel_ids(self.tokenizer)
        rows = [row[mask.bool()].tolist()[:-1] for row, mask in zip(*self.encode(texts)[:2], strict=True)]
        pairs = [spans.corrupt(row, sentinels, self.noise_density, self.mean_noise_span_length, rng) for row in rows]
        end, pad_id = self.tokenizer.eos_token_id, self.tokenizer.pad_token_id
        source, target = (
            text_batch.pad([[*row, end] for row in side], pad_id, self.device) for side in zip(*pairs, strict=True)
        )
        return self._loss(source, target)

    def _captions(self, inputs: Sequence[str]) -> list[str]:
        _, answers = self.generate_direct(inputs, max_length=self.text_cap, do_sample=False)
        return [" ".join(text.replace(motion_strings.MOTION_SLOT, " ").split()).strip('"').strip() for text in answers]

    def _count_refused(self, codes: Sequence[Tensor], answers: Sequence[str]) -> None:
        refused = [index for index, row in enumerate(codes) if not len(row)]
        if refused:
            self._count("refused_motions", len(refused), f"no motion could be read from {answers[refused[0]]!r}")

    def _count(self, name: str, times: int, example: str) -> None:
        if name not in self._told:
            self._told.add(name)
            log.warning("%s: %s (further ones are only counted)", name, example)
        self.counts[name] += times


def _check_kind(model_type: str, new_token_type: str, lora: bool) -> None:
    if model_type != "t5":
        raise ConfigError(f"lm model_type: expected t5 (this host runs encoder-decoder models), got {model_type!r}")
    if new_token_type != "insert":
        raise ConfigError(f"lm new_token_type: expected insert, got {new_token_type!r}")
    if lora:
        raise ConfigError(
            "lm lora: expected false; low-rank adapters are not part of this host, train all weights instead"
        )
