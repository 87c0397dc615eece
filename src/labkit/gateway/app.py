"""The gateway put together: every part is given, nothing is read from the environment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from sqlalchemy import Engine
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from labkit.allowance import Ledger, Share
from labkit.courses import Course
from labkit.errors import LabkitError
from labkit.gateway.answers import answer_error, answer_fault, answer_gone, answer_http
from labkit.gateway.backends import Backend
from labkit.gateway.call import Till
from labkit.gateway.controls import Controls
from labkit.gateway.embedding import Embeddings
from labkit.gateway.front import Front, OwnModels
from labkit.gateway.generation import Generations
from labkit.gateway.grading import GradingRoutes
from labkit.gateway.keys import Keys
from labkit.gateway.learner import Identity, LearnerRoutes
from labkit.gateway.logs import RequestLog
from labkit.gateway.metrics import Metrics
from labkit.gateway.moderation import Moderator
from labkit.gateway.openapi import describe
from labkit.gateway.place import Enrolment, Places
from labkit.gateway.queue import FairQueue
from labkit.gateway.router import Router
from labkit.gateway.scoring import Scorings
from labkit.gateway.uploads import Uploads

_NO_LIMIT = Share()
# Further routes below the gateway's prefix, of a room beside this one: admission is the gateway's.
Mounted = Callable[[Front], Sequence[BaseRoute]]


def create(
    *,
    identity: Identity,
    enrolment: Enrolment,
    courses: Sequence[Course],
    engine: Engine,
    ledger: Ledger,
    backends: Sequence[Backend],
    keys: Keys,
    grading_key: str,
    digest_key: str = "",
    prefix: str = "/services/gateway",
    holder: str = "gateway",
    scorers: int = 1,
    person: Share = _NO_LIMIT,
    fresh_seconds: float = 1.0,
    queue: FairQueue | None = None,
    moderator: Moderator | None = None,
    strict: bool = False,
    keeps_prompts: bool = False,
    metrics: Metrics | None = None,
    mounted: Sequence[Mounted] = (),
    adapters: OwnModels | None = None,
) -> Starlette:
    """The gateway's application below `prefix`. At its start it gives back what `holder` left reserved."""
    titles = {(course.id, lab.id): lab.title for course in courses for lab in course.labs}
    till, controls = Till(ledger, holder, keeps=keeps_prompts), Controls(engine, titles, ledger.zone)
    router, metrics = Router(backends, queue), metrics or Metrics()
    metrics.watch(router)
    places = Places(courses, enrolment, controls, person, fresh_seconds)
    digests = (digest_key or grading_key).encode()
    front = Front(places, keys, router, till, controls, moderator, digests, strict, adapters)
    parts = (
        Generations(front),  # first, since routes are tried in turn
        LearnerRoutes(identity, front, ledger, engine),
        Scorings(front),
        Embeddings(front),
        Uploads(front),
        GradingRoutes(router, grading_key, scorers),
    )

    async def health(_request: Request) -> Response:
        up = await router.health()
        return JSONResponse({"status": "ok" if up else "no model"}, status_code=200 if up else 503)

    async def description(_request: Request) -> Response:
        return JSONResponse(describe(prefix))

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await till.tidy()
        await asyncio.to_thread(controls.load)
        await router.health()
        tasks = [asyncio.create_task(one) for one in (till.keep_tidy(), controls.follow(), router.keep_healthy())]
        yield
        for task in tasks:
            task.cancel()
        await router.close()
        if moderator:
            await moderator.close()
        till.end()

    routes: list[BaseRoute] = [Route("/health", health), Route("/openapi.json", description), *metrics.routes()]
    for part in parts:
        routes += part.routes()
    for more in mounted:
        routes += more(front)
    app = Starlette(
        routes=[Mount(prefix, routes=routes)],
        exception_handlers={
            LabkitError: answer_error,
            ClientDisconnect: answer_gone,
            HTTPException: answer_http,
            Exception: answer_fault,
        },
        middleware=[Middleware(RequestLog)],
        lifespan=lifespan,
    )
    app.state.metrics = metrics
    return app
