"""A learner's labs and one of them, and the same for whoever teaches her."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from labkit.courses import Lab
from labkit.pages import learn, teach
from labkit.pages.office import overviews_for
from labkit.pages.people import number
from labkit.pages.site import Site
from labkit.pages.view import View
from labkit.programme import sight
from labkit.programme.people import Person, person
from labkit.programme.privacy import looks
from labkit.programme.privacy.strip import STRIPPED


class LabPages:
    def __init__(self, site: Site, view: View) -> None:
        self._site, self._view = site, view

    async def home(self, request: Request, someone: Person) -> Response:
        site, name = self._site, someone.username
        return self._view.render(
            request,
            "home.html",
            someone,
            courses=await run_in_threadpool(learn.standings, site, name),
            classes=await run_in_threadpool(teach.classes, site, name),
            cohorts=await run_in_threadpool(overviews_for, site, someone),
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
        seat = await run_in_threadpool(self._site.enrolment.seat, someone.username, lab.course)
        if seat and seat.role == "learner" and seat.cohort.state() != "running":
            return self._view.render(request, "coming.html", someone, lab=lab, cohort=seat.cohort)
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
        wanted = request.path_params["id"]
        found = await run_in_threadpool(self._site.store.get, wanted) if wanted.isalnum() else None
        if found is None or found.username != someone.username or found.digest.startswith(STRIPPED):
            raise HTTPException(404)
        return JSONResponse(
            self._site.store.receipt(found).to_json(),
            headers={"Content-Disposition": f'attachment; filename="receipt-{found.id}.json"'},
        )

    async def learner(self, request: Request, someone: Person) -> Response:
        """For whoever teaches her: a learner's result in full, with its history."""
        lab, role = await self._admitted(request, someone)
        name = request.path_params["username"]
        pupils = await run_in_threadpool(sight.pupils, self._site.engine, someone.username, lab.course)
        learner = await run_in_threadpool(person, self._site.engine, name) if name in pupils else None
        if role not in sight.TEACH or learner is None:
            raise HTTPException(404)
        what = f"result {lab.course}/{lab.id}"
        await run_in_threadpool(looks.record, self._site.engine, someone.username, name, what)
        return await self._standing(request, someone, lab, "learner.html", learner)

    async def _own(self, request: Request, someone: Person, template: str) -> Response:
        lab, role = await self._admitted(request, someone)
        return await self._standing(request, someone, lab, template, someone, learner=role == "learner")

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


def _fresh(request: Request) -> bool:
    return request.query_params.get("fresh") == "1"
