"""The pages' routes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from labkit.courses import Lab
from labkit.errors import PlatformFault
from labkit.pages import learn, programme, teach
from labkit.pages.messages import LANGUAGES
from labkit.pages.site import Site
from labkit.pages.view import View
from labkit.programme.people import Person, person, set_language

_STATIC = Path(__file__).parent / "static"
Endpoint = Callable[[Request, Person], Awaitable[Response]]


class Pages:
    def __init__(self, site: Site) -> None:
        self._site, self._view = site, View(site)

    def application(self) -> Starlette:
        """The pages as an ASGI application under the site's prefix."""
        lab = "/labs/{course}/{lab}"
        routes = [
            Route("/", self._signed_in(self.home)),
            Route("/arrivals", self._signed_in(self.arrivals)),
            Route(lab, self._signed_in(self.lab)),
            Route(f"{lab}/result", self._signed_in(self.result)),
            Route(f"{lab}/open", self._signed_in(self.open)),
            Route(f"{lab}/progress", self._signed_in(self.progress)),
            Route("/receipts/{id}.json", self._signed_in(self.receipt)),
            Route("/language", self._signed_in(self.language), methods=["POST"]),
            Route("/oauth_callback", self._finish),
            Route("/sign-out", self._end),
            Route("/health", self._health),
            Mount("/static", StaticFiles(directory=_STATIC)),
        ]
        handlers: dict[Any, Any] = {HTTPException: self._refused, PlatformFault: self._fault}
        prefix = self._site.prefix.rstrip("/")
        return Starlette(routes=[Mount(prefix, routes=routes)], exception_handlers=handlers)

    async def home(self, request: Request, someone: Person) -> Response:
        site, name = self._site, someone.username
        return self._view.render(
            request,
            "home.html",
            someone,
            courses=await run_in_threadpool(learn.standings, site, name),
            classes=await run_in_threadpool(teach.classes, site, name),
            cohorts=await run_in_threadpool(programme.cohorts, site) if someone.officer else [],
        )

    async def arrivals(self, request: Request, someone: Person) -> Response:
        classes = await run_in_threadpool(teach.classes, self._site, someone.username)
        return self._view.render(request, "arrivals.html", someone, classes=classes)

    async def lab(self, request: Request, someone: Person) -> Response:
        return await self._standing(request, someone, "lab.html")

    async def result(self, request: Request, someone: Person) -> Response:
        return await self._standing(request, someone, "result.html")

    async def open(self, request: Request, someone: Person) -> Response:
        """Starts her server if it sleeps; the page then asks `progress` until the notebook can be shown."""
        lab = await self._lab(request, someone)
        if await self._site.servers.state(someone.username) == "ready":
            return RedirectResponse(_notebook(someone, lab), 303)
        await self._site.servers.start(someone.username)
        return self._view.render(request, "open.html", someone, lab=lab, course=self._site.course(lab.course))

    async def progress(self, request: Request, someone: Person) -> Response:
        lab = await self._lab(request, someone)
        state = await self._site.servers.state(someone.username)
        if state == "ready":
            return Response(headers={"HX-Redirect": _notebook(someone, lab)})
        seconds = int(request.query_params.get("seconds", "0") or 0)
        return self._view.render(request, "progress.html", someone, lab=lab, state=state, seconds=min(seconds + 1, 60))

    async def receipt(self, request: Request, someone: Person) -> Response:
        found = await run_in_threadpool(self._site.store.get, request.path_params["id"])
        if found is None or found.username != someone.username:
            raise HTTPException(404)
        return JSONResponse(
            self._site.store.receipt(found).to_json(),
            headers={"Content-Disposition": f'attachment; filename="receipt-{found.id}.json"'},
        )

    async def language(self, request: Request, someone: Person) -> Response:
        form = await request.form()
        chosen, back = str(form.get("language")), str(form.get("back"))
        if not _same_site(request):
            raise HTTPException(403)
        if chosen in LANGUAGES:
            await run_in_threadpool(set_language, self._site.engine, someone.username, chosen)
        inside = back.startswith(self._site.prefix) and "//" not in back and "\\" not in back
        return RedirectResponse(back if inside else self._site.prefix, 303)

    async def _standing(self, request: Request, someone: Person, template: str) -> Response:
        lab = await self._lab(request, someone)
        standing = await run_in_threadpool(learn.standing, self._site, someone.username, lab)
        return self._view.render(request, template, someone, standing=standing, lab=lab, course=standing.course)

    async def _lab(self, request: Request, someone: Person) -> Lab:
        lab = self._site.lab(request.path_params["course"], request.path_params["lab"])
        role = await run_in_threadpool(self._site.enrolment.role, someone.username, lab.course) if lab else None
        if lab is None or role is None:
            raise HTTPException(404)
        return lab

    def _signed_in(self, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
        async def call(request: Request) -> Response:
            username = await self._site.sign_in.username(request)
            someone = await run_in_threadpool(person, self._site.engine, username) if username else None
            if someone is None:
                return self._site.sign_in.begin(request)
            return await endpoint(request, someone)

        return call

    async def _finish(self, request: Request) -> Response:
        return await self._site.sign_in.finish(request)

    async def _end(self, request: Request) -> Response:
        return self._site.sign_in.end(request)

    async def _health(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def _refused(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        return await self._message(request, "missing.html", status)

    async def _fault(self, request: Request, _error: Exception) -> Response:
        return await self._message(request, "fault.html", 503)

    async def _message(self, request: Request, template: str, status: int) -> Response:
        username = await self._site.sign_in.username(request)
        someone = await run_in_threadpool(person, self._site.engine, username) if username else None
        return self._view.render(request, template, someone, status=status)


def _notebook(someone: Person, lab: Lab) -> str:
    """The address in her own server that fetches the lab if needed and shows its notebook."""
    return f"/user/{someone.username}/labkit/open/{lab.course}/{lab.id}"


def _same_site(request: Request) -> bool:
    """A form of ours was posted from a page of ours (browsers say so; learners' pages share our origin until D15)."""
    return request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
