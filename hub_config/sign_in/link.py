"""Sign-in by a one-time link from the roster.

A link is opened with GET, which shows whose it is and uses nothing up (mail scanners open links); the button on that
page posts it, which uses it. Does not cover: somebody who reads the link before its owner does.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from jupyterhub.auth import Authenticator
from jupyterhub.handlers import BaseHandler
from sqlalchemy import Engine
from tornado.web import HTTPError
from traitlets import Unicode

from labkit.database import connect
from labkit.programme import links
from labkit.programme.people import person

PATH = "/link/{token}"


class LinkHandler(BaseHandler):
    """GET shows the button; POST signs in."""

    async def get(self, token: str) -> None:
        authenticator = self.authenticator
        username = links.holder(authenticator.engine, token)
        someone = person(authenticator.engine, username) if username else None
        if someone is None:
            self.set_status(410)
        self.finish(await self.render_template("link.html", someone=someone, token=token))

    async def post(self, token: str) -> None:
        user = await self.login_user({"token": token})
        if user is None:
            raise HTTPError(410, "This sign-in link was used before or is too old. Ask for a new one.")
        self.redirect(self.get_next_url(user, default=self.settings["default_url"]))


class LinkAuthenticator(Authenticator):
    database_url = Unicode(help="Where the roster and its links are.").tag(config=True)

    @cached_property
    def engine(self) -> Engine:
        return connect(self.database_url)

    async def authenticate(self, handler: BaseHandler, data: dict[str, Any]) -> str | None:
        """The username whose unused link this is, or None."""
        token = data.get("token")
        return links.redeem(self.engine, token) if token else None

    def get_handlers(self, app: Any) -> list[tuple[str, type[BaseHandler]]]:
        return [(r"/link/([^/]*)", LinkHandler)]

    def get_custom_html(self, base_url: str) -> str:
        return "<p>Open the sign-in link you were given. If it no longer works, ask your instructor for a new one.</p>"
