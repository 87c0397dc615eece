"""The ledger: nobody uses more than her rule, however many calls race, and a crash costs her nothing.

A call reserves the most it can cost before it starts. The reservation is one conditional UPDATE: the row moves only
if the amount still fits, so two calls cannot both take the last tokens. Settling turns the reservation into what was
truly used and writes one line into `charges`, in one transaction, so that the lines always add up to the counter;
releasing gives it back. Each happens once: a second settle or release of one reservation changes nothing.

What this does not cover: a call that uses more than it reserved is charged no more than its reservation.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from labkit.allowance.rule import Balance, Rule, Window, window
from labkit.database import reading
from labkit.database.tables import allowances, charges, reservations
from labkit.errors import AllowanceSpent

_UNIT = "tokens"


@dataclass(frozen=True)
class Reservation:
    """An open reservation of `amount` tokens; whoever holds it settles or releases it."""

    id: str
    amount: int


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Ledger:
    """Reserves, settles and tells balances. `timezone` is the site's, such as Asia/Manila."""

    def __init__(
        self, engine: Engine, timezone: str = "Asia/Manila", *, now: Callable[[], datetime] = _utc_now
    ) -> None:
        self._engine = engine
        self._zone = ZoneInfo(timezone)
        self._now = now

    def reserve(
        self, username: str, course: str, lab: str, rule: Rule, amount: int, holder: str, *, id: str = ""
    ) -> Reservation:
        """Sets `amount` aside, or raises AllowanceSpent. `holder` names the process that answers for it.

        `id` (32 characters, never used before) lets a caller know the reservation even where a lost connection hides
        whether it was made.
        """
        if amount < 0:
            raise ValueError(f"cannot reserve {amount} tokens")
        now = self._now()
        span = window(rule, self._zone, now)
        key = {"username": username, "course": course, "lab": lab, "unit": _UNIT, "window": span.name}
        reservation = Reservation(id or uuid.uuid4().hex, amount)
        with self._engine.begin() as connection:
            _open_row(connection, key)
            fits = allowances.c.used + allowances.c.reserved + amount <= rule.tokens
            taken = connection.execute(
                update(allowances).where(_at(key), fits).values(reserved=allowances.c.reserved + amount)
            )
            if taken.rowcount == 1:
                row = {**key, "id": reservation.id, "amount": amount, "holder": holder, "opened_at": now}
                connection.execute(insert(reservations).values(row))
                return reservation
        raise self._spent(self.balance(username, course, lab, rule), amount, span, now)

    def settle(self, reservation: Reservation, used: int) -> int:
        """Charges what was used, at most what was reserved; returns what was charged.

        Asked again, it changes nothing and returns what was charged the first time (0 if it was given back), so a
        caller that lost its connection may ask until it knows.
        """
        charged = max(0, min(used, reservation.amount))
        with self._engine.begin() as connection:
            if _close(connection, reservation.id, charged, self._now()):
                return charged
            known = select(charges.c.amount).where(charges.c.id == reservation.id)
            return connection.execute(known).scalar() or 0

    def release(self, reservation: Reservation) -> None:
        """Gives a reservation back whole: nothing is charged for a call that failed."""
        with self._engine.begin() as connection:
            _close(connection, reservation.id, 0, self._now())

    def recover(self, holder: str, *, alive: Callable[[str], bool] = lambda _: False) -> int:
        """Gives back every open reservation of `holder` whose id is not `alive`; returns how many there were.

        Without `alive`, call it before that holder's name is used again, never while such a process runs. A running
        process gives `alive` and knows an id before it reserves, so what a lost connection left open ends too.
        """
        with reading(self._engine) as connection:
            found = connection.execute(select(reservations.c.id).where(reservations.c.holder == holder)).scalars().all()
        left = [one for one in found if not alive(one)]
        if not left:
            return 0
        with self._engine.begin() as connection:
            return sum(_close(connection, one, 0, self._now()) for one in left)

    def balance(self, username: str, course: str, lab: str, rule: Rule) -> Balance:
        """What she has used, reserved and left in the window that runs now."""
        span = window(rule, self._zone, self._now())
        key = {"username": username, "course": course, "lab": lab, "unit": _UNIT, "window": span.name}
        with reading(self._engine) as connection:
            row = connection.execute(select(allowances.c.used, allowances.c.reserved).where(_at(key))).first()
        used, reserved = (row.used, row.reserved) if row else (0, 0)
        return Balance(rule.tokens, used, reserved, span.resets_at)

    @staticmethod
    def _spent(balance: Balance, amount: int, span: Window, now: datetime) -> AllowanceSpent:
        message = f"This call may cost {amount} tokens and {balance.left} of this lab's {balance.limit} are left."
        if amount > balance.limit:
            return AllowanceSpent(message, instead="It would never fit: send a shorter prompt or lower max_tokens.")
        if span.resets_at is None:
            return AllowanceSpent(message, instead="Ask your instructor for more; this allowance does not reset.")
        when = f"{span.resets_at:%H:%M on %d %B %Y} ({span.resets_at.tzinfo})"
        shorter = "Ask for a shorter answer, or wait" if balance.left else "Wait"
        return AllowanceSpent(
            message,
            instead=f"{shorter}: the allowance is full again at {when}.",
            resets_at=span.resets_at.isoformat(),
            retry_after=max(1, int((span.resets_at - now).total_seconds()) + 1),
        )


def _at(key: dict[str, str]) -> ColumnElement[bool]:
    return and_(*(allowances.c[name] == value for name, value in key.items()))


def _open_row(connection: Connection, key: dict[str, str]) -> None:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(dialect.insert(allowances).values(**key, used=0, reserved=0).on_conflict_do_nothing())


def _close(connection: Connection, reservation_id: str, charged: int, now: datetime) -> bool:
    """Removes the reservation, moves its amount and writes its line; False if somebody closed it before."""
    closed = connection.execute(
        delete(reservations).where(reservations.c.id == reservation_id).returning(*reservations.c)
    ).first()
    if closed is None:
        return False
    key = {name: closed._mapping[name] for name in ("username", "course", "lab", "unit", "window")}
    connection.execute(
        update(allowances)
        .where(_at(key))
        .values(reserved=allowances.c.reserved - closed.amount, used=allowances.c.used + charged)
    )
    if charged:
        connection.execute(insert(charges).values(id=reservation_id, **key, amount=charged, at=now))
    return True
