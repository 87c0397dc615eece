"""A small real server of OpenAI's format that fails as it is told."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

PATHS = ("chat/completions", "completions", "embeddings", "audio/transcriptions")


@dataclass
class Upstream:
    """Answers with as many words as it may, each a token; a prompt has as many tokens as words.

    `plan` holds what the next requests meet, one each; after that it answers. `asked` are the bodies it was sent.
    """

    plan: list[str] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    healthy: bool = True
    usage: dict[str, Any] | None = None  # told in place of the true one
    left: int = 0  # how many callers went before the end
    url: str = ""

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/tokenize", self._tokenize)
        for path in PATHS:
            app.router.add_post(f"/v1/{path}", self._answer)
        return app

    async def _models(self, _request: web.Request) -> web.Response:
        return web.json_response({"data": []}, status=200 if self.healthy else 503)

    async def _tokenize(self, request: web.Request) -> web.Response:
        return web.json_response({"count": words(await request.json())})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if request.path.endswith("transcriptions"):
            self.asked.append(dict(await request.post()))
            return web.json_response({"text": "heard", "duration": 2.5, "language": "en", "segments": [{"id": 0}]})
        body = await request.json()
        self.asked.append(body)
        fault = self.plan.pop(0) if self.plan else ""
        if fault == "hang":
            await asyncio.sleep(3)
        if fault == "drop":
            assert request.transport is not None
            request.transport.abort()
        if fault.startswith("429"):
            wait = fault.removeprefix("429").strip()
            return web.json_response({}, status=429, headers={"Retry-After": wait} if wait else {})
        if fault == "400":
            return web.json_response({"error": {"message": "The schema is wrong."}}, status=400)
        if fault == "500":
            return web.json_response({"error": {"message": "out of memory"}}, status=500)
        if body.get("stream"):
            return await self._stream(request, body, fault)
        if fault == "garbage":
            return web.Response(text="<html>", content_type="text/html")
        return web.json_response(self._whole(request.path, body, fault))

    def _whole(self, path: str, body: dict[str, Any], fault: str) -> dict[str, Any]:
        answer: dict[str, Any] = {"id": "a", "object": "chat.completion", "created": 0, "usage": self._spent(body)}
        if path.endswith("embeddings"):
            answer["data"] = [{"object": "embedding", "index": 0, "embedding": [0.5, 1.0]} for _ in body["input"]]
            del answer["usage"]["completion_tokens"]
        elif "prompt" in body:
            answer["choices"] = [{"index": 0, "text": "word " * body["max_tokens"], "finish_reason": "length"}]
        else:
            message = {"role": "assistant", "content": "word " * body["max_tokens"]}
            answer["choices"] = [{"index": 0, "message": message, "finish_reason": "length"}]
        wrong: dict[str, dict[str, Any]] = {
            "no-usage": {"usage": None},
            "no-choices": {"choices": [], "data": []},
            "odd-choices": {"choices": [{"message": None}], "data": 5},
            "odd-usage": {"usage": {"prompt_tokens": "many"}},
            "negative-usage": {"usage": {"prompt_tokens": -5, "completion_tokens": 1}},
        }
        return {**answer, **wrong.get(fault, {})}

    async def _stream(self, request: web.Request, body: dict[str, Any], fault: str) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        try:
            if fault == "garbage":
                await answer.write(b"data: {<html>\n\n")
            if fault == "odd-chunk":
                await answer.write(b"data: 5\n\n")
            if fault == "error":
                await answer.write(b'data: {"error": {"message": "slot failed"}}\n\n')
            for number in range(body["max_tokens"]):
                if fault == "drop-midway" and number == 3:
                    assert request.transport is not None
                    request.transport.abort()
                await answer.write(event({"choices": [{"index": 0, "delta": {"content": "word "}}]}))
                await asyncio.sleep(0.02 if body["max_tokens"] > 50 else 0)
            if fault != "no-usage":
                await answer.write(event({"choices": [], "usage": self._spent(body)}))
            await answer.write(b"data: [DONE]\n\n")
        except (ConnectionError, asyncio.CancelledError):
            self.left += 1
            raise
        return answer

    def _spent(self, body: dict[str, Any]) -> dict[str, Any]:
        prompt, made = words(body), body.get("max_tokens", 0)
        return self.usage or {"prompt_tokens": prompt, "completion_tokens": made, "total_tokens": prompt + made}


def event(chunk: dict[str, Any]) -> bytes:
    return f"data: {json.dumps({'id': 'a', 'object': 'chat.completion.chunk', 'created': 0, **chunk})}\n\n".encode()


def words(body: dict[str, Any]) -> int:
    texts = [one["content"] for one in body.get("messages", [])] + [body.get("prompt", ""), *body.get("input", [])]
    return sum(len(text.split()) for text in texts)


@pytest.fixture(scope="session")
def upstream() -> Iterator[Callable[[], Upstream]]:
    """Starts such servers, each on a port of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    runners: list[web.AppRunner] = []

    async def listen(one: Upstream) -> None:
        runners.append(web.AppRunner(one.app(), handler_cancellation=True, shutdown_timeout=0.1))
        await runners[-1].setup()
        site = web.TCPSite(runners[-1], "127.0.0.1", 0)
        await site.start()
        one.url = f"http://127.0.0.1:{runners[-1].addresses[0][1]}"

    def start() -> Upstream:
        one = Upstream()
        asyncio.run_coroutine_threadsafe(listen(one), loop).result(10)
        return one

    yield start
    for runner in runners:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
