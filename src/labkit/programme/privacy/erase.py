"""Erases a person and keeps her cohort's statistics.

One transaction gives her rows a random pseudonym and takes her words out of them; then each part outside the database
is cleared. What is still to be cleared is kept in the erasure's own row, so that `resume` finishes what a crash, or a
part that was away, left undone. Nothing undone is ever forgotten; what is done is never undone.

Covers every table and every holding of the registry. Does not cover: backups and logs, which age out; what others
printed, downloaded or wrote down; the free pages of the database's file.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Engine, delete, insert, or_, select, update

from labkit.database import reading
from labkit.database.tables import enrolments, erasures, gradings, metadata, people, scores, submissions
from labkit.errors import OperatorError, PlatformFault
from labkit.programme import attempts
from labkit.programme.address import ERASED
from labkit.programme.people import Person, of_row, person
from labkit.programme.privacy.holding import Holding
from labkit.programme.privacy.registry import BY_TABLE
from labkit.programme.privacy.strip import strip

PREFIX = "erased-"


class Objection(StrEnum):
    """Why somebody cannot be erased now."""

    UNKNOWN = "unknown"
    ERASED = "erased"
    OFFICE = "office"
    BUSY = "busy"


_SAID = {
    Objection.UNKNOWN: ("Nobody is called that.", "The roster knows who there is."),
    Objection.ERASED: ("She is erased already.", "There is nothing left to do."),
    Objection.OFFICE: (
        "She holds an office: officer, observer, instructor or assistant.",
        "Take it from her first, so that nobody's course or cohort is left alone.",
    ),
    Objection.BUSY: ("Something she handed in is being graded.", "Wait a minute, then try again."),
}


class Refused(OperatorError):
    """She was not erased; `why` says what stands against it."""

    def __init__(self, why: Objection) -> None:
        self.why = why
        super().__init__(_SAID[why][0], instead=_SAID[why][1])


@dataclass(frozen=True)
class Erased:
    """`finished`: every part is cleared. Otherwise `fault` is why not, and `resume` goes on."""

    pseudonym: str
    finished: bool
    fault: str = ""


def objection(engine: Engine, username: str) -> Objection | None:
    with reading(engine) as connection:
        return _objection(connection, username)


def erase(engine: Engine, username: str, holdings: Sequence[Holding], by: str | None = None) -> Erased:
    """Erases `username`. Raises Refused, and changes nothing, where something stands against it.

    Once the transaction is over she is erased; a part that cannot be cleared now is told and cleared by `resume`.
    """
    if "\0" in username:  # PostgreSQL knows no such text
        raise Refused(Objection.UNKNOWN)
    pseudonym = f"{PREFIX}{secrets.token_hex(6)}"
    with engine.begin() as connection:
        # Nobody else changes or erases her meanwhile, and no grader takes up work of hers.
        connection.execute(select(people.c.username).where(people.c.username == username).with_for_update())
        connection.execute(select(submissions.c.id).where(submissions.c.username == username).with_for_update())
        if (why := _objection(connection, username)) is not None:
            raise Refused(why)
        row = connection.execute(select(people).where(people.c.username == username)).mappings().one()
        files = _in_database(connection, of_row(row), pseudonym, row["signed_in_at"])
        pending = {"username": username, "files": sorted(files)}
        now = datetime.now(UTC)
        connection.execute(insert(erasures).values(pseudonym=pseudonym, at=now, by=by, pending=pending))
    return _finish(engine, pseudonym, holdings)


def resume(engine: Engine, holdings: Sequence[Holding]) -> tuple[Erased, ...]:
    """Goes on with every erasure that is not finished."""
    unfinished = select(erasures.c.pseudonym).where(erasures.c.finished_at.is_(None)).order_by(erasures.c.at)
    with reading(engine) as connection:
        found = connection.execute(unfinished).scalars().all()
    return tuple(_finish(engine, one, holdings) for one in found)


def pending_files(engine: Engine, pseudonym: str) -> tuple[str, ...]:
    """SHA-256 of the files an unfinished erasure has still to clear."""
    with reading(engine) as connection:
        return tuple((_pending(connection, pseudonym) or {}).get("files", ()))


def _objection(connection: Connection, username: str) -> Objection | None:
    row = None
    if "\0" not in username:  # PostgreSQL knows no such text
        row = connection.execute(select(people).where(people.c.username == username)).mappings().first()
    if row is None:
        return Objection.UNKNOWN
    if connection.execute(select(erasures.c.pseudonym).where(erasures.c.pseudonym == username)).first():
        return Objection.ERASED
    serves = select(enrolments.c.cohort).where(
        enrolments.c.username == username, enrolments.c.role != "learner", enrolments.c.suspended_at.is_(None)
    )
    if row["officer"] or row["observer"] or connection.execute(serves).first():
        return Objection.OFFICE
    held = or_(submissions.c.state == "grading", submissions.c.holder.is_not(None))
    busy = select(submissions.c.id).where(submissions.c.username == username, held)
    return Objection.BUSY if connection.execute(busy).first() else None


def _in_database(connection: Connection, whose: Person, pseudonym: str, came: datetime | None) -> frozenset[str]:
    """Every table of the registry; gives the SHA-256 of the files she had handed in."""
    _cancel(connection, whose.username)
    files = strip(connection, submissions.c.username == whose.username)
    now = datetime.now(UTC)
    left = {"username": pseudonym, "email": f"{pseudonym}@{ERASED}", "region": whose.region}
    nothing = {"given_name": "", "family_name": "", "language": "en", "suspended_at": now, "sessions_from": now}
    # That she came is one of her cohort's numbers; the hour is not.
    day = came.replace(hour=0, minute=0, second=0, microsecond=0) if came else None
    connection.execute(insert(people).values(**left, **nothing, signed_in_at=day))
    _rename(connection, whose, pseudonym)
    # The roster does not know her any more, and must not take her out of her cohort's numbers.
    connection.execute(update(enrolments).where(enrolments.c.username == pseudonym).values(source="erased"))
    connection.execute(delete(people).where(people.c.username == whose.username))
    for name in (whose.username, whose.email):
        attempts.forget_account(connection, name)
    return files


def _cancel(connection: Connection, username: str) -> None:
    """Nothing of hers waits to be graded any more: what has a score keeps it, the rest is withdrawn. That she handed
    it in is one of her cohort's numbers, so its row stays."""
    hers = submissions.c.username == username
    scored = submissions.c.id.in_(select(scores.c.submission).union(select(gradings.c.submission)))
    settled = {"written": True, "asks_model": False, "tries": 0, "not_before": None, "batch": None}
    connection.execute(update(submissions).where(hers, scored).values(state="graded", **settled))
    connection.execute(update(submissions).where(hers, ~scored).values(state="withdrawn", **settled))


