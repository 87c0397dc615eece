"""Learners' adapters answer: `python -m labkit.training.serve CONFIG.json`.

    POST /generate  {"adapter", "messages" | "prompt", "max_tokens", "temperature", ...}
                    -> lines of JSON: {"prompt": tokens}, then {"text", "made", "finish"} until finish is not null
    POST /count     {"messages" | "prompt"} -> {"tokens"}
    POST /merge     {"adapter", "form": "safetensors" | "gguf", "beside": {NAME: TEXT}} -> a zip file
    GET /health

CONFIG.json: {"base": FOLDER, "gguf": FILE, "folder", "port", "key_file", "context", "idle_seconds", "adapters_mb"}. The
gateway is the only client, by the key: it knows whose an adapter is. The base comes into memory with the first
question, and leaves it when nobody has asked for `idle_seconds`. Of the adapters, those used last stay in memory:
`adapters_mb` of them, and whatever answers now.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from labkit.errors import LabkitError, OperatorError, RequestRefused
from labkit.strict import read_json, read_secret, strict
from labkit.training.asker import while_there
from labkit.training.merging import Merging
from labkit.training.places import Places
from labkit.training.voices import Voices


@dataclass(frozen=True)
class Settings:
    """`gguf` is the base as llama.cpp has it; without it nothing is merged for llama.cpp."""

    base: str
    folder: str
    port: int
    key_file: str
    context: int = 2048
    idle_seconds: float = 600.0
    gguf: str = ""
    adapters_mb: int = 512


def create(voices: Voices, merging: Merging, key: str) -> Starlette:
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

    async def merge(request: Request) -> Response:
        if not known(request):
            return _refused("A key is needed.", "KeyRefused", 401)
        body = await request.json()
        try:
            made = merging.zipped(body["adapter"], body["form"], body.get("beside") or {})
            file = await while_there(request, made)
        except ClientDisconnect:
            return Response(status_code=499)  # nobody reads it
        except RequestRefused as error:
            return _refused(str(error), error.code, 400)
        except (OSError, ValueError):
            return _refused("This model's files are not there.", "ModelUnavailable", 404)
        gone = BackgroundTask(file.unlink, missing_ok=True)
        return FileResponse(file, media_type="application/zip", background=gone)

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
        Route("/merge", merge, methods=["POST"]),
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
        if settings.adapters_mb < 0:
            raise OperatorError(
                f"{argv[0]}: adapters_mb is {settings.adapters_mb}.", instead="Write a number that is not below 0."
            )
        key = read_secret(Path(settings.key_file))
    except LabkitError as error:
        print(error, file=sys.stderr)
        return 2
    places, base = Places(Path(settings.folder)), Path(settings.base)
    voices = Voices(base, places, settings.context, settings.idle_seconds, settings.adapters_mb * 2**20)
    merging = Merging(base, Path(settings.gguf) if settings.gguf else None, places)
    app = create(voices, merging, key)
    uvicorn.run(app, host="127.0.0.1", port=settings.port, log_level="warning", timeout_graceful_shutdown=2)
    return 0


if __name__ == "__main__":
    # Before torch is imported anywhere: its thread pool is sized at import.
    os.environ["OMP_NUM_THREADS"] = "1"
    sys.exit(main(sys.argv[1:]))
