"""Learners' adapters answer: `python -m labkit.training.serve CONFIG.json`.

    POST /generate  {"adapter", "messages" | "prompt", "max_tokens", "temperature", ...}
                    -> lines of JSON: {"prompt": tokens}, then {"text", "made", "finish"} until finish is not null
    POST /count     {"messages" | "prompt"} -> {"tokens"}
    GET /health

CONFIG.json: {"base": FOLDER, "folder", "port", "key_file", "context", "idle_seconds"}. The gateway is the only client,
by the key: it knows whose an adapter is. The base comes into memory with the first question, and leaves it when nobody
has asked for `idle_seconds`.
"""

from __future__ import annotations

import asyncio
import gc
import hmac
import json
import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from labkit.errors import LabkitError, RequestRefused
from labkit.models.sampling import Draw, Text
from labkit.strict import read_json, read_secret, strict
from labkit.training.places import Places

if TYPE_CHECKING:  # torch comes with the first question
    from labkit.training.lora import Adapter
    from labkit.training.speaker import Speaker

_DRAWN = ("temperature", "top_p", "seed", "presence_penalty", "frequency_penalty")
_MOST_KEPT = 64  # adapters in memory: 10 MB each at rank 8


@dataclass(frozen=True)
class Settings:
    base: str
    folder: str
    port: int
    key_file: str
    context: int = 2048
    idle_seconds: float = 600.0