def _rename(connection: Connection, whose: Person, pseudonym: str) -> int:
    """Deletes or re-keys her rows, children before what they refer to; gives how many there were."""
    number = 0
    for table in reversed(metadata.sorted_tables):
        for named in BY_TABLE[table.name].persons if table is not people else ():
            where = named.matches(table, whose)
            if named.erasure == "delete":
                number += connection.execute(delete(table).where(where)).rowcount
            elif named.erasure == "rename":
                number += connection.execute(update(table).where(where).values({named.column: pseudonym})).rowcount
    return number


def _finish(engine: Engine, pseudonym: str, holdings: Sequence[Holding]) -> Erased:
    """Clears each part in turn, and again where something of hers arrived meanwhile."""
    while True:
        with reading(engine) as connection:
            pending = _pending(connection, pseudonym)
        if pending is None:
            return Erased(pseudonym, True)
        username = pending["username"]
        if person(engine, username) is not None:
            return Erased(pseudonym, False, f"{username} is somebody else's name by now: clear what is hers by hand.")
        try:
            for holding in holdings:
                holding.erase(username, pseudonym)
        except (PlatformFault, OSError) as fault:
            return Erased(pseudonym, False, str(fault))
        _close(engine, pseudonym, username)


def _close(engine: Engine, pseudonym: str, username: str) -> None:
    """The erasure is finished, unless a request that was under way wrote her name again: that is renamed first."""
    whose = Person(username, "", "", "")
    with engine.begin() as connection:
        hers = submissions.c.username == username
        _cancel(connection, username)
        files = strip(connection, hers)
        late = _rename(connection, whose, pseudonym)
        values: dict[str, Any] = {"finished_at": datetime.now(UTC), "pending": None}
        if late or files:
            values = {"pending": {"username": username, "files": sorted(files)}}
        connection.execute(update(erasures).where(erasures.c.pseudonym == pseudonym).values(values))


def _pending(connection: Connection, pseudonym: str) -> dict[str, Any] | None:
    found = connection.execute(select(erasures.c.pending).where(erasures.c.pseudonym == pseudonym)).scalar()
    return dict(found) if found else None
