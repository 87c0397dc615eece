"""Carries a roster out: whole or not at all, and again as often as one likes.

Everything is one transaction, in which the plan is made anew: what another officer did meanwhile is seen, and a run
that was killed left nothing behind. Two at once wait for each other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, insert, update

from labkit.database.tables import cohorts, enrolments, people
from labkit.errors import OperatorError
from labkit.programme import links, turn, usernames
from labkit.programme.roster.plan import Known, Plan, compute, differences, known
from labkit.programme.roster.read import Contents, Row
from labkit.programme.suspension import in_parts, settle


def apply(
    engine: Engine,
    contents: Contents,
    courses: Collection[str],
    *,
    may_name_officers: bool = True,
    may_empty: bool = False,
    expected: str = "",
) -> Plan:
    """What it did. A plan with mistakes changes nothing.

    Raises OperatorError where more than half of a large cohort would be suspended and that is not asked for with
    `may_empty`, and PlanChanged where it would do something else than the plan of the fingerprint `expected`.
    """
    with engine.begin() as connection:
        turn.take(connection)
        there = known(connection)
        plan = compute(there, contents, courses, may_name_officers=may_name_officers)
        if plan.mistakes:
            return plan
        if expected and plan.fingerprint != expected:
            raise PlanChanged
        if plan.emptied and not may_empty:
            raise OperatorError(_too_many(plan), instead="Give the whole list, or say --suspend-most if this is it.")
        _carry_out(connection, there, plan)
    return plan


class PlanChanged(Exception):
    """Somebody changed people or cohorts since the plan was shown."""


def _too_many(plan: Plan) -> str:
    name, gone, of = plan.emptied[0]
    return f"This would suspend {gone} of the {of} people of the cohort {name}."


def _carry_out(connection: Connection, there: Known, plan: Plan) -> None:
    now = datetime.now(UTC)
    course = {row.cohort: row.course for row in plan.rows if row.cohort}
    _insert(connection, cohorts, ({"name": name, "course": course[name]} for name in plan.new_cohorts))
    names = _people(connection, there, plan.rows, now)
    touched = _enrol(connection, there, plan, names, now)
    touched |= _suspend(connection, plan, names, now)
    settle(connection, touched)


def _people(connection: Connection, there: Known, rows: Iterable[Row], now: datetime) -> dict[str, str]:
    """Adds and updates people; gives everybody's username by e-mail address."""
    names = {email: person["username"] for email, person in there.people.items()}
    taken, numbers = usernames.taken(connection), dict[str, int]()
    new: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row.email not in names:
            names[row.email] = usernames.new(row.email, taken, numbers)
            taken.add(names[row.email])
        if row.email not in there.people:
            one = new.setdefault(row.email, _person(row, names[row.email], now))
            one |= _office(row)
            continue
        changed = {**differences(row, there.people[row.email]), **_office(row)}
        if changed:
            her = people.c.username == names[row.email]
            connection.execute(update(people).where(her).values(**changed))
    languages = _languages(rows, there, connection)
    for email, one in new.items():
        one["language"] = one["language"] or languages.get(email) or "en"
    _insert(connection, people, new.values())
    return names


def _person(row: Row, username: str, now: datetime) -> dict[str, Any]:
    """The optional columns are all there, so that every new row has the same ones and they go in together."""
    about = {"language": None, "region": None, "sex": None, "disability": None, "employer": None, **row.about}
    name = {"given_name": row.given_name, "family_name": row.family_name}
    return {
        "username": username,
        "email": row.email,
        **name,
        **about,
        "officer": False,
        "observer": False,
        "added_at": now,
    }


def _office(row: Row) -> dict[str, bool]:
    return {} if row.cohort else {row.role: True}


def _languages(rows: Iterable[Row], there: Known, connection: Connection) -> Mapping[str, str]:
    """The language of the cohort somebody is put in first."""
    of_cohort = {row.name: row.language for row in connection.execute(cohorts.select())}
    return {row.email: of_cohort[row.cohort] for row in reversed(list(rows)) if row.cohort and of_cohort[row.cohort]}


def _enrol(connection: Connection, there: Known, plan: Plan, names: Mapping[str, str], now: datetime) -> set[str]:
    touched: set[str] = set()
    new: list[dict[str, Any]] = []
    put = (
        update(enrolments)
        .where(enrolments.c.username == bindparam("who"), enrolments.c.cohort == bindparam("where"))
        .values(role=bindparam("as"), source=bindparam("from"), suspended_at=None)
    )
    again: list[dict[str, str]] = []
    powerful: set[str] = set()
    left: list[dict[str, str]] = []
    for row, change in zip(plan.rows, plan.changes, strict=False):  # those who are missing come after the lines
        username = names[row.email]
        touched.add(username)
        if change.kind == "moved":
            left.append({"who": username, "where": change.before})
        if change.kind != "untouched" and not row.cohort:
            powerful.add(username)
        if not row.cohort or change.kind == "untouched":
            continue
        if row.role != "learner":
            powerful.add(username)
        place_before = there.enrolments.get((username, row.cohort))
        if place_before is not None:
            # Who came by a group or a code and is still there stays theirs to take away.
            source = place_before["source"] if change.kind == "changed" else "roster"
            again.append({"who": username, "where": row.cohort, "as": row.role, "from": source})
        else:
            place = {"username": username, "cohort": row.cohort, "role": row.role, "source": "roster"}
            new.append({**place, "added_at": now})
    links.end_unused(connection, powerful)
    _leave(connection, left, now)
    if again:
        connection.execute(put, again)
    _insert(connection, enrolments, new)
    return touched


def _suspend(connection: Connection, plan: Plan, names: Mapping[str, str], now: datetime) -> set[str]:
    gone = [{"who": names[change.email], "where": change.cohort} for change in plan.of("suspended")]
    _leave(connection, gone, now)
    return {one["who"] for one in gone}


def _leave(connection: Connection, places: list[dict[str, str]], now: datetime) -> None:
    leave = (
        update(enrolments)
        .where(enrolments.c.username == bindparam("who"), enrolments.c.cohort == bindparam("where"))
        .values(suspended_at=now)
    )
    if places:
        connection.execute(leave, places)


def _insert(connection: Connection, table: Any, rows: Iterable[Mapping[str, Any]]) -> None:
    for some in in_parts(list(rows)):
        connection.execute(insert(table), list(some))