class Voices:
    """The base with its speaker, there while somebody asks, and the adapters that were used last."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._places = settings, Places(Path(settings.folder))
        self._lock, self._used = threading.Lock(), time.monotonic()
        self._speaker: Speaker | None = None
        self._kept: dict[str, Adapter] = {}
        self.running = 0

    def speaker(self) -> Speaker:
        from labkit.training.resident import Resident
        from labkit.training.speaker import Speaker

        with self._lock:
            self._used = time.monotonic()
            if self._speaker is None:
                self._speaker = Speaker(Resident(Path(self._settings.base)))
            return self._speaker

    def adapter(self, digest: str | None) -> Adapter | None:
        """Raises RequestRefused for what is no adapter of this base, FileNotFoundError where there is none."""
        from labkit.training import peft

        if digest is None:
            return None
        found = self._kept.pop(digest, None) or peft.read(
            self._places.read_adapter(digest), self.speaker().resident.shapes()
        )
        self._kept[digest] = found
        while len(self._kept) > _MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        return found

    def rest(self) -> None:
        """Lets the base go if nobody has asked for long."""
        with self._lock:
            idle = time.monotonic() - self._used > self._settings.idle_seconds
            if self._speaker is None or self.running or not idle:
                return
            self._speaker.close()
            self._speaker = None
            self._kept.clear()
        gc.collect()

    def prompt(self, body: Mapping[str, Any]) -> list[int]:
        from jinja2 import TemplateError

        tokenizer = self.speaker().resident.tokenizer
        chat = "messages" in body
        try:
            text = body.get("prompt", "")
            if chat:
                text = tokenizer.apply_chat_template(body["messages"], tokenize=False, add_generation_prompt=True)
        except TemplateError as error:
            raise RequestRefused(f"The model cannot read these messages: {error}.", instead="Reorder them.") from error
        ids: list[int] = tokenizer(text, add_special_tokens=not chat)["input_ids"]
        if not ids:
            raise RequestRefused("Your text is empty.", instead="Write something.")
        if len(ids) >= self._settings.context:
            most = self._settings.context - 1
            raise RequestRefused(f"Your text is too long: {len(ids)} tokens, at most {most}.", instead="Shorten it.")
        return ids

    async def written(self, body: Mapping[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """{"prompt"}, then what each token adds. Whoever closes this ends the writing."""
        from labkit.training.speaker import Answer

        speaker = await run_in_threadpool(self.speaker)
        prompt, adapter = await run_in_threadpool(lambda: (self.prompt(body), self.adapter(body.get("adapter"))))
        yield {"prompt": len(prompt)}
        loop, tokens = asyncio.get_running_loop(), asyncio.Queue[int | None]()
        stops = body.get("stop") or []
        text = Text(self._decode, [stops] if isinstance(stops, str) else stops)
        most = min(int(body.get("max_tokens", 256)), self._settings.context - len(prompt))

        def tell(token: int | None) -> None:
            loop.call_soon_threadsafe(tokens.put_nowait, token)

        answer = Answer(
            prompt,
            adapter,
            Draw(**{name: body[name] for name in _DRAWN if name in body}),
            most,
            self._ends(),
            tell,
        )
        self.running += 1
        speaker.say(answer)
        try:
            made = 0
            while (token := await tokens.get()) is not None:
                made += 1
                new = text.add(token)
                if text.stopped:
                    yield {"text": new, "made": made, "finish": "stop"}
                    return
                yield {"text": new, "made": made, "finish": None}
            if answer.failed:
                return  # without an end: whoever reads knows that it broke off
            yield {"text": text.end(), "made": made, "finish": "length" if made >= most else "stop"}
        finally:
            answer.given_up = True
            self.running -= 1
            self._used = time.monotonic()

    def _ends(self) -> frozenset[int]:
        resident = self.speaker().resident
        ends = resident.model.generation_config.eos_token_id
        return frozenset({*(ends if isinstance(ends, list) else [ends]), resident.tokenizer.eos_token_id})

    def _decode(self, ids: list[int]) -> str:
        text: str = self.speaker().resident.tokenizer.decode(
            ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text


def create(voices: Voices, key: str) -> Starlette:
    def known(request: Request) -> bool:
        given = request.headers.get("authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {key}".encode())

    async def generate(request: Request) -> Response:
        if not known(request):
            return _refused("A key is needed.", "KeyRefused", 401)
        lines = voices.written(await request.json())
        try:
            first = await anext(lines)
        except RequestRefused as error:
            return _refused(str(error), error.code, 400)
        except (OSError, ValueError):
            return _refused("This model's files are not there.", "ModelUnavailable", 404)

        async def stream() -> AsyncIterator[str]:
            yield json.dumps(first) + "\n"
            async for one in lines:
                yield json.dumps(one) + "\n"

        return StreamingResponse(stream(), media_type="application/x-ndjson")

    async def count(request: Request) -> Response:
        if not known(request):
            return _refused("A key is needed.", "KeyRefused", 401)
        body = await request.json()
        try:
            return JSONResponse({"tokens": len(await run_in_threadpool(voices.prompt, body))})
        except RequestRefused as error:
            return _refused(str(error), error.code, 400)

    async def health(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async def rest() -> None:
            while True:
                await asyncio.sleep(5)
                await run_in_threadpool(voices.rest)

        task = asyncio.create_task(rest())
        yield
        task.cancel()

    routes = [
        Route("/generate", generate, methods=["POST"]),
        Route("/count", count, methods=["POST"]),
        Route("/health", health),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def _refused(message: str, code: str, status: int) -> Response:
    return JSONResponse({"error": {"message": message, "code": code}}, status_code=status)


def main(argv: list[str]) -> int:
    """Serves until SIGTERM or SIGINT; 2 when the settings are wrong."""
    if len(argv) != 1:
        print("usage: python -m labkit.training.serve CONFIG.json", file=sys.stderr)
        return 2
    try:
        settings = strict(Settings, read_json(Path(argv[0])), argv[0])
        key = read_secret(Path(settings.key_file))
    except LabkitError as error:
        print(error, file=sys.stderr)
        return 2
    app = create(Voices(settings), key)
    uvicorn.run(app, host="127.0.0.1", port=settings.port, log_level="warning", timeout_graceful_shutdown=2)
    return 0


if __name__ == "__main__":
    # Before torch is imported anywhere: its thread pool is sized at import.
    os.environ["OMP_NUM_THREADS"] = "1"
    sys.exit(main(sys.argv[1:]))
