"""A prompt in, the answer of an OpenAI-compatible server out: POST BASE/chat/completions, with retries and a rate limit.

The host must have been confirmed by the user. Redirects are not followed, so that nothing goes to another host.
"""
from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from agir_plugin.errors import AgirError, UsageError
from agir_plugin.rationale.writers import ServerDown

#: Tries for one answer before the walk is given up.
TRIES = 5
#: Wait before the second try, seconds; it doubles with every further try, up to `LONGEST_WAIT_S`.
FIRST_WAIT_S = 1.0
#: Longest wait between two tries, seconds; a longer Retry-After gives the walk up instead.
LONGEST_WAIT_S = 120.0
#: Most bytes of a response that are read.
MAX_BYTES = 1_000_000
#: Longest answer asked for, in tokens; a rationale has about 70.
MAX_ANSWER_TOKENS = 250
#: Field of a request that some models refuse (those that reason before they answer) -> what is sent to them in its place;
#: their reasoning counts as part of the answer, so that they get more room.
INSTEAD: dict[str, dict[str, Any]] = {"max_tokens": {"max_completion_tokens": 4000}, "temperature": {}}
#: What stands for the key wherever a server repeats it.
MASKED = "(key)"
#: HTTP status of a request that the server does not understand.
BAD_REQUEST = 400
#: HTTP statuses after which trying again can help.
PASSING = (408, 409, 425, 429, 500, 502, 503, 504)


class _Again(Exception):
    """A try that failed in a way that may pass; `wait_s` is what the server asked to wait, or None."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class _Refusal(Exception):
    """A refusal for good: the HTTP status, the server's own words, and the error that names both."""

    def __init__(self, code: int, said: str, error: AgirError) -> None:
        super().__init__(said)
        self.code, self.said, self.error = code, said, error


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


