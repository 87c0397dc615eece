"""Whether a course teaches: the short test before it and after it, kept for each learner and compared over a cohort.

It is optional and never graded. What it cannot tell: what those who did not take both would have shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import sqrt
from statistics import fmean, stdev

from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import IntegrityError

from labkit.database import reading
from labkit.database.tables import test_answers
from labkit.programme.sight import learn_in

PHASES = ("before", "after")
FEWEST = 5  # of fewer, a mean would say too much of each


@dataclass(frozen=True)
class Answered:
    """One learner's answers in one phase; `chosen` as in `labkit.courses.quiz.right_of`."""

    phase: str
    form: str
    chosen: Mapping[str, int | None]
    right: int
    asked: int


@dataclass(frozen=True)
class Gain:
    """Over the `people` who took both: mean shares answered rightly, from 0 to 1, and the mean difference with its
    standard error (of paired differences: s / sqrt(n)). All are None where there are fewer than `FEWEST`."""

    people: int
    before: float | None = None
    after: float | None = None
    difference: float | None = None
    error: float | None = None

    fewest = FEWEST


def answered(engine: Engine, username: str, course: str) -> dict[str, Answered]:
    """What she has answered, by phase."""
    query = select(test_answers).where(test_answers.c.username == username, test_answers.c.course == course)
    with reading(engine) as connection:
        rows = connection.execute(query).mappings().all()
    return {
        row["phase"]: Answered(row["phase"], row["form"], row["chosen"], row["right"], row["asked"]) for row in rows
    }


def record(engine: Engine, username: str, course: str, answers: Answered) -> bool:
    """Keeps her answers; False where she has answered in this phase already, which stays as it is."""
    row = {**vars(answers), "chosen": dict(answers.chosen)}
    at = datetime.now(UTC)
    try:
        with engine.begin() as connection:
            connection.execute(insert(test_answers).values(username=username, course=course, answered_at=at, **row))
    except IntegrityError:
        return False
    return True


def gain(engine: Engine, course: str, cohort: str) -> Gain:
    """What the learners of a cohort have gained."""
    query = select(test_answers.c.username, test_answers.c.phase, test_answers.c.right, test_answers.c.asked).where(
        test_answers.c.course == course, test_answers.c.username.in_(learn_in([cohort]))
    )
    shares: dict[str, dict[str, float]] = {}
    with reading(engine) as connection:
        for username, phase, right, asked in connection.execute(query):
            shares.setdefault(username, {})[phase] = right / asked
    return compare([(one["before"], one["after"]) for one in shares.values() if len(one) == len(PHASES)])


def compare(both: list[tuple[float, float]]) -> Gain:
    """Of the shares that each of some people had before and after."""
    if len(both) < FEWEST:
        return Gain(len(both))
    differences = [after - before for before, after in both]
    before, after = fmean(one for one, _ in both), fmean(one for _, one in both)
    return Gain(len(both), before, after, fmean(differences), stdev(differences) / sqrt(len(both)))
