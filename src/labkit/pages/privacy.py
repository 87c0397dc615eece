"""The privacy notice everybody agrees to first, people's data to take with them, and erasure by an officer.

Covers: nobody reads another page of ours before she agrees; a person's data go to herself and to officers who may act
for her, and she sees when; erasing needs her username typed. Does not cover: JupyterLab and formgrader, which the hub
lets her into without asking.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import IO
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from labkit.pages.site import Site
from labkit.pages.view import View
from labkit.programme import authority, sessions
from labkit.programme.people import Person
from labkit.programme.privacy import consent, looks
from labkit.programme.privacy.erase import Refused, erase, objection
from labkit.programme.privacy.export import export
from labkit.programme.privacy.preview import figures

# Exports that are made at a time; each reads a whole home.
_AT_ONCE = 2
_PIECE = 1 << 18


class PrivacyPages:
    def __init__(self, site: Site, view: View) -> None:
        self._site, self._view = site, view
        self._busy = set[str]()
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def must_ask(self, someone: Person) -> bool:
        return await run_in_threadpool(consent.needed, self._site.engine, someone.username)

    def ask(self, request: Request) -> Response:
        """Leads to the notice, and back from there to where she was."""
        notice = f"{self._site.prefix}privacy"
        if request.headers.get("hx-request"):  # a part of a page is asked for: the whole page must go
            return Response(headers={"HX-Redirect": notice})
        where = {"then": request.url.path} if request.method == "GET" else {}
        return RedirectResponse(f"{notice}?{urlencode(where)}" if where else notice, 303)

    async def notice(self, request: Request, someone: Person) -> Response:
        then = self._site.inside(request.query_params.get("then", ""))
        asks = await self.must_ask(someone)
        return self._view.render(request, "privacy.html", someone, asks=asks, then=then, contact=self._site.contact)

    async def agree(self, request: Request, someone: Person) -> Response:
        form = await request.form()
        await run_in_threadpool(consent.give, self._site.engine, someone.username, someone.language)
        return RedirectResponse(self._site.inside(str(form.get("then"))), 303)

    async def decline(self, request: Request, someone: Person) -> Response:
        """Signs her out everywhere and says whom to tell."""
        await run_in_threadpool(sessions.end, self._site.engine, someone.username)
        await self._site.sign_in.end_everywhere(someone.username)
        return self._view.render(request, "declined.html", None, contact=self._site.contact)

    async def my_data(self, request: Request, someone: Person) -> Response:
        return await self._export(request, someone, someone)

    async def her_data(self, request: Request, someone: Person) -> Response:
        whose = await self._reachable(request, someone)
        await run_in_threadpool(looks.record, self._site.engine, someone.username, whose.username, "data export")
        return await self._export(request, someone, whose)

    async def before_erasing(self, request: Request, someone: Person) -> Response:
        return await self._before(request, someone, await self._reachable(request, someone))

    async def erase(self, request: Request, someone: Person) -> Response:
        whose = await self._reachable(request, someone)
        typed = str((await request.form()).get("typed", "")).strip()
        if typed != whose.username:
            return await self._before(request, someone, whose, 422, mistyped=True)
        try:
            done = await run_in_threadpool(
                erase, self._site.engine, whose.username, self._site.holdings, someone.username
            )
        except Refused:
            return await self._before(request, someone, whose, 409)
        return self._view.render(request, "erased.html", someone, whose=whose, done=done)

    async def _before(
        self, request: Request, someone: Person, whose: Person, status: int = 200, *, mistyped: bool = False
    ) -> Response:
        why = await run_in_threadpool(objection, self._site.engine, whose.username)
        found = await run_in_threadpool(figures, self._site.engine, whose)
        about = {"whose": whose, "figures": found, "why": why or "", "mistyped": mistyped}
        return self._view.render(request, "erase.html", someone, status, **about)

    async def _reachable(self, request: Request, someone: Person) -> Person:
        """For officers: a person's data are of all her courses, an instructor's business is one."""
        username = request.path_params["username"]
        whose = await run_in_threadpool(authority.reach, self._site.engine, someone, username)
        if whose is None or not someone.officer:
            raise HTTPException(404)
        return whose

    async def _export(self, request: Request, someone: Person, whose: Person) -> Response:
        """One at a time for each person, so that nobody fills the disk with hers."""
        name = whose.username
        if name in self._busy:
            return self._view.render(request, "export_waits.html", someone, 429)
        self._busy.add(name)
        try:
            async with self._room:
                file, size = await run_in_threadpool(self._made, name)
        except BaseException:
            self._busy.discard(name)
            raise
        return _Zip(file, size, f"labkit-{name}.zip", lambda: self._busy.discard(name))

    def _made(self, username: str) -> tuple[IO[bytes], int]:
        """The zip and its size. It has no name any more, so it is gone once it was sent or nobody wants it."""
        with tempfile.TemporaryDirectory(prefix="labkit-export-") as folder:
            path = Path(folder) / "export.zip"
            export(self._site.engine, username, self._site.holdings, path)
            return path.open("rb"), path.stat().st_size


class _Zip(StreamingResponse):
    """Sends a file; closes it and calls `over` when it was sent, or when nobody reads it any more."""

    def __init__(self, file: IO[bytes], size: int, name: str, over: Callable[[], None]) -> None:
        self._file, self._over = file, over
        named = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Length": str(size)}
        super().__init__(_pieces(file), media_type="application/zip", headers={**named, "Cache-Control": "no-store"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._file.close()
            self._over()


async def _pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    while piece := await run_in_threadpool(file.read, _PIECE):
        yield piece
