"""The pages' routes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from labkit.errors import PlatformFault
from labkit.pages.access import Access, Endpoint, check
from labkit.pages.account import AccountPages
from labkit.pages.classroom import ClassroomPages
from labkit.pages.cohorts import CohortPages
from labkit.pages.costs import CostPages
from labkit.pages.courses import CoursePages
from labkit.pages.form import FormGuard
from labkit.pages.headers import SameOrigin
from labkit.pages.join import JoinPages
from labkit.pages.labs import LabPages
from labkit.pages.models import ModelPages
from labkit.pages.office import OfficePages
from labkit.pages.people import PeoplePages
from labkit.pages.privacy import PrivacyPages
from labkit.pages.quiz import QuizPages
from labkit.pages.roster import RosterPages
from labkit.pages.site import Session, Site
from labkit.pages.versions import VersionPages
from labkit.pages.view import View
from labkit.programme import authority, sessions, suspension
from labkit.programme.people import Person
from labkit.programme.privacy import looks
from labkit.programme.roster.decode import MOST_BYTES

_STATIC = Path(__file__).parent / "static"


class Pages:
    def __init__(self, site: Site) -> None:
        self._site, self._view = site, View(site)
        self._labs = LabPages(site, self._view)
        self._account = AccountPages(site, self._view)
        self._people = PeoplePages(site, self._view)
        self._office = OfficePages(site, self._view)
        self._privacy = PrivacyPages(site, self._view)
        self._cohorts = CohortPages(site, self._view)
        self._roster = RosterPages(site, self._view)
        self._join = JoinPages(site, self._view)
        self._models = ModelPages(site, self._view)
        self._classroom = ClassroomPages(site, self._view)
        self._costs = CostPages(site, self._view)
        self._courses = CoursePages(site, self._view)
        self._quiz = QuizPages(site, self._view)
        self._versions = VersionPages(site, self._view)

    def application(self, beside: Callable[[], Awaitable[None]] | None = None) -> Starlette:
        """The pages as an ASGI application under the site's prefix; `beside` runs as long as it does."""
        routes = [
            *self._lab_routes(),
            *self._model_routes(),
            *self._version_routes(),
            *self._account_routes(),
            *self._privacy_routes(),
            *self._office_routes(),
            Route("/", self._for(Access.SIGNED_IN, self._labs.home)),
            Route("/arrivals", self._for(Access.SIGNED_IN, self._labs.arrivals)),
            Route("/receipts/{id}.json", self._for(Access.SIGNED_IN, self._labs.receipt)),
            Route("/people", self._for(Access.LOOKS_AFTER, self._people.people)),
            Route("/people/{username}/link", self._for(Access.LOOKS_AFTER, self._new_link), methods=["POST"]),
            Route("/people/{username}/end", self._for(Access.LOOKS_AFTER, self._people.end_sessions), methods=["POST"]),
            Route("/join", _anybody(self._join.show)),
            Route("/join", _anybody(self._join.ask), methods=["POST"]),
            Route("/oauth_callback", _anybody(self._site.sign_in.finish)),
            Route("/health", _anybody(self._health)),
            Mount("/static", StaticFiles(directory=_STATIC)),
        ]
        handlers: dict[Any, Any] = {HTTPException: self._refused, PlatformFault: self._fault}
        prefix = self._site.prefix.rstrip("/")
        larger = {f"{prefix}/roster": MOST_BYTES + 64 * 1024}
        guard = Middleware(FormGuard, origin=self._site.origin, refuse=self._foreign, larger=larger)
        return Starlette(
            routes=[Mount(prefix, routes=routes)],
            exception_handlers=handlers,
            middleware=[Middleware(SameOrigin), guard],
            lifespan=_lifespan(beside) if beside else None,
        )

    def _lab_routes(self) -> list[Route]:
        lab = "/labs/{course}/{lab}"
        return [
            Route(lab, self._for(Access.TAKES_PART, self._labs.lab)),
            Route(f"{lab}/result", self._for(Access.TAKES_PART, self._labs.result)),
            Route(f"{lab}/learners/{{username}}", self._for(Access.TEACHES, self._labs.learner)),
            Route(f"{lab}/open", self._for(Access.TAKES_PART, self._labs.open)),
            Route(f"{lab}/progress", self._for(Access.TAKES_PART, self._labs.progress)),
            Route("/courses/{course}", self._for(Access.SEES_COURSE, self._courses.show)),
            Route("/courses/{course}/test", self._for(Access.LEARNS, self._quiz.show)),
            Route("/courses/{course}/test", self._for(Access.LEARNS, self._quiz.answer), methods=["POST"]),
        ]

    def _version_routes(self) -> list[Route]:
        here, pages, hers = "/courses/{course}/versions", self._versions, Access.WRITES
        return [
            Route(here, self._for(hers, pages.show)),
            Route(f"{here}/progress", self._for(hers, pages.progress)),
            Route(f"{here}/{{number}}/release", self._for(hers, pages.release), methods=["POST"]),
            Route(f"{here}/{{number}}/previews/{{lab}}/{{language}}", self._for(hers, pages.preview)),
        ]

    def _model_routes(self) -> list[Route]:
        here, room = "/courses/{course}/models", self._classroom
        decisions = {
            "pause": room.pause,
            "resume": room.resume,
            "exams": room.plan,
            "exams/cancel": room.cancel,
            "allowances": room.give,
            "allowances/remove": room.take,
        }
        return [
            Route("/models", self._for(Access.SIGNED_IN, self._models.show)),
            Route(here, self._for(Access.TEACHES, room.show)),
            Route(f"{here}/reports/{{report}}/seen", self._for(Access.TEACHES, room.see), methods=["POST"]),
            Route(f"{here}/trainings/{{training}}/stop", self._for(Access.LEADS, room.stop), methods=["POST"]),
            *(
                Route(f"{here}/{path}", self._for(Access.LEADS, act), methods=["POST"])
                for path, act in decisions.items()
            ),
            Route("/costs", self._for(Access.PROGRAMME, self._costs.show)),
            Route("/costs.{form}", self._for(Access.PROGRAMME, self._costs.export)),
        ]

    def _office_routes(self) -> list[Route]:
        cohort, code = "/cohorts/{name}", "/cohorts/{name}/invitations/{invitation}"
        return [
            Route(cohort, self._for(Access.SEES_COHORT, self._cohorts.show)),
            Route(f"{cohort}/people.{{form}}", self._for(Access.PROGRAMME, self._cohorts.export)),
            Route(f"{cohort}/settings", self._for(Access.OFFICER, self._cohorts.change), methods=["POST"]),
            Route(f"{cohort}/links", self._for(Access.OFFICER, self._cohorts.links), methods=["POST"]),
            Route(f"{cohort}/invitations", self._for(Access.OFFICER, self._cohorts.invite), methods=["POST"]),
            Route(f"{code}/admit", self._for(Access.OFFICER, self._cohorts.admit), methods=["POST"]),
            Route(
                f"{code}/applicants/{{applicant}}/remove",
                self._for(Access.OFFICER, self._cohorts.remove),
                methods=["POST"],
            ),
            Route(f"{code}/close", self._for(Access.OFFICER, self._cohorts.close), methods=["POST"]),
            Route("/figures.{form}", self._for(Access.PROGRAMME, self._office.figures)),
            Route("/roster", self._for(Access.OFFICER, self._roster.show)),
            Route("/roster", self._for(Access.OFFICER, self._roster.plan), methods=["POST"]),
            Route("/roster/apply", self._for(Access.OFFICER, self._roster.apply), methods=["POST"]),
            Route("/status", self._for(Access.PROGRAMME, self._office.status)),
        ]

    def _account_routes(self) -> list[Route]:
        hers = Access.SIGNED_IN
        return [
            Route("/account", self._for(hers, self._account.account)),
            Route("/password", self._for(hers, self._account.offer)),
            Route("/password", self._for(hers, self._account.set_password), methods=["POST"]),
            Route(
                "/sessions/end",
                self._for(hers, self._account.end_sessions, before_consent=True),
                methods=["POST"],
            ),
            Route("/language", self._for(hers, self._account.language, before_consent=True), methods=["POST"]),
            Route("/sign-out", _anybody(self._end), methods=["POST"]),
        ]

    def _privacy_routes(self) -> list[Route]:
        pages, hers, everybody = self._privacy, "/people/{username}", Access.SIGNED_IN
        return [
            Route("/privacy", self._for(everybody, pages.notice, before_consent=True)),
            Route("/privacy", self._for(everybody, pages.agree, before_consent=True), methods=["POST"]),
            Route("/privacy/decline", self._for(everybody, pages.decline, before_consent=True), methods=["POST"]),
            Route("/account/data", self._for(everybody, pages.my_data), methods=["POST"]),
            Route(f"{hers}/data", self._for(Access.OFFICER, pages.her_data), methods=["POST"]),
            Route(f"{hers}/erase", self._for(Access.OFFICER, pages.before_erasing)),
            Route(f"{hers}/erase", self._for(Access.OFFICER, pages.erase), methods=["POST"]),
        ]

    async def _new_link(self, request: Request, someone: Person) -> Response:
        answer = await self._people.new_link(request, someone)
        name = request.path_params["username"]
        await run_in_threadpool(looks.record, self._site.engine, someone.username, name, "sign-in link")
        return answer

    def _for(
        self, access: Access, endpoint: Endpoint, *, before_consent: bool = False
    ) -> Callable[[Request], Awaitable[Response]]:
        """The page for those of `access` who are signed in and, unless `before_consent`, have agreed to the privacy
        notice; everybody else signs in, reads the notice, or finds nothing."""

        async def call(request: Request) -> Response:
            session = await self._site.sign_in.session(request)
            someone = await run_in_threadpool(self._holder, request, session) if session else None
            if someone is None and session and await run_in_threadpool(self._is_suspended, session.username):
                # The hub may know her session for some seconds more: sending her there would only lead back here.
                return self._view.render(request, "suspended.html", None, 403)
            if someone is None:
                return self._site.sign_in.begin(request)
            if not before_consent and await self._privacy.must_ask(someone):
                return self._privacy.ask(request)
            check(access, request, someone)
            return await endpoint(request, someone)

        call.access = access  # type: ignore[attr-defined]
        return call

    def _is_suspended(self, username: str) -> bool:
        return suspension.is_suspended(self._site.engine, username)

    def _holder(self, request: Request, session: Session) -> Person | None:
        someone = sessions.holder(self._site.engine, session.username, session.began_at)
        request.state.session = session
        request.state.leads = someone is not None and authority.has_any(self._site.engine, someone)
        return someone

    async def _end(self, request: Request) -> Response:
        return self._site.sign_in.end(request)

    async def _health(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    def _foreign(self, request: Request, status: int) -> Response:
        return self._view.render(request, "refused.html", None, status)

    async def _refused(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        return await self._message(request, "missing.html" if status == 404 else "refused.html", status)

    async def _fault(self, request: Request, _error: Exception) -> Response:
        return await self._message(request, "fault.html", 503)

    async def _message(self, request: Request, template: str, status: int) -> Response:
        try:
            session = await self._site.sign_in.session(request)
        except PlatformFault:  # the page that says so must not fail for the same reason
            session = None
        someone = await run_in_threadpool(self._holder, request, session) if session else None
        return self._view.render(request, template, someone, status=status)


def _anybody(endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def call(request: Request) -> Response:
        return await endpoint(request)

    call.access = Access.ANYBODY  # type: ignore[attr-defined]
    return call


def _lifespan(beside: Callable[[], Awaitable[None]]) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def run(_app: Starlette) -> AsyncIterator[None]:
        task = asyncio.ensure_future(beside())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    return run
