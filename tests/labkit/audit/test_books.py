"""The books balance after whatever the ledger does, and every kind of corruption is found and named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, and_, delete, func, insert, select, update

from labkit.audit.books import balance
from labkit.database.tables import allowances, calls, charges, reservations

EVERY = (allowances, reservations, charges, calls)
LAB, PERSON, COHORT = (
    allowances.c.lab != "",
    and_(allowances.c.lab == "", allowances.c.username != ""),
    allowances.c.username == "",
)
KEY = [allowances.c[name] for name in ("username", "cohort", "course", "lab", "unit", "window")]


def empty(engine: Engine) -> None:
    with engine.begin() as connection:
        for table in EVERY:
            connection.execute(delete(table))


def test_empty_books_balance(engine: Engine):
    found = balance(engine)
    assert (found.counters, found.charges, found.wrong) == (0, 0, ())


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000))
def test_whatever_the_ledger_does_the_books_balance(engine: Engine, played: Callable[..., None], seed: int):
    empty(engine)
    played(seed, 25)
    found = balance(engine)
    assert found.counters and found.charges and found.wrong == ()


def of_counters(where, **values):
    """Changes the busiest counter of a kind."""

    def spoil(connection):
        row = connection.execute(select(*KEY).where(where).order_by(allowances.c.used.desc(), *KEY)).first()
        mine = and_(*(column == value for column, value in zip(KEY, row, strict=True)))
        if values:
            connection.execute(update(allowances).where(mine).values(**values))
        else:
            connection.execute(delete(allowances).where(mine))
        return row.username or row.cohort

    return spoil


def of_lines(table, column, change=None):
    """Changes or deletes the largest line of a table."""

    def spoil(connection):
        query = select(table.c.id).where(table.c[column] > 0).order_by(table.c[column].desc(), table.c.id)
        number = connection.execute(query).scalars().first()
        mine = table.c.id == number
        statement = update(table).where(mine).values(**change) if change else delete(table).where(mine)
        connection.execute(statement)
        return

    return spoil


def doubled_charge(connection):
    row = dict(connection.execute(select(charges).order_by(charges.c.amount.desc())).mappings().first())
    connection.execute(insert(charges).values(row | {"id": "f" * 32}))
    return row["username"]


def moved_to_another_person(connection):
    row = connection.execute(select(charges.c.id, charges.c.username).order_by(charges.c.amount.desc())).first()
    other = "ben" if row.username != "ben" else "ana"
    connection.execute(update(charges).where(charges.c.id == row.id).values(username=other))
    return row.username


def moved_to_another_day(connection):
    """Audit and charge both tell of a day later, and her counter of that day does not."""
    row = connection.execute(
        select(calls.c.id, calls.c.username, calls.c.opened_at).where(calls.c.charged > 0).order_by(calls.c.opened_at)
    ).first()
    later = {"opened_at": row.opened_at - timedelta(days=30)}
    connection.execute(update(calls).where(calls.c.id == row.id).values(**later))
    return row.username


USED = allowances.c.used
CORRUPTIONS = {
    "a lab's counter says more": of_counters(LAB, used=USED + 1),
    "a lab's counter says less": of_counters(LAB, used=USED - 1),
    "a lab's counter is gone": of_counters(LAB),
    "a person's counter says more": of_counters(PERSON, used=USED + 1),
    "a person's counter says less": of_counters(PERSON, used=USED - 1),
    "a person's counter is gone": of_counters(PERSON),
    "a cohort's counter says more": of_counters(COHORT, used=USED + 1),
    "a cohort's counter says less": of_counters(COHORT, used=USED - 1),
    "a cohort's counter is gone": of_counters(COHORT),
    "a lab's counter is negative": of_counters(LAB, used=-5),
    "a lab's reserved is forgotten": of_counters(and_(LAB, allowances.c.reserved > 0), reserved=0),
    "a person's reserved is forgotten": of_counters(and_(PERSON, allowances.c.reserved > 0), reserved=0),
    "a cohort's reserved is forgotten": of_counters(and_(COHORT, allowances.c.reserved > 0), reserved=0),
    "a lab's reserved is more": of_counters(LAB, reserved=allowances.c.reserved + 7),
    "calls that run are miscounted": of_counters(LAB, requests_reserved=allowances.c.requests_reserved + 1),
    "fewer requests than charges": of_counters(LAB, requests=0),
    "more requests than calls": of_counters(LAB, requests=allowances.c.requests + 100),
    "a charge is larger": of_lines(charges, "amount", {"amount": charges.c.amount + 1}),
    "a charge is negative": of_lines(charges, "amount", {"amount": -3}),
    "a charge is gone": of_lines(charges, "amount"),
    "a charge is there twice": doubled_charge,
    "a charge is somebody else's": moved_to_another_person,
    "the audit says another amount": of_lines(calls, "charged", {"charged": calls.c.charged + 1}),
    "the audit says another day": moved_to_another_day,
    "the audit has lost a call": of_lines(calls, "charged"),
    "a reservation is gone": of_lines(reservations, "amount"),
    "a reservation is larger": of_lines(reservations, "amount", {"amount": reservations.c.amount + 1}),
}


def test_the_books_that_are_spoilt_below_balance(books: Engine):
    assert balance(books).wrong == ()


@pytest.mark.parametrize("spoil", CORRUPTIONS.values(), ids=CORRUPTIONS)
def test_a_corruption_is_found_and_named(books: Engine, spoil):
    with books.begin() as connection:
        whose = spoil(connection)
    found = balance(books).wrong
    assert found
    if whose:
        assert whose in " ".join(str(one) for one in found)


def test_an_audit_that_was_cut_for_its_age_raises_no_alarm(books: Engine):
    with books.begin() as connection:
        middle = connection.execute(select(func.count()).select_from(calls)).scalar_one() // 2
        order = select(calls.c.closed_at).order_by(calls.c.closed_at).offset(middle).limit(1)
        since = connection.execute(order).scalar_one()
        connection.execute(delete(calls).where(calls.c.closed_at < since))
    assert balance(books).wrong == ()


def test_looking_changes_nothing(books: Engine):
    def everything():
        with books.connect() as connection:
            return [connection.execute(select(table).order_by(*table.primary_key.columns)).all() for table in EVERY]

    before = everything()
    balance(books)
    assert everything() == before
