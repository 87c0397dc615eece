"""The hub's sign-in page: username or e-mail, and password. One answer to everything that is wrong."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from jupyterhub.handlers.login import LoginHandler

from hub_config.sign_in.page import Page, Proven


class PasswordHandler(Page, LoginHandler):
    async def post(self) -> None:
        if not self.authenticator.takes_passwords:
            self.set_status(403)
            self.finish(await self._render())
            return
        account = self.get_body_argument("username", "")
        password = self.get_body_argument("password", "", strip=False)
        answer = await self.authenticator.door.by_password(account, password, self.address)
        user = await self.login_user(Proven(username=answer.username)) if answer.username else None
        if user is None:
            self.refuse(answer.wait, 403)
            problem = "wait" if answer.wait else "wrong"
            self.finish(await self._render(username=account[:254], problem=problem, minutes=-(-answer.wait // 60)))
            return
        self._jupyterhub_user = user
        self.redirect(self.get_next_url(user))

    def _render(
        self, login_error: str | None = None, username: str | None = None, problem: str = "", **values: Any
    ) -> Awaitable[str]:
        # JupyterHub calls this with `login_error` where its check of the form's token failed.
        return self.render(
            "login.html",
            problem=problem or ("expired" if login_error else ""),
            username=username or "",
            next=self.get_argument("next", ""),
            provider=self.authenticator.provider_name,
            passwords=self.authenticator.takes_passwords,
            signed_out=self.get_argument("signed_out", ""),
            **{"minutes": 0, **values},
        )
