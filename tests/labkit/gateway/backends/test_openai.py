"""Servers that fail: who is asked next, and what the learner pays."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from sqlalchemy import select

from labkit.database.tables import charges
from labkit.errors import OperatorError
from labkit.gateway import router
from labkit.gateway.backends import open_backend
from labkit.gateway.backends.estimate import likely_tokens, most_tokens
from labkit.gateway.backends.openai import Model, OpenAiServer

HELLO = [{"role": "user", "content": "good morning to you"}]
COST = 4 + 5
MODELS = {"m": Model("Org/M", ["chat/completions", "completions", "embeddings", "audio/transcriptions"])}


class Pair:
    """A gateway before two servers of the same model, and a learner who asks it."""

    def __init__(self, gateway: Any, client: openai.OpenAI, first: Any, second: Any) -> None:
        self.gateway, self.client, self.first, self.second = gateway, client, first, second
        for server in (first, second):
            server.plan, server.asked, server.usage, server.left = [], [], None, 0
        self._before = self._lines()

    def ask(self, stream: bool = False, most: int = 5, **options: Any) -> str:
        given: dict[str, Any] = {"model": "m", "messages": HELLO, "max_tokens": most, "stream": stream, **options}
        answer = self.client.chat.completions.create(**given)
        if stream:
            return "".join(one.choices[0].delta.content or "" for one in answer if one.choices)
        return answer.choices[0].message.content or ""

    @property
    def charged(self) -> list[int]:
        """What each call since has cost that cost anything, once nothing is reserved."""
        self.gateway.settled("large")
        return sorted(amount for id, amount in self._lines().items() if id not in self._before)

    def _lines(self) -> dict[str, int]:
        with self.gateway.engine.connect() as connection:
            return {row.id: row.amount for row in connection.execute(select(charges))}


@pytest.fixture(scope="module")
def servers(upstream, starting, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, ...]]:
    first, second = upstream(), upstream()
    with starting(tmp_path_factory.mktemp("pair")) as start:
        gateway = start([OpenAiServer(one.url, MODELS, count="vllm", silence=0.5) for one in (first, second)], "m")
        yield gateway, gateway.openai("large").with_options(max_retries=0), first, second


@pytest.fixture
def pair(servers) -> Pair:
    return Pair(*servers)


BEFORE = ["500", "429", "429 60", "429 Wed, 21 Oct 2065 07:28:00 GMT", "hang", "garbage"]
WHOLE = [*BEFORE, "no-usage", "no-choices", "odd-choices", "odd-usage", "negative-usage"]
STREAMED = [*BEFORE, "odd-chunk", "error"]


@pytest.mark.parametrize(("fault", "stream"), [*((one, False) for one in WHOLE), *((one, True) for one in STREAMED)])
def test_what_fails_before_the_first_byte_goes_to_the_next_server_and_is_paid_once(
    fault: str, stream: bool, pair
) -> None:
    pair.first.plan = [fault]
    assert pair.ask(stream) == "word " * 5
    assert (len(pair.first.asked), len(pair.second.asked)) == (1, 1)
    assert pair.charged == [COST]


@pytest.mark.parametrize("stream", [False, True])
def test_where_every_server_fails_nothing_is_charged(stream: bool, pair) -> None:
    pair.first.plan, pair.second.plan = ["500"], ["garbage"]
    with pytest.raises(openai.InternalServerError, match="nothing was charged") as caught:
        pair.ask(stream)
    assert (caught.value.status_code, caught.value.code) == (502, "ModelUnavailable")
    assert pair.charged == []


@pytest.mark.parametrize("fault", ["drop-midway", "no-usage"])
def test_after_the_first_byte_nobody_else_is_asked_and_nothing_is_charged(fault: str, pair) -> None:
    pair.first.plan = [fault]
    with pytest.raises(openai.APIError, match="did not answer"):
        pair.ask(stream=True)
    assert len(pair.second.asked) == 0
    assert pair.charged == []


@pytest.mark.parametrize("stream", [False, True])
def test_a_connection_that_broke_before_the_first_byte_is_tried_once_more_and_paid_once(stream: bool, pair) -> None:
    pair.first.plan = ["drop"]
    assert pair.ask(stream) == "word " * 5
    assert (len(pair.first.asked), len(pair.second.asked)) == (2, 0)
    pair.first.plan = ["drop", "drop"]
    assert pair.ask(stream) == "word " * 5
    assert (len(pair.first.asked), len(pair.second.asked)) == (4, 1)
    assert pair.charged == [COST, COST]


@pytest.mark.parametrize("stream", [False, True])
def test_a_busy_server_is_given_the_seconds_it_asks_for(stream: bool, pair) -> None:
    pair.first.plan = ["429 0.2"]
    began = time.monotonic()
    assert pair.ask(stream) == "word " * 5
    assert time.monotonic() - began >= 0.2
    assert (len(pair.first.asked), len(pair.second.asked)) == (2, 0)
    pair.first.plan = ["429 0", "429 0"]
    assert pair.ask(stream) == "word " * 5
    assert (len(pair.first.asked), len(pair.second.asked)) == (4, 1)
    assert pair.charged == [COST, COST]


def test_what_the_caller_can_mend_is_told_to_her_and_to_no_other_server(pair) -> None:
    pair.first.plan = ["400"]
    with pytest.raises(openai.BadRequestError, match=r"The model refused: The schema is wrong\."):
        pair.ask()
    assert len(pair.second.asked) == 0 and pair.charged == []


def test_of_several_answers_none_is_paid_where_one_fails_everywhere(pair) -> None:
    pair.first.plan, pair.second.plan = ["", "500"], ["500"]
    with pytest.raises(openai.InternalServerError):
        pair.ask(n=2)
    assert pair.charged == []
    assert pair.ask(n=2) == "word " * 5
    assert pair.charged == [COST + 5]  # the prompt is paid for once


def test_a_server_that_is_down_is_passed_over_until_it_is_well_again(
    start, upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(router, "_HEALTH_SECONDS", 0.05)
    first, second = upstream(), upstream()
    gateway = start([OpenAiServer(one.url, MODELS) for one in (first, second)], "m")

    def asked_of_whom() -> str:
        before = len(first.asked)
        gateway.openai().chat.completions.create(model="m", messages=HELLO, max_tokens=1)
        return "first" if len(first.asked) > before else "second"

    def until(whom: str) -> bool:
        end = time.monotonic() + 10
        while asked_of_whom() != whom and time.monotonic() < end:
            time.sleep(0.05)
        return asked_of_whom() == whom

    assert asked_of_whom() == "first"
    first.healthy = False
    assert until("second") and asked_of_whom() == "second"
    first.healthy = True
    assert until("first")


def test_nothing_more_and_nothing_less_than_the_call_can_cost_is_reserved(pair) -> None:
    client = pair.gateway.openai("small").with_options(max_retries=0)
    with pytest.raises(openai.RateLimitError, match="may cost 41 tokens"):
        client.chat.completions.create(model="m", messages=HELLO, max_tokens=37)
    assert pair.first.asked == []
    assert client.chat.completions.create(model="m", messages=HELLO, max_tokens=36).usage is not None
    assert pair.gateway.balance("small").left == 0


@pytest.mark.parametrize("stream", [False, True])
def test_a_server_that_claims_more_than_was_asked_of_it_is_not_believed(stream: bool, pair) -> None:
    pair.first.usage = {"prompt_tokens": 4, "completion_tokens": 10**9, "total_tokens": 10**9}
    pair.ask(stream)
    assert pair.charged == [COST]


def test_whoever_leaves_pays_for_what_was_made_and_the_server_is_let_go(pair) -> None:
    given: dict[str, Any] = {"model": "m", "messages": HELLO, "max_tokens": 500, "stream": True}
    with pair.client.chat.completions.create(**given) as stream:
        for _ in range(5):
            next(stream)
    (used,) = pair.charged
    assert 5 < used < 300
    end = time.monotonic() + 10
    while not pair.first.left and time.monotonic() < end:
        time.sleep(0.02)
    assert pair.first.left == 1


def test_every_path_reaches_the_server_under_its_own_name_for_the_model(pair) -> None:
    client = pair.client
    assert client.completions.create(model="m", prompt="a b", max_tokens=2).choices[0].text == "word word "
    assert client.embeddings.create(model="m", input="a b c").data[0].embedding == [0.5, 1.0]
    heard = client.audio.transcriptions.create(
        model="m", file=("a.ogg", b"x" * 6400), response_format="verbose_json", temperature=0.5, language="en"
    )
    assert (heard.text, heard.duration, heard.language, len(heard.segments)) == ("heard", 2.5, "english", 1)
    assert [one["model"] for one in pair.first.asked] == ["Org/M"] * 3
    assert pair.first.asked[2]["response_format"] == "verbose_json" and pair.first.asked[2]["temperature"] == "0.5"
    assert pair.charged == [3, 4, 50]


@pytest.mark.parametrize(
    "body",
    [
        {"prompt": "Ilang araw po bago makuha ang permit? 🙂"},
        {"input": ["a", "bc"]},
        {"messages": HELLO},
        {"messages": [{"role": "user", "content": "日本語"}], "tools": [{"type": "function"}]},
        {
            "messages": [
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,A"}}]}
            ]
        },
    ],
)
def test_an_estimate_is_never_under_the_bytes_of_the_text(body: dict[str, Any]) -> None:
    text = "".join(str(one["content"]) for one in body.get("messages", ()) if isinstance(one["content"], str))
    text += body.get("prompt", "") + "".join(body.get("input", ()))
    assert most_tokens(body) > len(text.encode()) and most_tokens(body) > likely_tokens(body) - 64 > -1


GOOD: dict[str, Any] = {"kind": "openai", "url": "http://x", "models": {"m": {"upstream": "M"}}}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"count": "guess"}, 'count is \'guess\'. Write "bytes" or "vllm"'),
        ({"models": {"m": {"upstream": "M", "paths": ["chat"]}}}, "model m: unknown path 'chat'"),
        ({"models": {"m": {"upstream": "M", "takes": ["video"]}}}, "model m: unknown ability 'video'"),
        ({"models": {"m": {"name": "M"}}}, "model m: unknown key 'name'"),
        ({"timeout": 5}, "unknown key 'timeout'"),
        ({"url": "127.0.0.1:8000"}, "url is '127.0.0.1:8000'. Write it whole"),
    ],
)
def test_settings_it_does_not_know_are_refused(changes: dict[str, Any], complaint: str) -> None:
    assert open_backend(GOOD)
    with pytest.raises(OperatorError) as caught:
        open_backend({**GOOD, **changes})
    assert complaint in str(caught.value)


async def test_a_server_that_is_not_there_is_not_healthy() -> None:
    server = OpenAiServer("http://127.0.0.1:9", MODELS)
    assert await server.health() is False
    await server.close()


def test_the_gateway_says_it_has_no_model_while_every_server_is_away(start) -> None:
    gateway = start(OpenAiServer("http://127.0.0.1:9", MODELS), "m")
    assert httpx.get(f"{gateway.url}/health").status_code == 503
    with pytest.raises(openai.InternalServerError, match="did not answer"):
        gateway.openai().with_options(max_retries=0).chat.completions.create(model="m", messages=HELLO)
