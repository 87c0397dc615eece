"""Opens the database and brings its tables up to date."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url

_MIGRATIONS = Path(__file__).parent / "migrations"
# Any number, as long as every process of the platform uses the same one.
_MIGRATION_LOCK = 7_241_001
_CHECKPOINT = "wal_autocheckpoint=4000"  # pages of 4 kB


def connect(url: str) -> Engine:
    """An engine for `url` (`sqlite:///PATH` or `postgresql+psycopg://...`).

    SQLite runs in WAL mode with full sync: what a commit acknowledged survives a power cut. A transaction begins
    IMMEDIATE, so two writers wait for each other instead of failing half-way; `reading` begins one that only reads.
    """
    if make_url(url).get_backend_name() != "sqlite":
        # A server that is gone, or a host that vanished, is an error in seconds, not when TCP gives up.
        patience = {"connect_timeout": 5, "tcp_user_timeout": 20_000}
        return create_engine(url, pool_pre_ping=True, connect_args=patience)
    engine = create_engine(url, connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions behind our back
        # A checkpoint every 16 MB of log, not every 4: each syncs twice, and a call through the gateway logs 60 kB.
        pragmas = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000", _CHECKPOINT)
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        only_reads = connection.get_execution_options().get("only_reads", False)
        connection.exec_driver_sql("BEGIN" if only_reads else "BEGIN IMMEDIATE")

    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection that only reads, so it neither waits for a writer nor makes one wait."""
    with engine.connect().execution_options(only_reads=True) as connection:
        yield connection


def migrate(url: str, to: str = "heads") -> None:
    """Creates or upgrades the tables of `url`, up to the revision `to`; safe when several processes start at once."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    _keep_private(url)
    engine = connect(url)
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
            config.attributes["connection"] = connection
            command.upgrade(config, to)
    finally:
        engine.dispose()


def _keep_private(url: str) -> None:
    """Other accounts of the machine do not read people's work and password hashes, whatever the umask."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:"):
        path = Path(str(parsed.database))
        path.touch(0o600)
        path.chmod(0o600)  # SQLite gives its journal the same
