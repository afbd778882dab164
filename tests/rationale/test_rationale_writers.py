"""Writers: what leaves the machine, what happens when a server misbehaves, how texts of others are mended."""
from __future__ import annotations

import json

import pytest

from agir_plugin.errors import AgirError, UnreadableFile, UsageError
from agir_plugin.rationale.chat_server import ChatServer
from agir_plugin.rationale.language_model import LanguageModelWriter
from agir_plugin.rationale.normalise import normalise
from agir_plugin.rationale.writers import ServerDown, WriterFailure, WriterOptions, open_writer
from tests.rationale.chat_double import GOOD, serving


class Time:
    """A clock that only sleeping moves on."""

    def __init__(self) -> None:
        self.now, self.slept = 0.0, []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Store(dict):
    put = dict.__setitem__


def model(url: str, time: Time, **more) -> LanguageModelWriter:
    settings = {"confirmed_host": "127.0.0.1", "per_minute": 0.0, "timeout_s": 5.0} | more
    return LanguageModelWriter(ChatServer(url, "m", clock=time, sleep=time.sleep, **settings), Store())


@pytest.fixture
def gait(make_walk):
    return make_walk(speed_mps=0.9, cadence_spm=104.0)


def test_only_the_prompt_leaves_and_only_to_a_confirmed_host(gait):
    with serving() as server:
        with pytest.raises(UsageError, match="127.0.0.1, which was not confirmed"):
            model(server.url, Time(), confirmed_host="").write(gait, 1, "SUB01_off_walk_1")
        assert server.seen == []
        model(server.url, Time(), api_key="k").write(gait, 1, "SUB01_off_walk_1")
        text = json.dumps(server.seen[0])
        assert "SUB01" not in text and "walk_1" not in text and "made up" not in text
        assert server.headers[0]["Authorization"] == "Bearer k"


@pytest.mark.parametrize("trouble", [429, 500, 503, "half", "reset"])
def test_passing_trouble_is_tried_again(gait, trouble):
    time = Time()
    with serving(trouble, trouble) as server:
        written = model(server.url, time).write(gait, 1, "W")
    assert written.rationale.text() == GOOD and time.slept == [1.0, 2.0] and len(written.prompt_hash) == 64


def test_a_server_that_stalls_is_given_up_after_the_timeout(gait):
    with serving("stall") as server:
        assert model(server.url, Time(), timeout_s=0.2).write(gait, 1, "W").rationale.text() == GOOD


def test_a_response_that_drips_in_is_given_up_after_the_timeout(gait):
    time = Time()
    with serving("drip") as server:
        server_of = ChatServer(server.url, "m", "127.0.0.1", per_minute=0.0, timeout_s=0.2, sleep=time.sleep)
        assert LanguageModelWriter(server_of, Store()).write(gait, 1, "W").rationale.text() == GOOD
    assert time.slept == [1.0]


def test_retry_after_is_honoured_and_a_long_one_gives_up(gait):
    time = Time()
    replies = (429, {"Retry-After": "30"}), (429, {"Retry-After": "4000"})
    with serving(*replies) as server, pytest.raises(ServerDown, match="after 2 tries, at last: HTTP 429"):
        model(server.url, time).write(gait, 1, "W")
    assert time.slept == [30.0]


def test_lasting_refusals_end_the_run_and_redirects_are_not_followed(gait):
    with serving(401, (302, {"Location": "http://elsewhere.invalid/"})) as server:
        for _ in range(2):
            with pytest.raises(AgirError, match="HTTP (401|302)") as caught:
                model(server.url, Time()).write(gait, 1, "W")
            assert not isinstance(caught.value, WriterFailure)


