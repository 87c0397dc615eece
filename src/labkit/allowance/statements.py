"""The ledger's statements, compiled once for each kind of database.

SQLAlchemy builds and runs a statement in about half a millisecond, six times a call; compiled beforehand and given to
the driver they cost a twentieth of that, and a call through the gateway has two milliseconds. They are still written as
SQLAlchemy's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Dialect, Table, and_, bindparam, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.sql import ClauseElement

from labkit.database.tables import Moment, allowances, calls, charges, prompts, reservations

_ANY = 2**62
# Any number, as long as every process of the platform uses the same one, and no other lock does.
_LOCK = 7_241_002
_KEY = ("username", "cohort", "course", "lab", "unit", "window")


@dataclass(frozen=True)
class Statement:
    """Compiled text with the constants in it."""

    text: str
    constants: Mapping[str, Any]

    def run(self, driver: Any, values: Mapping[str, Any]) -> Any:
        """Runs it on the driver's own connection; its cursor."""
        return driver.execute(self.text, {**self.constants, **values})


class Statements:
    """Each statement for one dialect; `moment` writes a time as that dialect's driver wants it."""

    def __init__(self, name: str) -> None:
        self._dialect: Any = _dialect(name)
        self._to = Moment().dialect_impl(self._dialect).bind_processor(self._dialect)
        self.reserve = self._made(_insert(reservations).on_conflict_do_nothing())
        self.take = {number: self._made(_take(number)) for number in (2, 3)}
        self.close = self._made(delete(reservations).where(_is(reservations, "id")).returning(*reservations.c))
        self.give = self._made(_give())
        self.charge = self._made(_insert(charges))
        self.call = self._made(_insert(calls))
        self.keep = self._made(_insert(prompts).on_conflict_do_nothing())
        self.charged = self._made(select(charges.c.amount).where(_is(charges, "id")))
        self.balance = self._made(_balance())
        # One writer at a time, as on SQLite: rows of two calls locked in two orders would wait for each other.
        self.alone = self._made(select(func.pg_advisory_xact_lock(_LOCK))) if name == "postgresql" else None

    def moment(self, at: datetime) -> Any:
        return self._to(at) if self._to else at

    def _made(self, statement: ClauseElement) -> Statement:
        compiled: Any = statement.compile(dialect=self._dialect)
        return Statement(str(compiled), {name: value for name, value in compiled.params.items() if value is not None})


@cache
def statements(dialect: str) -> Statements:
    """Those of "sqlite" or "postgresql"."""
    return Statements(dialect)


def _dialect(name: str) -> Dialect:
    if name == "postgresql":
        return psycopg.dialect()  # type: ignore[no-untyped-call]
    return sqlite.dialect(paramstyle="named")


def _insert(table: Table) -> Any:
    # Both dialects' INSERT ... ON CONFLICT render alike; either compiles for the other.
    return postgresql.insert(table).values(_bound(table))


def _bound(table: Table) -> dict[str, ColumnElement[Any]]:
    return {column.name: bindparam(column.name, type_=column.type) for column in table.c}


def _is(table: Table, *names: str) -> ColumnElement[bool]:
    return and_(*(table.c[name] == bindparam(f"at_{name}", type_=table.c[name].type) for name in names))


def _take(number: int) -> ClauseElement:
    """Moves `number` rows at once; a row that has no room is left out, so fewer come back."""
    columns = (*_KEY, "reserved", "most", "most_requests")
    rows: list[dict[str, Any]] = [
        {name: bindparam(f"row{row}_{name}", type_=allowances.c[name].type) for name in columns}
        | {"used": 0, "requests": 0, "requests_reserved": 1}
        for row in range(number)
    ]
    adding = postgresql.insert(allowances).values(rows)
    new, old = adding.excluded, allowances.c
    return adding.on_conflict_do_update(
        index_elements=list(_KEY),
        set_={
            "reserved": old.reserved + new.reserved,
            "requests_reserved": old.requests_reserved + 1,
            "most": new.most,
            "most_requests": new.most_requests,
        },
        where=and_(
            old.used + old.reserved + new.reserved <= func.coalesce(new.most, _ANY),
            old.requests + old.requests_reserved + 1 <= func.coalesce(new.most_requests, _ANY),
        ),
    ).returning(old.username, old.lab, old.used, old.reserved, old.requests, old.requests_reserved)


def _give() -> ClauseElement:
    """Settles all rows of a call: what was reserved goes, what was used comes."""
    a = allowances.c

    def row(username: Any, cohort: Any, course: Any, lab: Any, window: Any) -> ColumnElement[bool]:
        names = (a.username, a.cohort, a.course, a.lab, a.unit, a.window)
        values: tuple[Any, ...] = (username, cohort, course, lab, bindparam("unit"), window)
        return and_(*(name == value for name, value in zip(names, values, strict=True)))

    bound = bindparam
    return (
        update(allowances)
        .values(
            reserved=a.reserved - bound("amount"),
            used=a.used + bound("charged"),
            requests_reserved=a.requests_reserved - 1,
            requests=a.requests + bound("counted"),
        )
        .where(
            or_(
                row(bound("username"), "", bound("course"), bound("lab"), bound("window")),
                row(bound("username"), "", "", "", bound("person_window")),
                row("", bound("cohort"), "", "", bound("cohort_window")),
            )
        )
    )


def _balance() -> ClauseElement:
    return select(
        allowances.c.used, allowances.c.reserved, allowances.c.requests, allowances.c.requests_reserved
    ).where(_is(allowances, *_KEY))
