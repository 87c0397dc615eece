"""The pages' routes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from labkit.courses import Lab
from labkit.errors import PlatformFault
from labkit.pages import learn, teach
from labkit.pages.account import AccountPages
from labkit.pages.form import FormGuard
from labkit.pages.headers import SameOrigin
from labkit.pages.office import OfficePages
from labkit.pages.people import PeoplePages, number
from labkit.pages.privacy import PrivacyPages
from labkit.pages.site import Session, Site
from labkit.pages.view import View
from labkit.programme import authority, sessions
from labkit.programme.people import Person, person
from labkit.programme.privacy import looks
from labkit.programme.privacy.strip import STRIPPED

_STATIC = Path(__file__).parent / "static"
Endpoint = Callable[[Request, Person], Awaitable[Response]]


class Pages:
    def __init__(self, site: Site) -> None:
        self._site, self._view = site, View(site)
        self._account = AccountPages(site, self._view)
        self._people = PeoplePages(site, self._view)
        self._office = OfficePages(site, self._view)
        self._privacy = PrivacyPages(site, self._view)

    def application(self) -> Starlette:
        """The pages as an ASGI application under the site's prefix."""
        routes = [
            *self._lab_routes(),
            *self._account_routes(),
            *self._privacy_routes(),
            Route("/", self._signed_in(self.home)),
            Route("/arrivals", self._signed_in(self.arrivals)),
            Route("/receipts/{id}.json", self._signed_in(self.receipt)),
            Route("/people", self._signed_in(self._people.people)),
            Route("/people/{username}/link", self._signed_in(self._new_link), methods=["POST"]),
            Route("/people/{username}/end", self._signed_in(self._people.end_sessions), methods=["POST"]),
            Route("/cohorts/{name}", self._signed_in(self._office.cohort)),
            Route("/status", self._signed_in(self._office.status)),
            Route("/oauth_callback", self._site.sign_in.finish),
            Route("/health", self._health),
            Mount("/static", StaticFiles(directory=_STATIC)),
        ]
        handlers: dict[Any, Any] = {HTTPException: self._refused, PlatformFault: self._fault}
        guard = Middleware(FormGuard, origin=self._site.origin, refuse=self._foreign)
        around = [Middleware(SameOrigin), guard]
        prefix = self._site.prefix.rstrip("/")
        return Starlette(routes=[Mount(prefix, routes=routes)], exception_handlers=handlers, middleware=around)

    def _lab_routes(self) -> list[Route]:
        lab = "/labs/{course}/{lab}"
        return [
            Route(lab, self._signed_in(self.lab)),
            Route(f"{lab}/result", self._signed_in(self.result)),
            Route(f"{lab}/learners/{{username}}", self._signed_in(self.learner)),
            Route(f"{lab}/open", self._signed_in(self.open)),
            Route(f"{lab}/progress", self._signed_in(self.progress)),
        ]

    def _account_routes(self) -> list[Route]:
        return [
            Route("/account", self._signed_in(self._account.account)),
            Route("/password", self._signed_in(self._account.offer)),
            Route("/password", self._signed_in(self._account.set_password), methods=["POST"]),
            Route("/sessions/end", self._signed_in(self._account.end_sessions, before_consent=True), methods=["POST"]),
            Route("/language", self._signed_in(self._account.language, before_consent=True), methods=["POST"]),
            Route("/sign-out", self._end, methods=["POST"]),
        ]

    def _privacy_routes(self) -> list[Route]:
        pages, hers = self._privacy, "/people/{username}"
        return [
            Route("/privacy", self._signed_in(pages.notice, before_consent=True)),
            Route("/privacy", self._signed_in(pages.agree, before_consent=True), methods=["POST"]),
            Route("/privacy/decline", self._signed_in(pages.decline, before_consent=True), methods=["POST"]),
            Route("/account/data", self._signed_in(pages.my_data), methods=["POST"]),
            Route(f"{hers}/data", self._signed_in(pages.her_data), methods=["POST"]),
            Route(f"{hers}/erase", self._signed_in(pages.before_erasing)),
            Route(f"{hers}/erase", self._signed_in(pages.erase), methods=["POST"]),
        ]

    async def home(self, request: Request, someone: Person) -> Response:
        site, name = self._site, someone.username
        return self._view.render(
            request,
            "home.html",
            someone,
            courses=await run_in_threadpool(learn.standings, site, name),
            classes=await run_in_threadpool(teach.classes, site, name),
            cohorts=await self._office.cohorts(someone),
        )

    async def arrivals(self, request: Request, someone: Person) -> Response:
        classes = await run_in_threadpool(teach.classes, self._site, someone.username)
        return self._view.render(request, "arrivals.html", someone, classes=classes)

    async def lab(self, request: Request, someone: Person) -> Response:
        return await self._own(request, someone, "lab.html")

    async def result(self, request: Request, someone: Person) -> Response:
        return await self._own(request, someone, "result.html")

    async def open(self, request: Request, someone: Person) -> Response:
        """Starts her server if it sleeps; the page then asks `progress` until the notebook can be shown."""
        lab = await self._lab(request, someone)
        if await self._site.servers.state(someone.username) == "ready":
            return RedirectResponse(self._notebook(request, someone, lab), 303)
        await self._site.servers.start(someone.username)
        return self._view.render(
            request, "open.html", someone, lab=lab, course=self._site.course(lab.course), fresh=_fresh(request)
        )

    async def progress(self, request: Request, someone: Person) -> Response:
        lab = await self._lab(request, someone)
        state = await self._site.servers.state(someone.username)
        if state == "ready":
            return Response(headers={"HX-Redirect": self._notebook(request, someone, lab)})
        seconds = number(request, "seconds")
        seen: dict[str, Any] = {"lab": lab, "state": state, "seconds": min(seconds + 1, 60), "fresh": _fresh(request)}
        return self._view.render(request, "progress.html", someone, **seen)

    async def receipt(self, request: Request, someone: Person) -> Response:
        found = await run_in_threadpool(self._site.store.get, request.path_params["id"])
        if found is None or found.username != someone.username or found.digest.startswith(STRIPPED):
            raise HTTPException(404)
        return JSONResponse(
            self._site.store.receipt(found).to_json(),
            headers={"Content-Disposition": f'attachment; filename="receipt-{found.id}.json"'},
        )

    async def learner(self, request: Request, someone: Person) -> Response:
        """For an instructor: a learner's result in full, with its history."""
        lab, role = await self._admitted(request, someone)
        name = request.path_params["username"]
        hers = await run_in_threadpool(self._site.enrolment.role, name, lab.course)
        learner = await run_in_threadpool(person, self._site.engine, name)
        if role != "instructor" or hers is None or learner is None:
            raise HTTPException(404)
        what = f"result {lab.course}/{lab.id}"
        await run_in_threadpool(looks.record, self._site.engine, someone.username, name, what)
        return await self._standing(request, someone, lab, "learner.html", learner)

    async def _new_link(self, request: Request, someone: Person) -> Response:
        answer = await self._people.new_link(request, someone)
        name = request.path_params["username"]
        await run_in_threadpool(looks.record, self._site.engine, someone.username, name, "sign-in link")
        return answer

    async def _own(self, request: Request, someone: Person, template: str) -> Response:
        lab, role = await self._admitted(request, someone)
        return await self._standing(request, someone, lab, template, someone, learner=role != "instructor")

    async def _standing(
        self, request: Request, someone: Person, lab: Lab, template: str, whose: Person, *, learner: bool = False
    ) -> Response:
        """`whose` standing in the lab, for a reader who sees what a `learner` may see, or everything."""
        found = await run_in_threadpool(learn.standing, self._site, whose.username, lab, learner=learner)
        return self._view.render(request, template, someone, standing=found, lab=lab, course=found.course, whose=whose)

    async def _lab(self, request: Request, someone: Person) -> Lab:
        return (await self._admitted(request, someone))[0]

    async def _admitted(self, request: Request, someone: Person) -> tuple[Lab, str]:
        """The lab in the address and the reader's role in its course."""
        lab = self._site.lab(request.path_params["course"], request.path_params["lab"])
        role = await run_in_threadpool(self._site.enrolment.role, someone.username, lab.course) if lab else None
        if lab is None or role is None:
            raise HTTPException(404)
        return lab, role

    def _notebook(self, request: Request, someone: Person, lab: Lab) -> str:
        """The address in her own server that fetches the lab if needed and shows its notebook; or, asked for
        `?fresh=1`, lays hers aside first."""
        verb = "fresh" if _fresh(request) else "open"
        return f"{self._site.servers.url(someone.username)}labkit/{verb}/{lab.course}/{lab.id}"

    def _signed_in(
        self, endpoint: Endpoint, *, before_consent: bool = False
    ) -> Callable[[Request], Awaitable[Response]]:
        """For whoever is signed in and, unless `before_consent`, has agreed to the privacy notice."""

        async def call(request: Request) -> Response:
            session = await self._site.sign_in.session(request)
            someone = await run_in_threadpool(self._holder, request, session) if session else None
            if someone is None:
                return self._site.sign_in.begin(request)
            if not before_consent and await self._privacy.must_ask(someone):
                return self._privacy.ask(request)
            return await endpoint(request, someone)

        return call

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


def _fresh(request: Request) -> bool:
    return request.query_params.get("fresh") == "1"
