"""Deletes kept files that no submission refers to any more.

Whoever hands in the same bytes at this moment loses nothing: an insert and a deletion take turns (SQLite has one writer
at a time; PostgreSQL has a lock of ours), and the insert puts back what is gone (`Store`). So a file is there whenever
a committed row refers to it, however either of them is cut short.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, Engine, select, text

from labkit.database.tables import submissions
from labkit.submissions.blobs import Blobs

# Any number, as long as every process of the platform uses the same one.
_LOCK = 7_241_002
_AT_ONCE = 200


def keep(connection: Connection) -> None:
    """Until the transaction ends, no kept file is deleted."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock_shared(:lock)"), {"lock": _LOCK})


def clear(engine: Engine, blobs: Blobs, digests: Iterable[str]) -> int:
    """Deletes those of `digests` that no submission refers to; gives how many there were."""
    waiting = sorted(set(digests))
    deleted = 0
    for start in range(0, len(waiting), _AT_ONCE):
        deleted += _clear(engine, blobs, waiting[start : start + _AT_ONCE])
    return deleted


def _clear(engine: Engine, blobs: Blobs, digests: Sequence[str]) -> int:
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        left = set(digests)
        rows = connection.execution_options(yield_per=1000).execute(select(submissions.c.files)).scalars()
        for files in rows:
            left.difference_update(files.values())
        return sum(blobs.delete(digest) for digest in sorted(left))
