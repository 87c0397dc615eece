"""Who has agreed to the privacy notice as it reads now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine, select
from sqlalchemy.dialects import postgresql, sqlite

from labkit.database import reading
from labkit.database.tables import consents

# Changed whenever the notice (pages/templates/privacy_notice.html) says something else: then everybody is asked again.
NOTICE = "2026-11-29"


@dataclass(frozen=True)
class Consent:
    notice: str
    language: str
    given_at: datetime


def needed(engine: Engine, username: str, notice: str | None = None) -> bool:
    """Whether she has still to be asked."""
    hers = (consents.c.username == username) & (consents.c.notice == (notice or NOTICE))
    with reading(engine) as connection:
        return connection.execute(select(consents.c.notice).where(hers)).first() is None


def give(engine: Engine, username: str, language: str, notice: str | None = None) -> None:
    """She agrees; what she agreed to before stands as it is."""
    row = {"username": username, "notice": notice or NOTICE, "language": language, "given_at": datetime.now(UTC)}
    with engine.begin() as connection:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(dialect.insert(consents).values(row).on_conflict_do_nothing())


def given(engine: Engine, username: str) -> tuple[Consent, ...]:
    """What she agreed to, newest first."""
    columns = (consents.c.notice, consents.c.language, consents.c.given_at)
    query = select(*columns).where(consents.c.username == username).order_by(consents.c.given_at.desc())
    with reading(engine) as connection:
        return tuple(Consent(*row) for row in connection.execute(query).all())
