"""Any server that speaks OpenAI's wire format: vLLM, SGLang, llama.cpp's server, another gateway.

    {"kind": "openai", "url": "http://10.0.0.5:8000", "key_file": "", "slots": 32, "count": "bytes",
     "models": {"qwen3-8b": {"upstream": "Qwen/Qwen3-8B", "paths": [...], "takes": ["tools"], "context": 32768}}}

`adapters`, {"BASE": {"upstream": NAME, "context": 2048}}, are bases whose adapters it answers too, as vLLM does: each
call names the adapter by its hash, which is also its folder's name (docs/training.md says how vLLM is to be started).

`models` says what learners call each model and what the server calls it; only those named are served. `count` is how a
prompt is counted before the call: "bytes" takes as many tokens as it has bytes, which no tokenizer exceeds, so a
reservation is about four times too large until the call is settled; "vllm" asks the server's /tokenize and is exact.

A connection that broke before the first byte of an answer is tried once more; so is a request the server answered
with 429, after what its Retry-After says, up to five seconds. All else is for the next backend that serves the model.
A server may have worked on a request whose answer was lost; its learner still pays for one. What an answer cost is
believed only as far as it was reserved (see Ledger.settle); an answer that does not say it is no answer.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from labkit.errors import LabkitError, OperatorError, RequestRefused
from labkit.gateway.backends import Piece, Scored, Served, adapters_of, served_as
from labkit.gateway.backends.estimate import likely_tokens, most_tokens
from labkit.gateway.backends.logprobs import in_shape
from labkit.gateway.backends.wire import GRANULARITIES, check_answer, chunks, read_usage, says, unavailable, usage
from labkit.strict import read_secret, strict

_HEALTH = aiohttp.ClientTimeout(total=3)
_FAULTS = (aiohttp.ClientError, TimeoutError, ValueError, LookupError, TypeError, AttributeError)
_JSON = {"Content-Type": "application/json"}
_PATHS = ("chat/completions", "completions")
_KNOWN_PATHS = (*_PATHS, "embeddings", "audio/transcriptions")
_HEARD = ("segments", "words", "duration", "language")
_TAKES = ("tools", "images", "json_schema", "logprobs")
_LONGEST_WAIT = 5.0


@dataclass(frozen=True)
class Model:
    upstream: str
    paths: list[str] = field(default_factory=lambda: list(_PATHS))
    takes: list[str] = field(default_factory=lambda: ["json_schema", "logprobs"])
    context: int = 0


@dataclass(frozen=True)
class Adapters:
    """Of a base that the server calls `upstream`."""

    upstream: str
    context: int = 2048


@dataclass(frozen=True)
class Settings:
    url: str
    models: dict[str, Any]
    key_file: str = ""
    slots: int = 32
    count: str = "bytes"
    adapters: dict[str, Any] = field(default_factory=dict)
    silence: int = 180  # seconds without a byte until a server is given up


class OpenAiServer:
    """One server. Its session opens with its first request, in the loop that runs then."""

    def __init__(
        self,
        url: str,
        models: Mapping[str, Model],
        key: str = "",
        slots: int = 32,
        count: str = "bytes",
        silence: float = 180,
    ) -> None:
        self._url, self._models, self._count = url.rstrip("/"), dict(models), count
        self._patience = aiohttp.ClientTimeout(total=600, connect=5, sock_read=silence)
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
            told = await self._post("/tokenize", {**kept, "model": self._upstream(body)})
            return int(told["count"])
        if path == "audio/transcriptions":
            return max(50, len(body["file"]) // 640)  # 50 a second of plain 16-bit speech at 16 kHz
        return most_tokens(body)

    async def complete(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        if path == "audio/transcriptions":
            return await self._transcribe(body)
        answer = await self._post(f"/v1/{path}", self._asked(body))
        try:
            check_answer(path, body, answer)
            # Nothing can be settled by an answer that does not say what it cost.
            return _ours(path, body, answer) | {"usage": read_usage(answer["usage"])}
        except _FAULTS as error:
            raise unavailable() from error

    async def stream(self, path: str, body: Mapping[str, Any]) -> AsyncIterator[Piece]:
        asked = {**self._asked(body), "stream": True, "stream_options": {"include_usage": True}}
        prompt, made, told = likely_tokens(body), 0, False
        try:
            async with await self._send(f"/v1/{path}", asked) as answer:
                if answer.status != 200:
                    raise await _refusal(answer)
                async for chunk in chunks(answer.content):
                    if chunk.get("usage"):
                        chunk["usage"] = spent = read_usage(chunk["usage"])
                        prompt, made, told = spent["prompt_tokens"], spent["completion_tokens"], True
                    elif not told:
                        made += 1 if any(map(says, chunk["choices"])) else 0
                    yield Piece(_ours(path, body, chunk), made, prompt)
        except _FAULTS as error:
            raise unavailable() from error
        if not told:
            raise unavailable()

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
        """For the server: it knows a learner's own model by the hash of its files."""
        if "adapter" in body:
            rest = {name: value for name, value in body.items() if name != "adapter"}
            return {**rest, "model": body["adapter"]}
        return {**body, "model": self._upstream(body)}

    def _upstream(self, body: Mapping[str, Any]) -> str:
        return self._models[served_as(body["model"])].upstream

    async def _transcribe(self, body: Mapping[str, Any]) -> dict[str, Any]:
        form = aiohttp.FormData({"model": self._models[body["model"]].upstream})
        for name in ("language", "prompt", "temperature"):
            if name in body:
                form.add_field(name, body[name])
        form.add_field("response_format", "verbose_json" if body.get("response_format") == "verbose_json" else "json")
        for one in body.get(GRANULARITIES, ()):
            form.add_field(GRANULARITIES, one)
        form.add_field("file", body["file"], filename="speech", content_type="application/octet-stream")
        try:
            async with self._open().post(f"{self._url}/v1/audio/transcriptions", data=form) as answer:
                told = await _read(answer)
            kept: dict[str, Any] = {name: told[name] for name in _HEARD if name in told}
            return {**kept, "text": str(told["text"]), "usage": usage(await self.count("audio/transcriptions", body))}
        except _FAULTS as error:
            raise unavailable() from error

    async def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        try:
            async with await self._send(path, body) as answer:
                return await _read(answer)
        except _FAULTS as error:
            raise unavailable() from error

    async def _send(self, path: str, body: Mapping[str, Any]) -> aiohttp.ClientResponse:
        """The answer, of whose body nothing has been read; sent again where its connection broke before, and where the
        server was busy for a little."""
        url, raw = self._url + path, orjson.dumps(body)
        try:
            answer = await self._open().post(url, data=raw, headers=_JSON)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            answer = await self._open().post(url, data=raw, headers=_JSON)
        if answer.status == 429 and (wait := _wait(answer)) is not None:
            answer.release()
            await asyncio.sleep(wait)
            answer = await self._open().post(url, data=raw, headers=_JSON)
        return answer

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                headers=self._headers,
                timeout=self._patience,
                connector=aiohttp.TCPConnector(limit=0),
                trust_env=False,
                # A chunk with twenty logprobs a token is one long line.
                read_bufsize=2**20,
            )
        return self._session


