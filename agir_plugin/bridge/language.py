"""MotionGPT's language model with AGIR's seven tokens: source and target texts -> logits and labels, or written answers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from mGPT.archs.mgpt_lm import MLM
from torch import Tensor, nn
from transformers import LogitsProcessorList, T5ForConditionalGeneration

from agir_plugin.bridge.compat import has, untied_t5
from agir_plugin.bridge.decoding import GrammarProcessor
from agir_plugin.bridge.losses import IGNORE
from agir_plugin.bridge.settings import check_names
from agir_plugin.consts import REASONING_END, REASONING_START, SCORE_END, SCORE_START, SCORE_TOKENS, SCORES, SPECIAL_TOKENS
from agir_plugin.errors import ModelError
from agir_plugin.records import Rationale
from agir_plugin.tasks.structure import HEADINGS, AnswerAutomaton, TokenIds, build

#: New embedding rows scatter around the mean of the old by this share of their spread (after Hewitt 2021).
NEW_ROW_SPREAD = 0.01
#: Vocabulary entries that never stand in a rationale: added tokens, digits, `#`, line breaks.
_NOT_IN_RATIONALE = re.compile(r"[<>0-9#\n]")


@dataclass(frozen=True)
class Written:
    """One generated answer: its token ids up to `</s>`, its text, and log p(score 0, 1, 2) where decoding was constrained."""

    ids: tuple[int, ...]
    text: str
    score_log_probs: tuple[float, float, float] | None


class NoLanguage(nn.Module):
    """Stands where the language model would be while only the motion tokenizer is trained (stage `vae`)."""

    def forward(self, *args: Any, **kwargs: Any) -> None:
        """Always an error: this stage has no language model."""
        raise ModelError(
            "stage vae trains the motion tokenizer alone; use configs/agir_stage1.yaml for the language model"
        )


class GaitLM(MLM):
    """MotionGPT's `MLM` whose vocabulary knows AGIR's seven tokens.

    The seven are plain added tokens (so that decoding keeps them), adding them twice adds nothing, new rows start at the mean
    of the old rows, and old rows of embedding and head stay bit-identical. Flan-T5's head is kept apart from its embedding
    under every supported transformers version (fault `tied_heads` of bridge/faults.py).

    Parameters
    ----------
    max_length
        Longest source and target in tokens. A longer target is an error: cut off, it would lose its score.
    max_reasoning_tokens
        Longest rationale that constrained decoding writes.
    no_repeat_tokens
        No run of so many tokens stands twice in an answer: greedy decoding can circle ("with a regular rhythm, with a regular
        rhythm, ..."). 0 allows it.
    """

    def __init__(
        self,
        model_path: str,
        max_length: int = 256,
        max_reasoning_tokens: int = 128,
        no_repeat_tokens: int = 8,
        **host: Any,
    ) -> None:
        own = ("model_path", "max_length", "max_reasoning_tokens", "no_repeat_tokens")
        check_names(MLM, host, "model.params.lm.params", own)
        with untied_t5() as loaded:
            super().__init__(model_path=model_path, max_length=max_length, **host)
        self.max_reasoning_tokens, self.no_repeat_tokens = max_reasoning_tokens, no_repeat_tokens
        if has("random_rows") and loaded.rows is not None:
            self._draw_new_rows(loaded.rows)
        add_special_tokens(self.tokenizer, self.language_model)
        self.ids = self._token_ids()
        self.automaton = AnswerAutomaton(self.ids, max_reasoning_tokens)
        self._check_answer()

    @property
    def device_in_use(self) -> torch.device:
        """Device of the weights."""
        return next(self.language_model.parameters()).device

    def read(self, texts: Sequence[str], what: str) -> tuple[Tensor, Tensor]:
        """Tokenise with padding to the longest text; ids and mask (B, L) on the model's device, each row ending in `</s>`.

        Raises ModelError when a text does not fit into `max_length`.
        """
        batch = self.tokenizer(list(texts), padding=True, truncation=False, return_tensors="pt")
        length = batch.input_ids.shape[1]
        if length > self.max_length:
            raise ModelError(
                f"a {what} has {length} tokens but max_length is {self.max_length}: raise model.params.lm.params.max_length, "
                f"or shorten the template or DATASET.AGIR.window_tokens"
            )
        return batch.input_ids.to(self.device_in_use), batch.attention_mask.to(self.device_in_use)

    def logits(self, sources: Sequence[str], targets: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Teacher-forced logits (B, L, V) and labels (B, L), -100 after `</s>`; `logits[:, t]` predicts `labels[:, t]`."""
        return self.teach(sources, targets)[:2]

    def teach(
        self, sources: Sequence[str], targets: Sequence[str], hide: bool = False
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """As `logits`; with `hide` also (B, 3) logits of the score tokens where the decoder sees an empty rationale.

        The motion is encoded once for both.
        """
        ids, mask = self.read(sources, "source")
        labels, label_mask = self.read(targets, "target")
        labels = labels.masked_fill(label_mask == 0, IGNORE)
        encoded = self.language_model.get_encoder()(input_ids=ids, attention_mask=mask)
        out = self.language_model(encoder_outputs=encoded, attention_mask=mask, labels=labels)
        return out.logits, labels, self._hidden_score_logits(encoded, mask) if hide else None

    def _hidden_score_logits(self, encoded: Any, mask: Tensor) -> Tensor:
        start = self.language_model.config.decoder_start_token_id
        prompt = torch.tensor(
            [start, self.ids.reasoning_start, self.ids.reasoning_end, self.ids.score_start], device=mask.device
        )
        out = self.language_model(
            encoder_outputs=encoded, attention_mask=mask, decoder_input_ids=prompt.expand(len(mask), -1)
        )
        return out.logits[:, -1, list(self.ids.scores)]

    @torch.no_grad()
    def write(self, sources: Sequence[str], constrained: bool = True) -> list[Written]:
        """Greedy answers, one per source; constrained ones follow the grammar and carry p(score)."""
        ids, mask = self.read(sources, "source")
        grammar = GrammarProcessor(self.automaton, self.language_model.config.vocab_size, len(ids), ids.device)
        processors = LogitsProcessorList([grammar] if constrained else [])
        out = self.language_model.generate(
            input_ids=ids,
            attention_mask=mask,
            logits_processor=processors,
            num_beams=1,
            do_sample=False,
            no_repeat_ngram_size=self.no_repeat_tokens,
            max_new_tokens=self.max_reasoning_tokens + 6,
        )
        rows = [self._until_eos(row) for row in out[:, 1:].tolist()]
        scores = grammar.score_log_probs.tolist() if constrained else [None] * len(rows)
        texts = [self.tokenizer.decode(row, skip_special_tokens=False) for row in rows]
        return [
            Written(tuple(row), text, None if score is None else (score[0], score[1], score[2]))
            for row, text, score in zip(rows, texts, scores, strict=True)
        ]

    def start_motion_rows(self, codebook: Tensor, seed: int = 0) -> None:
        """Start the motion tokens' embedding rows from the tokenizer's code vectors (K, D), turned into the model's width.

        Codes that are near in the tokenizer are then near for the language model from the first step, which matters when few
        walks are there to learn from. A fixed random projection keeps distances (Johnson-Lindenstrauss), scaled to the
        spread that the other rows have.
        """
        table = self.language_model.get_input_embeddings().weight
        first = self.tokenizer.convert_tokens_to_ids("<motion_id_0>")
        draw = torch.Generator().manual_seed(seed)
        projection = torch.randn(codebook.shape[1], table.shape[1], generator=draw).to(codebook)
        rows = (codebook - codebook.mean(dim=0)) @ projection
        with torch.no_grad():
            spread = table[: min(first, len(table))].std()
            table[first : first + len(rows)] = (rows / rows.std().clamp_min(1e-8) * spread).to(table)

    def _draw_new_rows(self, before: int) -> None:
        """Start rows beyond the first `before` near the mean of those, from a seed of their own (fault `random_rows`)."""
        draw = torch.Generator().manual_seed(0)
        for _, table in _tables(self.language_model):
            old, new = table.weight.detach()[:before], table.weight.detach()[before:]
            noise = torch.randn(new.shape, generator=draw).to(new)
            new.copy_(old.mean(dim=0) + NEW_ROW_SPREAD * old.std(dim=0) * noise)

    def _check_answer(self) -> None:
        """ModelError when this tokenizer does not write an answer as the grammar has it: the format loss would train nothing."""
        answer = build(Rationale("Steps are short.", "Arms swing.", "Gait is steady."), SCORES[0])
        ids, special = self.tokenizer(answer).input_ids, self.ids
        end = [special.reasoning_end, special.score_start, special.scores[0], special.score_end, special.eos]
        if ids[0] != special.reasoning_start or ids[-len(end) :] != end:
            raise ModelError(
                f"expected the tokenizer to write an answer as {answer}, got {self.tokenizer.convert_ids_to_tokens(ids)}; use a "
                f"T5 folder with a tokenizer.json (a fast tokenizer that puts no blanks beside added tokens)"
            )

    def _until_eos(self, row: list[int]) -> list[int]:
        return row[: row.index(self.ids.eos)] if self.ids.eos in row else row

    def _token_ids(self) -> TokenIds:
        to_id = self.tokenizer.convert_tokens_to_ids
        return TokenIds(
            reasoning_start=to_id(REASONING_START),
            reasoning_end=to_id(REASONING_END),
            score_start=to_id(SCORE_START),
            score_end=to_id(SCORE_END),
            scores=tuple(map(to_id, SCORE_TOKENS)),
            eos=self.tokenizer.eos_token_id,
            pad=self.tokenizer.pad_token_id,
            forbidden_in_body=self._forbidden_in_body(),
            blank=self._blank(),
            headings=self._headings(),
        )

    def _forbidden_in_body(self) -> frozenset[int]:
        """Ids that never stand in a rationale: motion tokens, sentinels, `<unk>`, digits, `#`, and rows without a token."""
        words = self.tokenizer.get_vocab().items()
        wrong = {i for word, i in words if _NOT_IN_RATIONALE.search(word) and word not in SPECIAL_TOKENS}
        return frozenset(wrong - {self.tokenizer.eos_token_id, self.tokenizer.pad_token_id}) | frozenset(
            range(len(self.tokenizer), self.language_model.config.vocab_size)
        )

    def _blank(self) -> frozenset[int]:
        return frozenset(i for word, i in self.tokenizer.get_vocab().items() if not word.strip("\u2581 "))

    def _headings(self) -> tuple[tuple[int, ...], ...]:
        """Ids of `Foot:`, `Arm:`, `Overall:` as they stand inside an answer."""

        def ids(text: str) -> list[int]:
            return self.tokenizer(text, add_special_tokens=False).input_ids

        first, *rest = HEADINGS
        start = ids(REASONING_START + first)[1:]
        return (
            tuple(start),
            *(tuple(ids(f"{REASONING_START}a. {name}")[len(ids(REASONING_START + "a.")) :]) for name in rest),
        )


def add_special_tokens(tokenizer: Any, model: T5ForConditionalGeneration) -> int:
    """Add AGIR's seven tokens to tokenizer and model; returns how many were new (7, or 0 the second time).

    New rows of the embedding and of the head are the mean of the old rows; old rows must come out bit-identical, else ModelError.
    """
    new = tokenizer.add_tokens([token for token in SPECIAL_TOKENS if token not in tokenizer.get_vocab()])
    old_rows = {name: table.weight.detach().clone() for name, table in _tables(model)}
    model.config.tie_word_embeddings = False
    if len(tokenizer) > model.get_input_embeddings().weight.shape[0]:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    for name, table in _tables(model):
        before = old_rows[name]
        kept = len(before) if len(table.weight) > len(before) else len(tokenizer) - new
        if not torch.equal(table.weight[:kept], before[:kept]):
            raise ModelError(
                f"growing the vocabulary changed old rows of the {name}; this transformers version is not supported"
            )
        with torch.no_grad():
            table.weight[len(tokenizer) - new : len(tokenizer)] = before[: len(tokenizer) - new].mean(dim=0)
    return new


def _tables(model: T5ForConditionalGeneration) -> tuple[tuple[str, nn.Module], ...]:
    return (("embedding", model.get_input_embeddings()), ("head", model.get_output_embeddings()))

