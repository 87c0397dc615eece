"""One-time sign-in links. Only a link's SHA-256 is kept, so a stolen database signs nobody in.

A new link cancels her older ones. Who issued each is kept, and she sees it. Does not cover: somebody who reads the link
before its owner does.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Engine, insert, select, update

from labkit.database import reading
from labkit.database.tables import people, sign_in_links
from labkit.programme.suspension import in_parts

VALID_FOR = timedelta(days=7)


@dataclass(frozen=True)
class Link:
    """`issued_by` is a username; None for whoever runs the platform."""

    issued_at: datetime | None
    issued_by: str | None
    expires_at: datetime
    used_at: datetime | None

    @property
    def over(self) -> bool:
        """It works no longer: it is too old, or a newer one has taken its place."""
        return self.expires_at <= datetime.now(UTC)


def issue(engine: Engine, username: str, *, issued_by: str | None = None, valid_for: timedelta = VALID_FOR) -> str:
    """A new token for `username`; the only time it can be read. Her older unused ones end."""
    token = secrets.token_urlsafe(32)
    now = datetime.now(UTC)
    row = {"digest": digest(token), "username": username, "issued_at": now, "issued_by": issued_by}
    with engine.begin() as connection:
        # Of two links made at the same moment one is made first, and the other ends it.
        connection.execute(select(people.c.username).where(people.c.username == username).with_for_update())
        end_unused(connection, [username], now)
        connection.execute(insert(sign_in_links).values(**row, expires_at=now + valid_for))
    return token


def end_unused(connection: Connection, usernames: Collection[str], now: datetime | None = None) -> None:
    """Their unused links end: new ones take their place, or they were given power and a link is in other hands."""
    now = now or datetime.now(UTC)
    unused = (sign_in_links.c.used_at.is_(None), sign_in_links.c.expires_at > now)
    for some in in_parts(sorted(usernames)):
        connection.execute(
            update(sign_in_links).where(sign_in_links.c.username.in_(some), *unused).values(expires_at=now)
        )


def holder(engine: Engine, token: str) -> str | None:
    """Whose unused link this is; looking does not use it up (mail scanners open links too)."""
    query = select(sign_in_links.c.username).where(*_usable(token))
    with reading(engine) as connection:
        return connection.execute(query).scalar()


def redeem(engine: Engine, token: str) -> str | None:
    """Uses the link up and says whose it was; None if it is unknown, used or too old."""
    with engine.begin() as connection:
        username = connection.execute(select(sign_in_links.c.username).where(*_usable(token))).scalar()
        used = update(sign_in_links).where(*_usable(token)).values(used_at=datetime.now(UTC))
        # The UPDATE decides, so two requests at once cannot both sign in.
        return username if connection.execute(used).rowcount == 1 else None


def history(engine: Engine, username: str, most: int = 5) -> tuple[Link, ...]:
    """Her latest links, newest first."""
    columns = [sign_in_links.c[name] for name in Link.__dataclass_fields__]
    query = select(*columns).where(sign_in_links.c.username == username)
    with reading(engine) as connection:
        rows = connection.execute(query.order_by(sign_in_links.c.expires_at.desc())).mappings().all()
    links = [Link(**row) for row in rows]
    oldest = datetime.min.replace(tzinfo=UTC)
    return tuple(sorted(links, key=lambda link: link.issued_at or oldest, reverse=True)[:most])


def last_used(engine: Engine, username: str) -> datetime | None:
    """When she last signed in with a link."""
    query = select(sign_in_links.c.used_at).where(
        sign_in_links.c.username == username, sign_in_links.c.used_at.is_not(None)
    )
    with reading(engine) as connection:
        return connection.execute(query.order_by(sign_in_links.c.used_at.desc()).limit(1)).scalar()


def _usable(token: str) -> tuple[ColumnElement[bool], ...]:
    return (
        sign_in_links.c.digest == digest(token),
        sign_in_links.c.used_at.is_(None),
        sign_in_links.c.expires_at > datetime.now(UTC),
    )


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
