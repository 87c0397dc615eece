"""Invitation codes for open programmes: whoever has the code asks for a place; those beyond the places wait in order.

The answer to a request is always the same, so that a code tells nobody who has an account. A place means an account and
an enrolment; its sign-in link goes to the address by the programme's office (`labkit roster links`), which is how an
address is shown to be hers. Whoever has an account already, and everybody beyond the places, waits for the office.
Does not cover: somebody with the code who asks in other people's names; a code is as open as its hands.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, delete, exists, func, insert, select, update

from labkit.database import reading
from labkit.database.tables import applicants, cohorts, enrolments, invitations, people
from labkit.errors import OperatorError
from labkit.programme import turn, usernames
from labkit.programme.roster import columns
from labkit.programme.roster.mistake import Wrong
from labkit.programme.suspension import settle

MOST_PLACES = 100_000
MOST_DAYS = 366
# Of a code in wrong hands the list stays readable.
_MOST_WAITING = 2_000
# Without letters that look like digits: a code is read aloud and copied from a poster.
_LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
_LENGTH = 10
FIELDS = ("email", "given_name", "family_name", "language", "region")


@dataclass(frozen=True)
class Invitation:
    """`taken` of `places` (by whoever is in the cohort by invitation, whichever it was), and how many are `waiting`."""

    id: str
    cohort: str
    places: int
    taken: int
    waiting: int
    expires_at: datetime
    made_at: datetime
    made_by: str | None
    closed_at: datetime | None

    @property
    def open(self) -> bool:
        """A list that is full takes nobody more, and says so by not being open."""
        return self.closed_at is None and self.expires_at > datetime.now(UTC) and self.waiting < _MOST_WAITING


@dataclass(frozen=True)
class Applicant:
    id: str
    email: str
    given_name: str
    family_name: str
    region: str | None
    asked_at: datetime


def make(engine: Engine, cohort: str, places: int, valid_for: timedelta, made_by: str | None = None) -> str:
    """A new code; the only time it can be read. With no places everybody waits for the office."""
    if not 0 <= places <= MOST_PLACES:
        raise OperatorError(f"{places} places cannot be.", instead=f"Give a number from 0 to {MOST_PLACES}.")
    if not timedelta(0) < valid_for <= timedelta(days=MOST_DAYS):
        raise OperatorError("A code works for a day to a year.", instead=f"Give 1 to {MOST_DAYS} days.")
    code = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    now = datetime.now(UTC)
    row = {"id": uuid.uuid4().hex, "digest": _digest(code), "cohort": cohort, "places": places, "made_by": made_by}
    with engine.begin() as connection:
        connection.execute(insert(invitations).values(**row, made_at=now, expires_at=now + valid_for))
    return code


def find(engine: Engine, code: str) -> Invitation | None:
    """The open invitation with this code, as people type it."""
    with reading(engine) as connection:
        row = connection.execute(select(invitations).where(invitations.c.digest == _digest(code))).mappings().first()
        found = _of_row(connection, row) if row else None
    return found if found and found.open else None


def of_cohort(engine: Engine, cohort: str) -> tuple[Invitation, ...]:
    """Newest first."""
    query = select(invitations).where(invitations.c.cohort == cohort).order_by(invitations.c.made_at.desc())
    with reading(engine) as connection:
        return tuple(_of_row(connection, row) for row in connection.execute(query).mappings().all())


def waiting(engine: Engine, invitation: str, most: int = 200) -> tuple[Applicant, ...]:
    """Who waits, first come first."""
    names = [applicants.c[name] for name in Applicant.__dataclass_fields__]
    query = select(*names).where(applicants.c.invitation == invitation)
    with reading(engine) as connection:
        rows = connection.execute(query.order_by(applicants.c.asked_at, applicants.c.id).limit(most)).mappings()
        return tuple(Applicant(**row) for row in rows)


def ask(engine: Engine, code: str, form: Mapping[str, str]) -> dict[str, Wrong]:
    """Asks for a place; what is wrong with the form by field, empty where it was taken. Asking again changes nothing.

    Raises OperatorError where the code is not known or works no longer.
    """
    values, wrong = _read(form)
    if wrong:
        return wrong
    with engine.begin() as connection:
        turn.take(connection)
        query = select(invitations).where(invitations.c.digest == _digest(code))
        row = connection.execute(query).mappings().first()
        found = _of_row(connection, row) if row else None
        if found is None or not found.open:
            raise OperatorError("This code does not work.", instead="Ask whoever gave it to you for a new one.")
        known = connection.execute(select(exists().where(func.lower(people.c.email) == values["email"]))).scalar()
        if not known and found.taken < found.places:
            _admit(connection, found.cohort, values)
        else:
            _wait(connection, found, values)
    return {}


def admit(engine: Engine, invitation: str, number: int) -> int:
    """Gives places to the first `number` who wait; how many that were. Whoever was suspended is back with it."""
    if not 1 <= number <= MOST_PLACES:
        raise OperatorError(f"{number} cannot be admitted.", instead="Give a number from 1.")
    with engine.begin() as connection:
        turn.take(connection)
        cohort = connection.execute(select(invitations.c.cohort).where(invitations.c.id == invitation)).scalar()
        if cohort is None:
            raise OperatorError("There is no such invitation.", instead="Reload the page.")
        query = select(applicants).where(applicants.c.invitation == invitation)
        first = query.order_by(applicants.c.asked_at, applicants.c.id).limit(number)
        rows = connection.execute(first).mappings().all()
        for row in rows:
            _admit(connection, cohort, row)
            connection.execute(delete(applicants).where(applicants.c.id == row["id"]))
    return len(rows)


def remove(engine: Engine, invitation: str, applicant: str) -> bool:
    """Takes somebody off the list, with all that was kept of her there; whether she was on it."""
    hers = delete(applicants).where(applicants.c.id == applicant, applicants.c.invitation == invitation)
    with engine.begin() as connection:
        return connection.execute(hers).rowcount == 1


def close(engine: Engine, invitation: str) -> None:
    """The code works no longer; places stay, and who waits can still be admitted."""
    with engine.begin() as connection:
        closed = update(invitations).where(invitations.c.id == invitation, invitations.c.closed_at.is_(None))
        connection.execute(closed.values(closed_at=datetime.now(UTC)))


def _read(form: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Wrong]]:
    values: dict[str, Any] = {}
    wrong: dict[str, Wrong] = {}
    for name in FIELDS:
        try:
            values[name] = columns.READ[name](form.get(name, "").strip())
        except Wrong as problem:
            wrong[name] = problem
    return values, wrong


def _admit(connection: Connection, cohort: str, values: Mapping[str, Any] | RowMapping) -> None:
    """Makes the account where there is none, and the enrolment where she does not take the course already."""
    now = datetime.now(UTC)
    query = select(people.c.username).where(func.lower(people.c.email) == values["email"])
    username = connection.execute(query).scalar()
    if username is None:
        username = usernames.new(values["email"], usernames.taken(connection))
        told = {name: values[name] for name in FIELDS} | {"language": values["language"] or "en"}
        connection.execute(insert(people).values(username=username, **told, added_at=now))
    course = select(cohorts.c.course).where(cohorts.c.name == cohort).scalar_subquery()
    here = (
        select(enrolments.c.cohort, enrolments.c.suspended_at)
        .join(cohorts)
        .where(enrolments.c.username == username, cohorts.c.course == course)
    )
    places = {row.cohort: row.suspended_at for row in connection.execute(here)}
    if all(at is not None for at in places.values()):
        place = {"role": "learner", "source": "invitation", "suspended_at": None}
        mine = update(enrolments).where(enrolments.c.username == username, enrolments.c.cohort == cohort)
        if cohort in places:
            connection.execute(mine.values(**place))
        else:
            connection.execute(insert(enrolments).values(username=username, cohort=cohort, added_at=now, **place))
    settle(connection, [username])


def _wait(connection: Connection, invitation: Invitation, values: Mapping[str, Any]) -> None:
    there = (applicants.c.invitation == invitation.id, applicants.c.email == values["email"])
    if connection.execute(select(applicants.c.id).where(*there)).first():
        return
    row = {**{name: values[name] for name in FIELDS}, "language": values["language"] or "en"}
    now = datetime.now(UTC)
    connection.execute(insert(applicants).values(id=uuid.uuid4().hex, invitation=invitation.id, asked_at=now, **row))


def _of_row(connection: Connection, row: Mapping[str, Any] | RowMapping) -> Invitation:
    came = (enrolments.c.cohort == row["cohort"], enrolments.c.source == "invitation")
    taken = connection.execute(select(func.count()).select_from(enrolments).where(*came)).scalar_one()
    waits = select(func.count()).select_from(applicants).where(applicants.c.invitation == row["id"])
    names = ("id", "cohort", "places", "expires_at", "made_at", "made_by", "closed_at")
    counts: dict[str, Any] = {"taken": int(taken), "waiting": int(connection.execute(waits).scalar_one())}
    return Invitation(**{name: row[name] for name in names}, **counts)


def _digest(code: str) -> str:
    """Of the code as it was meant: capitals, spaces and hyphens do not matter."""
    plain = "".join(mark for mark in code.upper() if mark.isalnum())
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()
