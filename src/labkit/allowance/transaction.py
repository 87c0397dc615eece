"""The ledger's own connection, on which it begins and commits by itself.

Past SQLAlchemy's transactions, whose bookkeeping takes as long as the ledger's statements; its pool still opens the
connection and knows when one is lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError


class Held:
    """A connection that is kept from one transaction to the next, for one thread; `drop` gives it back.

    `impatient`: where another process is writing it fails at once (OperationalError) instead of waiting.
    """

    def __init__(self, engine: Engine, *, impatient: bool = False) -> None:
        self._engine, self._sqlite, self._impatient = engine, engine.dialect.name == "sqlite", impatient
        self._connection: Connection | None = None
        self._synced = True

    @contextmanager
    def transaction(self, *, synced: bool) -> Iterator[Any]:
        """The driver's connection in a transaction, committed at the end of the block; undone where it raises.

        `synced`: it survives a power cut. What only reserves need not: it survives the end of every process, and after
        a power cut nobody answers for a reservation anyway, so it would be given back. Raises SQLAlchemy's errors.
        """
        dbapi: Any = self._engine.dialect.dbapi
        try:
            driver = self._driver(synced)
            try:
                yield driver
                driver.commit()
            except BaseException:
                driver.rollback()
                raise
        except (dbapi.OperationalError, dbapi.InterfaceError) as error:
            self._lose(error)
            kind = InterfaceError if isinstance(error, dbapi.InterfaceError) else OperationalError
            raise kind("the ledger", {}, error) from error
        except dbapi.Error as error:
            self._lose(error)
            raise DBAPIError("the ledger", {}, error) from error

    def drop(self) -> None:
        """Gives the connection back as it was."""
        if self._connection is not None:
            if self._impatient:
                self._connection.invalidate()
            elif self._sqlite and not self._synced:
                self._sync(self._connection.connection.driver_connection, synced=True)
            self._connection.close()
            self._connection = None

    def _driver(self, synced: bool) -> Any:
        if self._connection is None:
            self._connection, self._synced = self._engine.connect(), True
            if self._impatient:
                self._connection.exec_driver_sql("PRAGMA busy_timeout=0")
                self._connection.rollback()
        driver: Any = self._connection.connection.driver_connection
        if self._sqlite:
            if synced != self._synced:
                self._sync(driver, synced=synced)
            driver.execute("BEGIN IMMEDIATE")
        else:
            # Another gateway that stopped in the middle must not stop this one: it fails, and is asked again.
            driver.execute("SET LOCAL lock_timeout = '5s'")
        return driver

    def _sync(self, driver: Any, *, synced: bool) -> None:
        driver.execute(f"PRAGMA synchronous={'FULL' if synced else 'NORMAL'}")
        self._synced = synced

    def _lose(self, error: Exception) -> None:
        """A connection that failed goes back to no pool; one that found the database busy has not failed."""
        if self._connection is not None and not (self._impatient and "locked" in str(error)):
            self._connection.invalidate(error)
            self._connection.close()
            self._connection = None
