"""Any server that speaks OpenAI's wire format: vLLM, SGLang, llama.cpp's server, another gateway.

    {"kind": "openai", "url": "http://10.0.0.5:8000", "key_file": "", "slots": 32, "count": "bytes",
     "models": {"qwen3-8b": {"upstream": "Qwen/Qwen3-8B", "paths": [...], "takes": ["tools"], "context": 32768}}}

`models` says what learners call each model and what the server calls it; only those named are served. `count` is how a
prompt is counted before the call: "bytes" takes as many tokens as it has bytes, which no tokenizer exceeds, so a
reservation is about four times too large until the call is settled; "vllm" asks the server's /tokenize and is exact.

A connection that broke before the first byte of an answer is tried once more. A server may have worked on a request
whose answer was lost; its learner still pays for one.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from labkit.errors import LabkitError, ModelUnavailable, OperatorError, RequestRefused
from labkit.gateway.backends import Piece, Scored, Served
from labkit.gateway.messages import images_of, text_of
from labkit.strict import read_secret, strict

_PATIENCE = aiohttp.ClientTimeout(total=600, connect=5, sock_read=180)
_HEALTH = aiohttp.ClientTimeout(total=3)
_FAULTS = (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError)
_JSON = {"Content-Type": "application/json"}
_PATHS = ("chat/completions", "completions")
_KNOWN_PATHS = (*_PATHS, "embeddings", "audio/transcriptions")
_TAKES = ("tools", "images", "json_schema", "logprobs")
# What a chat template may add to each message and to the whole, and what an image may be worth.
_A_MESSAGE, _A_PROMPT, _AN_IMAGE = 16, 64, 4_096
# Bytes of a token in most languages; for a stream nobody waited for, whose usage was never told.
_BYTES = 4


@dataclass(frozen=True)
class Model:
    upstream: str
    paths: list[str] = field(default_factory=lambda: list(_PATHS))
    takes: list[str] = field(default_factory=lambda: ["json_schema", "logprobs"])
    context: int = 0


@dataclass(frozen=True)
class Settings:
    url: str
    models: dict[str, Any]
    key_file: str = ""
    slots: int = 32
    count: str = "bytes"


class OpenAiServer:
    """One server. Its session opens with its first request, in the loop that runs then."""

    def __init__(self, url: str, models: Mapping[str, Model], key: str = "", slots: int = 32, count: str = "bytes"):
        self._url, self._models, self._count = url.rstrip("/"), dict(models), count
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._session: aiohttp.ClientSession | None = None
        self.lanes: Mapping[str, int] = {"server": slots}

    def lane(self, path: str) -> str:
        return "server"

    async def models(self) -> list[Served]:
        return [
            Served(name, frozenset(one.paths), frozenset(one.takes), one.context) for name, one in self._models.items()
        ]

    async def count(self, path: str, body: Mapping[str, Any]) -> int:
        if self._count == "vllm" and path in _PATHS:
            kept = {name: body[name] for name in ("messages", "prompt", "tools") if name in body}
            told = await self._post("/tokenize", {**kept, "model": self._models[body["model"]].upstream})
            return int(told["count"])
        if path == "audio/transcriptions":
            return max(50, len(body["file"]) // 640)  # 50 tokens a second, of 16-bit speech at 16 kHz or better
        return _bytes(body) + _extra(body)

    async def complete(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        if path == "audio/transcriptions":
            return await self._transcribe(body)
        answer = await self._post(f"/v1/{path}", self._asked(body))
        usage = answer.get("usage")
        if not isinstance(usage, dict):
            raise _unavailable()  # nothing can be settled by an answer that does not say what it cost
        return {**answer, "model": body["model"]}

    async def stream(self, path: str, body: Mapping[str, Any]) -> AsyncIterator[Piece]:
        asked = {**self._asked(body), "stream": True, "stream_options": {"include_usage": True}}
        prompt: int | None = max(1, (_bytes(body) // _BYTES) + _A_PROMPT)
        made, told = 0, False
        try:
            async with await self._send(f"/v1/{path}", asked) as answer:
                if answer.status != 200:
                    raise await _refusal(answer)
                async for chunk in _chunks(answer):
                    if usage := chunk.get("usage"):
                        prompt, made, told = int(usage["prompt_tokens"]), int(usage["completion_tokens"]), True
                    elif not told:
                        made += 1 if any(map(_says, chunk.get("choices", ()))) else 0
                    yield Piece({**chunk, "model": body["model"]}, made, prompt)
        except _FAULTS as error:
            raise _unavailable() from error
        if not told:
            raise _unavailable()

    async def cost(self, prompts: list[str], choices: list[str]) -> int:
        raise RequestRefused("This model does not score choices.", instead="Score with the site's own model.")

    async def score(self, prompts: list[str], choices: list[str]) -> Scored:
        raise RequestRefused("This model does not score choices.", instead="Score with the site's own model.")

    async def identity(self) -> dict[str, Any]:
        """What it is called; a server does not tell the hash of its weights, so nothing is recorded under it."""
        return {"engine": "openai", "models": {name: one.upstream for name, one in self._models.items()}}

    async def health(self) -> bool:
        try:
            async with self._open().get(f"{self._url}/v1/models", timeout=_HEALTH) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def close(self) -> None:
        if self._session:
            await self._session.close()

    def _asked(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return {**body, "model": self._models[body["model"]].upstream}

    async def _transcribe(self, body: Mapping[str, Any]) -> dict[str, Any]:
        form = aiohttp.FormData({name: value for name, value in body.items() if name not in ("file", "model")})
        form.add_field("model", self._models[body["model"]].upstream)
        form.add_field("file", body["file"], filename="speech", content_type="application/octet-stream")
        try:
            async with self._open().post(f"{self._url}/v1/audio/transcriptions", data=form) as answer:
                told = await _read(answer)
        except _FAULTS as error:
            raise _unavailable() from error
        cost = await self.count("audio/transcriptions", body)
        return {
            "text": str(told["text"]),
            "usage": {"prompt_tokens": cost, "completion_tokens": 0, "total_tokens": cost},
        }

    async def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        try:
            async with await self._send(path, body) as answer:
                return await _read(answer)
        except _FAULTS as error:
            raise _unavailable() from error

    async def _send(self, path: str, body: Mapping[str, Any]) -> aiohttp.ClientResponse:
        """The answer, of whose body nothing has been read; sent again where its connection broke before."""
        raw = orjson.dumps(body)
        try:
            return await self._open().post(self._url + path, data=raw, headers=_JSON)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            return await self._open().post(self._url + path, data=raw, headers=_JSON)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                headers=self._headers,
                timeout=_PATIENCE,
                connector=aiohttp.TCPConnector(limit=0),
                trust_env=False,
                # A chunk with twenty logprobs a token is one long line.
                read_bufsize=2**20,
            )
        return self._session


def _unavailable() -> ModelUnavailable:
    return ModelUnavailable("The model did not answer.", instead="Try again in a minute; nothing was charged.")


async def _chunks(answer: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    """What a stream of server-sent events holds; ModelUnavailable for an error among them."""
    async for line in answer.content:
        text = line.strip()
        if text.startswith(b"data:") and text != b"data: [DONE]":
            chunk = orjson.loads(text[5:])
            if "error" in chunk:
                raise _unavailable()
            yield chunk


async def _read(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    if answer.status != 200:
        raise await _refusal(answer)
    content: dict[str, Any] = orjson.loads(await answer.read())
    return content


async def _refusal(answer: aiohttp.ClientResponse) -> LabkitError:
    """A 400 is the caller's (a prompt that is too long, a schema it cannot compile); all else is ours."""
    if answer.status not in (400, 422):
        return _unavailable()
    try:
        told = orjson.loads(await answer.read())
        said = str((told.get("error") or told)["message"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return _unavailable()
    return RequestRefused(f"The model refused: {said[:300].rstrip('.')}.", instead="Change the request, send it again.")


def _says(choice: Mapping[str, Any]) -> bool:
    delta = choice.get("delta") or {}
    return bool(delta.get("content") or delta.get("tool_calls") or delta.get("reasoning_content") or choice.get("text"))


def _bytes(body: Mapping[str, Any]) -> int:
    texts = [text_of(message) for message in body.get("messages", ())]
    texts += [body.get("prompt", ""), *body.get("input", ())]
    tools = json.dumps(body["tools"], ensure_ascii=False) if "tools" in body else ""
    return sum(len(text.encode()) for text in (*texts, tools))


def _extra(body: Mapping[str, Any]) -> int:
    messages = body.get("messages", ())
    images = sum(len(images_of(message)) for message in messages)
    return _A_PROMPT + _A_MESSAGE * len(messages) + _AN_IMAGE * images


def open_backend(settings: Mapping[str, Any]) -> OpenAiServer:
    known = strict(Settings, settings, "backend openai")
    if known.count not in ("bytes", "vllm"):
        raise OperatorError(f"backend openai: count is {known.count!r}.", instead='Write "bytes" or "vllm".')
    models = {name: strict(Model, table, f"backend openai: model {name}") for name, table in known.models.items()}
    for name, model in models.items():
        for given, allowed, what in ((model.paths, _KNOWN_PATHS, "path"), (model.takes, _TAKES, "ability")):
            if unknown := [one for one in given if one not in allowed]:
                raise OperatorError(
                    f"backend openai: model {name}: unknown {what} {unknown[0]!r}.",
                    instead=f"Known: {', '.join(allowed)}.",
                )
    key = read_secret(Path(known.key_file)) if known.key_file else ""
    return OpenAiServer(known.url, models, key, known.slots, known.count)
