"""The one model process: `python -m labkit.models.serve CONFIG.json`.

    127.0.0.1:port           llama.cpp's OpenAI-compatible server (xllamacpp)
    127.0.0.1:scoring_port   POST /score {"prompts", "choices"} -> {"scores", "tokens"};
                             POST /cost, the same body -> {"tokens"}, computing nothing; GET /health;
                             GET /identity: hashes of the model's files, and the engines' versions;
                             embeddings, speech, text in images: aides.py

CONFIG.json: {"home", "port", "scoring_port", "key_file", "slots", "threads", "scorers"}. Both listeners want the key of
`key_file` as a Bearer token; without it llama.cpp answers nothing but /health, which says only that it is up.
The gateway is the only client; allowances and policies are its work, not this process's.
"""

from __future__ import annotations

import hmac
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.errors import LabkitError, OperatorError, RequestRefused
from labkit.models.embedded import Prepared, identity, prepared
from labkit.strict import read_json, read_secret, strict

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from labkit.models.aides import Aides
    from labkit.models.pool import Scorer

# Tokens of prompt and answer together, for each slot: 47 MB of key-value cache.
CONTEXT = 2048


@dataclass(frozen=True)
class Settings:
    """CONFIG.json. `slots` is how many requests llama.cpp answers at once; `threads` are all it may use.

    `scorers` is how many scoring calls are computed at once, one in this process and each other in its own.
    """

    home: str
    port: int
    scoring_port: int
    key_file: str
    slots: int = 4
    threads: int = 1
    scorers: int = 1


def llama_server(model: Prepared, settings: Settings, key: str) -> Any:
    """llama.cpp's own server in this process, listening once this returns."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(model.gguf)
    params.model_alias = {model.model.id}
    params.hostnames, params.port, params.api_keys = ["127.0.0.1"], settings.port, [key]
    params.n_parallel, params.n_ctx = settings.slots, CONTEXT * settings.slots
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings.threads
    params.ui = params.endpoint_slots = params.endpoint_metrics = False
    params.cors_origins = ""
    params.cache_ram_mib = 0  # one learner's prompt is not kept for the next
    params.verbosity = 0
    return xllamacpp.Server(params)


class KeyNeeded:
    """Passes on what carries the key as a Bearer token; to anything else it answers 401."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app, self._expected = app, f"Bearer {key}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from starlette.responses import JSONResponse

        if scope["type"] == "http":
            given = dict(scope["headers"]).get(b"authorization", b"")
            if not hmac.compare_digest(given, self._expected):
                told = {"error": {"message": "A key is needed.", "code": "KeyRefused"}}
                return await JSONResponse(told, status_code=401)(scope, receive, send)
        return await self._app(scope, receive, send)


def scoring_app(
    scorer: Scorer, key: str, about: Mapping[str, Any] | None = None, aides: Aides | None = None
) -> Starlette:
    """Choice scoring, and the aides if any, over HTTP behind the key; `about` is what /identity says.

    The aides are not part of it: grades are recorded under it, and none of them rests on Tesseract's version.
    """
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.middleware import Middleware
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    from labkit.models.aides import routes as routes_of

    async def answer(request: Request, compute: Callable[[list[str], list[str]], dict[str, Any]]) -> JSONResponse:
        try:
            return JSONResponse(await run_in_threadpool(compute, *_texts(await request.json())))
        except (ValueError, RequestRefused) as error:
            return JSONResponse({"error": {"message": str(error), "code": "RequestRefused"}}, status_code=400)

    async def score(request: Request) -> JSONResponse:
        def compute(prompts: list[str], choices: list[str]) -> dict[str, Any]:
            scores = scorer.measure(prompts, choices)
            return {"scores": scores.rows, "tokens": scores.tokens}

        return await answer(request, compute)

    async def cost(request: Request) -> JSONResponse:
        return await answer(request, lambda prompts, choices: {"tokens": scorer.cost(prompts, choices)})

    async def identity(request: Request) -> JSONResponse:
        return JSONResponse(dict(about or {}))

    async def health(request: Request) -> JSONResponse:
        engines = {} if aides is None else {"engines": await run_in_threadpool(aides.available)}
        return JSONResponse({"status": "ok", **engines})

    routes = [
        Route("/score", score, methods=["POST"]),
        Route("/cost", cost, methods=["POST"]),
        Route("/identity", identity),
        Route("/health", health),
        *([] if aides is None else routes_of(aides)),
    ]
    return Starlette(routes=routes, middleware=[Middleware(KeyNeeded, key=key)])


def _texts(body: Any) -> tuple[list[str], list[str]]:
    if not isinstance(body, dict) or body.keys() != {"prompts", "choices"}:
        raise ValueError('The body must be {"prompts": [...], "choices": [...]}.')
    for texts in body.values():
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise ValueError("prompts and choices must be lists of texts.")
    return body["prompts"], body["choices"]


def main(argv: list[str]) -> int:
    """Serves until SIGTERM or SIGINT; 2 when the settings are wrong."""
    if len(argv) != 1:
        print("usage: python -m labkit.models.serve CONFIG.json", file=sys.stderr)
        return 2
    try:
        settings = strict(Settings, read_json(Path(argv[0])), argv[0])
        model, key = prepared(Path(settings.home)), read_secret(Path(settings.key_file))
        if settings.scorers < 1:
            raise OperatorError(f"{argv[0]}: scorers is {settings.scorers}.", instead="Write a number above 0.")
        _refuse_a_taken_port(settings.port, settings.scoring_port)
    except LabkitError as error:
        print(error, file=sys.stderr)
        return 2
    for number in (signal.SIGTERM, signal.SIGINT):
        # Uvicorn raises the signal again once it has stopped; without this we would die of it instead of returning.
        signal.signal(number, lambda *_: None)
    return _serve(model, settings, key)


def _serve(model: Prepared, settings: Settings, key: str) -> int:
    import uvicorn

    from labkit.models.aides import Aides
    from labkit.models.pool import ScorerPool

    started = time.monotonic()
    llama = llama_server(model, settings, key)
    scorers = ScorerPool(model.safetensors, settings.scorers)
    app = scoring_app(scorers, key, identity(model), Aides())

    class Announcing(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            print(
                f"model {model.model.id} ready after {time.monotonic() - started:.1f} s: "
                f"llama.cpp on 127.0.0.1:{settings.port}, scoring and aides on 127.0.0.1:{settings.scoring_port}",
                flush=True,
            )

    Announcing(
        uvicorn.Config(
            app, host="127.0.0.1", port=settings.scoring_port, log_level="warning", timeout_graceful_shutdown=2
        )
    ).run()
    scorers.close()
    del llama
    return 0


def _refuse_a_taken_port(*ports: int) -> None:
    for port in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                raise OperatorError(f"Port {port} is in use.", instead="End what uses it or choose another.") from None


if __name__ == "__main__":
    # Before torch is imported anywhere: its thread pool is sized at import.
    os.environ["OMP_NUM_THREADS"] = "1"
    code = main(sys.argv[1:])
    sys.stdout.flush()
    # A scoring call or a generation may still be computing in a thread nobody can interrupt; nothing waits for it.
    os._exit(code)
