"""The autograder's lane: temperature 0, charged to nobody.

Chat goes one call after another: what llama.cpp answers depends on what it computes beside it. Choice scoring does
not, and as many calls go at once as there are scorers, each of which is serial.
"""

from __future__ import annotations

import asyncio
import hmac
import re

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from labkit.errors import KeyRefused, ModelUnavailable, RequestRefused
from labkit.gateway.backends import ADAPTERS
from labkit.gateway.policy import ADAPTER, GRADED, answer_tokens, as_graded
from labkit.gateway.requests import read_generation, read_scoring
from labkit.gateway.router import Router

_DIGEST = re.compile(r"[0-9a-f]{64}")


class GradingRoutes:
    """`key` is the service key only the autograder holds; `scorers` is how many calls are scored at once."""

    def __init__(self, router: Router, key: str, scorers: int = 1) -> None:
        self._router, self._key = router, key
        self._one_at_a_time, self._scorers = asyncio.Lock(), asyncio.Semaphore(scorers)

    def routes(self) -> list[Route]:
        return [
            Route("/grading/v1/identity", self.identity),
            Route("/grading/v1/score", self.score, methods=["POST"]),
            Route("/grading/v1/chat/completions", self.chat, methods=["POST"]),
        ]

    async def identity(self, request: Request) -> Response:
        """What answers here, and what this lane adds to every request: recordings are found by it."""
        self._admit(request)
        fixed = {"max_tokens": answer_tokens(None), **GRADED}
        return JSONResponse({"backend": await (await self._router.grading()).identity(), "fixed": fixed})

    async def score(self, request: Request) -> Response:
        self._admit(request)
        asked = read_scoring(await request.body())
        async with self._scorers:
            await self._served(asked.model, "score")
            scored = await (await self._router.grading()).score(asked.prompts, asked.choices)
        return JSONResponse({"scores": scored.rows, "usage": {"total_tokens": scored.tokens}})

    async def chat(self, request: Request) -> Response:
        self._admit(request)
        asked = read_generation("chat/completions", await request.body())
        if asked.stream:
            raise RequestRefused("A graded answer is not streamed.", instead="Leave stream out.")
        if asked.model is not None and asked.model.startswith(ADAPTERS):
            adapter = request.headers.get(ADAPTER, "")
            if not _DIGEST.fullmatch(adapter):
                raise RequestRefused(f"{ADAPTER} is missing.", instead="Send the hash of the trained model's files.")
            body = as_graded({**asked.body, "model": asked.model, "max_tokens": asked.max_tokens, "adapter": adapter})
            async with self._one_at_a_time:
                return JSONResponse(await self._router.graded("chat/completions", body))
        async with self._one_at_a_time:
            model = await self._served(asked.model, "chat/completions")
            body = as_graded({**asked.body, "model": model, "max_tokens": asked.max_tokens})
            answer = await (await self._router.grading()).complete("chat/completions", body)
            return JSONResponse(answer)

    def _admit(self, request: Request) -> None:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self._key}".encode()):
            raise KeyRefused("The grading lane is the autograder's.", instead="Use the lab's own address.")

    async def _served(self, model: str | None, path: str) -> str:
        served = [one.id for one in await (await self._router.grading()).models() if path in one.paths]
        if model is not None and model not in served:
            raise RequestRefused(f"The model {model!r} is not served here.", instead=f"Served: {', '.join(served)}.")
        if not served:
            raise ModelUnavailable("No model answers here.", instead="Try again in a minute; nothing was charged.")
        return model or served[0]
