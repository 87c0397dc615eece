"""The People page: whoever lost her link gets a new one here, in two clicks and without e-mail."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from labkit.pages.site import Site
from labkit.pages.view import View
from labkit.programme import authority, links, sessions
from labkit.programme.people import Person
from labkit.programme.suspension import is_suspended

_LONGEST_SEARCH = 100


class PeoplePages:
    def __init__(self, site: Site, view: View) -> None:
        self._site, self._view = site, view

    async def people(self, request: Request, someone: Person) -> Response:
        text = request.query_params.get("q", "")[:_LONGEST_SEARCH]
        page = number(request, "page")
        found = await run_in_threadpool(authority.search, self._site.engine, someone, text, page)
        ended = request.query_params.get("ended", "")
        person = await run_in_threadpool(authority.reach, self._site.engine, someone, ended) if ended else None
        return self._view.render(request, "people.html", someone, found=found, text=text, ended=person)

    async def new_link(self, request: Request, someone: Person) -> Response:
        """Shows the link, this once."""
        person = await self._reachable(request, someone)
        if await run_in_threadpool(is_suspended, self._site.engine, person.username):
            raise HTTPException(409)  # a link would not let her in; the page offers none
        issued = datetime.now(UTC)
        token = await run_in_threadpool(links.issue, self._site.engine, person.username, issued_by=someone.username)
        return self._view.render(
            request,
            "issued.html",
            someone,
            person=person,
            link=self._site.sign_in.link(token),
            expires_at=issued + links.VALID_FOR,
        )

    async def end_sessions(self, request: Request, someone: Person) -> Response:
        person = await self._reachable(request, someone)
        await run_in_threadpool(sessions.end, self._site.engine, person.username)
        await self._site.sign_in.end_everywhere(person.username)
        return RedirectResponse(f"{self._site.prefix}people?{urlencode({'ended': person.username})}", 303)

    async def _reachable(self, request: Request, someone: Person) -> Person:
        username = request.path_params["username"]
        person = await run_in_threadpool(authority.reach, self._site.engine, someone, username)
        if person is None:
            raise HTTPException(404)
        return person


def number(request: Request, name: str) -> int:
    """A page's number from the address; 1 for anything that is none."""
    text = request.query_params.get(name, "1")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1
