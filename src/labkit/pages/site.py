"""What the pages need from outside, each a small protocol or a room below; given by the composition root."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import Engine
from starlette.requests import Request
from starlette.responses import Response

from labkit.allowance import Ledger
from labkit.courses import Course, Lab
from labkit.programme.enrolment import Enrolment
from labkit.submissions.scores import Scores
from labkit.submissions.store import Store


class SignIn(Protocol):
    """The hub's sign-in."""

    async def username(self, request: Request) -> str | None: ...

    def begin(self, request: Request) -> Response:
        """Sends the browser to sign in and back to where it was."""

    async def finish(self, request: Request) -> Response:
        """The browser is back from the hub."""

    def end(self, request: Request) -> Response:
        """Signs out, here and in the hub."""


class Servers(Protocol):
    """The learners' notebook servers."""

    async def state(self, username: str) -> str:
        """`stopped`, `starting` or `ready`."""

    async def start(self, username: str) -> None: ...


@dataclass(frozen=True)
class Site:
    prefix: str
    sign_in: SignIn
    servers: Servers
    engine: Engine
    enrolment: Enrolment
    courses: Sequence[Course]
    store: Store
    scores: Scores
    ledger: Ledger
    timezone: ZoneInfo

    def course(self, course_id: str) -> Course | None:
        return next((course for course in self.courses if course.id == course_id), None)

    def lab(self, course_id: str, lab_id: str) -> Lab | None:
        course = self.course(course_id)
        return next((lab for lab in course.labs if lab.id == lab_id), None) if course else None
