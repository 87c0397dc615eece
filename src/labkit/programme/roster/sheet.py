"""One-time sign-in links for many people at once, as a file for a mail merge (`labkit.pages.sheet` prints them).

Links are made anew: only their hashes are kept, so an earlier sheet's unused ones end. Does not cover: whoever holds
the file can sign in as everybody in it until they have.
"""

from __future__ import annotations

import csv
import hashlib
import io
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, Select, insert, select, update

from labkit.database import reading
from labkit.database.tables import enrolments, people, sign_in_links
from labkit.programme.links import VALID_FOR
from labkit.programme.spreadsheet import harmless
from labkit.programme.suspension import in_parts

MERGE_COLUMNS = ("email", "given_name", "family_name", "username", "cohort", "link", "valid_until")


@dataclass(frozen=True)
class Invited:
    """`link` is the whole address."""

    email: str
    given_name: str
    family_name: str
    username: str
    cohort: str
    language: str
    link: str
    valid_until: datetime


def waiting(engine: Engine, cohort: str, *, everybody: bool = False) -> int:
    """How many of the cohort would get a link."""
    with reading(engine) as connection:
        return len(connection.execute(_whom(cohort, everybody)).all())


def issue(
    engine: Engine,
    cohort: str,
    address: Callable[[str], str],
    *,
    issued_by: str | None = None,
    everybody: bool = False,
    valid_for: timedelta = VALID_FOR,
) -> tuple[Invited, ...]:
    """A link for each of the cohort who has not signed in yet (or for `everybody` in it), in one transaction.

    `address` makes the whole address from a link's token. Instructors and officers get theirs one by one.
    """
    now = datetime.now(UTC)
    ends = now + valid_for
    with engine.begin() as connection:
        rows = connection.execute(_whom(cohort, everybody)).mappings().all()
        tokens = {row["username"]: secrets.token_urlsafe(32) for row in rows}
        for some in in_parts(sorted(tokens)):
            unused = sign_in_links.c.used_at.is_(None), sign_in_links.c.expires_at > now
            connection.execute(
                update(sign_in_links).where(sign_in_links.c.username.in_(some), *unused).values(expires_at=now)
            )
            made = {"issued_at": now, "issued_by": issued_by, "expires_at": ends}
            digests = [
                {"digest": hashlib.sha256(tokens[name].encode()).hexdigest(), "username": name, **made} for name in some
            ]
            connection.execute(insert(sign_in_links), digests)
    return tuple(Invited(**row, cohort=cohort, link=address(tokens[row["username"]]), valid_until=ends) for row in rows)


def merge_file(invited: Sequence[Invited]) -> bytes:
    """CSV for a mail merge: UTF-8 with the mark Excel needs, and nothing it would run."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(MERGE_COLUMNS)
    for one in invited:
        until = one.valid_until.isoformat(timespec="minutes")
        cells = (one.email, one.given_name, one.family_name, one.username, one.cohort, one.link, until)
        writer.writerow([harmless(cell) for cell in cells])
    return out.getvalue().encode("utf-8-sig")


def _whom(cohort: str, everybody: bool) -> Select[Any]:
    columns = (people.c.email, people.c.given_name, people.c.family_name, people.c.username, people.c.language)
    query = (
        select(*columns)
        .join(enrolments)
        .where(
            enrolments.c.cohort == cohort,
            enrolments.c.suspended_at.is_(None),
            enrolments.c.role == "learner",
            people.c.officer.is_(False),
        )
    )
    # Somebody who learns here may teach elsewhere: a sheet in many hands is no place for her link.
    powerful = select(enrolments.c.username).where(enrolments.c.role != "learner", enrolments.c.suspended_at.is_(None))
    query = query.where(people.c.username.not_in(powerful), people.c.observer.is_(False))
    if not everybody:
        query = query.where(people.c.signed_in_at.is_(None))
    return query.order_by(people.c.family_name, people.c.given_name, people.c.username)
