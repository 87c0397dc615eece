"""Trainings as pages list them: of one person or of a class, the newest first, some at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Engine, Select, func, select

from labkit.database import reading
from labkit.database.tables import training_jobs
from labkit.training.job import Job


@dataclass(frozen=True)
class Which:
    """`people` is a query for usernames, such as those of a class. None: every one."""

    username: str | None = None
    people: Select[Any] | None = None
    course: str | None = None

    def where(self) -> list[ColumnElement[bool]]:
        """The conditions on `training_jobs`, all of which hold."""
        table = training_jobs.c
        found = [] if self.username is None else [table.username == self.username]
        found += [] if self.people is None else [table.username.in_(self.people)]
        return found if self.course is None else [*found, table.course == self.course]


def newest(engine: Engine, which: Which, most: int, skipped: int = 0) -> list[Job]:
    """At most `most` of them."""
    order = (training_jobs.c.created_at.desc(), training_jobs.c.id)
    query = select(training_jobs).where(*which.where()).order_by(*order).limit(most).offset(skipped)
    with reading(engine) as connection:
        return [Job.of(row) for row in connection.execute(query).mappings()]


def number(engine: Engine, which: Which) -> int:
    """How many there are."""
    query = select(func.count()).select_from(training_jobs).where(*which.where())
    with reading(engine) as connection:
        return int(connection.execute(query).scalar_one())
