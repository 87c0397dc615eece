"""One transaction at a time about one thing, so that what is counted in it still holds when it is written."""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection, text


def take(connection: Connection, *about: str) -> None:
    """Until the transaction ends, nobody else takes a turn about this. SQLite has one writer at a time anyway."""
    if connection.dialect.name == "postgresql":
        name = hashlib.sha256("\0".join(about).encode()).digest()
        lock = int.from_bytes(name[:8], "big", signed=True)
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})
