"""The gateway put together: every part is given, nothing is read from the environment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from labkit.allowance import Ledger
from labkit.courses import Course
from labkit.errors import LabkitError
from labkit.gateway.answers import answer_error, answer_fault
from labkit.gateway.backends import Backend
from labkit.gateway.call import Till
from labkit.gateway.grading import GradingRoutes
from labkit.gateway.keys import Keys
from labkit.gateway.learner import Enrolment, Identity, LearnerRoutes


def create(
    *,
    identity: Identity,
    enrolment: Enrolment,
    courses: Iterable[Course],
    ledger: Ledger,
    backend: Backend,
    keys: Keys,
    grading_key: str,
    prefix: str = "/services/gateway",
    holder: str = "gateway",
    scorers: int = 1,
) -> Starlette:
    """The gateway's application below `prefix`. At its start it gives back what `holder` left reserved."""
    by_id = {course.id: course for course in courses}
    till = Till(ledger, holder)
    learner = LearnerRoutes(identity, enrolment, by_id, ledger, till, keys, backend)
    grading = GradingRoutes(backend, grading_key, scorers)

    async def health(_request: Request) -> Response:
        up = await backend.health()
        return JSONResponse({"status": "ok" if up else "no model"}, status_code=200 if up else 503)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await till.tidy()
        tidying = asyncio.create_task(till.keep_tidy())
        yield
        tidying.cancel()
        await backend.close()

    routes = [Route("/health", health), *learner.routes(), *grading.routes()]
    return Starlette(
        routes=[Mount(prefix, routes=routes)],
        exception_handlers={LabkitError: answer_error, Exception: answer_fault},
        lifespan=lifespan,
    )
