"""What our own pages in the hub share: the language a browser asks for, and whose try is counted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from jupyterhub.handlers import BaseHandler
from tornado.web import HTTPError

from hub_config.sign_in import teaching
from hub_config.sign_in.address import address
from hub_config.sign_in.appearance import gettext
from labkit.pages.messages import LANGUAGES, preferred
from labkit.programme import sight


class Proven(dict[str, str]):
    """Who somebody has shown to be. Only our handlers make one: what arrives as JSON or a form is never this class."""


class Page(BaseHandler):
    @property
    def language(self) -> str:
        asked = self.get_argument("lang", "")
        return asked if asked in LANGUAGES else preferred(self.request.headers.get("Accept-Language", ""))

    @property
    def address(self) -> str:
        return address(self.request.headers.get_list("X-Forwarded-For"), self.authenticator.trusted_proxies)

    def render(self, template: str, language: str = "", **values: Any) -> Awaitable[str]:
        language = language or self.language
        return self.render_template(
            template, _=gettext(language), language=language, languages=LANGUAGES, here=self.request.path, **values
        )

    async def login_user(self, data: Any = None) -> Any:
        """As JupyterHub does; and what she teaches opens to her at once."""
        user = await super().login_user(data)
        if user is not None:
            taught = await asyncio.to_thread(sight.taught, self.authenticator.engine, user.name)
            teaching.join(self.db, user, taught.values())
        return user

    def check_xsrf_cookie(self) -> None:
        """As JupyterHub does; and no form of another host, also where that host has got hold of a token."""
        site = self.request.headers.get("Sec-Fetch-Site", "same-origin")
        if self.request.method == "POST" and site not in ("same-origin", "none"):
            raise HTTPError(403, "This form was posted from another site.")
        super().check_xsrf_cookie()

    def refuse(self, wait: int, otherwise: int) -> None:
        """The status of a refusal: too many tries, or `otherwise`."""
        self.set_status(429 if wait else otherwise)
        if wait:
            self.set_header("Retry-After", str(wait))
