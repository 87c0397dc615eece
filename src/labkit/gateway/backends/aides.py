"""What helps beside the chat models, in the model process of this machine: embeddings, speech to text, text in images.

    {"kind": "aides", "url": the scoring listener's, "key_file"}

In tokens of the allowance: embeddings exactly; speech 50 for each second, rounded up, since Whisper's encoder makes 50
vectors of a second (1,500 of its window of 30: Radford et al. 2022, arXiv:2212.04356, section 2.2); an image 1 for
1,000 pixels, rounded up. An engine that is not installed is not listed.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from labkit.errors import RequestRefused
from labkit.gateway.backends import Piece, Scored, Served
from labkit.gateway.backends.connection import connect
from labkit.gateway.backends.wire import GRANULARITIES, unavailable, usage
from labkit.strict import read_secret, strict

# Ten minutes of speech on a busy small machine.
_PATIENCE = httpx.Timeout(300, connect=5)
_SPEECH_TOKENS = 50  # a second
_PIXELS = 1_000  # a token


@dataclass(frozen=True)
class Settings:
    url: str
    key_file: str


@dataclass(frozen=True)
class _Aide:
    """An engine of the model process: where it is asked, and what a call costs in tokens by what is told of it."""

    id: str
    path: str
    engine: str  # its name in /identity/aides
    route: str
    tokens: Callable[[Mapping[str, Any]], int]


_AIDES = (
    _Aide("all-minilm-l6-v2", "embeddings", "embeddings", "/embed", lambda told: int(told["tokens"])),
    _Aide(
        "whisper-tiny-en",
        "audio/transcriptions",
        "speech",
        "/transcribe",
        lambda told: math.ceil(told["seconds"] * _SPEECH_TOKENS),
    ),
    _Aide("tesseract", "ocr", "reading", "/read", lambda told: math.ceil(told["pixels"] / _PIXELS)),
)
_BY_PATH = {one.path: one for one in _AIDES}


class AidesOfTheModelProcess:
    """Speaks to the model process's listener. `client` carries the key."""

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self._url, self._client = url.rstrip("/"), client
        self._models: list[Served] = []
        # The model process answers one of a kind at a time; a second text is counted and sent meanwhile.
        self.lanes: Mapping[str, int] = {one.path: 2 if one.path == "embeddings" else 1 for one in _AIDES}

    def lane(self, path: str) -> str:
        return path

    async def models(self) -> list[Served]:
        if not self._models:  # what is installed when the model process starts
            engines = await self.identity()
            self._models = [
                Served(one.id, frozenset({one.path})) for one in _AIDES if "missing" not in engines[one.engine]
            ]
        return self._models

    async def count(self, path: str, body: Mapping[str, Any]) -> int:
        aide = _BY_PATH[path]
        return aide.tokens(await self._ask(f"{aide.route}/cost", body))

    async def complete(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        answers = {"embeddings": self._embed, "audio/transcriptions": self._transcribe, "ocr": self._read}
        return await answers[path](body)

    async def stream(self, path: str, body: Mapping[str, Any]) -> AsyncIterator[Piece]:
        raise RequestRefused("This model does not stream.", instead="Leave stream out.")
        yield  # a generator, as the protocol has it

    async def cost(self, prompts: list[str], choices: list[str]) -> int:
        raise RequestRefused("This model does not score choices.", instead="Score with the lab's own model.")

    async def score(self, prompts: list[str], choices: list[str]) -> Scored:
        raise RequestRefused("This model does not score choices.", instead="Score with the lab's own model.")

    async def identity(self) -> dict[str, Any]:
        return await self._answered(self._client.build_request("GET", f"{self._url}/identity/aides"))

    async def health(self) -> bool:
        try:
            return (await self._client.get(f"{self._url}/health", timeout=5)).status_code == 200
        except httpx.HTTPError:
            return False

    async def close(self) -> None:
        await self._client.aclose()

    async def _embed(self, body: Mapping[str, Any]) -> dict[str, Any]:
        told = await self._ask("/embed", body)
        rows = [
            {"object": "embedding", "index": number, "embedding": row} for number, row in enumerate(told["embeddings"])
        ]
        return {"object": "list", "model": body["model"], "data": rows, "usage": usage(told["tokens"])}

    async def _transcribe(self, body: Mapping[str, Any]) -> dict[str, Any]:
        told = await self._ask("/transcribe", body)
        segments = [
            {"id": number, **{name: value for name, value in one.items() if name != "words"}}
            for number, one in enumerate(told["segments"])
        ]
        words = [
            {"word": word["text"], "start": word["start"], "end": word["end"]}
            for one in told["segments"]
            for word in one["words"]
        ]
        cost = math.ceil(told["duration"] * _SPEECH_TOKENS)
        return {**told, "segments": segments, "words": words, "usage": usage(cost)}

    async def _read(self, body: Mapping[str, Any]) -> dict[str, Any]:
        told = await self._ask("/read", body)
        return {**told, "usage": usage(math.ceil(told["width"] * told["height"] / _PIXELS))}

    async def _ask(self, route: str, body: Mapping[str, Any]) -> dict[str, Any]:
        address = self._url + route
        if "input" in body:
            return await self._answered(self._client.build_request("POST", address, json={"texts": body["input"]}))
        given = {} if route.endswith("/cost") else _options(body)
        return await self._answered(self._client.build_request("POST", address, params=given, content=body["file"]))

    async def _answered(self, request: httpx.Request) -> dict[str, Any]:
        try:
            answer = await self._client.send(request)
            told: dict[str, Any] = answer.json()
            if answer.status_code == 400:
                raise RequestRefused(str(told["error"]["message"]))
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise unavailable() from error
        if answer.status_code != 200:
            raise unavailable()
        return told


def _options(body: Mapping[str, Any]) -> dict[str, str]:
    """What a form may say, as the model process calls it."""
    known = {name: body[name] for name in ("language", "prompt", "temperature", "languages") if body.get(name)}
    return {**known, "timestamps": "word"} if "word" in body.get(GRANULARITIES, ()) else known


def open_backend(settings: Mapping[str, Any]) -> AidesOfTheModelProcess:
    known = strict(Settings, settings, "backend aides")
    return AidesOfTheModelProcess(known.url, connect(read_secret(Path(known.key_file)), _PATIENCE))
