"""What trainings came to, for whoever answers for the machines: by cohort, over a span of time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, case, distinct, func, select

from labkit.database import reading
from labkit.database.tables import training_jobs


@dataclass(frozen=True)
class Spent:
    """Of one cohort ("" for whoever teaches): `seconds` are its share of the passes its trainings were in."""

    cohort: str
    people: int
    trainings: int
    succeeded: int
    steps: int
    tokens: int
    seconds: float


def spent(engine: Engine, since: datetime, until: datetime) -> tuple[Spent, ...]:
    """Of the trainings that were asked for from `since` until before `until`; by the name of the cohort."""
    table = training_jobs.c
    succeeded = func.sum(case((table.state == "succeeded", 1), else_=0))
    columns = (
        *(table.cohort, func.count(distinct(table.username)), func.count(), succeeded),
        *(func.sum(table.step), func.sum(table.tokens), func.sum(table.seconds)),
    )
    inside = (table.created_at >= since) & (table.created_at < until)
    query = select(*columns).where(inside).group_by(table.cohort).order_by(table.cohort)
    with reading(engine) as connection:
        # PostgreSQL sums whole numbers as decimals.
        found = connection.execute(query).all()
    return tuple(
        Spent(one[0], int(one[1]), int(one[2]), int(one[3]), int(one[4]), int(one[5]), float(one[6])) for one in found
    )