def test_no_message_repeats_the_key(gait, monkeypatch):
    key, echo = "sk-topsecret", "no such key: Bearer sk-topsecret"
    for trouble in (401, 302, 200):
        with serving(*[(trouble, echo)] * 5) as server, pytest.raises(AgirError) as caught:
            model(server.url, Time(), api_key=key).write(gait, 1, "W")
        assert key not in str(caught.value) and "Bearer (key)" in str(caught.value)
    for damaged in ("sk-top\nsecret", "sk-t\u00f6psecret"):
        monkeypatch.setenv("AGIR_LLM_API_KEY", damaged)
        with pytest.raises(UsageError, match="AGIR_LLM_API_KEY holds a sign") as caught:
            open_writer("openai", WriterOptions("https://example.org/v1", "m"))
        assert "secret" not in str(caught.value)
    for address in ("https://me:sk-topsecret@example.org/v1", "https://example.org/v1?key=sk-topsecret"):
        with pytest.raises(UsageError, match="got one to example.org that holds more") as caught:
            open_writer("openai", WriterOptions(address, "m"))
        assert key not in str(caught.value)


def test_blanks_around_the_key_do_not_count(monkeypatch):
    monkeypatch.setenv("AGIR_LLM_API_KEY", " ")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1\r\n")
    assert open_writer("openai", WriterOptions("https://example.org/v1", "m")).server.api_key == "sk-1"


def test_fields_that_a_model_does_not_take_are_replaced_once_and_for_all(gait):
    refusals = [
        (400, "{\"error\": {\"message\": \"'max_tokens' is not supported, use 'max_completion_tokens'.\"}}"),
        (400, "{\"error\": {\"message\": \"'temperature' does not support 0.0 with this model.\"}}"),
    ]
    with serving(*refusals) as server:
        writer = model(server.url, Time())
        for score in (0, 1):
            assert writer.write(gait, score, "W").rationale.text() == GOOD
        sent = [set(request) - {"model", "messages"} for request in server.seen]
    assert sent == [{"max_tokens", "temperature"}, {"max_completion_tokens", "temperature"}, *[{"max_completion_tokens"}] * 2]


def test_a_bad_request_for_another_reason_ends_the_run(gait):
    with serving((400, "'max_tokens' no"), (400, "'max_tokens' still no")) as server:
        with pytest.raises(AgirError, match="HTTP 400 .*still no") as caught:
            model(server.url, Time()).write(gait, 1, "W")
        assert not isinstance(caught.value, WriterFailure) and len(server.seen) == 2


def test_the_rate_is_kept(gait):
    time = Time()
    with serving() as server:
        writer = model(server.url, time, per_minute=30.0)
        for score in (0, 1, 2):
            writer.write(gait, score, "W")
    assert time.slept == [2.0, 2.0]


UNUSABLE = {
    "": "empty answer",
    "Foot: fine. Arm: fi": "expected the parts",
    "Foot: Der Gang ist langsam. Arm: Die Arme schwingen normal. Overall: Der Gang ist gut.": "expected English",
    "Foot: " + "The speed is reduced. " * 2500: "expected at most 150 words",
    "Foot: The sky is blue today. Arm: The sea is deep. Overall: There is a ship on it.": "statements on a walk",
    "Foot: Speed is normal. Arm: Score 2. Overall: Rhythm is steady.": "gives the score away",
}


@pytest.mark.parametrize("answer", UNUSABLE)
def test_unusable_answers_are_asked_again_then_listed_with_the_reason(gait, answer):
    with serving(answer) as server:
        assert model(server.url, Time()).write(gait, 1, "W").rationale.text() == GOOD
        server.script[:] = [answer] * 3
        with pytest.raises(WriterFailure, match=UNUSABLE[answer]):
            model(server.url, Time()).write(gait, 1, "W")


def test_answers_are_kept_by_prompt_hash_and_counted_in_the_estimate(gait):
    with serving() as server:
        writer = model(server.url, Time())
        jobs = [(gait, 0, "A"), (gait, 1, "B"), (gait, 1, "C")]
        assert "2 calls" in writer.notices(jobs)[0]
        first = [writer.write(*job) for job in jobs]
        assert len(server.seen) == 2 and [writer.write(*job) for job in jobs] == first
        assert "0 calls" in writer.notices(jobs)[0] and "(2 answers are there already)" in writer.notices(jobs)[0]


