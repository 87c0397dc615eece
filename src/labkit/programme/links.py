"""One-time sign-in links. Only a link's SHA-256 is kept, so a stolen database signs nobody in."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Engine, insert, select, update

from labkit.database import reading
from labkit.database.tables import sign_in_links


def issue(engine: Engine, username: str, *, valid_for: timedelta = timedelta(days=7)) -> str:
    """A new token for `username`; the only time it can be read."""
    token = secrets.token_urlsafe(32)
    with engine.begin() as connection:
        connection.execute(
            insert(sign_in_links).values(
                digest=_digest(token), username=username, expires_at=datetime.now(UTC) + valid_for
            )
        )
    return token


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


def _usable(token: str) -> tuple[ColumnElement[bool], ...]:
    return (
        sign_in_links.c.digest == _digest(token),
        sign_in_links.c.used_at.is_(None),
        sign_in_links.c.expires_at > datetime.now(UTC),
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
