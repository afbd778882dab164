"""The answer's grammar as a logits processor: an answer cannot be malformed, and its p(score) is read off on the way."""

from __future__ import annotations

import torch
from torch import Tensor
from transformers import LogitsProcessor

from agir_plugin.errors import ModelError
from agir_plugin.tasks.automaton import Allowed, AnswerAutomaton, Phase, State


class GrammarProcessor(LogitsProcessor):
    """Lets greedy or sampled decoding write only what the automaton allows; one instance serves one `generate` call.

    After generation `score_log_probs` (B, 3) holds log p(score 0, 1, 2): the log-softmax of the three score tokens' logits
    at the place where the score was written.
    """

    def __init__(self, automaton: AnswerAutomaton, vocabulary: int, rows: int, device: torch.device) -> None:
        self.automaton = automaton
        self.states: list[State] = [automaton.start] * rows
        self.written = 0
        self.vocabulary = vocabulary
        self.masks: dict[int, tuple[Allowed, Tensor]] = {}
        self.score_log_probs = torch.full((rows, len(automaton.ids.scores)), float("nan"), device=device)

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Mask (B, V) scores; `input_ids` (B, t) holds what was written so far, the decoder's start token first."""
        if self.written:
            self.states = [self._after(s, t) for s, t in zip(self.states, input_ids[:, -1].tolist(), strict=True)]
        self.written += 1
        options = [self.automaton.options(state) for state in self.states]
        at_score = [row for row, state in enumerate(self.states) if state.phase is Phase.SCORE]
        if at_score:
            self.score_log_probs[at_score] = (
                scores[at_score][:, list(self.automaton.ids.scores)].float().log_softmax(dim=1)
            )
        wrong = torch.stack([self._mask(option, scores.device) for option in options])
        masked = scores.masked_fill(wrong, float("-inf"))
        stuck = masked.isneginf().all(dim=1, keepdim=True)  # whatever else was barred, the grammar's word is last
        return torch.where(stuck & ~wrong, torch.zeros_like(scores), masked)

    def _after(self, state: State, token: int) -> State:
        after = self.automaton.step(state, token)
        if after is None:
            raise ModelError(f"decoding wrote token {token} where the grammar ({state.phase.value}) does not allow it")
        return after

    def _mask(self, option: Allowed, device: torch.device) -> Tensor:
        """True where a token may not follow, (V,). Equal options are one object in the automaton, so its identity is the key."""
        known = self.masks.get(id(option))
        if known is None:
            mask = torch.full((self.vocabulary,), option.only is not None, device=device)
            mask[list(option.forbidden)] = True
            mask[list(option.only or ())] = False
            known = self.masks[id(option)] = (option, mask)
        return known[1]
