"""How far each cohort is, counted by the database: from enrolled to complete, by cohort and region, lab by lab.

`left` are those whose place is suspended; they are in no other number. Whoever was erased stays in all of them, under
a pseudonym. A lab counts once its newest submission is graded, and a course is complete once every lab counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Engine, Select, and_, case, func, select

from labkit.courses import Course
from labkit.database import reading
from labkit.database.tables import cohorts, enrolments, people, scores, submissions

STAGES = ("enrolled", "signed_in", "handed_in", "completed")


@dataclass(frozen=True)
class Funnel:
    """Of the learners of a cohort, or of one region of it (`region` is None for all of them, "" where unknown)."""

    cohort: str
    course: str
    region: str | None
    enrolled: int = 0
    signed_in: int = 0
    handed_in: int = 0
    completed: int = 0
    left: int = 0

    def share(self, stage: str) -> int:
        """How many have reached `stage`, in percent of those enrolled."""
        return round(100 * int(getattr(self, stage)) / self.enrolled) if self.enrolled else 0


@dataclass(frozen=True)
class LabFigures:
    """One lab in one cohort: how many are graded, and their mean share of the points judged so far."""

    lab: str
    graded: int
    mean: float | None


def funnels(engine: Engine, courses: Sequence[Course], cohort: str | None = None) -> tuple[Funnel, ...]:
    """For each cohort of `courses` its whole and then its regions, in order; or for one cohort alone."""
    found: dict[tuple[str, str | None], Funnel] = {}
    with reading(engine) as connection:
        for course in courses:
            rows = connection.execute(_by_region(course, cohort)).mappings().all()
            for row in rows:
                counts = {name: int(row[name] or 0) for name in (*STAGES, "left")}
                region = row["region"] or ""
                for key in (None, region):
                    known = found.get((row["cohort"], key), Funnel(row["cohort"], course.id, key))
                    added = {name: getattr(known, name) + count for name, count in counts.items()}
                    found[row["cohort"], key] = replace(known, **added)
    order = sorted(found.values(), key=lambda one: (one.course, one.cohort, one.region is not None, one.region or "~"))
    return tuple(order)


def labs(engine: Engine, course: Course, cohort: str) -> dict[str, LabFigures]:
    """By lab; a lab nobody has a grade in is not among them."""
    newest = _newest(course).subquery()
    judged = newest.c.max + case((newest.c.manual_score.is_not(None), newest.c.manual_max), else_=0.0)
    reached = newest.c.score + func.coalesce(newest.c.manual_score, 0.0)
    query = (
        select(newest.c.lab, func.count(), func.avg(case((judged > 0, reached / judged))))
        .join(enrolments, enrolments.c.username == newest.c.username)
        .where(newest.c.place == 1, _learns(cohort))
        .group_by(newest.c.lab)
    )
    with reading(engine) as connection:
        rows = connection.execute(query).all()
    return {lab: LabFigures(lab, count, float(mean) if mean is not None else None) for lab, count, mean in rows}


def _by_region(course: Course, cohort: str | None) -> Select[Any]:
    """One row for each cohort and region, with a column for each stage."""
    names = [lab.id for lab in course.labs]
    here = and_(submissions.c.course == course.id, submissions.c.lab.in_(names))
    graded = func.count(func.distinct(case((submissions.c.state == "graded", submissions.c.lab))))
    done = (
        select(submissions.c.username, graded.label("graded")).where(here).group_by(submissions.c.username).subquery()
    )
    active = enrolments.c.suspended_at.is_(None)
    complete = and_(active, done.c.graded >= max(1, len(names)))
    signed_in = and_(active, people.c.signed_in_at.is_not(None))
    query = (
        select(
            enrolments.c.cohort,
            people.c.region,
            func.count(case((active, 1))).label("enrolled"),
            func.count(case((signed_in, 1))).label("signed_in"),
            func.count(case((and_(active, done.c.username.is_not(None)), 1))).label("handed_in"),
            func.count(case((complete, 1))).label("completed"),
            func.count(case((~active, 1))).label("left"),
        )
        .select_from(enrolments)
        .join(people, people.c.username == enrolments.c.username)
        .join(cohorts, cohorts.c.name == enrolments.c.cohort)
        .outerjoin(done, done.c.username == enrolments.c.username)
        .where(cohorts.c.course == course.id, enrolments.c.role == "learner")
        .group_by(enrolments.c.cohort, people.c.region)
    )
    return query if cohort is None else query.where(enrolments.c.cohort == cohort)


def _newest(course: Course) -> Select[Any]:
    """Each learner's graded submissions of each lab, numbered from the newest. What still waits for the model is not
    graded yet, though some of its points are known."""
    order = func.row_number().over(
        partition_by=(submissions.c.username, submissions.c.lab),
        order_by=(submissions.c.received_at.desc(), submissions.c.id),
    )
    columns = [scores.c[name] for name in ("score", "max", "manual_score", "manual_max")]
    return (
        select(submissions.c.username, submissions.c.lab, *columns, order.label("place"))
        .join(scores, scores.c.submission == submissions.c.id)
        .where(submissions.c.course == course.id, ~submissions.c.asks_model)
    )


def _learns(cohort: str) -> Any:
    return and_(enrolments.c.cohort == cohort, enrolments.c.role == "learner", enrolments.c.suspended_at.is_(None))
