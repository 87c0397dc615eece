"""Cohorts: a run of a course for a group of people, with its own dates, language and share of each lab's allowance."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime

from sqlalchemy import Engine, RowMapping, select, update

from labkit.courses import Lab
from labkit.database import reading
from labkit.database.tables import cohorts, enrolments
from labkit.errors import CohortNotRunning, OperatorError

MOST_PERCENT = 1000
# A person in two cohorts of one course has the stronger role. An observer takes part in nothing.
STRENGTH = ("learner", "assistant", "instructor")


@dataclass(frozen=True)
class Cohort:
    """From `starts_at` to before `ends_at` its learners open labs, use models and hand in; None: no bound.

    `language` is that of people whose own is not known; `allowance_percent` is of each lab's allowance.
    """

    name: str
    course: str
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    language: str | None = None
    allowance_percent: int = 100

    def state(self, now: datetime | None = None) -> str:
        """`coming`, `running` or `over`."""
        now = now or datetime.now(UTC)
        if self.starts_at is not None and now < self.starts_at:
            return "coming"
        return "over" if self.ends_at is not None and now >= self.ends_at else "running"


def every(engine: Engine) -> tuple[Cohort, ...]:
    with reading(engine) as connection:
        rows = connection.execute(select(cohorts).order_by(cohorts.c.course, cohorts.c.name)).mappings().all()
    return tuple(of_row(row) for row in rows)


def find(engine: Engine, name: str) -> Cohort | None:
    if "\0" in name:  # PostgreSQL knows no such text
        return None
    with reading(engine) as connection:
        row = connection.execute(select(cohorts).where(cohorts.c.name == name)).mappings().first()
    return of_row(row) if row else None


def change(engine: Engine, cohort: Cohort) -> None:
    """Sets its dates, language and allowance. Raises OperatorError for what cannot be."""
    if cohort.starts_at and cohort.ends_at and cohort.ends_at <= cohort.starts_at:
        raise OperatorError("A cohort ends after it starts.", instead="Give a later end or an earlier start.")
    if not 0 <= cohort.allowance_percent <= MOST_PERCENT:
        raise OperatorError(
            f"{cohort.allowance_percent} percent is no allowance.", instead=f"Give a number from 0 to {MOST_PERCENT}."
        )
    values = {one.name: getattr(cohort, one.name) for one in fields(Cohort) if one.name not in ("name", "course")}
    with engine.begin() as connection:
        connection.execute(update(cohorts).where(cohorts.c.name == cohort.name).values(**values))


def of_row(row: RowMapping) -> Cohort:
    return Cohort(**{one.name: row[one.name] for one in fields(Cohort)})


@dataclass(frozen=True)
class Seat:
    """Somebody's place in a course: her role, and the cohort that sets her dates and allowance."""

    role: str
    cohort: Cohort

    def check_runs(self) -> None:
        """Raises CohortNotRunning for a learner before her cohort begins and once it is over."""
        state = self.cohort.state() if self.role == "learner" else "running"
        if state == "coming":
            raise CohortNotRunning(
                f"Your cohort begins on {self.cohort.starts_at:%d %B %Y, %H:%M} UTC.", instead="Come back then."
            )
        if state == "over":
            raise CohortNotRunning(
                f"Your cohort ended on {self.cohort.ends_at:%d %B %Y, %H:%M} UTC. What you handed in is kept.",
                instead="Ask your instructor if you need more time.",
            )

    def taken(self, lab: Lab) -> Lab:
        """The lab with the allowance of this cohort."""
        tokens = lab.allowance.tokens * self.cohort.allowance_percent // 100
        return replace(lab, allowance=replace(lab.allowance, tokens=tokens))


def seat(engine: Engine, username: str, course: str) -> Seat | None:
    """Where somebody learns or teaches `course`; None for whoever takes no part.

    Whoever teaches several cohorts has the one that runs; one of them has to, for her to try her own labs.
    """
    query = (
        select(cohorts, enrolments.c.role)
        .join(enrolments)
        .where(
            enrolments.c.username == username,
            cohorts.c.course == course,
            enrolments.c.suspended_at.is_(None),
            enrolments.c.role.in_(STRENGTH),
        )
    )
    with reading(engine) as connection:
        rows = connection.execute(query).mappings().all()
    seats = [Seat(row["role"], of_row(row)) for row in rows]
    return max(seats, key=lambda one: (STRENGTH.index(one.role), one.cohort.state() == "running"), default=None)
