"""The aides over HTTP: embeddings, speech to text, text in images; the model process mounts these beside scoring.

    POST /embed            {"texts": [...]}  -> {"embeddings": [[...], ...], "tokens"}
    POST /embed/cost       the same body     -> {"tokens"}, computing nothing
    POST /transcribe       a recording's bytes; ?language= &prompt= &temperature= &timestamps=segment|word
                                             -> {"text", "segments", "duration", "language"}
    POST /transcribe/cost  a recording's bytes -> {"seconds"}, decoded and counted
    POST /read             an image's bytes; ?languages=eng+fil  (+ or a space between them)
                                             -> {"text", "words", "width", "height"}
    POST /read/cost        an image's bytes  -> {"pixels"}, by its header
    GET  /identity/aides   each engine's model, licence, hashes and versions, or what is missing

Errors are {"error": {"message", "code"}}: 400 for what was sent, 501 where an engine is not installed, 502 where it
fails. An engine loads at its first call. Each answers one call at a time in a line of its own, so that nobody's long
recording holds up scoring, or another engine; who would be the seventeenth in a line is turned away.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, TypeVar

import anyio.to_thread
from anyio import CapacityLimiter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from labkit.errors import LabkitError, ModelUnavailable, RequestRefused
from labkit.models import audio, image
from labkit.models.embeddings import Embedder
from labkit.models.reading import Reader
from labkit.models.speech import Transcriber

T = TypeVar("T")
_MOST_TEXT_BYTES = 4_000_000
_MOST_WAITING = 16


class Engine(Protocol):
    def about(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Aides:
    """The engines. None of them is loaded, or need be installed, to be named here."""

    embedder: Embedder = field(default_factory=Embedder)
    transcriber: Transcriber = field(default_factory=Transcriber)
    reader: Reader = field(default_factory=Reader)

    @cached_property
    def about(self) -> dict[str, dict[str, Any]]:
        """By engine: what its answers depend on, or {"missing": what is not installed and how to mend it}; looked up
        once."""
        engines: dict[str, Engine] = {"embeddings": self.embedder, "speech": self.transcriber, "reading": self.reader}
        return {name: _about(engine) for name, engine in engines.items()}

    def available(self) -> dict[str, bool]:
        return {name: "missing" not in told for name, told in self.about.items()}


def _about(engine: Engine) -> dict[str, Any]:
    try:
        return engine.about()
    except ModelUnavailable as error:
        return {"missing": str(error)}


class _Line:
    """Calls of one kind wait here for each other, without taking a thread from anybody else's."""

    def __init__(self, at_once: int = 1) -> None:
        self._limiter = CapacityLimiter(at_once)

    async def run(self, work: Callable[[], T]) -> T:
        if self._limiter.statistics().tasks_waiting >= _MOST_WAITING:
            raise ModelUnavailable("Too many are waiting for this.", instead="Try again in a minute.")
        return await anyio.to_thread.run_sync(work, limiter=self._limiter)


def routes(aides: Aides) -> list[Route]:
    """Every route; who may call them is checked outside."""
    embedding, counting, hearing, measuring, reading = _Line(), _Line(), _Line(), _Line(2), _Line()

    async def embed(request: Request) -> Any:
        texts = _texts(await _body(request, _MOST_TEXT_BYTES))
        found = await embedding.run(lambda: aides.embedder.embed(texts))
        return {"embeddings": found.rows, "tokens": found.tokens}

    async def embed_cost(request: Request) -> Any:
        texts = _texts(await _body(request, _MOST_TEXT_BYTES))
        return {"tokens": await counting.run(lambda: aides.embedder.cost(texts))}

    async def transcribe(request: Request) -> Any:
        options = _speech_options(_query(request, "language", "prompt", "temperature", "timestamps"))
        data = await _body(request, audio.MOST_BYTES)
        return dataclasses.asdict(await hearing.run(lambda: aides.transcriber.transcribe(data, **options)))

    async def transcribe_cost(request: Request) -> Any:
        data = await _body(request, audio.MOST_BYTES)
        return {"seconds": await measuring.run(lambda: aides.transcriber.seconds(data))}

    async def read(request: Request) -> Any:
        options = _query(request, "languages")
        if "languages" in options:
            options["languages"] = options["languages"].replace(" ", "+")  # what a + means in a query
        data = await _body(request, image.MOST_BYTES)
        return dataclasses.asdict(await reading.run(lambda: aides.reader.read(data, **options)))

    async def read_cost(request: Request) -> Any:
        data = await _body(request, image.MOST_BYTES)
        return {"pixels": await measuring.run(lambda: aides.reader.pixels(data))}

    async def about(request: Request) -> Any:
        return await counting.run(lambda: aides.about)

    posts = {
        "/embed": embed,
        "/embed/cost": embed_cost,
        "/transcribe": transcribe,
        "/transcribe/cost": transcribe_cost,
        "/read": read,
        "/read/cost": read_cost,
    }
    return [
        *(Route(path, _answered(handle), methods=["POST"]) for path, handle in posts.items()),
        Route("/identity/aides", _answered(about)),
    ]


def _answered(handle: Callable[[Request], Awaitable[Any]]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            return JSONResponse(await handle(request))
        except LabkitError as error:
            told = {"error": {"message": str(error), "code": error.code}}
            return JSONResponse(told, status_code=getattr(error, "status", 500))

    return answer


async def _body(request: Request, most: int) -> bytes:
    """All of it is taken off the line, at most `most` bytes are kept: who still sends does not hear the answer."""
    kept, size = bytearray(), 0
    async for part in request.stream():
        size += len(part)
        if size <= most:
            kept += part
        else:
            kept.clear()
    if size > most:
        raise RequestRefused(
            f"What was sent has {size / 1e6:.1f} MB.", instead=f"Send at most {most // 1_000_000} MB at once."
        )
    return bytes(kept)


def _texts(body: bytes) -> list[str]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict) or told.keys() != {"texts"} or not isinstance(told["texts"], list):
        raise RequestRefused('The body is not {"texts": [...]}.', instead="Send that, as JSON, and nothing else.")
    if not all(isinstance(text, str) for text in told["texts"]):
        raise RequestRefused("texts holds something that is no text.", instead="Send a list of texts.")
    return list(told["texts"])


def _query(request: Request, *known: str) -> dict[str, str]:
    given = request.query_params.multi_items()
    for name, _ in given:
        if name not in known:
            raise RequestRefused(f"Unknown option {name[:40]!r}.", instead=f"Known: {', '.join(known)}.")
    if len(dict(given)) < len(given):
        raise RequestRefused("An option is given twice.", instead="Give each once.")
    return dict(given)


def _speech_options(given: Mapping[str, str]) -> dict[str, Any]:
    options: dict[str, Any] = dict(given)
    if "temperature" in options:
        try:
            options["temperature"] = float(options["temperature"])
        except ValueError:
            raise RequestRefused(
                f"temperature is {options['temperature'][:40]!r}.", instead="Give a number from 0 to 1."
            ) from None
    return options
