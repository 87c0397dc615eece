"""Bounds guessing: so many tries for an account name and for an address, then one at a time.

A leaky bucket as a meter (the generic cell rate algorithm, ITU-T I.371): each try raises the level, time lowers it, and
a try that would overflow is refused. Each is one conditional upsert made before anything is verified, so tries sent at
the same moment cannot overshoot; the level is in the database, so a restart forgets nothing.

An account is counted by the name that was typed, known or not: what does not exist is refused like what does.

Does not cover: guesses at many accounts from many addresses; somebody who keeps a victim's bucket full, so that only a
sign-in link lets her in; two names of one account (username and e-mail) that are counted apart.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, case, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from labkit.database import reading
from labkit.database.tables import attempts


@dataclass(frozen=True)
class Limit:
    """`tries` at once, then one more every `seconds / tries`."""

    name: str
    tries: int
    seconds: int

    @property
    def step(self) -> float:
        return self.seconds / self.tries


ACCOUNT = Limit("account", 10, 900)
# A classroom behind one address signs in within a minute; only failures stay counted.
ADDRESS = Limit("address", 100, 900)
LINK = Limit("link", 60, 900)

# How often what has run empty is swept out, in tries.
_SWEEP_EVERY = 100


class Attempts:
    def __init__(self, engine: Engine, now: Callable[[], float] = time.time) -> None:
        self._engine, self._now = engine, now
        self._counted = itertools.count()

    def count(self, *asked: tuple[Limit, str]) -> int:
        """Counts one try of each, or none. Gives 0, or the seconds until the next may be made."""
        if next(self._counted) % _SWEEP_EVERY == 0:
            self._sweep()
        now = self._now()
        # Always in one order, so that two tries at once never wait for each other.
        keyed = sorted((_key(limit, who), limit) for limit, who in asked)
        with self._engine.connect() as connection, connection.begin() as transaction:
            for key, limit in keyed:
                if not self._raise(connection, key, limit, now):
                    transaction.rollback()
                    return self._wait(key, limit, now)
        return 0

    def give_back(self, limit: Limit, who: str) -> None:
        """What was counted beforehand was no failure."""
        lower = update(attempts).where(attempts.c.key == _key(limit, who))
        with self._engine.begin() as connection:
            connection.execute(lower.values(empty_at=attempts.c.empty_at - limit.step))

    def forget(self, limit: Limit, who: str) -> None:
        with self._engine.begin() as connection:
            connection.execute(delete(attempts).where(attempts.c.key == _key(limit, who)))

    def _raise(self, connection: Connection, key: str, limit: Limit, now: float) -> bool:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        level = case((attempts.c.empty_at > now, attempts.c.empty_at), else_=now)
        put = dialect.insert(attempts).values(key=key, empty_at=now + limit.step)
        raised = put.on_conflict_do_update(
            index_elements=[attempts.c.key],
            set_={"empty_at": level + limit.step},
            where=level + limit.step <= now + limit.seconds + 1e-3,
        )
        return connection.execute(raised.returning(attempts.c.key)).first() is not None

    def _wait(self, key: str, limit: Limit, now: float) -> int:
        with reading(self._engine) as connection:
            empty_at = connection.execute(select(attempts.c.empty_at).where(attempts.c.key == key)).scalar() or now
        return max(1, math.ceil(empty_at + limit.step - limit.seconds - now))

    def _sweep(self) -> None:
        empty = select(attempts.c.key).where(attempts.c.empty_at < self._now()).limit(1000)
        # What another try holds is not empty much longer: left to the next sweep.
        old = empty.with_for_update(skip_locked=True)
        with self._engine.begin() as connection:
            connection.execute(delete(attempts).where(attempts.c.key.in_(old)))


def forget_account(connection: Connection, account: str) -> None:
    """Nothing is known any more of tries for this username or e-mail address."""
    name = unicodedata.normalize("NFKC", account).casefold()  # as `labkit.programme.sign_in` counts it
    connection.execute(delete(attempts).where(attempts.c.key == _key(ACCOUNT, name)))


def _key(limit: Limit, who: str) -> str:
    return hashlib.sha256(f"{limit.name}:{who}".encode("utf-8", "surrogatepass")).hexdigest()
