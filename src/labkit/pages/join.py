"""Where somebody with an invitation code asks for a place; the one form a stranger may post."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from labkit.errors import OperatorError
from labkit.pages.site import Site
from labkit.pages.view import View
from labkit.programme import cohorts, invitations

_LONGEST = 300


class JoinPages:
    """A stranger has no account to be counted against: a code has more than 48 bits, and its list has an end."""

    def __init__(self, site: Site, view: View) -> None:
        self._site, self._view = site, view

    async def show(self, request: Request) -> Response:
        """Asks for the code, or, where a working one is in the address, for who she is."""
        code = request.query_params.get("code", "")[:_LONGEST]
        return await self._render(request, code, 200 if not code else None, {})

    async def ask(self, request: Request) -> Response:
        posted = await request.form(max_files=0, max_fields=10)
        form = {name: str(value)[:_LONGEST] for name, value in posted.items()}
        code = form.get("code", "")
        try:
            wrong = await run_in_threadpool(invitations.ask, self._site.engine, code, form)
        except OperatorError:
            return await self._render(request, code, 404, form)
        if wrong:
            return await self._render(request, code, 422, form, wrong=tuple(wrong))
        return self._view.render(request, "joined.html", None)

    async def _render(
        self, request: Request, code: str, status: int | None, form: Mapping[str, str], wrong: tuple[str, ...] = ()
    ) -> Response:
        found = await run_in_threadpool(invitations.find, self._site.engine, code) if code else None
        cohort = await run_in_threadpool(cohorts.find, self._site.engine, found.cohort) if found else None
        course = self._site.course(cohort.course) if cohort else None
        shown = status if status is not None else (200 if found else 404)
        about = {"code": code, "invitation": found, "course": course, "form": form, "wrong": wrong}
        return self._view.render(request, "join.html", None, shown, **about)
