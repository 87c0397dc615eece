"""What erasing somebody would reach, in figures."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, func, select

from labkit.database import reading
from labkit.database.tables import metadata, scores, submissions
from labkit.programme.people import Person, memberships
from labkit.programme.privacy.entry import condition
from labkit.programme.privacy.registry import BY_TABLE


@dataclass(frozen=True)
class Figures:
    """`rows` of `tables` name her; `submissions` of hers lose their files, `graded` of them keep their points."""

    cohorts: tuple[str, ...]
    submissions: int
    graded: int
    rows: int
    tables: int


def figures(engine: Engine, whose: Person) -> Figures:
    hers = submissions.c.username == whose.username
    with reading(engine) as connection:
        handed_in = connection.execute(select(func.count()).select_from(submissions).where(hers)).scalar_one()
        graded = select(func.count()).select_from(scores).join(submissions).where(hers)
        points = connection.execute(graded).scalar_one()
        found = []
        for table in metadata.sorted_tables:
            entry = BY_TABLE[table.name]
            if entry.persons:
                query = select(func.count()).select_from(table).where(condition(table, entry, whose))
                found.append(connection.execute(query).scalar_one())
    cohorts = tuple(one.cohort for one in memberships(engine, whose.username))
    return Figures(cohorts, handed_in, points, sum(found), sum(1 for number in found if number))
