"""The autograder's lane: one call after another, temperature 0, charged to nobody."""

from __future__ import annotations

import asyncio
import hmac

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from labkit.errors import KeyRefused, RequestRefused
from labkit.gateway.backends import Backend
from labkit.gateway.policy import answer_tokens
from labkit.gateway.requests import read_generation, read_scoring


class GradingRoutes:
    """`key` is the service key only the autograder holds."""

    def __init__(self, backend: Backend, key: str) -> None:
        self._backend, self._key = backend, key
        self._one_at_a_time = asyncio.Lock()

    def routes(self) -> list[Route]:
        return [
            Route("/grading/v1/score", self.score, methods=["POST"]),
            Route("/grading/v1/chat/completions", self.chat, methods=["POST"]),
        ]

    async def score(self, request: Request) -> Response:
        self._admit(request)
        asked = read_scoring(await request.body())
        async with self._one_at_a_time:
            await self._served(asked.model)
            scored = await self._backend.score(asked.prompts, asked.choices)
        return JSONResponse({"scores": scored.rows, "usage": {"total_tokens": scored.tokens}})

    async def chat(self, request: Request) -> Response:
        self._admit(request)
        asked = read_generation("chat/completions", await request.body())
        if asked.stream:
            raise RequestRefused("A graded answer is not streamed.", instead="Leave stream out.")
        async with self._one_at_a_time:
            model = await self._served(asked.model)
            fixed = {"model": model, "max_tokens": answer_tokens(asked.max_tokens), "temperature": 0, "seed": 0}
            return JSONResponse(await self._backend.complete("chat/completions", {**asked.body, **fixed}))

    def _admit(self, request: Request) -> None:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self._key}".encode()):
            raise KeyRefused("The grading lane is the autograder's.", instead="Use the lab's own address.")

    async def _served(self, model: str | None) -> str:
        served = await self._backend.models()
        if model is not None and model not in served:
            raise RequestRefused(f"The model {model!r} is not served here.", instead=f"Served: {', '.join(served)}.")
        return model or served[0]
