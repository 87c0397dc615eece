"""Whose work somebody may look at: learners of the cohorts she teaches, assists or observes, and of no other.

An officer and an observer of the programme see every cohort's figures and rows; the work itself (what somebody wrote,
the reasons she was given) is for those who teach her. Everything that shows one person's data to another asks here.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Engine, Select, or_, select

from labkit.database import reading
from labkit.database.tables import cohorts, enrolments, people
from labkit.programme.people import Person

TEACH = ("assistant", "instructor")


def taught(engine: Engine, username: str, roles: Collection[str] = TEACH) -> dict[str, str]:
    """The cohorts in which she has one of `roles`, each with its course."""
    query = (
        select(cohorts.c.name, cohorts.c.course)
        .join(enrolments)
        .where(
            enrolments.c.username == username, enrolments.c.role.in_(list(roles)), enrolments.c.suspended_at.is_(None)
        )
    )
    with reading(engine) as connection:
        return {row.name: row.course for row in connection.execute(query.order_by(cohorts.c.course, cohorts.c.name))}


def pupils(engine: Engine, username: str, course: str) -> frozenset[str]:
    """Those who learn, or have learnt, in the cohorts of `course` that she teaches."""
    return pupils_of(engine, [cohort for cohort, taken in taught(engine, username).items() if taken == course])


def pupils_of(engine: Engine, names: Collection[str]) -> frozenset[str]:
    """Those who learn, or have learnt, in these cohorts, which somebody is known to teach."""
    with reading(engine) as connection:
        return frozenset(connection.execute(learn_in(names)).scalars())


def whole_course(engine: Engine, course: str) -> dict[str, frozenset[str] | None]:
    """Whom each of a course's teachers teaches in it, by her username; None where that is every cohort with learners.

    A suspended teacher, or one whose enrolment is, is not in it.
    """
    query = (
        select(enrolments.c.username, enrolments.c.cohort, enrolments.c.role, people.c.suspended_at)
        .add_columns(enrolments.c.suspended_at.label("enrolment_suspended_at"))
        .join(cohorts, cohorts.c.name == enrolments.c.cohort)
        .join(people, people.c.username == enrolments.c.username)
        .where(cohorts.c.course == course)
    )
    learners: dict[str, set[str]] = {}
    teaches: dict[str, set[str]] = {}
    with reading(engine) as connection:
        for row in connection.execute(query):
            if row.role == "learner":
                learners.setdefault(row.cohort, set()).add(row.username)
            elif row.role in TEACH and row.suspended_at is None and row.enrolment_suspended_at is None:
                teaches.setdefault(row.username, set()).add(row.cohort)
    return {
        teacher: None if mine >= learners.keys() else frozenset().union(*(learners.get(one, set()) for one in mine))
        for teacher, mine in teaches.items()
    }


def learn_in(names: Collection[str]) -> Select[Any]:
    """The usernames of those who learn in these cohorts, or left them for no other of the course, as a part of a
    query: whoever moved is looked after where she is now."""
    names = list(names)
    courses = select(cohorts.c.course).where(cohorts.c.name.in_(names))
    elsewhere = (
        select(enrolments.c.username)
        .join(cohorts)
        .where(cohorts.c.course.in_(courses), enrolments.c.role == "learner", enrolments.c.suspended_at.is_(None))
    )
    return select(enrolments.c.username).where(
        enrolments.c.cohort.in_(names),
        enrolments.c.role == "learner",
        or_(enrolments.c.suspended_at.is_(None), enrolments.c.username.not_in(elsewhere)),
    )


def sees_cohort(engine: Engine, someone: Person, cohort: str) -> bool:
    """Whether she may read a cohort's figures and rows."""
    if someone.officer or someone.observer:
        return True
    return cohort in taught(engine, someone.username, (*TEACH, "observer"))
