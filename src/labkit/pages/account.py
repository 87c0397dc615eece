"""Her account: password, language, the sign-in links made for her, and the end of all her sessions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from labkit.errors import PlatformFault
from labkit.pages.messages import LANGUAGES
from labkit.pages.site import Session, Site
from labkit.pages.view import View
from labkit.programme import links, sessions
from labkit.programme.password import FEWEST, MOST, Passwords, objection
from labkit.programme.people import Person, person, set_language
from labkit.programme.privacy import consent, looks
from labkit.programme.sign_in import SignIn

# Whoever has just opened her link need not know the password she forgot.
_FRESH = timedelta(minutes=15)


class AccountPages:
    def __init__(self, site: Site, view: View) -> None:
        self._site, self._view = site, view
        self._passwords = Passwords(site.engine)
        self._door = SignIn(site.engine, self._passwords)

    async def account(self, request: Request, someone: Person) -> Response:
        return await self._show(request, someone)

    async def offer(self, request: Request, someone: Person) -> Response:
        """Where a sign-in link leads whoever has no password yet."""
        if await run_in_threadpool(self._passwords.set_at, someone.username):
            return RedirectResponse(f"{self._site.prefix}account", 303)
        return await self._show(request, someone, template="password.html")

    async def set_password(self, request: Request, someone: Person) -> Response:
        """Sets it and ends every session but this browser's."""
        form = {name: str(value) for name, value in (await request.form()).items()}
        problem, minutes = await self._problem(request.state.session, someone, form)
        if problem:
            status = 429 if problem == "wait" else 422
            return await self._show(request, someone, status, problem=problem, minutes=minutes)
        await run_in_threadpool(self._passwords.set, someone.username, form["new"])
        # From the offer at her first sign-in she goes on to her labs.
        then = self._site.prefix if form.get("then") == "home" else f"{self._site.prefix}account"
        try:
            answer = await self._site.sign_in.end_elsewhere(request, someone.username, then)
        except PlatformFault:
            return await self._show(request, someone, 503, problem="not-ended")
        finally:
            await run_in_threadpool(sessions.end, self._site.engine, someone.username)
        return answer

    async def end_sessions(self, _request: Request, someone: Person) -> Response:
        await run_in_threadpool(sessions.end, self._site.engine, someone.username)
        await self._site.sign_in.end_everywhere(someone.username)
        return RedirectResponse(self._site.prefix, 303)

    async def language(self, request: Request, someone: Person) -> Response:
        form = await request.form()
        chosen, back = str(form.get("language")), str(form.get("back"))
        if chosen in LANGUAGES:
            await run_in_threadpool(set_language, self._site.engine, someone.username, chosen)
        return RedirectResponse(self._site.inside(back), 303)

    async def _problem(self, session: Session, someone: Person, form: Mapping[str, str]) -> tuple[str, int]:
        """What is wrong with the form, and the minutes to wait."""
        new = form.get("new", "")
        if new != form.get("again"):
            return "differ", 0
        if found := objection(new, someone):
            return found.value, 0
        if not await run_in_threadpool(self._needs_current, someone.username, session):
            return "", 0
        # Guesses at it count like guesses at the sign-in page.
        given = form.get("current", "")
        answer = await self._door.by_password(someone.username, given, f"signed in as {someone.username}")
        if answer.username == someone.username:
            return "", 0
        return ("wait", -(-answer.wait // 60)) if answer.wait else ("current", 0)

    def _needs_current(self, username: str, session: Session) -> bool:
        if self._passwords.set_at(username) is None:
            return False
        used_at = links.last_used(self._site.engine, username)
        # A session that is older than the link was not begun by it: it may be somebody else's.
        return used_at is None or not used_at <= session.began_at <= used_at + _FRESH

    async def _show(
        self,
        request: Request,
        someone: Person,
        status: int = 200,
        *,
        template: str = "account.html",
        problem: str = "",
        minutes: int = 0,
    ) -> Response:
        about = await run_in_threadpool(self._about, someone, request.state.session)
        bounds = {"fewest": FEWEST, "most": MOST}
        return self._view.render(
            request,
            template,
            someone,
            status,
            problem=problem,
            minutes=minutes,
            offered=template == "password.html",
            **about,
            **bounds,
        )  # fmt: skip

    def _about(self, someone: Person, session: Session) -> dict[str, Any]:
        made = links.history(self._site.engine, someone.username)
        issuers = {link.issued_by: person(self._site.engine, link.issued_by) for link in made if link.issued_by}
        return {
            "password_set_at": self._passwords.set_at(someone.username),
            "needs_current": self._needs_current(someone.username, session),
            "links": made,
            "looks": looks.of(self._site.engine, someone.username),
            "consents": consent.given(self._site.engine, someone.username),
            "issuers": {name: one.full_name for name, one in issuers.items() if one},
        }
