"""The programme officer's pages: every cohort's figures, their export, and whether the platform's parts work."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from labkit.pages import exports, programme
from labkit.pages.cohorts import attachment
from labkit.pages.programme import Overview
from labkit.pages.site import Site
from labkit.pages.view import View
from labkit.programme import figures, sight
from labkit.programme.people import Person


class OfficePages:
    def __init__(self, site: Site, view: View) -> None:
        self._site, self._view = site, view

    async def figures(self, request: Request, someone: Person) -> Response:
        """Every cohort's figures as CSV or XLSX."""
        form = request.path_params["form"]
        if form not in exports.TYPES:
            raise HTTPException(404)
        counted = await run_in_threadpool(figures.funnels, self._site.engine, self._site.courses)
        content = await run_in_threadpool(exports.figures, counted, form)
        return attachment(content, f"figures.{form}", exports.TYPES[form])

    async def status(self, request: Request, someone: Person) -> Response:
        if self._site.health is None:
            raise HTTPException(404)
        return self._view.render(request, "status.html", someone, parts=await self._site.health.parts())


def overviews_for(site: Site, someone: Person) -> list[Overview]:
    """For the home page: every cohort for officers and observers of the programme, else those she may see."""
    if someone.officer or someone.observer:
        return programme.overviews(site, None)
    seen = sight.taught(site.engine, someone.username, (*sight.TEACH, "observer"))
    return programme.overviews(site, seen) if seen else []
