"""The hub's authenticator: people of the roster, by password or by a one-time link.

Each way in proves who somebody is in a handler of its own, which counts tries; JupyterHub is then handed the proof. So
no other way into `authenticate`, such as the hub's API, signs anybody in.
"""

from __future__ import annotations

import asyncio
from functools import cached_property
from typing import Any

from jupyterhub.auth import Authenticator
from jupyterhub.handlers import BaseHandler
from sqlalchemy import Engine
from traitlets import List, Unicode

from hub_config.sign_in import appearance, elsewhere
from hub_config.sign_in.one_time_link import LinkHandler
from hub_config.sign_in.page import Proven
from hub_config.sign_in.password import PasswordHandler
from hub_config.sign_in.sessions import EndSessions, NoTokens, ResumeHandler, SignOut, Tickets
from labkit.database import connect
from labkit.programme.password import Passwords
from labkit.programme.sign_in import SignIn, arrive


class RosterAuthenticator(Authenticator):
    database_url = Unicode(help="Where the roster is.").tag(config=True)
    origin = Unicode(help="Of hub and pages, as browsers see it; the hub's subdomain_host if not set.").tag(config=True)
    pages = Unicode("/services/labkit/", help="Where the pages are.").tag(config=True)
    pages_service = Unicode("labkit", help="The service that may end sessions.").tag(config=True)
    trusted_proxies = List(Unicode(), help="Proxies in front of ours that are believed.").tag(config=True)

    @cached_property
    def engine(self) -> Engine:
        return connect(self.database_url)

    @cached_property
    def passwords(self) -> Passwords:
        return Passwords(self.engine)

    @cached_property
    def door(self) -> SignIn:
        return SignIn(self.engine, self.passwords)

    @cached_property
    def tickets(self) -> Tickets:
        return Tickets()

    async def authenticate(self, handler: BaseHandler, data: Any) -> str | None:
        """Only for somebody who has proven who she is, and whose place has not been taken since."""
        if not isinstance(data, Proven):
            return None
        arrived = await asyncio.to_thread(arrive, self.engine, data["username"])
        return data["username"] if arrived else None

    def get_handlers(self, app: Any) -> list[tuple[Any, ...]]:
        """Ours come before JupyterHub's, so `/login`, `/logout` and the rest are these."""
        self.origin = self.origin or app.subdomain_host
        appearance.dress(app, self.engine, self.origin, self.pages)
        return [
            (r"/login", PasswordHandler),
            (r"/logout", SignOut),
            (r"/link/([^/]*)", LinkHandler),
            (r"/labkit/resume", ResumeHandler),
            (r"/api/labkit/sessions/([^/]+)/end", EndSessions),
            (r"/api/users/([^/]+)/tokens", NoTokens),
            appearance.static_handler(),
            *elsewhere.handlers(),
        ]
