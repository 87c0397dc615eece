"""The migrations make exactly the tables the code knows, on each kind of database."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from labkit.database import connect, migrate
from labkit.database.dump import revision
from labkit.database.tables import metadata


def test_the_migrated_tables_are_the_ones_the_code_knows(database_url: str):
    engine = connect(database_url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert len(revision(connection)) == 1
    engine.dispose()


def test_migrating_again_changes_nothing(database_url: str):
    engine = connect(database_url)
    with engine.connect() as connection:
        before = revision(connection)
    migrate(database_url)
    with engine.connect() as connection:
        assert revision(connection) == before
    engine.dispose()


def test_sqlite_keeps_what_it_acknowledged_through_a_power_cut(tmp_path):
    engine = connect(f"sqlite:///{tmp_path / 'labkit.sqlite'}")
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar_one() == 2  # FULL
    engine.dispose()
