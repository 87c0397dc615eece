"""What goes over the wire: headers, comments of the stream, files, and what cannot be sent at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import labkit
from labkit import client, errors
from labkit.client.transport import HttpTransport, Place

Answer = Callable[[httpx.Request], httpx.Response]


class Wire:
    """A gateway whose answers a test writes; `refused` keys are refused once more than they should be."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.answer: Answer = lambda _: httpx.Response(200, json={})
        self.refused: set[str] = set()
        self.keys = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/key"):
            self.keys += 1
            return httpx.Response(200, json={"key": f"key-{self.keys}", "expires_at": "2999-01-01T00:00:00+00:00"})
        self.requests.append(request)
        if request.headers["authorization"].removeprefix("Bearer ") in self.refused:
            return httpx.Response(401, json={"error": {"code": "KeyRefused", "message": "Expired."}})
        return self.answer(request)


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[tuple[Wire, HttpTransport]]:
    wire = Wire()
    http = httpx.Client(transport=httpx.MockTransport(wire))
    transport = HttpTransport("http://hub", "hub-token", Place("prompting", "triage", tmp_path), http)
    client.use(transport)
    yield wire, transport
    client.use(None)


def streamed(*lines: str, **headers: str) -> Answer:
    return lambda _: httpx.Response(200, text="".join(f"{line}\n\n" for line in lines), headers=headers)


def word(text: str) -> str:
    return "data: " + json.dumps({"choices": [{"index": 0, "delta": {"content": text}}]}, ensure_ascii=False)


def test_every_call_is_strict_and_only_streams_ask_for_their_place(wire, tmp_path: Path) -> None:
    seen, transport = wire
    (tmp_path / "a.wav").write_bytes(b"sound")
    seen.answer = streamed(word("a"), "data: [DONE]")
    list(transport.stream("/v1/chat/completions", {}))
    seen.answer = lambda _: httpx.Response(200, json={})
    transport.post("/v1/score", {})
    transport.get("/allowance")
    transport.upload("/v1/ocr", {}, tmp_path / "a.wav")
    assert [one.headers.get("x-labkit-strict") for one in seen.requests] == ["1"] * 4
    assert [one.headers.get("x-labkit-queue") for one in seen.requests] == ["1", None, None, None]


def test_comments_of_a_stream_tell_place_and_call(wire) -> None:
    seen, transport = wire
    queue = ': labkit-queue {"place": 3, "seconds": 12.0}'
    comments = (": labkit-charge c-1", ": something of a proxy", "event: ping")
    seen.answer = streamed(queue, word("a"), *comments, "data: [DONE]", **{"X-Labkit-Call": "c-1"})
    assert list(transport.stream("/v1/chat/completions", {})) == [
        {"labkit": {"call": "c-1"}},
        {"labkit": {"queue": {"place": 3, "seconds": 12.0}}},
        {"choices": [{"index": 0, "delta": {"content": "a"}}]},
    ]


def test_an_answer_may_hold_what_unicode_calls_a_line_end(wire) -> None:
    seen, _ = wire
    seen.answer = streamed(word("a\u2028b\x85"), "data: [DONE]")
    assert labkit.ask("hi") == "a\u2028b\x85"


def test_an_answer_that_breaks_off_is_not_taken_for_a_whole_one(wire) -> None:
    seen, _ = wire
    seen.answer = streamed(word("half an"))
    with pytest.raises(errors.ModelUnavailable, match="broke off"):
        labkit.ask("hi")


def test_a_refusal_that_comes_after_the_queue_is_the_class_it_names(wire) -> None:
    seen, _ = wire
    fault = {"error": {"message": "The class may not use it now.", "code": "ModelPaused"}}
    seen.answer = streamed(': labkit-queue {"place": 1, "seconds": 1.0}', f"data: {json.dumps(fault)}")
    with pytest.raises(errors.ModelPaused, match="may not use it now"):
        labkit.ask("hi")


def test_a_file_goes_whole_with_its_fields_also_after_a_key_was_refused(wire, tmp_path: Path) -> None:
    seen, transport = wire
    (tmp_path / "a.wav").write_bytes(b"\x00sound\xff")
    seen.refused = {"key-1"}
    seen.answer = lambda _: httpx.Response(200, json={"text": "hi"}, headers={"X-Labkit-Call": "c-2"})
    given = transport.upload("/v1/audio/transcriptions", {"language": "en"}, tmp_path / "a.wav")
    assert given == {"text": "hi", "labkit": {"call": "c-2"}}
    for request in seen.requests:
        assert request.headers["content-type"].startswith("multipart/form-data")
        assert b'name="language"' in request.content and b'filename="a.wav"' in request.content
        assert b"\x00sound\xff" in request.content
    assert [one.headers["authorization"] for one in seen.requests] == ["Bearer key-1", "Bearer key-2"]


@pytest.mark.parametrize(
    "messages", [[{"role": "user", "content": {1, 2}}], [{"role": "user", "content": "\ud800"}], [float("nan")]]
)
@pytest.mark.parametrize("call", [labkit.chat, lambda messages: labkit.score("a", messages)])
def test_what_json_cannot_hold_is_the_learners_to_put_right(wire, call: Any, messages: list[Any]) -> None:
    seen, _ = wire
    with pytest.raises(errors.RequestRefused, match="Send texts, numbers, lists and dicts"):
        call(messages)
    assert seen.requests == []
