"""One database: SQLite in WAL mode by default, PostgreSQL by one URL."""

from labkit.database.engine import connect, migrate, reading

__all__ = ["connect", "migrate", "reading"]
