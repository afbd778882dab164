"""The answer's grammar over token ids: a prefix of ids in, the ids that may follow out. Pure Python, no tokenizer."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from agir_plugin.errors import UsageError


class Phase(Enum):
    """Where in the answer the next token stands."""

    #: Nothing yet: only `<reasoning_start>` may come.
    BEGIN = "begin"
    #: Inside the rationale: any ordinary token, or `<reasoning_end>` once the rationale is complete.
    BODY = "body"
    #: After `<reasoning_end>`: only `<score_start>`.
    SCORE_START = "score_start"
    #: After `<score_start>`: one of the score tokens.
    SCORE = "score"
    #: After the score: only `<score_end>`.
    SCORE_END = "score_end"
    #: After `<score_end>`: only `</s>`.
    EOS = "eos"
    #: After `</s>`: padding only.
    DONE = "done"


@dataclass(frozen=True)
class TokenIds:
    """The ids that the grammar speaks of, as one tokenizer numbers them.

    `forbidden_in_body` are ids that never stand in a rationale (motion tokens, `<unk>`, sentinels); the special tokens
    named here are forbidden there without being listed. `blank` are ids that print nothing: they neither fill a part
    nor interrupt a heading. `headings` are the id sequences of `Foot:`, `Arm:`, `Overall:` as they stand inside an
    answer; with them, the three parts come once each, in order and not empty. Without them (the default) the rationale
    is any text.
    """

    reasoning_start: int
    reasoning_end: int
    score_start: int
    score_end: int
    scores: tuple[int, int, int]
    eos: int
    pad: int
    forbidden_in_body: frozenset[int] = frozenset()
    blank: frozenset[int] = frozenset()
    headings: tuple[tuple[int, ...], ...] = ()

    @property
    def special(self) -> tuple[int, ...]:
        """The seven added tokens, `</s>` and `<pad>`."""
        frame = (self.reasoning_start, self.reasoning_end, self.score_start, self.score_end)
        return (*frame, *self.scores, self.eos, self.pad)


@dataclass(frozen=True)
class Allowed:
    """The ids that may come next: exactly `only`, or, where `body` is True, every id that is not in `forbidden`."""

    only: tuple[int, ...] | None = None
    forbidden: frozenset[int] = frozenset()

    @property
    def body(self) -> bool:
        """True inside the rationale, where ordinary text may follow."""
        return self.only is None

    def __contains__(self, token: int) -> bool:
        return token not in self.forbidden if self.only is None else token in self.only


@dataclass(frozen=True)
class State:
    """All that has to be remembered of a prefix; its size does not grow with the prefix.

    `used` counts the tokens of the rationale so far, headings and blanks included. `section` is the heading last passed
    (-1 before the first), `length` the printing tokens since then (in the first heading: all), and `recent` the last of
    these, as many as a heading could need.
    """

    phase: Phase = Phase.BEGIN
    used: int = 0
    section: int = -1
    length: int = 0
    recent: tuple[int, ...] = ()


class AnswerAutomaton:
    """Accepts `<reasoning_start>` body `<reasoning_end><score_start>` score `<score_end></s>` and padding after it.

    The body has at least one printing token (one in each part, with headings) and at most `max_reasoning` tokens. A
    prefix holds no decoder start token. One step costs the same at any length. Where room for the headings runs out,
    the next heading is all that may come. Headings are known by the ids in `TokenIds.headings` only: a model that
    spells `Arm:` with other tokens escapes the count of parts, and `structure.parse` then says so.
    """

    def __init__(self, ids: TokenIds, max_reasoning: int) -> None:
        """Raises UsageError when ids coincide, or when the headings and a token in each part exceed `max_reasoning`."""
        _check_ids(ids)
        least = sum(map(len, ids.headings)) + max(1, len(ids.headings))
        if max_reasoning < least:
            raise UsageError(
                f"expected max_reasoning of at least {least} tokens (headings and one token in each part), "
                f"got {max_reasoning}; raise it in the generation settings"
            )
        self.ids = ids
        self.max_reasoning = max_reasoning
        self._headings = tuple(tuple(token for token in heading if token not in ids.blank) for heading in ids.headings)
        self._last = len(ids.headings) - 1
        self._memory = max(map(len, self._headings), default=1) - 1
        self._singles: dict[int, Allowed] = {}
        self._texts: dict[tuple[bool, bool, frozenset[int]], Allowed] = {}
        self._fixed = {
            Phase.BEGIN: Allowed((ids.reasoning_start,)), Phase.SCORE_START: Allowed((ids.score_start,)),
            Phase.SCORE: Allowed(ids.scores), Phase.SCORE_END: Allowed((ids.score_end,)),
            Phase.EOS: Allowed((ids.eos,)), Phase.DONE: Allowed((ids.pad,)),
        }

    @property
    def start(self) -> State:
        """The state of the empty prefix."""
        return State()

    def options(self, state: State) -> Allowed:
        """What may follow in `state`. Equal answers are the same object, so that a caller can cache a mask by it."""
        if state.phase is not Phase.BODY:
            return self._fixed[state.phase]
        heading = self._forced_heading_token(state)
        if heading is not None:
            return self._single(heading)
        if state.used == self.max_reasoning:
            return self._single(self.ids.reasoning_end)
        may_end = state.section == self._last and state.length > 0
        return self._text(may_end, not self._room_for_blank(state), self._heading_ends(state))

    def step(self, state: State, token: int) -> State | None:
        """The state after `token`, or None when `token` may not follow."""
        if token not in self.options(state):
            return None
        if state.phase is Phase.BODY:
            return self._body_step(state, token)
        following = {
            Phase.BEGIN: Phase.BODY, Phase.SCORE_START: Phase.SCORE, Phase.SCORE: Phase.SCORE_END,
            Phase.SCORE_END: Phase.EOS, Phase.EOS: Phase.DONE, Phase.DONE: Phase.DONE,
        }
        return replace(state, phase=following[state.phase])

    def allowed(self, prefix_ids: Sequence[int]) -> Allowed:
        """What may follow a whole prefix. Raises UsageError, with the place, when the prefix is outside the grammar."""
        state = self.start
        for place, token in enumerate(prefix_ids):
            after = self.step(state, token)
            if after is None:
                raise UsageError(
                    f"expected {self._describe(state)} at place {place} of the answer, got token {token}; "
                    "pass the answer's own ids, without the decoder start token"
                )
            state = after
        return self.options(state)

    def accepts(self, ids: Sequence[int]) -> bool:
        """True when `ids` are one whole answer, `</s>` included; padding may follow it."""
        state: State | None = self.start
        for token in ids:
            state = self.step(state, token)
            if state is None:
                return False
        return state.phase is Phase.DONE

    def positions(self, ids: Sequence[int]) -> tuple[int, int, int, int, int] | None:
        """Where `<reasoning_start>`, `<reasoning_end>`, `<score_start>`, the score and `<score_end>` stand.

        None when `ids` are not accepted.
        """
        if not self.accepts(ids):
            return None
        end = list(ids).index(self.ids.eos)
        return (0, end - 4, end - 3, end - 2, end - 1)

    def _body_step(self, state: State, token: int) -> State:
        if token == self.ids.reasoning_end:
            return State(Phase.SCORE_START)
        used, following = state.used + 1, state.section + 1
        if state.section < 0 <= self._last:
            done = state.length + 1 == len(self.ids.headings[0])
            return State(Phase.BODY, used, 0) if done else replace(state, used=used, length=state.length + 1)
        if token in self.ids.blank:
            return replace(state, used=used)
        heading = self._headings[following] if following <= self._last else None
        if heading is not None and (*state.recent, token)[-len(heading):] == heading:
            return State(Phase.BODY, used, following)
        recent = (*state.recent, token)[-self._memory:] if self._memory else ()
        return State(Phase.BODY, used, state.section, state.length + 1, recent)

    def _forced_heading_token(self, state: State) -> int | None:
        """The next token of the next heading, where nothing else may come: at the very start, or when room runs out."""
        if state.section == self._last:
            return None
        if state.section < 0:
            return self.ids.headings[0][state.length]
        if state.length == 0 or state.used + 1 + self._need(state.section) <= self.max_reasoning:
            return None
        # the first token of a part is its content, even where it looks like the beginning of a heading
        since = state.recent[-(state.length - 1):] if state.length > 1 else ()
        heading = self._headings[state.section + 1]
        return heading[_overlap(since, heading)]

    def _need(self, section: int) -> int:
        """Tokens that the headings after `section` and one token in each of their parts still take."""
        return sum(len(heading) + 1 for heading in self._headings[section + 1:])

    def _room_for_blank(self, state: State) -> bool:
        content = 1 if state.length == 0 else 0
        return state.used + 1 + content + self._need(state.section) <= self.max_reasoning

    def _heading_ends(self, state: State) -> frozenset[int]:
        """Ids that would complete a heading out of place: not the next one, or while the part before it is empty."""
        ends = set()
        for index, heading in enumerate(self._headings):
            stem = heading[:-1]
            completes = len(state.recent) >= len(stem) and state.recent[len(state.recent) - len(stem):] == stem
            if completes and (index != state.section + 1 or state.length == len(stem)):
                ends.add(heading[-1])
        return frozenset(ends)

    def _single(self, token: int) -> Allowed:
        """The one id that may come in a body."""
        return self._singles.setdefault(token, Allowed((token,)))

    def _text(self, may_end: bool, no_blank: bool, heading_ends: frozenset[int]) -> Allowed:
        """Ordinary text, with `<reasoning_end>` if it may end, without blanks where no room is left for them."""
        key = (may_end, no_blank, heading_ends)
        if key not in self._texts:
            never = self.ids.forbidden_in_body.union(self.ids.special, heading_ends, self.ids.blank if no_blank else ())
            self._texts[key] = Allowed(None, never - {self.ids.reasoning_end} if may_end else never)
        return self._texts[key]

    def _describe(self, state: State) -> str:
        """What may come, in words."""
        options = self.options(state)
        return "a token of the rationale" if options.only is None else f"one of the ids {list(options.only)}"


def _overlap(recent: tuple[int, ...], heading: tuple[int, ...]) -> int:
    """How many tokens of `heading`, less than all, the end of `recent` has already."""
    longest = min(len(recent), len(heading) - 1)
    return next(size for size in range(longest, -1, -1) if recent[len(recent) - size:] == heading[:size])


def _check_ids(ids: TokenIds) -> None:
    special = ids.special
    if len(set(special)) != len(special):
        raise UsageError(
            f"expected nine different ids for the special tokens, </s> and <pad>, got {special}; "
            "add the special tokens to the tokenizer before its ids are read"
        )
    clash = sorted({token for heading in ids.headings for token in heading} & (ids.forbidden_in_body | set(special)))
    if clash or any(ids.blank.issuperset(heading) for heading in ids.headings):
        raise UsageError(
            f"expected headings of ordinary text tokens, got {ids.headings}, of which {clash} may not stand in a "
            "rationale; encode the headings with the tokenizer that the answers use"
        )
