"""The gateway passes a whole model on as it comes, and says whose fault it is where none does."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from functools import partial
from typing import Any

import httpx
import pytest

from labkit.errors import LabkitError, ModelUnavailable, PlatformFault, RequestRefused
from labkit.training.merged_elsewhere import MergedElsewhere

DIGEST = "a" * 64
Answer = Callable[[httpx.Request], httpx.Response]


class Pieces(httpx.AsyncByteStream):
    """What the adapters' process sends; `taken` so far, `closed` once nobody reads on."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self.pieces, self.taken, self.closed = pieces, 0, False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for one in self.pieces:
            if isinstance(one, Exception):
                raise one
            self.taken += 1
            yield one

    async def aclose(self) -> None:
        self.closed = True


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answer], list[httpx.Request]]:
    """Answers in its place; what it was asked."""

    def install(answer: Answer) -> list[httpx.Request]:
        asked: list[httpx.Request] = []

        def handle(request: httpx.Request) -> httpx.Response:
            asked.append(request)
            return answer(request)

        client = partial(httpx.AsyncClient, transport=httpx.MockTransport(handle))
        monkeypatch.setattr("labkit.training.merged_elsewhere.httpx.AsyncClient", client)
        return asked

    return install


async def whole(beside: dict[str, str] | None = None) -> list[bytes]:
    merge = MergedElsewhere("http://127.0.0.1:9/", "sekret")
    return [piece async for piece in merge(DIGEST, "safetensors", beside or {})]


async def test_it_asks_with_its_key_for_an_adapter_a_form_and_what_goes_with_it(process):
    asked = process(lambda _: httpx.Response(200, content=b"PK"))

    assert await whole({"README.md": "# Hers"}) == [b"PK"]
    (request,) = asked
    assert (request.method, str(request.url)) == ("POST", "http://127.0.0.1:9/merge")
    assert request.headers["authorization"] == "Bearer sekret"
    assert json.loads(request.content) == {
        "adapter": DIGEST,
        "form": "safetensors",
        "beside": {"README.md": "# Hers"},
    }


async def test_pieces_are_passed_on_as_they_come(process):
    sent = Pieces(b"one", b"two", b"three")
    process(lambda _: httpx.Response(200, stream=sent))
    async with aclosing(MergedElsewhere("http://127.0.0.1:9", "sekret")(DIGEST, "gguf", {})) as pieces:
        assert await anext(pieces) == b"one"
        assert sent.taken == 1
        assert [piece async for piece in pieces] == [b"two", b"three"]


async def test_who_goes_away_closes_the_line(process):
    sent = Pieces(b"one", b"two", b"three")
    process(lambda _: httpx.Response(200, stream=sent))
    async with aclosing(MergedElsewhere("http://127.0.0.1:9", "sekret")(DIGEST, "gguf", {})) as pieces:
        assert await anext(pieces) == b"one"

    assert sent.closed
    assert sent.taken == 1


def status(code: int) -> Answer:
    return lambda _: httpx.Response(code, json={"error": {"message": "inside words", "code": "Inside"}})


def away(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


def late(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("late", request=request)


FAILS: dict[str, tuple[Answer, type[LabkitError]]] = {
    "a form it does not have": (status(400), RequestRefused),
    "no such adapter": (status(404), PlatformFault),
    "another key": (status(401), PlatformFault),
    "a fault of its own": (status(500), PlatformFault),
    "a page of something else": (lambda _: httpx.Response(502, text="<html>"), PlatformFault),
    "nobody there": (away, ModelUnavailable),
    "no answer": (late, ModelUnavailable),
}


@pytest.mark.parametrize("case", FAILS)
async def test_what_goes_wrong_is_told_before_the_first_piece_and_to_whom_it_belongs(process, case: str):
    answer, kind = FAILS[case]
    process(answer)
    pieces: Any = MergedElsewhere("http://127.0.0.1:9", "sekret")(DIGEST, "safetensors", {})
    with pytest.raises(kind) as told:
        await anext(pieces)

    assert type(told.value) is kind
    assert told.value.instead
    assert "inside" not in str(told.value).lower()


async def test_a_line_that_breaks_is_told_and_no_end_is_made_up(process):
    process(lambda _: httpx.Response(200, stream=Pieces(b"one", httpx.ReadError("broken"))))
    found: list[bytes] = []
    with pytest.raises(ModelUnavailable, match=r"could not be merged now\. Try again in a minute"):
        async with aclosing(MergedElsewhere("http://127.0.0.1:9", "sekret")(DIGEST, "safetensors", {})) as pieces:
            async for piece in pieces:
                found.append(piece)

    assert found == [b"one"]
