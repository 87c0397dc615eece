"""The programme officer's pages: how far each cohort is, and whether the platform's parts work."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from labkit.pages import programme
from labkit.pages.people import number
from labkit.pages.programme import Cohort
from labkit.pages.site import Site
from labkit.pages.view import View
from labkit.programme.people import Person


class OfficePages:
    def __init__(self, site: Site, view: View) -> None:
        self._site, self._view = site, view

    async def cohorts(self, someone: Person) -> list[Cohort]:
        """For an officer's home page: each cohort with its first learners; nothing for anybody else."""
        return await run_in_threadpool(programme.cohorts, self._site) if someone.officer else []

    async def cohort(self, request: Request, someone: Person) -> Response:
        """One cohort, page by page."""
        self._check(someone)
        name = request.path_params["name"]
        found = await run_in_threadpool(programme.cohort, self._site, name, number(request, "page"))
        if found is None:
            raise HTTPException(404)
        return self._view.render(request, "learners.html", someone, cohort=found)

    async def status(self, request: Request, someone: Person) -> Response:
        self._check(someone)
        if self._site.health is None:
            raise HTTPException(404)
        return self._view.render(request, "status.html", someone, parts=await self._site.health.parts())

    def _check(self, someone: Person) -> None:
        if not someone.officer:
            raise HTTPException(404)
