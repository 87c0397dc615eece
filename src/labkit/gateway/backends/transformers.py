"""A model in this very process, by torch and transformers: for a site without llama.cpp, and for tests.

    {"kind": "transformers", "folder": "PREPARED/torch", "name": "smollm2-135m-instruct", "context": 2048}

`folder` holds safetensors, config and tokenizer; no code out of it is run, and pickled weights are not read. `context`
bounds prompt and answer together, in tokens. One call is computed at a time, on one thread. A stopped call ends before
its next token; a prompt being read is read to its end.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import itertools
import platform
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import anyio

from labkit.errors import ModelUnavailable, OperatorError, RequestRefused
from labkit.gateway.backends import Piece, Scored, Served
from labkit.gateway.backends.logprobs import entry, of_completion
from labkit.gateway.backends.wire import usage
from labkit.models.folder import digest
from labkit.models.sampling import Draw, Text, Token, sample
from labkit.models.scoring import ChoiceScorer
from labkit.strict import strict

T = TypeVar("T")
_CHAT = "chat/completions"
_DRAWN = ("temperature", "top_p", "seed", "presence_penalty", "frequency_penalty")


@dataclass(frozen=True)
class Settings:
    folder: str
    name: str
    context: int = 2048


@dataclass(frozen=True)
class _Step:
    """What a token added: its text (which may wait for the next), what is told of it, and why it was the last."""

    text: str
    entries: list[dict[str, Any]]
    made: int
    finish: str | None = None


class Transformers:
    def __init__(self, folder: Path, name: str, context: int = 2048) -> None:
        self._folder, self._name = folder, name
        self._scorer = ChoiceScorer(folder)
        self._model, self._tokenizer = self._scorer.model, self._scorer.tokenizer
        self._context = min(context, self._model.config.max_position_embeddings)
        ends = self._model.generation_config.eos_token_id
        self._ends = set(ends if isinstance(ends, list) else [ends]) | {self._tokenizer.eos_token_id}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="transformers")
        self.lanes: Mapping[str, int] = {"torch": 1}

    def lane(self, path: str) -> str:
        return "torch"

    async def models(self) -> list[Served]:
        paths = {"completions", "score", *([_CHAT] if self._tokenizer.chat_template else [])}
        return [Served(self._name, frozenset(paths), frozenset({"logprobs"}), self._context)]

    async def count(self, path: str, body: Mapping[str, Any]) -> int:
        # In a thread of its own: a prompt is counted while another call is computed.
        return len(await asyncio.to_thread(self._prompt, path, body))

    async def complete(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        text, entries, made, finish = "", [], 0, "length"
        prompt = await asyncio.to_thread(self._prompt, path, body)
        async with aclosing(self._written(prompt, path, body)) as steps:  # type: ignore[type-var]
            async for step in steps:
                text, made, finish = text + step.text, step.made, step.finish or finish
                entries += step.entries
        said = {"text": text} if path != _CHAT else {"message": {"role": "assistant", "content": text}}
        choice = _choice(path, said, entries if _wants_logprobs(body) else None, finish)
        return {**self._head(path), "choices": [choice], "usage": usage(len(prompt), made)}

    async def stream(self, path: str, body: Mapping[str, Any]) -> AsyncIterator[Piece]:
        prompt = await asyncio.to_thread(self._prompt, path, body)
        head, read, made = self._head(path, chunk=True), len(prompt), 0
        if path == _CHAT:
            first = _choice(path, {"delta": {"role": "assistant", "content": ""}}, None, None)
            yield Piece({**head, "choices": [first]}, 0, read)
        async with aclosing(self._written(prompt, path, body)) as steps:  # type: ignore[type-var]
            async for step in steps:
                made = step.made
                said = {"text": step.text} if path != _CHAT else {"delta": {"content": step.text} if step.text else {}}
                told = step.entries if _wants_logprobs(body) else None
                yield Piece({**head, "choices": [_choice(path, said, told, step.finish)]}, made, read)
        yield Piece({**head, "choices": [], "usage": usage(read, made)}, made, read)

    async def cost(self, prompts: list[str], choices: list[str]) -> int:
        return await asyncio.to_thread(self._scorer.cost, prompts, choices)

    async def score(self, prompts: list[str], choices: list[str]) -> Scored:
        scores = await self._computed(lambda: self._scorer.measure(prompts, choices))
        return Scored(scores.rows, scores.tokens)

    async def identity(self) -> dict[str, Any]:
        return await asyncio.to_thread(lambda: self._identity)

    async def health(self) -> bool:
        return True

    async def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    @cached_property
    def _identity(self) -> dict[str, Any]:
        packages = ("torch", "transformers", "tokenizers")
        return {
            "engine": "transformers",
            "model": self._name,
            "files": {path.name: digest(path) for path in sorted(self._folder.iterdir()) if path.is_file()},
            "build": {name: importlib.metadata.version(name) for name in packages},
            "machine": platform.machine(),
        }

    def _prompt(self, path: str, body: Mapping[str, Any]) -> list[int]:
        from jinja2 import TemplateError

        try:
            text = body["prompt"] if path != _CHAT else self._templated(body["messages"])
        except TemplateError as error:
            raise RequestRefused(f"The model cannot read these messages: {error}.", instead="Reorder them.") from error
        tokens: list[int] = self._tokenizer(text, add_special_tokens=path != _CHAT)["input_ids"]
        if not tokens:
            raise RequestRefused("Your text is empty.", instead="Write something.")
        if len(tokens) >= self._context:
            raise RequestRefused(
                f"Your text is too long: {len(tokens)} tokens, at most {self._context - 1}.", instead="Shorten it."
            )
        return tokens

    def _templated(self, messages: list[dict[str, Any]]) -> str:
        text: str = self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return text

    async def _computed(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except (RuntimeError, MemoryError) as error:  # torch's own errors are RuntimeErrors
            raise ModelUnavailable("The model failed.", instead="Try again; nothing was charged.") from error

    async def _written(self, prompt: list[int], path: str, body: Mapping[str, Any]) -> AsyncIterator[_Step]:
        """The steps of one answer as the thread makes them; whoever closes this has stopped the thread's work."""
        loop, steps, ended = asyncio.get_running_loop(), asyncio.Queue[_Step | None](), threading.Event()

        def write() -> None:
            for step in self._steps(prompt, body) if not ended.is_set() else ():
                loop.call_soon_threadsafe(steps.put_nowait, step)
                if ended.is_set():
                    return

        work = asyncio.ensure_future(self._computed(write))
        work.add_done_callback(lambda _: steps.put_nowait(None))
        try:
            while (step := await steps.get()) is not None:
                yield step
            await work
        finally:
            ended.set()
            with anyio.CancelScope(shield=True):
                await asyncio.wait({work})

    def _steps(self, prompt: list[int], body: Mapping[str, Any]) -> Iterator[_Step]:
        stops = body.get("stop") or []
        so_far = Text(self._decode, [stops] if isinstance(stops, str) else stops)
        draw = Draw(**{name: body[name] for name in _DRAWN if name in body}, likeliest=_likeliest(body))
        most = min(body["max_tokens"], self._context - len(prompt))
        for made, token in enumerate(itertools.islice(sample(self._model, prompt, draw), most), start=1):
            if token.id in self._ends:
                yield _Step(so_far.end(), [], made, "stop")
                return
            text, told = so_far.add(token.id), [self._entry(token)]
            if so_far.stopped:
                yield _Step(text, told, made, "stop")
                return
            yield _Step(text + (so_far.end() if made == most else ""), told, made, "length" if made == most else None)

    def _entry(self, token: Token) -> dict[str, Any]:
        likeliest = [(self._decode([one]), logprob) for one, logprob in token.likeliest]
        return entry(self._decode([token.id]), token.logprob, likeliest)

    def _decode(self, ids: list[int]) -> str:
        text: str = self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text

    def _head(self, path: str, *, chunk: bool = False) -> dict[str, Any]:
        kind = "text_completion" if path != _CHAT else f"chat.completion{'.chunk' if chunk else ''}"
        name = f"{'cmpl' if path != _CHAT else 'chatcmpl'}-{uuid.uuid4().hex}"
        return {"id": name, "object": kind, "created": int(time.time()), "model": self._name}


def _choice(
    path: str, said: dict[str, Any], entries: list[dict[str, Any]] | None, finish: str | None
) -> dict[str, Any]:
    shaped: Any = None
    if entries is not None:
        shaped = {"content": entries, "refusal": None} if path == _CHAT else of_completion(entries)
    return {"index": 0, **said, "logprobs": shaped, "finish_reason": finish}


def _wants_logprobs(body: Mapping[str, Any]) -> bool:
    # In chat `logprobs` is true or false, in completions how many: 0 asks for the drawn token alone.
    return body.get("logprobs") not in (None, False)


def _likeliest(body: Mapping[str, Any]) -> int:
    return int(body.get("top_logprobs", 0) if "messages" in body else body.get("logprobs", 0))


def open_backend(settings: Mapping[str, Any]) -> Transformers:
    known = strict(Settings, settings, "backend transformers")
    folder = Path(known.folder)
    if not (folder / "config.json").is_file() or not any(folder.glob("*.safetensors")):
        raise OperatorError(
            f"backend transformers: {folder} holds no model.", instead="Name a folder with config and safetensors."
        )
    return Transformers(folder, known.name, known.context)
