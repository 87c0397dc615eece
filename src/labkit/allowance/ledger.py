"""The ledger: nobody uses more than her rules allow, however many calls race, and a crash costs her nothing.

A call reserves the most it can cost before it starts. Every row it is counted in (her lab, all her labs, her cohort)
moves in one conditional statement, and only if all of them have room: two calls cannot both take the last tokens.
Settling turns the reservation into what was truly used and writes one line into `charges` and one into the audit, in
one transaction, so that the lines always add up to the counters; releasing gives it back. Each happens once: a second
settle or release of one reservation changes nothing. Several callers' writes may share a transaction (`write`).

What this does not cover: a call that uses more than it reserved is charged no more than its reservation.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, select

from labkit.allowance.order import Counter, Order
from labkit.allowance.rule import Balance, Rule
from labkit.allowance.statements import statements
from labkit.allowance.transaction import Held
from labkit.database import reading
from labkit.database.tables import reservations
from labkit.errors import AllowanceSpent


@dataclass(frozen=True)
class Reservation:
    """An open reservation of `amount` tokens; whoever holds it settles or releases it.

    `balances` is what each counter held right after, by its scope.
    """

    id: str
    amount: int
    balances: tuple[tuple[str, Balance], ...] = ()


@dataclass(frozen=True)
class Told:
    """What the audit says of a call once it is over. Times are in seconds."""

    outcome: str = "complete"
    prompt_tokens: int = 0
    answer_tokens: int = 0
    seconds: float = 0.0
    waited: float = 0.0


@dataclass(frozen=True)
class Settlement:
    """Closes a reservation: `used` tokens are charged, or nothing at all where it is None.

    `texts` is (who, what was asked, what was answered) where the site keeps that.
    """

    id: str
    used: int | None
    told: Told = Told()
    texts: tuple[str, str, str] | None = None


Entry = Order | Settlement
Written = Reservation | AllowanceSpent | int
_LOST = Told("lost")


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Ledger:
    """Reserves, settles and tells balances. `timezone` is the site's, such as Asia/Manila."""

    def __init__(
        self, engine: Engine, timezone: str = "Asia/Manila", *, now: Callable[[], datetime] = _utc_now
    ) -> None:
        self._engine, self._now = engine, now
        self.zone = ZoneInfo(timezone)
        self._sql = statements(engine.dialect.name)

    def reserve(
        self, username: str, course: str, lab: str, rule: Rule, amount: int, holder: str, *, id: str = ""
    ) -> Reservation:
        """Sets `amount` aside, or raises AllowanceSpent. `holder` names the process that answers for it.

        `id` (32 characters, never used before) lets a caller know the reservation even where a lost connection hides
        whether it was made.
        """
        found = self.write([Order(username, course, lab, rule, amount, holder, id or uuid.uuid4().hex)])[0]
        if isinstance(found, AllowanceSpent):
            raise found
        assert isinstance(found, Reservation)
        return found

    def settle(self, reservation: Reservation, used: int) -> int:
        """Charges what was used, at most what was reserved; returns what was charged.

        Asked again, it changes nothing and returns what was charged the first time (0 if it was given back), so a
        caller that lost its connection may ask until it knows.
        """
        charged = self.write([Settlement(reservation.id, used)])[0]
        assert isinstance(charged, int)
        return charged

    def release(self, reservation: Reservation) -> None:
        """Gives a reservation back whole: nothing is charged for a call that failed."""
        self.write([Settlement(reservation.id, None, Told("failed"))])

    def hold(self) -> Held:
        """A connection to `write` on, for a thread that writes again and again."""
        return Held(self._engine)

    def hold_impatiently(self) -> Held | None:
        """One that never waits for another writer; None where the database is a server: that may always take long."""
        return Held(self._engine, impatient=True) if self._engine.dialect.name == "sqlite" else None

    def write(self, entries: Sequence[Entry], held: Held | None = None) -> list[Written]:
        """All entries in one transaction, on the disk when this returns: for each order its reservation or why it does
        not fit, for each settlement what was charged. May be asked again where a connection was lost."""
        on = held or self.hold()
        try:
            return self._all(on, entries)
        finally:
            if held is None:
                on.drop()

    def _all(self, held: Held, entries: Sequence[Entry]) -> list[Written]:
        try:
            return self._together(held, entries, self._write)
        except AllowanceSpent:
            # Nothing of that transaction stays. Once more, where each order that does not fit takes only itself back.
            return self._together(held, entries, self._write_apart)

    def _together(self, held: Held, entries: Sequence[Entry], write: Callable[[Any, Entry], Written]) -> list[Written]:
        with held.transaction(synced=any(isinstance(one, Settlement) for one in entries)) as driver:
            if self._sql.alone:
                self._sql.alone.run(driver, {})
            return [write(driver, one) for one in entries]

    def _write_apart(self, driver: Any, entry: Entry) -> Written:
        driver.execute("SAVEPOINT entry")
        try:
            written = self._write(driver, entry)
        except AllowanceSpent as spent:
            driver.execute("ROLLBACK TO SAVEPOINT entry")
            return spent
        driver.execute("RELEASE SAVEPOINT entry")
        return written

    def recover(self, holder: str, *, alive: Callable[[str], bool] = lambda _: False) -> int:
        """Gives back every open reservation of `holder` whose id is not `alive`; returns how many there were.

        Without `alive`, call it before that holder's name is used again, never while such a process runs. A running
        process gives `alive` and knows an id before it reserves, so what a lost connection left open ends too.
        """
        with reading(self._engine) as connection:
            found = connection.execute(select(reservations.c.id).where(reservations.c.holder == holder)).scalars().all()
        left = [one for one in found if not alive(one)]
        if left:
            self.write([Settlement(one, None, _LOST) for one in left])
        return len(left)

    def balance(self, username: str, course: str, lab: str, rule: Rule) -> Balance:
        """What she has used, reserved and left of this lab's allowance in the window that runs now."""
        return dict(self.balances(Order(username, course, lab, rule, 0, "", "")))["lab"]

    def balances(self, order: Order) -> list[tuple[str, Balance]]:
        """By scope, what each counter holds that such a call is counted in."""
        with reading(self._engine) as connection:
            driver = connection.connection.driver_connection
            return [(one.scope, self._balance(driver, one)) for one in order.counters(self.zone, self._now())]

    def _balance(self, driver: Any, counter: Counter) -> Balance:
        where = {f"at_{name}": value for name, value in counter.key.items()}
        used, reserved, requests, running = self._sql.balance.run(driver, where).fetchone() or (0, 0, 0, 0)
        return counter.balance(used, reserved, requests + running)

    def _write(self, driver: Any, entry: Entry) -> Reservation | int:
        if isinstance(entry, Order):
            return self._reserve(driver, entry, self._now())
        return self._settle(driver, entry, self._now())

    def _reserve(self, driver: Any, order: Order, now: datetime) -> Reservation:
        if order.amount < 0:
            raise ValueError(f"cannot reserve {order.amount} {order.unit}")
        counters = order.counters(self.zone, now)
        windows = {f"{one.scope}_window": one.window.name for one in counters}
        row = {name: getattr(order, name) for name in ("id", "username", "cohort", "course", "lab", "amount", "holder")}
        row |= {name: getattr(order.asked, name) for name in ("kind", "model", "digest")}
        row |= {"unit": order.unit, "window": windows["lab_window"], "opened_at": self._sql.moment(now)}
        row |= {"person_window": windows["person_window"], "cohort_window": windows.get("cohort_window", "")}
        if self._sql.reserve.run(driver, row).rowcount == 0:
            return Reservation(order.id, order.amount)  # a lost connection has hidden that it was made
        for counter in counters:
            if not counter.could_hold(order.amount):  # a row that is not there yet would ask for no room
                raise self._spent(driver, counter, order, now)
        found = self._take(driver, order, counters)
        balances = []
        for counter in counters:
            if counter.scope not in found:
                raise self._spent(driver, counter, order, now)
            balances.append((counter.scope, counter.balance(*found[counter.scope])))
        return Reservation(order.id, order.amount, tuple(balances))

    def _spent(self, driver: Any, counter: Counter, order: Order, now: datetime) -> AllowanceSpent:
        return counter.spent(self._balance(driver, counter), order.amount, now)

    def _take(self, driver: Any, order: Order, counters: Sequence[Counter]) -> dict[str, tuple[int, int, int]]:
        """What the counters that had room hold now, by their scope."""
        values: dict[str, Any] = {}
        for number, one in enumerate(counters):
            more = {"reserved": order.amount, "most": one.rule.tokens, "most_requests": one.rule.requests}
            values |= {f"row{number}_{name}": value for name, value in (one.key | more).items()}
        rows = self._sql.take[len(counters)].run(driver, values).fetchall()
        return {
            "lab" if lab else "person" if username else "cohort": (used, reserved, requests + running)
            for username, lab, used, reserved, requests, running in rows
        }

    def _settle(self, driver: Any, entry: Settlement, now: datetime) -> int:
        """Removes the reservation, moves its amount and writes its lines; where somebody closed it before, it only
        says what was charged then."""
        row = self._sql.close.run(driver, {"at_id": entry.id}).fetchone()
        if row is None:
            known = self._sql.charged.run(driver, {"at_id": entry.id}).fetchone()
            return int(known[0]) if known else 0
        closed = dict(zip(_COLUMNS, row, strict=True))
        charged = max(0, min(entry.used or 0, int(closed["amount"])))
        given = {**closed, "charged": charged, "counted": 0 if entry.used is None else 1}
        self._sql.give.run(driver, {name: given[name] for name in _GIVEN})
        at = self._sql.moment(now)
        if charged:
            self._sql.charge.run(driver, {name: closed[name] for name in _LINE} | {"amount": charged, "at": at})
        call = {name: closed[name] for name in _CALL} | vars(entry.told) | {"charged": charged, "closed_at": at}
        self._sql.call.run(driver, call)
        if entry.texts:
            # PostgreSQL knows no text with a NUL in it, and a text must never undo what is charged.
            who, asked, answered = (text.replace("\0", "") for text in entry.texts)
            kept = {"call": entry.id, "username": who, "asked": asked, "answered": answered, "at": at}
            self._sql.keep.run(driver, kept)
        return charged


_COLUMNS = tuple(reservations.c.keys())
_LINE = ("id", "username", "course", "lab", "unit", "window")
_CALL = ("id", "username", "cohort", "course", "lab", "kind", "model", "digest", "opened_at")
_GIVEN = (*_LINE[1:], "cohort", "person_window", "cohort_window", "amount", "charged", "counted")
