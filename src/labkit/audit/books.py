"""Whether the books balance: every counter of the ledger against the lines it was counted from, as of one moment.

    what                          must be
    a lab's used                  the sum of her charges in that lab and window
    a person's used               the sum of her charges for calls that began in that window
    a cohort's used               the sum of the charges for calls that were made in it
    reserved, of every counter    the sum of the open reservations counted there; how many they are, too
    requests                      no fewer than charges, no more than calls
    a charge                      the same amount in the audit, for the same call
    any number                    0 or more

Does not cover: a person's and a cohort's past once the audit of it was deleted for its age (they are then left out, or
held to be at least what is left); the day on which the site's time zone was changed; lines that were changed in every
table alike.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, FromClause, Table, and_, func, or_, select

from labkit.database import reading
from labkit.database.tables import allowances, calls, charges, reservations

_LAB = ("username", "course", "lab", "unit", "window")
_NUMBERS = ("used", "reserved", "requests", "requests_reserved")
_AT_ONCE = 5_000


@dataclass(frozen=True)
class Wrong:
    """One row that is not as it must be. `row` names it; `found` stands there, `proven` is what it was counted from."""

    what: str
    row: Mapping[str, str]
    found: str
    proven: str

    def __str__(self) -> str:
        name = ", ".join(f"{key} {value}" for key, value in self.row.items() if value)
        return f"{self.what} of {name}: {self.found}, but {self.proven}"


@dataclass(frozen=True)
class Books:
    """How many counters and charges were looked at, and what is wrong with them."""

    counters: int
    charges: int
    wrong: tuple[Wrong, ...] = field(default=())


def balance(engine: Engine) -> Books:
    """Looks at every counter and every line; changes nothing."""
    with reading(engine) as connection:
        if engine.dialect.name == "postgresql":  # else each statement would see another moment
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        checks = (_negative, _labs, _people, _cohorts, _reserved, _requests, _audited)
        wrong = [one for check in checks for one in check(connection)]
        return Books(_count(connection, allowances), _count(connection, charges), tuple(wrong))


def _negative(connection: Connection) -> Iterator[Wrong]:
    below = or_(*(allowances.c[name] < 0 for name in _NUMBERS))
    for row in connection.execute(select(allowances).where(below)).mappings():
        bad = ", ".join(f"{name} {row[name]}" for name in _NUMBERS if row[name] < 0)
        yield Wrong("a number", _named(row), bad, "none is below 0")
    for table, numbers in ((charges, ("amount",)), (reservations, ("amount",)), (calls, ("charged", "seconds"))):
        below = or_(*(table.c[name] < 0 for name in numbers))
        for row in connection.execute(select(table).where(below)).mappings():
            bad = ", ".join(f"{name} {row[name]}" for name in numbers if row[name] < 0)
            yield Wrong(f"a line in {table.name}", {"id": row["id"]}, bad, "none is below 0")


def _labs(connection: Connection) -> Iterator[Wrong]:
    keys = [charges.c[name] for name in _LAB]
    summed = select(*keys, func.sum(charges.c.amount).label("proven")).group_by(*keys).subquery()
    yield from _differing(connection, summed, _LAB, allowances.c.lab != "", "used", "its charges come to")


def _people(connection: Connection) -> Iterator[Wrong]:
    """Folded here: which day a charge belongs to hangs on time zones, which databases know differently."""
    rows = connection.execute(select(allowances).where(allowances.c.username != "", allowances.c.lab == "")).mappings()
    counters = {(row["username"], row["unit"], row["window"]): row for row in rows}
    days = sorted((datetime.fromisoformat(name), name) for name in {key[2] for key in counters} - {"total"})
    since = _audited_since(connection)
    proven: Counter[tuple[str, str, str]] = Counter()
    began = func.coalesce(calls.c.opened_at, charges.c.at, type_=calls.c.opened_at.type)
    lines = select(charges.c.username, charges.c.unit, charges.c.amount, began)
    lines = lines.outerjoin(calls, calls.c.id == charges.c.id)
    for username, unit, amount, at in connection.execution_options(yield_per=_AT_ONCE).execute(lines):
        proven[username, unit, "total"] += amount
        proven[username, unit, _day(days, at)] += amount
    for key, row in counters.items():
        old = since is not None and (key[2] == "total" or datetime.fromisoformat(key[2]) < since)
        if row["used"] != proven[key] and not old:
            yield Wrong("used", _named(row), str(row["used"]), f"her charges come to {proven[key]}")
    for (username, unit, name), amount in proven.items():
        # A person's rule counts by day or in total: one of the two is there.
        known = {(username, unit, name), (username, unit, "total")} & counters.keys()
        if name != "total" and not known and since is None:
            row_name = {"username": username, "window": name}
            yield Wrong("used", row_name, "there is no counter", f"her charges come to {amount}")


def _day(days: list[tuple[datetime, str]], at: datetime) -> str:
    """The window that holds a moment: the last that began before it, if that was no more than a day ago; else words
    that name none."""
    place = bisect_right(days, at, key=lambda one: one[0]) - 1
    # A day may have 25 hours; one hour too many is bounded by the next window, where there is one.
    return days[place][1] if place >= 0 and at - days[place][0] < timedelta(hours=25) else f"around {at:%Y-%m-%d}"


def _cohorts(connection: Connection) -> Iterator[Wrong]:
    """A budget is for all time, so each cohort has one counter."""
    summed = (
        select(calls.c.cohort, charges.c.unit, func.sum(charges.c.amount).label("proven"))
        .join(calls, calls.c.id == charges.c.id)
        .where(calls.c.cohort != "")
        .group_by(calls.c.cohort, charges.c.unit)
        .subquery()
    )
    mine = and_(allowances.c.username == "", allowances.c.window == "total")
    least = _audited_since(connection) is not None
    yield from _differing(connection, summed, ("cohort", "unit"), mine, "used", "its charges come to", least=least)


def _reserved(connection: Connection) -> Iterator[Wrong]:
    """Each open reservation is counted in her lab's row, in her own and in her cohort's."""
    r = reservations.c
    kinds: tuple[tuple[dict[str, Any], Any, Any], ...] = (
        ({name: r[name] for name in _LAB}, allowances.c.lab != "", r.lab != ""),
        (
            {"username": r.username, "unit": r.unit, "window": r.person_window},
            and_(allowances.c.username != "", allowances.c.lab == ""),
            r.person_window != "",
        ),
        (
            {"cohort": r.cohort, "unit": r.unit, "window": r.cohort_window},
            allowances.c.username == "",
            and_(r.cohort != "", r.cohort_window != ""),
        ),
    )
    for keys, whose, where in kinds:
        for column, amount in (("reserved", func.sum(r.amount)), ("requests_reserved", func.count())):
            named = [value.label(name) for name, value in keys.items()]
            summed = select(*named, amount.label("proven")).where(where).group_by(*keys.values()).subquery()
            yield from _differing(connection, summed, tuple(keys), whose, column, "open reservations come to")


def _requests(connection: Connection) -> Iterator[Wrong]:
    keys = [charges.c[name] for name in _LAB]
    paid = select(*keys, func.count().label("proven")).group_by(*keys).subquery()
    query = select(allowances, paid.c.proven).join(paid, _same(paid, _LAB))
    for row in connection.execute(query.where(allowances.c.requests < paid.c.proven)).mappings():
        yield Wrong("requests", _named(row), str(row["requests"]), f"{row['proven']} were charged")
    if _audited_since(connection) is None:
        names = ("username", "course", "lab")
        made = select(*(calls.c[name] for name in names), func.count().label("proven"))
        made_by = made.group_by(*(calls.c[name] for name in names)).subquery()
        many = select(*(allowances.c[name] for name in names), func.sum(allowances.c.requests).label("requests"))
        counted = many.where(allowances.c.lab != "").group_by(*(allowances.c[name] for name in names)).subquery()
        same = and_(*(counted.c[name] == made_by.c[name] for name in names))
        proven = func.coalesce(made_by.c.proven, 0)
        query = select(counted, proven.label("proven")).outerjoin(made_by, same).where(counted.c.requests > proven)
        for row in connection.execute(query).mappings():
            row_name = {name: str(row[name]) for name in names}
            yield Wrong("requests", row_name, str(row["requests"]), f"{row['proven']} calls were made")


def _audited(connection: Connection) -> Iterator[Wrong]:
    """Charge and audit are written together, so each tells the other's amount."""
    both = select(charges.c.id, charges.c.amount, calls.c.charged).join(calls, calls.c.id == charges.c.id)
    whose = or_(
        charges.c.username != calls.c.username, charges.c.lab != calls.c.lab, charges.c.course != calls.c.course
    )
    for one in connection.execute(both.where(or_(charges.c.amount != calls.c.charged, whose))):
        yield Wrong("a charge", {"id": one.id}, str(one.amount), f"the audit says {one.charged}, or somebody else's")
    lone = select(calls.c.id, calls.c.charged).outerjoin(charges, charges.c.id == calls.c.id)
    for two in connection.execute(lone.where(calls.c.charged > 0, charges.c.id.is_(None))):
        yield Wrong("a call", {"id": two.id}, f"charged {two.charged}", "there is no such charge")
    oldest = connection.execute(select(func.min(calls.c.closed_at))).scalar_one()
    untold = select(charges.c.id, charges.c.amount).outerjoin(calls, calls.c.id == charges.c.id)
    unknown = [calls.c.id.is_(None)] + ([charges.c.at >= oldest] if oldest else [])
    for three in connection.execute(untold.where(*unknown)):
        yield Wrong("a charge", {"id": three.id}, str(three.amount), "the audit knows no such call")


