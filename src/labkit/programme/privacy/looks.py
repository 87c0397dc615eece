"""Who looked at whose data. Everybody reads on her account page who looked at hers.

Covers what pages and commands call `record` for; a list of a cohort's people is one look, at the cohort. Does not
cover: whoever reads the database, its backups or the disk themselves; formgrader.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, insert, select

from labkit.database import reading
from labkit.database.tables import enrolments, looks, people

# Whoever runs the platform.
OPERATOR = ""
_ONE_LOOK = timedelta(hours=1)
_LONGEST = 64


@dataclass(frozen=True)
class Look:
    """`viewer` is a name to show; empty for whoever runs the platform."""

    viewer: str
    what: str
    at: datetime


def record(engine: Engine, viewer: str, subject: str, what: str, now: datetime | None = None) -> None:
    """Writes down that `viewer` saw `what` of `subject`; within an hour the same is one look. One's own is none."""
    if viewer == subject:
        return
    now, what = now or datetime.now(UTC), what[:_LONGEST]
    same = (looks.c.viewer == viewer) & (looks.c.subject == subject) & (looks.c.what == what)
    with engine.begin() as connection:
        lately = select(looks.c.id).where(same, looks.c.at > now - _ONE_LOOK).limit(1)
        if connection.execute(lately).first() is None:
            row = {"id": uuid.uuid4().hex, "viewer": viewer, "subject": subject, "what": what, "at": now}
            connection.execute(insert(looks).values(row))


def cohort(name: str) -> str:
    """The `subject` of a look at everybody in a cohort; no username begins so."""
    return f"*{name}"[:_LONGEST]


def of(engine: Engine, username: str, most: int = 50) -> tuple[Look, ...]:
    """Who looked at her data, or at a list with her in it, newest first."""
    with reading(engine) as connection:
        hers = connection.execute(select(enrolments.c.cohort).where(enrolments.c.username == username)).scalars().all()
    subjects = [username, *(cohort(name) for name in hers)]
    columns = (looks.c.viewer, looks.c.what, looks.c.at, people.c.given_name, people.c.family_name)
    query = select(*columns).outerjoin(people, people.c.username == looks.c.viewer)
    newest = (
        query.where(looks.c.subject.in_(subjects), looks.c.viewer != username)
        .order_by(looks.c.at.desc(), looks.c.id)
        .limit(most)
    )
    with reading(engine) as connection:
        rows = connection.execute(newest).all()
    return tuple(
        Look(f"{row.given_name or ''} {row.family_name or ''}".strip() or row.viewer, row.what, row.at) for row in rows
    )
