"""People are added by one transaction at a time, so that a username is given once and a place is taken once."""

from __future__ import annotations

from sqlalchemy import Connection, text

# Any number, as long as every process of the platform uses the same one.
_LOCK = 7_241_002


def take(connection: Connection) -> None:
    """Waits until no other transaction adds people. SQLite has one writer at a time anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
