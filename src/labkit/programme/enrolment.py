"""Whether a person takes part in a course, and as what."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Engine, and_, select

from labkit.database import reading
from labkit.database.tables import cohorts, enrolments
from labkit.programme.cohorts import STRENGTH, Seat, seat


class Enrolment:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def role(self, username: str, course: str) -> str | None:
        """`learner`, `assistant`, `instructor`, or None for somebody who does not take part."""
        query = select(enrolments.c.role).join(cohorts).where(_active(username), cohorts.c.course == course)
        with reading(self._engine) as connection:
            roles = connection.execute(query).scalars().all()
        return max(roles, key=STRENGTH.index, default=None)

    def seat(self, username: str, course: str) -> Seat | None:
        """Her place in a course with the cohort that sets her dates and allowance; None for who takes no part."""
        return seat(self._engine, username, course)

    def cohorts(self, username: str) -> frozenset[str]:
        """Every cohort in which she is a learner."""
        query = select(enrolments.c.cohort).where(_active(username), enrolments.c.role == "learner")
        with reading(self._engine) as connection:
            return frozenset(connection.execute(query).scalars())

    def courses(self, username: str) -> dict[str, str]:
        """Every course she takes part in, with her role in it."""
        query = select(cohorts.c.course, enrolments.c.role).join(cohorts).where(_active(username))
        found: dict[str, str] = {}
        with reading(self._engine) as connection:
            for course, role in connection.execute(query.order_by(cohorts.c.course)):
                found[course] = max(role, found.get(course, role), key=STRENGTH.index)
        return found


def _active(username: str) -> ColumnElement[bool]:
    return and_(enrolments.c.username == username, enrolments.c.suspended_at.is_(None), enrolments.c.role.in_(STRENGTH))
