"""What the llama.cpp backend makes of the answers it gets, each kind of trouble too; the real one: test_real_model."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from labkit.errors import ModelUnavailable, RequestRefused
from labkit.gateway.backends.llamacpp import LlamaCpp

BODY: dict[str, Any] = {"messages": [{"role": "user", "content": "hi"}], "model": "m", "max_tokens": 4}


def backend(answer: Callable[[httpx.Request], httpx.Response]) -> LlamaCpp:
    return LlamaCpp("http://llama", "http://scoring", httpx.AsyncClient(transport=httpx.MockTransport(answer)))


def stream_of(*chunks: dict[str, Any]) -> httpx.Response:
    return httpx.Response(200, text="".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(400, json={"error": {"message": "the prompt is too long"}}), RequestRefused),
        (httpx.Response(400, text="no json"), ModelUnavailable),
        (httpx.Response(401, json={"error": {"message": "Invalid API Key"}}), ModelUnavailable),
        (httpx.Response(500, json={"error": {"message": "out of memory"}}), ModelUnavailable),
        (httpx.Response(200, text="no json"), ModelUnavailable),
        (httpx.ReadTimeout("slow"), ModelUnavailable),
        (httpx.ConnectError("gone"), ModelUnavailable),
    ],
)
async def test_only_a_400_is_the_callers_to_mend(
    answer: httpx.Response | httpx.HTTPError, kind: type[Exception]
) -> None:
    def respond(_request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    llama = backend(respond)
    with pytest.raises(kind):
        await llama.complete("chat/completions", BODY)
    with pytest.raises(kind):
        await llama.score(["a"], ["b"])
    if not (isinstance(answer, httpx.Response) and answer.status_code == 200):
        with pytest.raises(kind):
            async for _ in llama.stream("chat/completions", BODY):
                pass
    await llama.close()


async def test_every_piece_of_a_stream_says_what_it_has_cost_so_far() -> None:
    llama = backend(
        lambda _: stream_of(
            {"choices": [{"delta": {"role": "assistant"}}]},
            {"choices": [{"delta": {"content": "a"}}], "timings": {"cache_n": 3, "prompt_n": 4, "predicted_n": 1}},
            {"choices": [{"delta": {"content": "bc"}}], "timings": {"cache_n": 3, "prompt_n": 4, "predicted_n": 3}},
            {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}, "timings": {"prompt_n": 99}},
        )
    )
    pieces = [piece async for piece in llama.stream("chat/completions", BODY)]
    assert [(piece.prompt, piece.answer) for piece in pieces] == [(None, 0), (7, 1), (7, 3), (7, 3)]
    assert all("timings" not in piece.chunk for piece in pieces)


async def test_an_error_inside_a_stream_is_the_models() -> None:
    llama = backend(lambda _: stream_of({"choices": []}, {"error": {"message": "slot failed"}}))
    with pytest.raises(ModelUnavailable):
        _ = [piece async for piece in llama.stream("chat/completions", BODY)]


async def test_the_models_are_asked_for_once() -> None:
    asked: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200, json={"data": [{"id": "m"}]})

    llama = backend(respond)
    assert [[one.id for one in await llama.models()] for _ in range(3)] == [["m"]] * 3
    assert asked == ["/v1/models"]


@pytest.mark.parametrize(("scoring", "up"), [(200, True), (401, False), (503, False)])
async def test_it_is_healthy_when_both_listeners_are(scoring: int, up: bool) -> None:
    llama = backend(lambda request: httpx.Response(scoring if request.url.host == "scoring" else 200))
    assert await llama.health() is up


async def test_a_text_too_long_is_said_in_words_a_learner_can_use() -> None:
    said = "request (9031 tokens) exceeds the available context size (2048 tokens), try increasing it"
    llama = backend(lambda _request: httpx.Response(400, json={"error": {"message": said}}))

    with pytest.raises(RequestRefused, match=r"Your text is too long: 9031 tokens, at most 2048\. Shorten it\."):
        await llama.complete("chat/completions", BODY)
