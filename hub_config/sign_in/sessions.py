"""Ends sessions in the hub, and with them those of JupyterLab and formgrader, which live by the hub's tokens.

All of a person's sessions end when her hub cookie's value changes and her OAuth tokens and codes are deleted. What
stays is the token of her running server, so that a notebook at work goes on. Does not cover: JupyterLab and formgrader
ask the hub again only after their own cache has run out (`HubAuth.cache_max_age`), and an open websocket is not cut.
"""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from typing import Any

from jupyterhub import orm
from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.apihandlers.users import UserTokenListAPIHandler
from jupyterhub.handlers.login import LogoutHandler
from tornado.web import HTTPError

from hub_config.sign_in.oauth import cookie
from hub_config.sign_in.page import Page, Proven
from labkit.pages.origin import is_ours

_TICKET_SECONDS = 60
# How JupyterHub marks the token it gives a server (jupyterhub/user.py). People cannot make one: see NoTokens.
_SERVER_NOTE, _SERVER_CLIENT = "Server at ", "jupyterhub"


@dataclass(frozen=True)
class Ticket:
    username: str
    browser: str
    ends: float


class Tickets:
    """Signs one browser in again after all sessions were ended from it: once, within a minute, in that browser."""

    def __init__(self) -> None:
        self._open: dict[str, Ticket] = {}

    def issue(self, username: str, browser: str) -> str:
        now = time.monotonic()
        self._open = {name: ticket for name, ticket in self._open.items() if ticket.ends > now}
        name = secrets.token_urlsafe(32)
        self._open[name] = Ticket(username, browser, now + _TICKET_SECONDS)
        return name

    def redeem(self, name: str, browser: str) -> str | None:
        ticket = self._open.pop(name, None)
        if ticket is None or ticket.ends <= time.monotonic() or not browser:
            return None
        same = secrets.compare_digest(ticket.browser.encode(), browser.encode())
        return ticket.username if same else None


def end_all(db: Any, user: orm.User) -> int:
    """Ends every session of `user`; gives how many tokens that took."""
    user.cookie_id = orm.new_token()
    tokens = [token for token in user.api_tokens if not _is_servers(token)]
    for row in (*tokens, *user.oauth_codes):
        db.delete(row)
    db.commit()
    return len(tokens)


def _is_servers(token: orm.APIToken) -> bool:
    # The client too: what a browser's session in JupyterLab holds is described by the same words.
    return token.client_id == _SERVER_CLIENT and (token.note or "").startswith(_SERVER_NOTE)


class EndSessions(APIHandler):
    """POST by the pages' service alone. With `{"browser": ID}` the answer has a ticket for that browser."""

    async def post(self, username: str) -> None:
        caller = self.current_user
        if not isinstance(caller, orm.Service) or caller.name != self.authenticator.pages_service:
            raise HTTPError(403)
        user = orm.User.find(self.db, username)
        if user is not None:  # somebody who has never signed in has nothing to end
            end_all(self.db, user)
        browser = (self.get_json_body() or {}).get("browser")
        ticket = self.authenticator.tickets.issue(username, browser) if user is not None and browser else None
        self.finish(json.dumps({"ticket": ticket}))


class ResumeHandler(Page):
    """The browser that ended all sessions comes here with its ticket."""

    async def get(self) -> None:
        browser = self.get_session_cookie() or ""
        username = self.authenticator.tickets.redeem(self.get_argument("ticket", ""), browser)
        from_ours = self.request.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"
        if username is None or not from_ours:
            self.redirect(self.settings["login_url"])
            return
        self.set_session_cookie()  # a new one: the old one marked sessions that have ended
        user = await self.login_user(Proven(username=username))
        self.redirect(self.get_next_url(user, default=self.authenticator.pages))


class SignOut(Page, LogoutHandler):
    """GET only asks, so that a link or an image elsewhere signs nobody out."""

    async def get(self) -> None:
        self.finish(await self.render("logout.html"))

    async def post(self) -> None:
        await self.default_handle_logout()
        pages = cookie("session", self.authenticator.origin.startswith("https://"))
        self.clear_cookie(pages, path=self.authenticator.pages)
        self.redirect(f"{self.settings['login_url']}?signed_out=1", status=303)

    def check_xsrf_cookie(self) -> None:
        # The pages' own form comes here too; it shares our origin and not our token.
        if not is_ours(self.request.headers, self.authenticator.origin):
            super().check_xsrf_cookie()


class NoTokens(UserTokenListAPIHandler):
    """Nobody makes API tokens by hand: one made in a stolen session would outlive the end of all sessions.

    Stock JupyterHub also takes a name and a password here, past the sign-in page and its limit.
    """

    async def post(self, user_name: str) -> None:
        raise HTTPError(403, "API tokens are not made by hand here.")