def _audited_since(connection: Connection) -> datetime | None:
    """The first call that is still in the audit, where older ones were deleted; None where none was."""
    oldest: datetime | None = connection.execute(select(func.min(calls.c.closed_at))).scalar_one()
    if oldest is None:
        return None
    older = select(charges.c.id).where(charges.c.at < oldest).limit(1)
    return oldest if connection.execute(older).first() else None


def _differing(
    connection: Connection,
    summed: FromClause,
    keys: tuple[str, ...],
    whose: Any,
    column: str,
    words: str,
    *,
    least: bool = False,
) -> Iterator[Wrong]:
    """Counters `whose` column is not what was summed for the same keys (or, for `least`, less), and sums nobody
    counted."""
    proven, number = func.coalesce(summed.c.proven, 0), allowances.c[column]
    query = select(allowances, proven.label("proven")).outerjoin(summed, _same(summed, keys))
    for row in connection.execute(query.where(whose, number < proven if least else number != proven)).mappings():
        yield Wrong(column, _named(row), str(row[column]), f"{words} {row['proven']}")
    uncounted = select(summed).outerjoin(allowances, and_(_same(summed, keys), whose))
    for row in connection.execute(uncounted.where(allowances.c.unit.is_(None))).mappings():
        yield Wrong(column, {name: str(row[name]) for name in keys}, "there is no counter", f"{words} {row['proven']}")


def _same(other: FromClause, keys: tuple[str, ...]) -> Any:
    return and_(*(allowances.c[name] == other.c[name] for name in keys))


def _named(row: Any) -> dict[str, str]:
    return {name: str(row[name]) for name in ("username", "cohort", "course", "lab", "window") if row[name]}


def _count(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())
