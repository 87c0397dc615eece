"""A backend without a model: it repeats the last words it was given, one word a token. For tests and first steps.

A choice scores by how many of its letters the prompt holds. The word `FAIL` in a prompt makes it fail, after three
tokens of a stream, so that faults can be tried; `SLOW` waits between tokens.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from labkit.errors import ModelUnavailable
from labkit.gateway.backends import Piece, Scored, Served
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
        return [Served(self.model, frozenset(paths), frozenset({"tools", "images", "json_schema", "logprobs"}))]

    async def count(self, path: str, body: Mapping[str, Any]) -> int:
        return len(_prompt(body).split())

    async def complete(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        if path in _PLAIN:
            return _PLAIN[path](body)
        if "FAIL" in _prompt(body):
            raise ModelUnavailable("The model did not answer.", instead="Try again in a minute; nothing was charged.")
        words = [word async for word in self._words(body)]
        choice: dict[str, Any] = {"index": 0, "finish_reason": "length"}
        if path == "completions":
            choice["text"] = " ".join(words)
            choice["logprobs"] = _logprobs(words) if body.get("logprobs") else None
        else:
            choice["message"] = {"role": "assistant", "content": " ".join(words)}
        usage = _usage(len(_prompt(body).split()), len(words))
        return {**_head(path, body, chunk=False), "choices": [choice], "usage": usage}

    async def stream(self, path: str, body: Mapping[str, Any]) -> AsyncIterator[Piece]:
        head, prompt, made = _head(path, body, chunk=True), len(_prompt(body).split()), 0
        async for word in self._words(body):
            made += 1
            if made == 3 and "FAIL" in _prompt(body):
                raise ModelUnavailable("The model did not answer.", instead="Try again; nothing was charged.")
            text = {"text": f"{word} "} if path == "completions" else {"delta": {"content": f"{word} "}}
            chunk = {**head, "choices": [{"index": 0, "finish_reason": None, **text}]}
            yield Piece(chunk, made, prompt)
        yield Piece({**head, "choices": [], "usage": _usage(prompt, made)}, made, prompt)

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
        for word in itertools.islice(itertools.cycle(_prompt(body).split() or ["..."]), body["max_tokens"]):
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


def _usage(prompt: int, made: int) -> dict[str, int]:
    return {"prompt_tokens": prompt, "completion_tokens": made, "total_tokens": prompt + made}


def _embedded(body: Mapping[str, Any]) -> dict[str, Any]:
    rows = [[float(len(text)), float(len(text.split()))] for text in body["input"]]
    data = [{"object": "embedding", "index": number, "embedding": row} for number, row in enumerate(rows)]
    return {"object": "list", "model": body["model"], "data": data, "usage": _usage(len(_prompt(body).split()), 0)}


def _read(body: Mapping[str, Any]) -> dict[str, Any]:
    text = _prompt(body)
    return {"text": text, "language": "en", "segments": [], "usage": _usage(len(text.split()), 0)}


_PLAIN: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "embeddings": _embedded,
    "audio/transcriptions": _read,
    "ocr": _read,
}


def _head(path: str, body: Mapping[str, Any], *, chunk: bool) -> dict[str, Any]:
    kind = "text_completion" if path == "completions" else f"chat.completion{'.chunk' if chunk else ''}"
    return {"id": "echo", "object": kind, "created": 0, "model": body["model"]}


def _logprobs(words: list[str]) -> dict[str, Any]:
    return {
        "tokens": words,
        "token_logprobs": [-1.0] * len(words),
        "top_logprobs": [{word: -1.0} for word in words],
        "text_offset": list(itertools.accumulate((len(word) + 1 for word in words[:-1]), initial=0)),
    }


def open_backend(settings: Mapping[str, Any]) -> Echo:
    return strict(Echo, settings, "backend echo")
