"""Groups at the identity provider decide who is in which cohort.

Covers: somebody is known by her account at the provider (issuer and subject), bound to her username at her first
sign-in there; before that by an address the provider vouches for, compared letter by letter but for A-Z. So neither a
name nor an address its owner may change leads into another's account. Groups give and take enrolments with the source
`group` alone: what the roster or an invitation gave stays, and nobody becomes an officer.
Does NOT cover: whoever runs the provider can be anybody in it. An address the provider gives to another person before
its first owner has signed in here is that other person's.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import Connection, Engine, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from labkit.database import reading
from labkit.database.tables import cohort_groups, cohorts, enrolments, identities, people
from labkit.programme import links, turn, usernames
from labkit.programme.address import fold
from labkit.programme.mappings import ROLES, GroupMapping, map_group, mappings, unmap
from labkit.programme.people import Person, of_row
from labkit.programme.suspension import settle

__all__ = ["GroupMapping", "Identity", "Refusal", "apply", "map_group", "mappings", "only_by_group", "unbind", "unmap"]

_GROUP = "group"
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+")


@dataclass(frozen=True)
class Identity:
    """What the provider says of whoever signed in. `verified`: it vouches for the address."""

    issuer: str
    subject: str
    email: str
    verified: bool
    given_name: str = ""
    family_name: str = ""
    language: str | None = None  # None: not known, so her cohort's


class Refusal(StrEnum):
    """Why somebody whom the provider knows is not let in."""

    UNVERIFIED = "unverified"  # no address it vouches for, and no account bound here
    TAKEN = "taken"  # her address is of somebody who signs in with another account of the same provider
    UNKNOWN = "unknown"  # nobody here has this address, and none of her groups belongs to a cohort
    NOTHING_LEFT = "left"  # she is known and takes part in nothing any more


def apply(engine: Engine, identity: Identity, groups: Collection[str]) -> Person | Refusal:
    """Finds or adds her, makes her enrolments what `groups` say, and suspends her where nothing is left: all at once.

    Somebody who is refused as `UNKNOWN`, `UNVERIFIED` or `TAKEN` leaves no trace.
    """
    try:
        with engine.begin() as connection:
            return _apply(connection, identity, frozenset(groups))
    except IntegrityError:  # her other window was a moment faster: what it wrote is there now
        with engine.begin() as connection:
            return _apply(connection, identity, frozenset(groups))


def only_by_group(engine: Engine, username: str) -> bool:
    """Whether she is here by her groups alone, so that nobody but the provider may let her in."""
    active = (enrolments.c.username == username, enrolments.c.suspended_at.is_(None))
    office = select(people.c.officer, people.c.observer).where(people.c.username == username)
    with reading(engine) as connection:
        sources = set(connection.execute(select(enrolments.c.source).where(*active)).scalars())
        holds = connection.execute(office).first()
    return sources == {_GROUP} and holds is not None and not any(holds)


def unbind(engine: Engine, username: str) -> int:
    """Forgets her accounts at providers: her next sign-in there is by her address again. Gives how many there were."""
    with engine.begin() as connection:
        return connection.execute(identities.delete().where(identities.c.username == username)).rowcount


def _apply(connection: Connection, identity: Identity, groups: frozenset[str]) -> Person | Refusal:
    turn.take(connection)
    wanted = _wanted(connection, groups)
    found = _find(connection, identity)
    if isinstance(found, Refusal):
        return found
    if found is None:
        if not wanted:
            return Refusal.UNKNOWN
        found = _add(connection, identity, wanted)
    # Of two sign-ins of hers at once the second waits here.
    connection.execute(select(people.c.username).where(people.c.username == found).with_for_update())
    _enrol(connection, found, wanted)
    settle(connection, {found})
    row = connection.execute(select(people).where(people.c.username == found)).mappings().one()
    return of_row(row) if row["suspended_at"] is None else Refusal.NOTHING_LEFT


def _wanted(connection: Connection, groups: frozenset[str]) -> dict[str, str]:
    """By cohort, the role her groups give her."""
    wanted: dict[str, str] = {}
    for row in connection.execute(select(cohort_groups)):
        if row.group in groups and row.role in ROLES:
            wanted[row.cohort] = max(row.role, wanted.get(row.cohort, row.role), key=ROLES.index)
    return wanted


def _find(connection: Connection, identity: Identity) -> str | Refusal | None:
    """Her username; None for somebody new."""
    hers = (identities.c.issuer == identity.issuer, identities.c.subject == identity.subject)
    bound = connection.execute(select(identities.c.username).where(*hers)).scalar()
    if bound is not None:
        return str(bound)
    email = folded(identity.email)
    if not identity.verified or email is None:
        return Refusal.UNVERIFIED
    query = select(people.c.username).where(func.lower(people.c.email) == email).limit(2)
    found = connection.execute(query).scalars().all()
    if not found:
        return None
    theirs = (identities.c.issuer == identity.issuer, identities.c.username == found[0])
    if len(found) > 1 or connection.execute(select(identities.c.subject).where(*theirs)).first():
        return Refusal.TAKEN
    _bind(connection, identity, found[0])
    return str(found[0])


def folded(email: str) -> str | None:
    """One text for one mailbox; None for what is no address."""
    plain = len(email) <= 254 and email.isprintable()  # half a surrogate pair is in no database's alphabet
    return fold(email) if plain and _ADDRESS.fullmatch(email) else None


def _bind(connection: Connection, identity: Identity, username: str) -> None:
    values = {"issuer": identity.issuer, "subject": identity.subject, "username": username}
    connection.execute(insert(identities).values(**values, bound_at=datetime.now(UTC)))


def _add(connection: Connection, identity: Identity, wanted: Mapping[str, str]) -> str:
    email = folded(identity.email)
    assert email is not None  # `_find` refuses what is no address
    username = usernames.new(email, usernames.taken(connection))
    query = select(cohorts.c.language).where(cohorts.c.name.in_(wanted), cohorts.c.language.is_not(None))
    language = identity.language or connection.execute(query.order_by(cohorts.c.name)).scalar()
    given = _plain(identity.given_name) or email.partition("@")[0][:100]
    names = {"given_name": given, "family_name": _plain(identity.family_name)}
    values = {"username": username, "email": email, "language": language or "en", **names}
    connection.execute(insert(people).values(**values, added_at=datetime.now(UTC)))
    _bind(connection, identity, username)
    return username


def _plain(name: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in name).split())[:100]


def _enrol(connection: Connection, username: str, wanted: Mapping[str, str]) -> None:
    """Each source gives what it gives: a place the roster suspended is taken up again by a group, as the group's."""
    now = datetime.now(UTC)
    hers = enrolments.c.username == username
    rows = {row.cohort: row for row in connection.execute(select(enrolments).where(hers))}
    for cohort, role in wanted.items():
        place = {"role": role, "source": _GROUP, "suspended_at": None}
        row = rows.get(cohort)
        if row is None:
            connection.execute(insert(enrolments).values(username=username, cohort=cohort, added_at=now, **place))
        elif row.source == _GROUP or row.suspended_at is not None:
            connection.execute(update(enrolments).where(hers, enrolments.c.cohort == cohort).values(place))
    if any(role != "learner" and (c not in rows or rows[c].role != role) for c, role in wanted.items()):
        links.end_unused(connection, [username])
    for cohort, row in rows.items():
        if row.source == _GROUP and row.suspended_at is None and cohort not in wanted:
            gone = update(enrolments).where(hers, enrolments.c.cohort == cohort)
            connection.execute(gone.values(suspended_at=now))
