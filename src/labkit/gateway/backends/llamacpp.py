"""The model process of this machine (`python -m labkit.models.serve`): llama.cpp and choice scoring beside it.

Settings: {"kind": "llamacpp", "url", "scoring_url", "key_file", "slots", "scorers", "context"}.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from labkit.errors import LabkitError, RequestRefused
from labkit.gateway.backends import Piece, Scored, Served
from labkit.gateway.backends.connection import connect
from labkit.gateway.backends.logprobs import in_shape
from labkit.gateway.backends.wire import unavailable
from labkit.strict import read_secret, strict

# A cold prompt on a busy small machine is slow; a process that says nothing for this long has died.
_PATIENCE = httpx.Timeout(180, connect=5)
# llama.cpp's own extras, which are no part of the wire format we promise.
_NOT_OURS = ("timings", "__verbose", "system_fingerprint")
_HEALTH_SECONDS = 5
_PATHS = frozenset({"chat/completions", "completions", "score"})
_TAKES = frozenset({"json_schema", "logprobs"})
# In its words a learner should "try increasing" a size she cannot touch.
_TOO_LONG = re.compile(r"\((\d+) tokens\) exceeds the available context size \((\d+) tokens\)")


@dataclass(frozen=True)
class Settings:
    """`slots`, `scorers` and `context` (tokens of one slot) are the model process's."""

    url: str
    scoring_url: str
    key_file: str
    slots: int = 4
    scorers: int = 1
    context: int = 2048


class LlamaCpp:
    """Speaks to the two listeners of the model process. `client` carries the key."""

    def __init__(
        self,
        url: str,
        scoring_url: str,
        client: httpx.AsyncClient,
        *,
        slots: int = 4,
        scorers: int = 1,
        context: int = 2048,
    ) -> None:
        self._url, self._scoring_url, self._client = url.rstrip("/"), scoring_url.rstrip("/"), client
        self._models: list[Served] = []
        self._context = context
        self.lanes: Mapping[str, int] = {"llama": slots, "scorer": scorers}

    def lane(self, path: str) -> str:
        return "scorer" if path == "score" else "llama"

    async def models(self) -> list[Served]:
        if not self._models:  # they are fixed when the model process starts
            told = (await self._get("/v1/models"))["data"]
            self._models = [Served(one["id"], _PATHS, _TAKES, self._context) for one in told]
        return self._models

    async def count(self, path: str, body: Mapping[str, Any]) -> int:
        if path == "chat/completions":
            prompt = (await self._post(self._url + "/apply-template", {"messages": body["messages"]}))["prompt"]
        else:
            prompt = body["prompt"]
        asked = {"content": prompt, "add_special": True, "parse_special": True}
        return len((await self._post(self._url + "/tokenize", asked))["tokens"])

    async def complete(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return _ours(path, await self._post(f"{self._url}/v1/{path}", body))

    async def stream(self, path: str, body: Mapping[str, Any]) -> AsyncIterator[Piece]:
        asked = {**body, "stream": True, "stream_options": {"include_usage": True}, "timings_per_token": True}
        prompt, made = 0, 0
        async with (
            _faults_named(),
            self._client.stream("POST", f"{self._url}/v1/{path}", json=asked) as answer,
        ):
            if answer.status_code != 200:
                await answer.aread()
                raise _refusal(answer)
            async for line in answer.aiter_lines():
                if not line.startswith("data: ") or line == "data: [DONE]":
                    continue
                chunk = json.loads(line.removeprefix("data: "))
                if "error" in chunk:
                    raise unavailable()
                read, written = _spent(chunk)
                prompt, made = max(prompt, read), max(made, written)
                yield Piece(_ours(path, chunk), made, prompt or None)

    async def cost(self, prompts: list[str], choices: list[str]) -> int:
        asked = {"prompts": prompts, "choices": choices}
        tokens: int = (await self._post(self._scoring_url + "/cost", asked))["tokens"]
        return tokens

    async def score(self, prompts: list[str], choices: list[str]) -> Scored:
        answer = await self._post(self._scoring_url + "/score", {"prompts": prompts, "choices": choices})
        return Scored(answer["scores"], answer["tokens"])

    async def identity(self) -> dict[str, Any]:
        async with _faults_named():
            return _read(await self._client.get(self._scoring_url + "/identity"))

    async def health(self) -> bool:
        try:
            urls = (self._url + "/health", self._scoring_url + "/health")
            answers = [await self._client.get(url, timeout=_HEALTH_SECONDS) for url in urls]
        except httpx.HTTPError:
            return False
        return all(answer.status_code == 200 for answer in answers)

    async def close(self) -> None:
        await self._client.aclose()

    async def _get(self, path: str) -> dict[str, Any]:
        async with _faults_named():
            return _read(await self._client.get(self._url + path))

    async def _post(self, url: str, body: Mapping[str, Any]) -> dict[str, Any]:
        async with _faults_named():
            return _read(await self._client.post(url, json=body))


@asynccontextmanager
async def _faults_named() -> AsyncIterator[None]:
    try:
        yield
    except (httpx.HTTPError, json.JSONDecodeError) as error:
        raise unavailable() from error


def _read(answer: httpx.Response) -> dict[str, Any]:
    if answer.status_code != 200:
        raise _refusal(answer)
    content: dict[str, Any] = answer.json()
    return content


def _refusal(answer: httpx.Response) -> LabkitError:
    """A 400 is the caller's (a prompt that is too long, a schema it cannot compile); all else is ours."""
    if answer.status_code != 400:
        return unavailable()
    try:
        said = str(answer.json()["error"]["message"])
        if found := _TOO_LONG.search(said):
            tokens, most = (int(number) for number in found.groups())
            return RequestRefused(f"Your text is too long: {tokens} tokens, at most {most}.", instead="Shorten it.")
        return RequestRefused(f"The model refused: {said.rstrip('.')}.", instead="Change the request, send it again.")
    except (ValueError, KeyError, TypeError):
        return unavailable()


def _spent(chunk: Mapping[str, Any]) -> tuple[int, int]:
    """Tokens of the prompt and of the answer, as far as they are done."""
    if usage := chunk.get("usage"):
        return int(usage["prompt_tokens"]), int(usage["completion_tokens"])
    timings = chunk.get("timings") or {}
    return int(timings.get("cache_n", 0) + timings.get("prompt_n", 0)), int(timings.get("predicted_n", 0))


def _ours(path: str, answer: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in answer.items() if key not in _NOT_OURS}
    if path == "completions":
        kept["choices"] = [in_shape(choice) for choice in kept.get("choices", [])]
    return kept


def open_backend(settings: Mapping[str, Any]) -> LlamaCpp:
    known = strict(Settings, settings, "backend llamacpp")
    key = read_secret(Path(known.key_file))
    client = connect(key, _PATIENCE)
    shape = {"slots": known.slots, "scorers": known.scorers, "context": known.context}
    return LlamaCpp(known.url, known.scoring_url, client, **shape)
