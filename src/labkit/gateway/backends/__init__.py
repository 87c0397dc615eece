"""What may stand behind the gateway. A backend is one file here and one line in `KINDS`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, Protocol

from labkit.errors import OperatorError


@dataclass(frozen=True)
class Piece:
    """One chunk of a stream as the client reads it; `answer` is how many tokens have been made so far, `prompt` how
    many the prompt had, once that is known."""

    chunk: dict[str, Any]
    answer: int
    prompt: int | None = None

    def numbered(self, index: int) -> Piece:
        """The same as a chunk of the answer of this number."""
        if not index:
            return self
        choices = [{**one, "index": index} for one in self.chunk["choices"]]
        return replace(self, chunk={**self.chunk, "choices": choices})


@dataclass(frozen=True)
class Scored:
    """One row per prompt, one log-probability per choice, and the tokens they cost."""

    rows: list[list[float]]
    tokens: int


@dataclass(frozen=True)
class Served:
    """A model as a backend serves it: the `paths` it answers, what a request may hold beside text, its context.

    `takes` may hold "tools", "images", "json_schema" and "logprobs". `context` is in tokens, 0 where nobody knows.
    """

    id: str
    paths: frozenset[str]
    takes: frozenset[str] = frozenset()
    context: int = 0
    adapter: str = ""  # the files of a learner's own model, as the backend knows them


class Backend(Protocol):
    """Answers what the gateway has already checked and reserved for.

    `path` is "chat/completions", "completions", "embeddings", "audio/transcriptions" or "ocr"; `body` an OpenAI body
    with `model` and, where something is generated, `max_tokens` filled in (`file` holds bytes for the last two).
    A transcription has "text", and "segments", "words", "duration" and "language" as far as the model tells them.
    A backend raises RequestRefused for what the caller can mend and ModelUnavailable for everything else.
    """

    @property
    def lanes(self) -> Mapping[str, int]:
        """How many calls it answers at once, for each of its engines."""
        ...

    def lane(self, path: str) -> str:
        """The engine, one of `lanes`, that answers a path."""
        ...

    async def models(self) -> list[Served]: ...

    async def count(self, path: str, body: Mapping[str, Any]) -> int:
        """The prompt's tokens, exactly or a little more; never less than `usage` will say."""
        ...

    async def complete(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer, with `usage`."""
        ...

    def stream(self, path: str, body: Mapping[str, Any]) -> AsyncIterator[Piece]:
        """Chunks; the last one carries `usage`. Closing the iterator stops the generation."""
        ...

    async def cost(self, prompts: list[str], choices: list[str]) -> int:
        """What `score` of the same would cost; never less than it will say."""
        ...

    async def score(self, prompts: list[str], choices: list[str]) -> Scored: ...

    async def identity(self) -> dict[str, Any]:
        """Everything that bears on an answer: hashes of weights, tokenizer and template, and the engine's build."""
        ...

    async def health(self) -> bool: ...

    async def close(self) -> None: ...


ADAPTERS = "ft:"  # what the names of learners' own models begin with


def adapters_of(base: str) -> str:
    """The one name under which a backend serves every learner's adapters of a base."""
    return ADAPTERS + base


def served_as(model: str) -> str:
    """The name under which a backend serves a model: for ft:BASE:... that of its base's adapters."""
    return ":".join(model.split(":")[:2]) if model.startswith(ADAPTERS) else model


# kind -> module with `open_backend(settings) -> Backend`. Imported when used, so an unused one may lack its packages.
KINDS: dict[str, str] = {
    "llamacpp": "labkit.gateway.backends.llamacpp",
    "adapters": "labkit.gateway.backends.adapters",
    "aides": "labkit.gateway.backends.aides",
    "transformers": "labkit.gateway.backends.transformers",
    "openai": "labkit.gateway.backends.openai",
    "echo": "labkit.gateway.backends.echo",
}


def open_backend(settings: Mapping[str, Any]) -> Backend:
    """The backend that `settings["kind"]` names, opened with the other settings."""
    table = dict(settings)
    kind = table.pop("kind", None)
    if kind not in KINDS:
        raise OperatorError(f"There is no model backend {kind!r}.", instead=f"Known kinds: {', '.join(KINDS)}.")
    opener: Callable[[Mapping[str, Any]], Backend] = import_module(KINDS[kind]).open_backend
    return opener(table)
