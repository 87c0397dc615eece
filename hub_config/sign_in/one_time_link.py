"""Sign-in by a one-time link.

A link is opened with GET, which shows whose it is and uses nothing up (mail scanners open links); the button on that
page posts it, which uses it. Does not cover: somebody who reads the link before its owner does.
"""

from __future__ import annotations

import asyncio

from hub_config.sign_in.page import Page, Proven
from labkit.programme.people import Person, person
from labkit.programme.sign_in import Answer


class LinkHandler(Page):
    """GET shows the button; POST signs in."""

    async def get(self, token: str) -> None:
        answer = await self.authenticator.door.look(token, self.address)
        await self._show(token, answer)

    async def post(self, token: str) -> None:
        answer = await self.authenticator.door.by_link(token, self.address)
        user = await self.login_user(Proven(username=answer.username)) if answer.username else None
        if user is None:
            await self._show(token, Answer(wait=answer.wait))
            return
        has_password = await asyncio.to_thread(self.authenticator.passwords.set_at, user.name)
        pages, may_choose = self.authenticator.pages, self.authenticator.takes_passwords
        self.redirect(self.get_next_url(user, default=pages if has_password or not may_choose else f"{pages}password"))

    async def _show(self, token: str, answer: Answer) -> None:
        someone: Person | None = None
        if answer.username:
            someone = await asyncio.to_thread(person, self.authenticator.engine, answer.username)
        if someone is None:
            self.refuse(answer.wait, 410)
        language = someone.language if someone else self.language
        minutes = -(-answer.wait // 60)
        self.finish(await self.render("link.html", language, someone=someone, token=token, minutes=minutes))
