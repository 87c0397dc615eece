"""One-time sign-in links for many people at once, as a file for a mail merge (`labkit.pages.sheet` prints them).

Links are made anew: only their hashes are kept, so an earlier sheet's unused ones end. Does not cover: whoever holds
the file can sign in as everybody in it until they have.
"""

from __future__ import annotations

import csv
import io
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, Select, insert, select

from labkit.database import reading
from labkit.database.tables import enrolments, erasures, people, sign_in_links
from labkit.programme import turn
from labkit.programme.links import VALID_FOR, digest, end_unused
from labkit.programme.spreadsheet import harmless
from labkit.programme.suspension import in_parts

MERGE_COLUMNS = ("email", "given_name", "family_name", "username", "cohort", "language", "link", "valid_until")


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


# Whom a link is made for: who never signed in and has none that works; who never signed in (her unused one ends);
# everybody.
WHOM = ("without", "waiting", "everybody")


def waiting(engine: Engine, cohort: str, whom: str = "without") -> int:
    """How many of the cohort would get a link."""
    with reading(engine) as connection:
        return len(connection.execute(_whom(cohort, whom)).all())


def issue(
    engine: Engine,
    cohort: str,
    address: Callable[[str], str],
    *,
    issued_by: str | None = None,
    whom: str = "without",
    valid_for: timedelta = VALID_FOR,
) -> tuple[Invited, ...]:
    """A link for each learner of the cohort who is meant by `whom` (see WHOM), in one transaction.

    `address` makes the whole address from a link's token. Instructors and officers get theirs one by one.
    """
    now = datetime.now(UTC)
    ends = now + valid_for
    with engine.begin() as connection:
        turn.take(connection)  # of two sheets at once the second ends the links of the first
        rows = connection.execute(_whom(cohort, whom)).mappings().all()
        tokens = {row["username"]: secrets.token_urlsafe(32) for row in rows}
        end_unused(connection, tokens, now)
        made = {"issued_at": now, "issued_by": issued_by, "expires_at": ends}
        for some in in_parts(sorted(tokens)):
            digests = [{"digest": digest(tokens[name]), "username": name, **made} for name in some]
            connection.execute(insert(sign_in_links), digests)
    return tuple(Invited(**row, cohort=cohort, link=address(tokens[row["username"]]), valid_until=ends) for row in rows)


def merge_file(invited: Sequence[Invited], zone: ZoneInfo) -> bytes:
    """CSV for a mail merge: UTF-8 with the mark Excel needs, and nothing it would run. Times are those of `zone`."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(MERGE_COLUMNS)
    for one in invited:
        until = f"{one.valid_until.astimezone(zone):%Y-%m-%d %H:%M}"
        who = (one.email, one.given_name, one.family_name, one.username, one.cohort, one.language)
        cells = (*who, one.link, until)
        writer.writerow([harmless(cell) for cell in cells])
    return out.getvalue().encode("utf-8-sig")


def _whom(cohort: str, whom: str) -> Select[Any]:
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
    query = query.where(people.c.username.not_in(select(erasures.c.pseudonym)))
    if whom != "everybody":
        query = query.where(people.c.signed_in_at.is_(None))
    if whom == "without":
        works = sign_in_links.c.used_at.is_(None), sign_in_links.c.expires_at > datetime.now(UTC)
        query = query.where(people.c.username.not_in(select(sign_in_links.c.username).where(*works)))
    return query.order_by(people.c.family_name, people.c.given_name, people.c.username)
