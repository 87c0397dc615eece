"""Signing in with a password: count, look up, verify, and say nothing of what was wrong.

Covers: who tries learns neither from words nor from work whether an account exists. At most `AT_ONCE` hashes are
computed at a time, so that sign-in leaves the processor to others. What it does not cover is in `attempts`.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine, func, or_, select, update

from labkit.database import reading
from labkit.database.tables import people
from labkit.programme.attempts import ACCOUNT, ADDRESS, LINK, Attempts
from labkit.programme.links import holder, redeem
from labkit.programme.password import Passwords
from labkit.programme.suspension import is_suspended

AT_ONCE = 2
_LONGEST_NAME = 254


@dataclass(frozen=True)
class Answer:
    """`username` of whoever has shown to be her; otherwise the seconds to `wait` (0: she may try again at once)."""

    username: str | None = None
    wait: int = 0


class SignIn:
    """One for each process that signs people in."""

    def __init__(self, engine: Engine, passwords: Passwords | None = None, attempts: Attempts | None = None) -> None:
        self._engine = engine
        self._passwords = passwords or Passwords(engine)
        self._attempts = attempts or Attempts(engine)
        self._hashing = asyncio.Semaphore(AT_ONCE)

    async def by_password(self, account: str, password: str, address: str) -> Answer:
        """`account` is a username or an e-mail address; `address` is where the request comes from."""
        name = canonical(account)
        wait = await asyncio.to_thread(self._attempts.count, (ACCOUNT, name), (ADDRESS, address))
        if wait:
            return Answer(wait=wait)
        username = await asyncio.to_thread(find, self._engine, name)
        async with self._hashing:
            right = await asyncio.to_thread(self._passwords.verify, username, password)
        if not right or username is None or await asyncio.to_thread(is_suspended, self._engine, username):
            return Answer()
        await asyncio.to_thread(self._attempts.forget, ACCOUNT, name)
        await asyncio.to_thread(self._attempts.give_back, ADDRESS, address)
        return Answer(username)

    async def look(self, token: str, address: str) -> Answer:
        """Whose unused link this is, without using it up."""
        return await self._link(holder, token, address)

    async def by_link(self, token: str, address: str) -> Answer:
        """Uses the link up."""
        return await self._link(redeem, token, address)

    async def _link(self, read: Callable[[Engine, str], str | None], token: str, address: str) -> Answer:
        wait = await asyncio.to_thread(self._attempts.count, (LINK, address))
        if wait:
            return Answer(wait=wait)
        username = await asyncio.to_thread(self._unless_suspended, read, token)
        if username is not None:
            await asyncio.to_thread(self._attempts.give_back, LINK, address)
        return Answer(username)

    def _unless_suspended(self, read: Callable[[Engine, str], str | None], token: str) -> str | None:
        # Looked up first: her link is not used up while she is suspended.
        hers = holder(self._engine, token)
        return read(self._engine, token) if hers and not is_suspended(self._engine, hers) else None


def arrive(engine: Engine, username: str) -> bool:
    """Notes that she signs in now; False for somebody who is suspended or unknown."""
    here = update(people).where(people.c.username == username, people.c.suspended_at.is_(None))
    with engine.begin() as connection:
        return connection.execute(here.values(signed_in_at=datetime.now(UTC))).rowcount == 1


def canonical(account: str) -> str:
    """One text for one account name, so that `Ana `, `ANA` and `ana` are counted together."""
    return unicodedata.normalize("NFKC", account[: 4 * _LONGEST_NAME]).strip().casefold()[:_LONGEST_NAME]


def find(engine: Engine, account: str) -> str | None:
    """The username of the account with this canonical username or e-mail address."""
    if "\0" in account:  # PostgreSQL knows no such text
        return None
    query = select(people.c.username).where(or_(people.c.username == account, func.lower(people.c.email) == account))
    with reading(engine) as connection:
        found = connection.execute(query.limit(2)).scalars().all()
    return found[0] if len(found) == 1 else None