@dataclass
class ChatServer:
    """One server and model. `clock` and `sleep` are seconds; tests replace them."""

    base_url: str
    model: str
    confirmed_host: str
    api_key: str = ""
    per_minute: float = 60.0
    timeout_s: float = 60.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _next_s: float = field(default=0.0, init=False)
    _refused_fields: list[str] = field(default_factory=list, init=False)

    @property
    def host(self) -> str:
        """The host that everything is sent to."""
        return host_of(self.base_url)

    def ask(self, messages: Sequence[Mapping[str, str]], temperature: float) -> str:
        """The answer's text; the same request is repeated while the server fails in a passing way.

        Raises UsageError when the host was not confirmed, AgirError when the server refuses the request for good
        (key, model or address wrong), ServerDown when it kept failing.
        """
        self._check_host()
        wait_s, reason = FIRST_WAIT_S, ""
        for attempt in range(TRIES):
            try:
                return self._answered(messages, temperature)
            except _Again as again:
                reason, asked_s = str(again), again.wait_s
            if attempt + 1 == TRIES or (asked_s or 0.0) > LONGEST_WAIT_S:
                break
            self.sleep(max(wait_s, asked_s or 0.0))
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)
        raise ServerDown(f"{self.host} gave no answer after {attempt + 1} tries, at last: {reason}")

    def _answered(self, messages: Sequence[Mapping[str, str]], temperature: float) -> str:
        """One try; a field that the model does not take is replaced, once and for all further requests."""
        while True:
            self._keep_rate()
            body: dict[str, Any] = {"model": self.model, "messages": list(messages), "temperature": temperature}
            body["max_tokens"] = MAX_ANSWER_TOKENS
            for name in self._refused_fields:
                body.pop(name)
                body |= INSTEAD[name]
            try:
                return self._post(json.dumps(body).encode("utf8"))
            except _Refusal as refusal:
                name = next((name for name in INSTEAD if name in body and f"'{name}'" in refusal.said), None)
                if refusal.code != BAD_REQUEST or name is None:
                    raise refusal.error from None
                self._refused_fields.append(name)

    def _check_host(self) -> None:
        if self.confirmed_host not in (self.host, urlsplit(self.base_url).netloc):
            raise UsageError(
                f"gait parameters would be sent to {self.host}, which was not confirmed; look whether you may send them "
                f"there, then add --confirm-host {self.host}"
            )

    def _keep_rate(self) -> None:
        now_s = self.clock()
        if now_s < self._next_s:
            self.sleep(self._next_s - now_s)
        if self.per_minute > 0:
            self._next_s = max(now_s, self._next_s) + 60.0 / self.per_minute

    def _post(self, body: bytes) -> str:
        headers = {"Content-Type": "application/json"}
        if self.api_key:
            headers["Authorization"] = f"Bearer {self.api_key}"
        request = urllib.request.Request(f"{self.base_url.rstrip('/')}/chat/completions", body, headers)
        opener = urllib.request.build_opener(_NoRedirect)
        try:
            with opener.open(request, timeout=self.timeout_s) as response:
                return _answer(self._without_key(self._read(response).decode("utf8", "replace")))
        except urllib.error.HTTPError as error:
            raise self._refused(error) from None
        except TimeoutError:
            raise _Again(f"no response within {self.timeout_s:g} s") from None
        except (http.client.HTTPException, OSError) as error:
            raise _Again(f"the connection failed ({getattr(error, 'reason', None) or error!r})") from None

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        """The body; TimeoutError when it drips in for longer than a whole response may take."""
        content, began_s = b"", self.clock()
        while len(content) < MAX_BYTES and (piece := response.read1(65_536)):
            content += piece
            if self.clock() - began_s > self.timeout_s:
                raise TimeoutError
        return content

    def _without_key(self, said: str) -> str:
        """What the server said; where it repeats the key, the key is masked, so that no message and no file holds it."""
        return said.replace(self.api_key, MASKED) if self.api_key else said

    def _refused(self, error: urllib.error.HTTPError) -> Exception:
        status = self._without_key(f"HTTP {error.code} {error.reason}")
        if error.code in PASSING:
            return _Again(status, _retry_after_s(error.headers.get("Retry-After")))
        try:
            said = self._without_key(error.read(MAX_BYTES).decode("utf8", "replace"))
        except (http.client.HTTPException, OSError):
            said = "its explanation could not be read"
        return _Refusal(error.code, said, AgirError(
            f"{self.host}: expected an answer, got {status} ({' '.join(said.split())[:200]}); "
            "check --base-url, --model and the key in AGIR_LLM_API_KEY"
        ))


def host_of(base_url: str) -> str:
    """The host of an `http://` or `https://` address; UsageError, which repeats no secret part, for anything else."""
    try:
        parts = urlsplit(base_url)
        named = bool((parts.hostname or "").encode("idna"))
        sound = named and parts.scheme in ("http", "https") and parts.port != 0
    except ValueError:  # no port number, half an IPv6 address, an empty label
        parts, sound = urlsplit(""), False
    if "@" in base_url or parts.query or parts.fragment:
        raise UsageError(
            "--base-url: expected an address such as https://example.org/v1, without user name or key, got one to "
            f"{parts.hostname} that holds more; leave out what stands before @ and after ? or #"
        )
    if not sound or not base_url.isascii() or not base_url.isprintable() or " " in base_url:
        raise UsageError(f"--base-url: expected an address such as https://example.org/v1, got {base_url!r}")
    return parts.hostname


def _answer(content: str) -> str:
    try:
        text = json.loads(content)["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError):
        raise _Again(f"a response that is no complete chat completion ({content[:60]!r})") from None
    return text.encode("utf8", "replace").decode("utf8") if isinstance(text, str) else ""  # no half of a surrogate pair


def _retry_after_s(value: str | None) -> float | None:
    """Seconds of a Retry-After header: a number, or the time until its date; None when there is none to read."""
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        return None