def _ours(path: str, body: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """An answer or a chunk of one under our name for the model, in OpenAI's own shape."""
    kept = {**told, "model": body["model"]}
    return kept if path != "completions" else {**kept, "choices": [in_shape(one) for one in told["choices"]]}


def _wait(answer: aiohttp.ClientResponse) -> float | None:
    """The seconds a busy server asks for; None where it does not say, or for longer than a learner is kept waiting."""
    try:
        seconds = float(answer.headers["Retry-After"])
    except (KeyError, ValueError):
        return None
    return seconds if 0 <= seconds <= _LONGEST_WAIT else None


async def _read(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    if answer.status != 200:
        raise await _refusal(answer)
    content: dict[str, Any] = orjson.loads(await answer.read())
    return content


async def _refusal(answer: aiohttp.ClientResponse) -> LabkitError:
    """A 400 is the caller's (a prompt that is too long, a schema it cannot compile); all else is ours."""
    if answer.status not in (400, 422):
        return unavailable()
    try:
        told = orjson.loads(await answer.read())
        said = str((told.get("error") or told)["message"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return unavailable()
    return RequestRefused(f"The model refused: {said[:300].rstrip('.')}.", instead="Change the request, send it again.")


def open_backend(settings: Mapping[str, Any]) -> OpenAiServer:
    known = strict(Settings, settings, "backend openai")
    if not re.fullmatch(r"https?://[^/\s]+(/\S*)?", known.url):
        raise OperatorError(f"backend openai: url is {known.url!r}.", instead="Write it whole: http://HOST:PORT.")
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
    for base, table in known.adapters.items():
        own = strict(Adapters, table, f"backend openai: adapters of {base}")
        models[adapters_of(base)] = Model(own.upstream, takes=[], context=own.context)
    key = read_secret(Path(known.key_file)) if known.key_file else ""
    return OpenAiServer(known.url, models, key, known.slots, known.count, known.silence)
