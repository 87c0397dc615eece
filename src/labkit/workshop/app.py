"""The workshop over HTTP, for an instructor's notebook server; who asks is told by her hub token.

She fetches the newest version and sends the next. Releasing is not here: what runs in her notebook server holds her
token, and must not be able to put a text in front of learners. That is done on the pages, by her browser.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from labkit.errors import KeyRefused, NotEnrolled, RequestRefused
from labkit.programme.enrolment import Enrolment
from labkit.programme.identity import HubTokens
from labkit.workshop import files
from labkit.workshop.versions import Version, Workshop

# Base64 adds a third; the rest of the body is names.
_MOST_BODY = files.MOST_BYTES * 4 // 3 + 2**20


@dataclass(frozen=True)
class Service:
    identity: HubTokens
    enrolment: Enrolment
    workshop: Workshop

    async def instructor(self, request: Request) -> tuple[str, Version]:
        """Who asks, and the newest version of the course in the address. One answer for "no such course" and "not
        yours"; an assistant grades and does not write."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        name = await self.identity.username(token) if scheme.lower() in ("token", "bearer") and token else None
        if name is None:
            raise KeyRefused("The workshop does not know you.", instead="Open your notebook server again.")
        course = request.path_params["course"]
        role = await run_in_threadpool(self.enrolment.role, name, course)
        newest = await run_in_threadpool(self.workshop.newest, course) if role == "instructor" else None
        if newest is None:
            raise NotEnrolled(
                f"You are not an instructor of a course {course!r}.", instead="Ask your programme officer."
            )
        return name, newest


def routes(service: Service) -> list[Route]:
    def bound(endpoint: Callable[[Service, Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def call(request: Request) -> Response:
            return await endpoint(service, request)

        return call

    course = "/workshop/{course}"
    return [Route(course, bound(_newest)), Route(course, bound(_send), methods=["POST"])]


async def _newest(service: Service, request: Request) -> Response:
    _, newest = await service.instructor(request)
    return await _told(service, newest, 200)


async def _send(service: Service, request: Request) -> Response:
    name, newest = await service.instructor(request)
    base, sent = await _body(request)
    made = await run_in_threadpool(service.workshop.receive, name, newest.course, base, sent)
    return await _told(service, made, 200 if made.number == newest.number else 201)


async def _told(service: Service, version: Version, status: int) -> Response:
    bundle = await run_in_threadpool(service.workshop.bundle, version)
    told = {"number": version.number, "commit": version.commit, "bundle": base64.b64encode(bundle).decode()}
    return JSONResponse(told, status_code=status)


async def _body(request: Request) -> tuple[str, dict[str, bytes]]:
    """`{"base": commit, "files": {name: base64}}`, read no further than the bound."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > _MOST_BODY:
            raise RequestRefused(f"The text is larger than {files.MOST_BYTES >> 20} MB.", instead="Keep data small.")
    try:
        body = json.loads(bytes(content))
    except (ValueError, RecursionError):
        raise RequestRefused("The text did not arrive whole.", instead="Send it again.") from None
    if not isinstance(body, dict) or set(body) != {"base", "files"} or not isinstance(body["base"], str):
        raise RequestRefused("A version is {'base': commit, 'files': {name: base64}}.", instead="Send that.")
    return body["base"], files.decode(body["files"])
