"""The learners of a cohort, page by page, with their score in each lab."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Select, and_, func, select

from labkit.courses import Course
from labkit.database import reading
from labkit.database.tables import enrolments, erasures, people, scores, submissions
from labkit.programme.people import Person, of_row
from labkit.programme.suspension import in_parts

PAGE = 50
# Which of them: everybody, who never signed in, who signed in and handed nothing in, who left.
KINDS = ("all", "not-signed-in", "nothing-handed-in", "left")


@dataclass(frozen=True)
class Cell:
    """One learner in one lab: points reached and possible, or nothing yet. `waiting`: something has no score yet."""

    total: float | None = None
    total_max: float | None = None
    waiting: bool = False


@dataclass(frozen=True)
class Learner:
    person: Person
    signed_in_at: datetime | None
    left: bool
    cells: tuple[Cell, ...]  # in the order of the course's labs


@dataclass(frozen=True)
class Learners:
    """One `page` (from 1) of `pages`; `total` is of all pages."""

    rows: tuple[Learner, ...]
    total: int
    page: int
    pages: int


def learners(engine: Engine, course: Course, cohort: str, kind: str = "all", page: int = 1) -> Learners:
    """Those of one `kind`, by name."""
    query = _query(cohort, course, kind)
    with reading(engine) as connection:
        total = connection.execute(select(func.count()).select_from(query.subquery())).scalar_one()
        pages = max(1, -(-total // PAGE))
        page = min(max(page, 1), pages)
        rows = connection.execute(query.limit(PAGE).offset((page - 1) * PAGE)).mappings().all()
        return Learners(_with_cells(connection, course, rows), total, page, pages)


def every(engine: Engine, course: Course, cohort: str, kind: str = "all") -> tuple[Learner, ...]:
    """All of them, for an export."""
    with reading(engine) as connection:
        rows = connection.execute(_query(cohort, course, kind)).mappings().all()
        return _with_cells(connection, course, rows)


def _query(cohort: str, course: Course, kind: str) -> Select[Any]:
    query = (
        select(people, enrolments.c.suspended_at.label("left_at"))
        .join(enrolments, enrolments.c.username == people.c.username)
        .where(enrolments.c.cohort == cohort, enrolments.c.role == "learner")
        .where(people.c.username.not_in(select(erasures.c.pseudonym)))
        .order_by(people.c.family_name, people.c.given_name, people.c.username)
    )
    if kind == "left":
        return query.where(enrolments.c.suspended_at.is_not(None))
    query = query.where(enrolments.c.suspended_at.is_(None))
    if kind == "not-signed-in":
        return query.where(people.c.signed_in_at.is_(None))
    if kind == "nothing-handed-in":
        handed_in = select(submissions.c.username).where(submissions.c.course == course.id)
        return query.where(people.c.signed_in_at.is_not(None), people.c.username.not_in(handed_in))
    return query


def _with_cells(connection: Connection, course: Course, rows: Sequence[Any]) -> tuple[Learner, ...]:
    cells = _cells(connection, course, [row["username"] for row in rows])
    return tuple(
        Learner(
            of_row(row),
            row["signed_in_at"],
            row["left_at"] is not None,
            tuple(cells.get((row["username"], lab.id), Cell()) for lab in course.labs),
        )
        for row in rows
    )


def _cells(connection: Connection, course: Course, usernames: Sequence[str]) -> Mapping[tuple[str, str], Cell]:
    """The newest score of each in each lab, and whether something newer waits for one."""
    found: dict[tuple[str, str], Cell] = {}
    columns = [scores.c[name] for name in ("score", "max", "manual_score", "manual_max")]
    for some in in_parts(usernames):
        query = (
            select(submissions.c.username, submissions.c.lab, submissions.c.state, *columns)
            .outerjoin(scores, scores.c.submission == submissions.c.id)
            .where(and_(submissions.c.course == course.id, submissions.c.username.in_(some)))
            .order_by(submissions.c.received_at)
        )
        for row in connection.execute(query):
            key = (row.username, row.lab)
            before = found.get(key, Cell())
            waiting = before.waiting or row.state != "graded"
            if row.score is None:
                found[key] = Cell(before.total, before.total_max, waiting)
            else:
                found[key] = Cell(row.score + (row.manual_score or 0), row.max + row.manual_max, waiting)
    return found
