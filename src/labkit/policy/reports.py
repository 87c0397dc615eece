"""Reports: an answer a learner found wrong or harmful, kept with what she asked for her instructor to see."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, func, select, update

from labkit.database import reading
from labkit.database.tables import reports

LONGEST = 8_000


@dataclass(frozen=True)
class Report:
    """`asked` and `answered` are what she sent along, so they say what she says they said."""

    username: str
    cohort: str
    course: str
    lab: str
    model: str
    asked: str
    answered: str
    reason: str
    call: str | None = None
    id: str = ""
    at: datetime | None = None
    seen_by: str | None = None
    seen_at: datetime | None = None


def add(engine: Engine, report: Report, now: datetime | None = None) -> str:
    """Keeps a report, cut to LONGEST characters a text; its id."""
    number = report.id or uuid.uuid4().hex
    # PostgreSQL knows no text with a NUL in it.
    texts = {name: value.replace("\0", "") for name, value in vars(report).items() if isinstance(value, str)}
    texts |= {name: texts[name][:LONGEST] for name in ("asked", "answered", "reason")}
    with engine.begin() as connection:
        connection.execute(reports.insert().values({**vars(report), **texts, "id": number, "at": now or _now()}))
    return number


def sent_today(engine: Engine, username: str, now: datetime | None = None) -> int:
    """How many reports she has sent in the last day."""
    since = (now or _now()) - timedelta(days=1)
    query = select(func.count()).select_from(reports).where(reports.c.username == username, reports.c.at > since)
    with reading(engine) as connection:
        return int(connection.execute(query).scalar_one())


def of_cohorts(engine: Engine, course: str, cohorts: Collection[str], most: int = 200) -> list[Report]:
    """The newest reports of these cohorts' learners, unseen ones first."""
    order = (reports.c.seen_at.is_not(None), reports.c.at.desc())
    where = (reports.c.course == course, reports.c.cohort.in_(cohorts))
    with reading(engine) as connection:
        rows = connection.execute(select(reports).where(*where).order_by(*order).limit(most)).mappings()
        return [Report(**row) for row in rows]


def see(engine: Engine, number: str, cohorts: Collection[str], by: str, now: datetime | None = None) -> bool:
    """Marks a report of one of these cohorts as seen; False where there is none."""
    where = (reports.c.id == number, reports.c.cohort.in_(cohorts))
    values = {"seen_by": by, "seen_at": now or _now()}
    with engine.begin() as connection:
        return connection.execute(update(reports).where(*where).values(**values)).rowcount > 0


def _now() -> datetime:
    return datetime.now(UTC)
