"""Who takes part in something. Whoever does not any more is suspended: she cannot sign in, and nothing is deleted."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from sqlalchemy import Connection, Engine, and_, exists, or_, select, update

from labkit.database import reading
from labkit.database.tables import enrolments, erasures, people

T = TypeVar("T")
# SQLite and PostgreSQL bound the number of values in one statement.
MOST_VALUES = 500


def settle(connection: Connection, usernames: Collection[str]) -> frozenset[str]:
    """Suspends those of `usernames` who take part in nothing and hold no office, and takes back those who do again.

    To be called in the transaction that changed their enrolments. Gives whom it suspended now; their sessions in the
    pages have ended with it, those in the hub are for the caller to end (`hub_config.follower` does).
    """
    taking_part = or_(
        people.c.officer,
        people.c.observer,
        exists().where(enrolments.c.username == people.c.username, enrolments.c.suspended_at.is_(None)),
    )
    now = datetime.now(UTC)
    gone: set[str] = set()
    for some in in_parts(sorted(usernames)):
        # Whoever was erased stays out, also where her places are kept for the cohort's figures.
        hers = and_(people.c.username.in_(some), people.c.username.not_in(select(erasures.c.pseudonym)))
        leaving = select(people.c.username).where(hers, people.c.suspended_at.is_(None), ~taking_part)
        found = connection.execute(leaving).scalars().all()
        gone.update(found)
        out = update(people).where(people.c.username.in_(found))
        connection.execute(out.values(suspended_at=now, sessions_from=now))
        back = update(people).where(hers, people.c.suspended_at.is_not(None), taking_part)
        connection.execute(back.values(suspended_at=None))
    return frozenset(gone)


def is_suspended(engine: Engine, username: str) -> bool:
    with reading(engine) as connection:
        at = connection.execute(select(people.c.suspended_at).where(people.c.username == username)).scalar()
    return at is not None


def in_parts(values: Sequence[T], most: int = MOST_VALUES) -> Iterator[Sequence[T]]:
    """`values` in pieces one statement can hold."""
    for start in range(0, len(values), most):
        yield values[start : start + most]
