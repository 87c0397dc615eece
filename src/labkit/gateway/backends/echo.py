"""A backend without a model: it repeats the last words it was given, one word a token. For tests and first steps.

The answer ends before a word that holds a stop text. A choice scores by how many of its letters the prompt holds. The
word `FAIL` in a prompt makes it fail, after three tokens of a stream, so that faults can be tried; `SLOW` waits between
tokens.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from labkit.errors import ModelUnavailable, RequestRefused
from labkit.gateway.backends import Piece, Scored, Served
from labkit.gateway.backends.logprobs import entry, of_completion
from labkit.gateway.backends.wire import usage
from labkit.gateway.messages import text_of
from labkit.strict import strict

_PAUSE = 0.05


@dataclass
class Echo:
    """`generated` counts every token ever produced, so a test can see that a generation was stopped."""

    model: str = "echo"
    slots: int = 8
    generated: int = field(default=0, init=False)

    @property
    def lanes(self) -> Mapping[str, int]:
        return {"echo": self.slots}

    def lane(self, path: str) -> str:
        return "echo"

    async def models(self) -> list[Served]:
        paths = {"chat/completions", "completions", "score", "embeddings", "audio/transcriptions", "ocr"}
        return [Served(self.model, frozenset(paths), frozenset({"tools", "images", "logprobs"}))]

    async def count(self, path: str, body: Mapping[str, Any]) -> int:
        return len(_prompt(body).split())

    async def complete(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        if path in _PLAIN:
            return _PLAIN[path](body)
        if "FAIL" in _prompt(body):
            raise ModelUnavailable("The model did not answer.", instead="Try again in a minute; nothing was charged.")
        words = [word async for word in self._words(body)]
        choice: dict[str, Any] = {"index": 0, "finish_reason": _finish(len(words), body)}
        if path == "completions":
            choice["text"] = " ".join(words)
            choice["logprobs"] = of_completion(_entries(words)) if body.get("logprobs") else None
        else:
            choice["message"] = {"role": "assistant", "content": " ".join(words)}
            choice["logprobs"] = {"content": _entries(words), "refusal": None} if body.get("logprobs") else None
        spent = usage(len(_prompt(body).split()), len(words))
        return {**_head(path, body, chunk=False), "choices": [choice], "usage": spent}

    async def stream(self, path: str, body: Mapping[str, Any]) -> AsyncIterator[Piece]:
        head, prompt, made = _head(path, body, chunk=True), len(_prompt(body).split()), 0
        async for word in self._words(body):
            made += 1
            if made == 3 and "FAIL" in _prompt(body):
                raise ModelUnavailable("The model did not answer.", instead="Try again; nothing was charged.")
            role = {"role": "assistant"} if made == 1 else {}
            text = {"text": f"{word} "} if path == "completions" else {"delta": {**role, "content": f"{word} "}}
            finish = "length" if made == body["max_tokens"] else None
            yield Piece({**head, "choices": [{"index": 0, **text, "finish_reason": finish}]}, made, prompt)
        if made < body["max_tokens"]:
            nothing: dict[str, Any] = {"text": ""} if path == "completions" else {"delta": {}}
            yield Piece({**head, "choices": [{"index": 0, **nothing, "finish_reason": "stop"}]}, made, prompt)
        yield Piece({**head, "choices": [], "usage": usage(prompt, made)}, made, prompt)

    async def cost(self, prompts: list[str], choices: list[str]) -> int:
        return sum(len(text.split()) for text in prompts) + len(prompts) * len(choices)

    async def score(self, prompts: list[str], choices: list[str]) -> Scored:
        if any("FAIL" in prompt for prompt in prompts):
            raise ModelUnavailable("The model did not answer.", instead="Try again; nothing was charged.")
        rows = [[float(-sum(letter not in prompt for letter in choice)) for choice in choices] for prompt in prompts]
        return Scored(rows, await self.cost(prompts, choices))

    async def identity(self) -> dict[str, Any]:
        return {"engine": "echo", "model": self.model}

    async def health(self) -> bool:
        return True

    async def close(self) -> None:
        pass

    async def _words(self, body: Mapping[str, Any]) -> AsyncIterator[str]:
        if "REFUSE" in _prompt(body):
            raise RequestRefused("The model refused: too long.", instead="Shorten it.")
        stops = [given] if isinstance(given := body.get("stop", []), str) else given
        for word in itertools.islice(itertools.cycle(_prompt(body).split() or ["..."]), body["max_tokens"]):
            if any(stop in word for stop in stops):
                return
            if "SLOW" in _prompt(body):
                await asyncio.sleep(_PAUSE)
            self.generated += 1
            yield word


def _prompt(body: Mapping[str, Any]) -> str:
    if "messages" in body:
        return text_of(body["messages"][-1])
    if "input" in body:
        return " ".join(body["input"])
    return str(body["prompt"]) if "prompt" in body else body["file"].decode(errors="replace")


def _embedded(body: Mapping[str, Any]) -> dict[str, Any]:
    rows = [[float(len(text)), float(len(text.split()))] for text in body["input"]]
    data = [{"object": "embedding", "index": number, "embedding": row} for number, row in enumerate(rows)]
    return {"object": "list", "model": body["model"], "data": data, "usage": usage(len(_prompt(body).split()), 0)}


def _read(body: Mapping[str, Any]) -> dict[str, Any]:
    text = _prompt(body)
    return {"text": text, "language": "en", "segments": [], "usage": usage(len(text.split()), 0)}


_PLAIN: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "embeddings": _embedded,
    "audio/transcriptions": _read,
    "ocr": _read,
}


def _head(path: str, body: Mapping[str, Any], *, chunk: bool) -> dict[str, Any]:
    kind = "text_completion" if path == "completions" else f"chat.completion{'.chunk' if chunk else ''}"
    return {"id": "echo", "object": kind, "created": 0, "model": body["model"]}


def _finish(made: int, body: Mapping[str, Any]) -> str:
    return "length" if made == body["max_tokens"] else "stop"


def _entries(words: list[str]) -> list[dict[str, Any]]:
    """Each word's log-probability, with the space before it."""
    texts = [f" {word}" if number else word for number, word in enumerate(words)]
    return [entry(text, -1.0, [(text, -1.0)]) for text in texts]


def open_backend(settings: Mapping[str, Any]) -> Echo:
    return strict(Echo, settings, "backend echo")
