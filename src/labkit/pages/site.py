"""What the pages need from outside, each a small protocol or a room below; given by the composition root."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import Engine
from starlette.requests import Request
from starlette.responses import Response

from labkit.allowance import Ledger, Share
from labkit.audit.prices import Prices
from labkit.courses import Course, Lab
from labkit.pages.uploads import Uploads
from labkit.programme.enrolment import Enrolment
from labkit.programme.privacy.holding import Holding
from labkit.programme.privacy.retention import Periods
from labkit.submissions.scores import Scores
from labkit.submissions.store import Store
from labkit.workshop import Workshop


@dataclass(frozen=True)
class Session:
    """Somebody's session in one browser."""

    username: str
    began_at: datetime


class SignIn(Protocol):
    """The hub's sign-in."""

    async def session(self, request: Request) -> Session | None: ...

    def begin(self, request: Request) -> Response:
        """Sends the browser to sign in and back to where it was."""

    async def finish(self, request: Request) -> Response:
        """The browser is back from the hub."""

    def end(self, request: Request) -> Response:
        """Signs this browser out, here and in the hub."""

    async def end_everywhere(self, username: str) -> None:
        """Ends every session of hers in hub, notebook servers and formgraders. Raises PlatformFault."""

    async def end_elsewhere(self, request: Request, username: str, then: str) -> Response:
        """The same, and signs this browser in again on its way to the path `then`. Raises PlatformFault."""

    def link(self, token: str) -> str:
        """The whole address of a one-time sign-in link."""


class Servers(Protocol):
    """The learners' notebook servers, each on a host of its own, and the formgraders on theirs."""

    async def state(self, username: str) -> str:
        """`stopped`, `starting` or `ready`."""

    async def start(self, username: str) -> None: ...

    def url(self, username: str) -> str:
        """Where her server is, such as `http://ana.localhost:8000/user/ana/`."""

    def formgrader_url(self, course: str) -> str:
        """Where a course's formgrader is, ending in `/`."""


@dataclass(frozen=True)
class Part:
    """One part of the platform; `detail` is for whoever runs it."""

    name: str
    working: bool
    detail: str


class Health(Protocol):
    async def parts(self) -> Sequence[Part]: ...


@dataclass(frozen=True)
class Site:
    """`origin` is what browsers call hub and pages, such as `http://localhost:8000`; without `health` there is no
    status page."""

    prefix: str
    origin: str
    sign_in: SignIn
    servers: Servers
    engine: Engine
    enrolment: Enrolment
    courses: Sequence[Course]
    store: Store
    scores: Scores
    ledger: Ledger
    timezone: ZoneInfo
    uploads: Uploads
    health: Health | None = None
    holdings: Sequence[Holding] = ()  # what keeps something of people outside the database
    contact: str = ""  # whom people ask about their data
    periods: Periods = field(default_factory=Periods)  # how long it is kept
    prices: Prices = field(default_factory=Prices)  # of what models do
    workshop: Workshop | None = None  # without one nobody writes a course in the browser
    draws: bytes = b"open"  # the secret that decides which form of a course's short test a learner has first
    person: Share = field(default_factory=Share)  # what the gateway lets everybody use in all labs each day

    def inside(self, path: str) -> str:
        """`path` if it is one of our pages; else the home page."""
        ours = path.startswith(self.prefix) and "//" not in path and "\\" not in path
        return path if ours else self.prefix

    def course(self, course_id: str) -> Course | None:
        return next((course for course in self.courses if course.id == course_id), None)

    def lab(self, course_id: str, lab_id: str) -> Lab | None:
        course = self.course(course_id)
        return next((lab for lab in course.labs if lab.id == lab_id), None) if course else None
