"""Whom an instructor or officer may give a new sign-in link, and whose sessions she may end.

An officer: everybody but officers. An instructor: the learners of her own cohorts who are neither officers, observers
of the programme, nor anything but learners anywhere. Nobody acts for somebody who was erased. The search and the
check before an action ask the same query, so nobody who is not listed can be reached by typing an address.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Select, func, or_, select

from labkit.database import reading
from labkit.database.tables import enrolments, erasures, people, sign_in_links
from labkit.programme.people import Person, of_row

PAGE = 50


@dataclass(frozen=True)
class Found:
    """One page of people. `page` counts from 1; `total` is of all pages."""

    people: tuple[Person, ...]
    links: Mapping[str, str]  # by username: `open` (a link waits to be used) or `used`; others never had one
    total: int
    page: int
    suspended: frozenset[str] = frozenset()

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE))


def has_any(engine: Engine, actor: Person) -> bool:
    """Whether there is a People page for her at all."""
    if actor.officer:
        return True
    teaches = select(enrolments.c.cohort).where(
        enrolments.c.username == actor.username,
        enrolments.c.role == "instructor",
        enrolments.c.suspended_at.is_(None),
    )
    with reading(engine) as connection:
        return connection.execute(teaches.limit(1)).first() is not None


def reach(engine: Engine, actor: Person, username: str) -> Person | None:
    """The person called `username` if `actor` may act for her; None otherwise, and for a name nobody has."""
    if "\0" in username:  # PostgreSQL knows no such text
        return None
    with reading(engine) as connection:
        row = connection.execute(_reachable(actor).where(people.c.username == username)).mappings().first()
    return of_row(row) if row else None


def search(engine: Engine, actor: Person, text: str = "", page: int = 1) -> Found:
    """Those within her reach whose name, username or e-mail address holds each word of `text`."""
    query = _reachable(actor)
    for word in text.replace("\0", " ").lower().split()[:5]:
        pattern = "%" + word.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"
        columns = (people.c.username, people.c.email, people.c.given_name, people.c.family_name)
        query = query.where(or_(*(func.lower(column).like(pattern, escape="\\") for column in columns)))
    with reading(engine) as connection:
        total = connection.execute(select(func.count()).select_from(query.subquery())).scalar_one()
        page = min(max(page, 1), max(1, -(-total // PAGE)))
        ordered = query.order_by(people.c.family_name, people.c.given_name, people.c.username)
        rows = connection.execute(ordered.limit(PAGE).offset((page - 1) * PAGE)).mappings().all()
        found = tuple(of_row(row) for row in rows)
        suspended = frozenset(row["username"] for row in rows if row["suspended_at"] is not None)
        links = connection.execute(_links([one.username for one in found])).all()
    return Found(found, {name: "used" if used else "open" for name, used in links}, total, page, suspended)


def _reachable(actor: Person) -> Select[Any]:
    nobody_with_power = select(people).where(
        people.c.officer.is_(False),
        people.c.username != actor.username,
        people.c.username.not_in(select(erasures.c.pseudonym)),
    )
    if actor.officer:
        return nobody_with_power
    role, active = enrolments.c.role, enrolments.c.suspended_at.is_(None)
    mine = select(enrolments.c.cohort).where(
        enrolments.c.username == actor.username, role == "instructor", active
    )  # fmt: skip
    hers = select(enrolments.c.username).where(role == "learner", active, enrolments.c.cohort.in_(mine))
    powerful = select(enrolments.c.username).where(role != "learner", active)
    return nobody_with_power.where(
        people.c.observer.is_(False), people.c.username.in_(hers), people.c.username.not_in(powerful)
    )


def _links(usernames: list[str]) -> Select[Any]:
    """For each of them who has had a link: whether the newest that still matters was used."""
    newest = select(
        sign_in_links.c.username,
        sign_in_links.c.used_at,
        func.row_number()
        .over(partition_by=sign_in_links.c.username, order_by=sign_in_links.c.expires_at.desc())
        .label("place"),
    ).where(sign_in_links.c.username.in_(usernames))
    ranked = newest.subquery()
    return select(ranked.c.username, ranked.c.used_at).where(ranked.c.place == 1)
