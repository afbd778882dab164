"""Gait parameters and a score in, a language model's normalised text out (writer `openai`: any compatible server).

Only the prompt leaves the machine: parameters, score and our own words. No walk, subject or file is named in it.
"""
from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass

from agir_plugin.errors import UsageError
from agir_plugin.rationale.chat_server import ChatServer, host_of
from agir_plugin.rationale.normalise import Normalised, normalise
from agir_plugin.rationale.prompt import build_prompt
from agir_plugin.rationale.writers import AnswerStore, Job, WriterFailure, WriterOptions, Written, refuse_options
from agir_plugin.records import GaitParameters

#: Environment variables that may hold the key, in order; it is never read from anywhere else.
KEY_VARIABLES = ("AGIR_LLM_API_KEY", "OPENAI_API_KEY")
#: Answers asked for one walk before it is given up, when they cannot be used.
ANSWERS = 3
#: Temperature of the first request, and of those after an unusable answer.
TEMPERATURE, TEMPERATURE_AGAIN = 0.0, 0.7
#: Characters per token and tokens per answer, both rough, for the estimate.
CHARACTERS_PER_TOKEN, TOKENS_PER_ANSWER = 4, 80


@dataclass(frozen=True)
class LanguageModelWriter:
    """Asks a server; answers that were used are kept in `store` by the hash of model and prompt."""

    server: ChatServer
    store: AnswerStore | None = None

    @property
    def host(self) -> str:
        """The host that the parameters are sent to."""
        return self.server.host

    def write(self, parameters: GaitParameters, score: int, key: str) -> Written:
        """The model's text; WriterFailure when every answer was unusable or the server kept failing."""
        prompt = build_prompt(parameters, score)
        digest = self._hash(prompt)
        stored = self.store.get(digest) if self.store is not None else None
        kept = normalise(stored) if stored is not None else None
        found = kept if kept is not None and kept.rationale is not None else self._ask(prompt, digest)
        return Written(found.rationale, self.server.model, digest, found.deviations)

    def notices(self, jobs: Iterable[Job]) -> tuple[str, ...]:
        """The host, and how many calls and tokens it will take, counted without those already answered."""
        prompts = {self._hash(prompt): prompt for prompt in (build_prompt(gait, score) for gait, score, _ in jobs)}
        asked = [prompt for digest, prompt in prompts.items() if self.store is None or self.store.get(digest) is None]
        tokens = sum(map(len, asked)) // CHARACTERS_PER_TOKEN
        lines = [
            f"{self.host}, model {self.server.model}: {len(asked)} calls, about {tokens} tokens in and "
            f"{len(asked) * TOKENS_PER_ANSWER} out ({len(prompts) - len(asked)} answers are there already); unusable "
            "answers are asked again"
        ]
        if self.server.base_url.startswith("http://"):
            lines.append(f"{self.host}: plain http, so whoever carries the data can read parameters and key")
        return tuple(lines)

    def _ask(self, prompt: str, digest: str) -> Normalised:
        messages = [{"role": "user", "content": prompt}]
        problem = ""
        for attempt in range(ANSWERS):
            answer = self.server.ask(messages, TEMPERATURE_AGAIN if attempt else TEMPERATURE)
            found = normalise(answer)
            if found.rationale is not None:
                if self.store is not None:
                    self.store.put(digest, answer)
                return found
            problem = found.problem
        raise WriterFailure(f"none of {ANSWERS} answers could be used, the last one because: {problem}")

    def _hash(self, prompt: str) -> str:
        """SHA-256 over address, model and prompt."""
        return hashlib.sha256("\0".join((self.server.base_url, self.server.model, prompt)).encode("utf8")).hexdigest()


def configure(options: WriterOptions) -> LanguageModelWriter:
    """The writer of `options`; the key comes from the environment (`KEY_VARIABLES`) and may be absent.

    Raises UsageError without address or model, and for a key that no request can carry.
    """
    known = ("base_url", "model", "confirmed_host", "per_minute", "timeout_s")
    refuse_options("openai", options, known)
    if not options.base_url or not options.model:
        raise UsageError(
            "the writer openai needs a server and a model: give --base-url https://example.org/v1 and --model NAME"
        )
    host_of(options.base_url)
    server = ChatServer(
        options.base_url, options.model, options.confirmed_host, _key(), options.per_minute, options.timeout_s
    )
    return LanguageModelWriter(server, options.store)


def _key() -> str:
    """The first key that is set, without blanks around it; empty when there is none. No message repeats it."""
    name = next((name for name in KEY_VARIABLES if os.environ.get(name, "").strip()), "")
    key = os.environ[name].strip() if name else ""
    if not (key.isascii() and key.isprintable()):
        raise UsageError(
            f"the key in {name} holds a sign that no request can carry (a line break, a letter that is not ASCII); copy it anew"
        )
    return key
