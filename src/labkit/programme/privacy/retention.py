"""Nothing is kept longer than the registry says: a rule for each table with a time limit, shown first, then applied.

Each rule is one transaction, so a run that is cut short is simply run again. Suspended people are erased one by one,
with everything outside the database. Does not cover: what has no limit in the registry, logs and backups.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Engine, Table, and_, delete, exists, func, or_, select

from labkit.database import reading
from labkit.database.tables import (
    applicants,
    attempts,
    calls,
    cohorts,
    enrolments,
    erasures,
    invitations,
    looks,
    people,
    prompts,
    reports,
    sign_in_links,
    submissions,
)
from labkit.programme.privacy.erase import Refused
from labkit.programme.privacy.strip import has_files, strip

# Longer than anybody's file has to be kept, and shorter than anybody can look back.
_MOST, _LEAST = 36_500, 1


@dataclass(frozen=True)
class Periods:
    """In days. `links`: after one was used or ended. `applicants`: after the invitation ended. `submissions`: after the
    last cohort of the course ended. `suspended`: after she took part in nothing any more."""

    attempts: int = 1
    links: int = 90
    looks: int = 730
    applicants: int = 90
    prompts: int = 30
    reports: int = 365
    calls: int = 1825
    submissions: int = 1095
    suspended: int = 1825

    @classmethod
    def of(cls, text: str) -> Periods:
        """From `looks=365,submissions=730`; the rest stays. Raises ValueError saying what is wrong."""
        found, known = cls(), {one.name for one in fields(cls)}
        for part in filter(None, (one.strip() for one in text.split(","))):
            name, _, days = (word.strip() for word in part.partition("="))
            if name not in known:
                raise ValueError(f"{name!r} has no period; there are {', '.join(sorted(known))}")
            if not re.fullmatch(r"[0-9]{1,6}", days) or not _LEAST <= int(days) <= _MOST:
                raise ValueError(f"{part!r}: write whole days from {_LEAST} to {_MOST}, such as {name}=365")
            found = replace(found, **{name: int(days)})
        return found


@dataclass(frozen=True)
class Due:
    """What one rule would take now: how many rows of which table, the oldest of them from when."""

    rule: str
    table: str
    count: int
    oldest: datetime | None


@dataclass(frozen=True)
class Done:
    """What was taken by which rule; `refused` are usernames that could not be erased, with the reason."""

    counts: dict[str, int]
    refused: tuple[tuple[str, str], ...] = ()


def plan(engine: Engine, now: datetime, periods: Periods) -> tuple[Due, ...]:
    """What `apply` would take, and nothing is changed."""
    found = []
    with reading(engine) as connection:
        for rule, table, where, since in _rules(now, periods):
            query = select(func.count(), func.min(since)).select_from(table).where(where)
            count, oldest = connection.execute(query).one()
            at = datetime.fromtimestamp(oldest, UTC) if isinstance(oldest, float) else oldest
            found.append(Due(rule, table.name, count, at))
    return tuple(found)


def apply(
    engine: Engine, now: datetime, periods: Periods, erase: Callable[[str], object], clear: Callable[[], object]
) -> Done:
    """Takes what is due. `erase` erases a person; `clear` deletes the kept files nobody refers to any more."""
    counts: dict[str, int] = {}
    refused: list[tuple[str, str]] = []
    for rule, table, where, _ in _rules(now, periods):
        if rule == "suspended":
            counts[rule] = _erase_each(engine, where, erase, refused)
            continue
        with engine.begin() as connection:
            counts[rule] = _take(connection, rule, table, where)
    clear()
    return Done(counts, tuple(refused))


def _take(connection: Connection, rule: str, table: Table, where: ColumnElement[bool]) -> int:
    if rule != "submissions":
        return connection.execute(delete(table).where(where)).rowcount
    number = connection.execute(select(func.count()).select_from(table).where(where)).scalar_one()
    strip(connection, where)
    return int(number)


def _erase_each(
    engine: Engine, where: ColumnElement[bool], erase: Callable[[str], object], refused: list[tuple[str, str]]
) -> int:
    number = 0
    with reading(engine) as connection:
        names = connection.execute(select(people.c.username).where(where).order_by(people.c.username)).scalars().all()
    for name in names:
        try:
            erase(name)
            number += 1
        except Refused as why:
            refused.append((name, str(why)))
    return number


def _rules(
    now: datetime, periods: Periods
) -> tuple[tuple[str, Table, ColumnElement[bool], ColumnElement[datetime]], ...]:
    """Each with its name, its table, what is due, and since when that is kept."""

    def before(days: int) -> datetime:
        return now - timedelta(days=days)

    link = func.coalesce(sign_in_links.c.used_at, sign_in_links.c.expires_at)
    tried = now.timestamp() - timedelta(days=periods.attempts).total_seconds()
    ended = or_(
        invitations.c.expires_at < before(periods.applicants), invitations.c.closed_at < before(periods.applicants)
    )
    asked = applicants.c.invitation.in_(select(invitations.c.id).where(ended))
    gone = and_(
        people.c.suspended_at < before(periods.suspended),
        people.c.username.not_in(select(erasures.c.pseudonym)),
    )
    return (
        ("attempts", attempts, attempts.c.empty_at < tried, attempts.c.empty_at),
        ("links", sign_in_links, link < before(periods.links), link),
        ("looks", looks, looks.c.at < before(periods.looks), looks.c.at),
        ("applicants", applicants, asked, applicants.c.asked_at),
        ("prompts", prompts, prompts.c.at < before(periods.prompts), prompts.c.at),
        ("reports", reports, reports.c.at < before(periods.reports), reports.c.at),
        ("calls", calls, calls.c.closed_at < before(periods.calls), calls.c.closed_at),
        ("submissions", submissions, _long_over(before(periods.submissions)), submissions.c.received_at),
        ("suspended", people, gone, people.c.suspended_at),
    )  # fmt: skip


def _long_over(limit: datetime) -> ColumnElement[bool]:
    """Graded work in a course of which each of her cohorts ended before `limit`; without a cohort that ended, none."""
    mine = select(enrolments.c.cohort).join(cohorts).where(
        enrolments.c.username == submissions.c.username, cohorts.c.course == submissions.c.course
    )  # fmt: skip
    still = mine.where(or_(cohorts.c.ends_at.is_(None), cohorts.c.ends_at >= limit))
    settled = and_(submissions.c.state == "graded", submissions.c.written, submissions.c.holder.is_(None))
    return and_(has_files(), settled, submissions.c.received_at < limit, exists(mine), ~exists(still))
