"""Learners' own adapters, answered by the process that keeps their base (`labkit.training.serve`).

    {"kind": "adapters", "base": NAME, "url": "http://127.0.0.1:PORT", "key_file": FILE, "context": 2048, "slots": 16}

One model stands for all of them; whose an adapter is, the gateway has looked up before, and the body names its files
under "adapter".
"""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson

from labkit.errors import RequestRefused
from labkit.gateway.backends import Piece, Scored, Served, adapters_of
from labkit.gateway.backends.connection import connect
from labkit.gateway.backends.wire import unavailable, usage
from labkit.strict import read_secret, strict

_CHAT = "chat/completions"
_PATIENCE = httpx.Timeout(180.0, connect=5.0)
_SENT = (
    *("adapter", "messages", "prompt", "max_tokens", "temperature", "top_p", "seed", "stop"),
    *("presence_penalty", "frequency_penalty"),
)


@dataclass(frozen=True)
class Settings:
    base: str
    url: str
    key_file: str
    context: int = 2048
    slots: int = 16


class Adapters:
    """Speaks to the process that keeps `base`. `client` carries the key."""

    def __init__(self, base: str, url: str, client: httpx.AsyncClient, context: int = 2048, slots: int = 16) -> None:
        self._name, self._url, self._client, self._context = adapters_of(base), url.rstrip("/"), client, context
        self.lanes: Mapping[str, int] = {"adapters": slots}

    def lane(self, path: str) -> str:
        return "adapters"

    async def models(self) -> list[Served]:
        return [Served(self._name, frozenset({_CHAT, "completions"}), frozenset(), self._context)]

    async def count(self, path: str, body: Mapping[str, Any]) -> int:
        try:
            answer = await self._client.post(f"{self._url}/count", json=_sent(body))
            told = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise unavailable() from error
        _check(answer.status_code, told)
        return int(told["tokens"])

    async def complete(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        text, read, made, finish = "", 0, 0, "length"
        async with aclosing(self._lines(body)) as lines:  # type: ignore[type-var]
            async for one in lines:
                read = one.get("prompt", read)
                text, made = text + one.get("text", ""), one.get("made", made)
                finish = one.get("finish") or finish
        said = {"text": text} if path != _CHAT else {"message": {"role": "assistant", "content": text}}
        return {**_head(path, body), "choices": [_choice(said, finish)], "usage": usage(read, made)}

    async def stream(self, path: str, body: Mapping[str, Any]) -> AsyncIterator[Piece]:
        head, read, made = _head(path, body, chunk=True), 0, 0
        async with aclosing(self._lines(body)) as lines:  # type: ignore[type-var]
            async for one in lines:
                if "prompt" in one:
                    read = one["prompt"]
                    if path == _CHAT:
                        first = _choice({"delta": {"role": "assistant", "content": ""}}, None)
                        yield Piece({**head, "choices": [first]}, 0, read)
                    continue
                made, text = one["made"], one["text"]
                said = {"text": text} if path != _CHAT else {"delta": {"content": text} if text else {}}
                yield Piece({**head, "choices": [_choice(said, one["finish"])]}, made, read)
        yield Piece({**head, "choices": [], "usage": usage(read, made)}, made, read)

    async def cost(self, prompts: list[str], choices: list[str]) -> int:
        raise RequestRefused("An adapter does not score choices.", instead="Score with the lab's own model.")

    async def score(self, prompts: list[str], choices: list[str]) -> Scored:
        raise RequestRefused("An adapter does not score choices.", instead="Score with the lab's own model.")

    async def identity(self) -> dict[str, Any]:
        return {"engine": "labkit.training"}

    async def health(self) -> bool:
        try:
            return (await self._client.get(f"{self._url}/health", timeout=5)).status_code == 200
        except httpx.HTTPError:
            return False

    async def close(self) -> None:
        await self._client.aclose()

    async def _lines(self, body: Mapping[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """What the process says, line by line; ModelUnavailable where it breaks off before the end."""
        over = False
        try:
            async with self._client.stream("POST", f"{self._url}/generate", json=_sent(body)) as answer:
                if answer.status_code != 200:
                    _check(answer.status_code, orjson.loads(await answer.aread()))
                async for line in answer.aiter_lines():
                    one = orjson.loads(line)
                    over = bool(one.get("finish"))
                    yield one
        except (httpx.HTTPError, ValueError) as error:
            raise unavailable() from error
        if not over:
            raise unavailable()


def _sent(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: body[name] for name in _SENT if name in body}


def _check(status: int, told: Mapping[str, Any]) -> None:
    if status == 400:
        raise RequestRefused(str(told.get("error", {}).get("message", "The model refuses this.")))
    if status != 200:
        raise unavailable()


def _head(path: str, body: Mapping[str, Any], *, chunk: bool = False) -> dict[str, Any]:
    kind = "text_completion" if path != _CHAT else f"chat.completion{'.chunk' if chunk else ''}"
    name = f"{'cmpl' if path != _CHAT else 'chatcmpl'}-{uuid.uuid4().hex}"
    return {"id": name, "object": kind, "created": int(time.time()), "model": body["model"]}


def _choice(said: dict[str, Any], finish: str | None) -> dict[str, Any]:
    return {"index": 0, **said, "logprobs": None, "finish_reason": finish}


def open_backend(settings: Mapping[str, Any]) -> Adapters:
    known = strict(Settings, settings, "backend adapters")
    client = connect(read_secret(Path(known.key_file)), _PATIENCE)
    return Adapters(known.base, known.url, client, known.context, known.slots)
