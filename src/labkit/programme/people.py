"""People and the cohorts they are enrolled in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, RowMapping, Table, insert, select, update

from labkit.database import reading
from labkit.database.tables import cohorts, enrolments, people


@dataclass(frozen=True)
class Person:
    """`username` is her name in the hub and in nbgrader's gradebook: lower-case ASCII, never changed."""

    username: str
    email: str
    given_name: str
    family_name: str
    language: str = "en"
    officer: bool = False
    observer: bool = False
    region: str | None = None
    sex: str | None = None
    disability: bool | None = None
    employer: str | None = None

    @property
    def full_name(self) -> str:
        """Of somebody who was erased, her pseudonym."""
        return f"{self.given_name} {self.family_name}".strip() or self.username


@dataclass(frozen=True)
class Membership:
    username: str
    cohort: str
    course: str
    role: str


def person(engine: Engine, username: str) -> Person | None:
    with reading(engine) as connection:
        row = connection.execute(select(people).where(people.c.username == username)).mappings().first()
    return of_row(row) if row else None


def everyone(engine: Engine) -> tuple[Person, ...]:
    with reading(engine) as connection:
        rows = connection.execute(select(people).order_by(people.c.family_name, people.c.given_name)).mappings()
        return tuple(of_row(row) for row in rows)


def memberships(engine: Engine, username: str | None = None) -> tuple[Membership, ...]:
    """One person's enrolments, or everybody's; those that are suspended are left out."""
    columns = (enrolments.c.username, enrolments.c.cohort, cohorts.c.course, enrolments.c.role)
    query = select(*columns).join(cohorts).where(enrolments.c.suspended_at.is_(None))
    query = query.order_by(cohorts.c.course, cohorts.c.name)
    if username is not None:
        query = query.where(enrolments.c.username == username)
    with reading(engine) as connection:
        return tuple(Membership(**dict(row)) for row in connection.execute(query).mappings())


def provision(engine: Engine, persons: Iterable[Person], memberships: Iterable[Membership]) -> None:
    """Adds or updates people, cohorts and enrolments in one transaction; running it again changes nothing."""
    with engine.begin() as connection:
        for one in persons:
            _put(connection, people, {"username": one.username}, vars(one))
        for member in memberships:
            _put(connection, cohorts, {"name": member.cohort}, {"name": member.cohort, "course": member.course})
            key = {"username": member.username, "cohort": member.cohort}
            _put(connection, enrolments, key, {**key, "role": member.role})


def set_language(engine: Engine, username: str, language: str) -> None:
    with engine.begin() as connection:
        connection.execute(update(people).where(people.c.username == username).values(language=language))


def _put(connection: Connection, table: Table, key: dict[str, str], values: dict[str, object]) -> None:
    where = [table.c[name] == value for name, value in key.items()]
    if connection.execute(update(table).where(*where).values(values)).rowcount == 0:
        connection.execute(insert(table).values(values))


def of_row(row: RowMapping) -> Person:
    """The person in a row of `people`."""
    return Person(**{name: row[name] for name in Person.__dataclass_fields__})
