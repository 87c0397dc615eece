"""Whether a person takes part in a course, and as what."""

from __future__ import annotations

from sqlalchemy import Engine, select

from labkit.database import reading
from labkit.database.tables import cohorts, enrolments

# A person in two cohorts of one course has the stronger role.
_STRENGTH = ("learner", "instructor")


class Enrolment:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def role(self, username: str, course: str) -> str | None:
        """`learner`, `instructor`, or None for somebody who is not enrolled."""
        query = (
            select(enrolments.c.role).join(cohorts).where(enrolments.c.username == username, cohorts.c.course == course)
        )
        with reading(self._engine) as connection:
            roles = connection.execute(query).scalars().all()
        return max(roles, key=_STRENGTH.index, default=None)

    def courses(self, username: str) -> dict[str, str]:
        """Every course she takes part in, with her role in it."""
        query = (
            select(cohorts.c.course, enrolments.c.role).join(cohorts).where(enrolments.c.username == username)
        ).order_by(cohorts.c.course)
        found: dict[str, str] = {}
        with reading(self._engine) as connection:
            for course, role in connection.execute(query):
                found[course] = max(role, found.get(course, role), key=_STRENGTH.index)
        return found
