"""Which sessions still count: those that began after the moment somebody last ended them all.

Covers the pages, whose cookie says when its session began. The hub, JupyterLab and formgrader are ended by the hub
(`hub_config/sign_in/sessions.py`).
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Engine, select, update

from labkit.database import reading
from labkit.database.tables import people
from labkit.programme.people import Person, of_row


def end(engine: Engine, username: str) -> None:
    """No session that has begun by now counts any more."""
    with engine.begin() as connection:
        ended = update(people).where(people.c.username == username)
        connection.execute(ended.values(sessions_from=datetime.now(UTC)))


def holder(engine: Engine, username: str, began_at: datetime) -> Person | None:
    """The person whose session began at `began_at`; None if it was ended since, or she is suspended or unknown."""
    with reading(engine) as connection:
        row = connection.execute(select(people).where(people.c.username == username)).mappings().first()
    if row is None or row["suspended_at"] is not None:
        return None
    if row["sessions_from"] is not None and began_at <= row["sessions_from"]:
        return None
    return of_row(row)