@pytest.mark.parametrize(
    "text, deviation",
    [
        (GOOD.replace("Foot:", "**Foot:**"), "markdown removed"),
        (GOOD.replace(" Arm:", "Arm:"), "missing blank"),
        (f"Sure! {GOOD}", "words before Foot: removed: 'Sure!'"),
        (f"<reasoning_start>{GOOD}</s>", "special tokens removed: </s> <reasoning_start>"),
        (GOOD.replace("Arm:", "ARM:"), "headings written as"),
        (f"<think>{'Foot: a score of 2? ' * 900}</think>\n{GOOD}", "thoughts before </think> removed"),
        ("1. " + GOOD.replace("Arm:", "2) **Arm**:").replace("Overall:", "\n3. Overall:"), "markdown removed"),
        (GOOD.replace("steps", "st\u200beps\x00\ud83d"), "signs that cannot be seen removed"),
        (GOOD + " This fits a score of 1.", "overall: score leak 'score', '1'"),
        (GOOD[:-1] + ", consistent with a score of 1.", "overall: score leak 'score', '1'"),
    ],
)
def test_what_can_be_mended_is_mended_and_reported(text, deviation):
    found = normalise(text)
    assert found.rationale.text() == GOOD and any(line.startswith(deviation) for line in found.deviations)


def test_numbers_of_a_list_are_no_score_leaks():
    found = normalise("1. " + GOOD.replace("Arm:", "\n2. Arm:").replace("Overall:", "\n3. Overall:"))
    assert found.rationale.text() == GOOD and found.deviations == ("markdown removed",)


def test_a_forbidden_topic_is_reported_and_stays():
    found = normalise(GOOD + " No freezing is seen.")
    assert "freezing" in found.rationale.overall and "speaks of freezing" in found.deviations[0]


def test_texts_from_a_file_and_keys_unmatched_both_ways(gait, tmp_path):
    path = tmp_path / "texts.json"
    path.write_text(json.dumps({"A": GOOD.replace(" Arm:", "Arm:"), "X": GOOD, "B": "nothing"}))
    writer = open_writer("file", WriterOptions(texts=path))
    first, second = writer.notices([(gait, 0, "A"), (gait, 0, "B"), (gait, 0, "C")])
    assert "1 of 3 walks have no text in it: C" in first and "1 of its 3 texts belong to no labelled walk: X" in second
    assert writer.write(gait, 0, "A").rationale.text() == GOOD
    for walk, reason in (("C", "no text for this walk"), ("B", "expected the parts")):
        with pytest.raises(WriterFailure, match=reason):
            writer.write(gait, 0, walk)


def test_files_that_hold_no_texts_are_refused(tmp_path):
    for content in ("{", "[]", '{"A": 1}'):
        (tmp_path / "t.json").write_text(content)
        with pytest.raises(UnreadableFile, match="expected a JSON object"):
            open_writer("file", WriterOptions(texts=tmp_path / "t.json"))
    with pytest.raises(UnreadableFile, match="does not exist"):
        open_writer("file", WriterOptions(texts=tmp_path / "none.json"))


@pytest.mark.parametrize(
    "name, options, says",
    [
        ("rules", {"model": "m"}, "the writer rules was given --model"),
        ("file", {}, "--texts FILE"),
        ("openai", {"model": "m"}, "give --base-url"),
        ("openai", {"model": "m", "base_url": "ftp://x"}, "expected an address"),
        ("openai", {"model": "m", "base_url": "http://key@x"}, "without user name or key"),
    ],
)
def test_options_must_fit_the_writer(name, options, says):
    with pytest.raises(UsageError, match=says):
        open_writer(name, WriterOptions(**options))


def test_published_annotations_are_all_usable_and_their_deviations_counted(shared_data):
    texts = json.loads((shared_data / "agir_annotations" / "CoT_annotation.json").read_text(encoding="utf8"))
    found = [normalise(text) for text in texts.values()]
    lines = [line for one in found for line in one.deviations]
    assert len(found) == 886 and all(one.rationale for one in found)
    assert sum("score leak" in line for line in lines) == 3
    assert sum("markdown" in line or "missing blank" in line for line in lines) >= 25
