"""Exams: from opening to closing, a cohort's learners reach models in the exam's lab only, as that lab's policy says.

What this does not cover: a phone beside the keyboard, and whoever is enrolled under two names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Engine, and_, delete, select

from labkit.database import reading
from labkit.database.tables import exams
from labkit.errors import OperatorError


class ExamInTheWay(OperatorError):
    """A cohort sits one exam at a time."""


@dataclass(frozen=True)
class Exam:
    """Of a cohort in one lab, from `opens_at` to before `closes_at`."""

    cohort: str
    course: str
    lab: str
    opens_at: datetime
    closes_at: datetime

    def is_open(self, now: datetime) -> bool:
        return self.opens_at <= now < self.closes_at


def every(engine: Engine, since: datetime) -> tuple[Exam, ...]:
    """Those that are not over at `since`, by when they open."""
    columns = (exams.c.cohort, exams.c.course, exams.c.lab, exams.c.opens_at, exams.c.closes_at)
    query = select(*columns).where(exams.c.closes_at > since).order_by(exams.c.opens_at, exams.c.cohort)
    with reading(engine) as connection:
        return tuple(Exam(*row) for row in connection.execute(query))


def plan(engine: Engine, exam: Exam, by: str | None, now: datetime | None = None) -> None:
    """Sets a cohort's exam in a lab, in place of what was planned for it there. Raises OperatorError for one that would
    be over already; ExamInTheWay where the cohort has another at that time."""
    now = now or datetime.now(UTC)
    if exam.closes_at <= max(exam.opens_at, now):
        raise OperatorError("An exam closes after it opens, and later than now.", instead="Give a later end.")
    row = {**vars(exam), "set_by": by, "set_at": now}
    same = _is(exam.cohort, exam.course, exam.lab)
    at_that_time = and_(exams.c.opens_at < exam.closes_at, exams.c.closes_at > exam.opens_at)
    with engine.begin() as connection:
        other = connection.execute(
            select(exams.c.course, exams.c.lab).where(exams.c.cohort == exam.cohort, at_that_time, ~same)
        ).first()
        if other is not None:
            raise ExamInTheWay(
                f"The cohort {exam.cohort!r} has an exam at that time: {other.course}/{other.lab}.",
                instead="Choose another time, or cancel that one first.",
            )
        connection.execute(delete(exams).where(same))
        connection.execute(exams.insert().values(row))


def cancel(engine: Engine, cohort: str, course: str, lab: str) -> bool:
    """Takes an exam back, also one that is open; False if there was none."""
    with engine.begin() as connection:
        return connection.execute(delete(exams).where(_is(cohort, course, lab))).rowcount > 0


def open_for(found: Iterable[Exam], cohorts: Collection[str], now: datetime) -> Exam | None:
    """The exam that binds somebody of these cohorts now; of several the one that closes last."""
    mine = [exam for exam in found if exam.cohort in cohorts and exam.is_open(now)]
    return max(mine, key=lambda exam: exam.closes_at, default=None)


def _is(cohort: str, course: str, lab: str) -> ColumnElement[bool]:
    return and_(exams.c.cohort == cohort, exams.c.course == course, exams.c.lab == lab)
