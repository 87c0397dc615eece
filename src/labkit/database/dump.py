"""Every row of our tables as lines of JSON, from one moment, for either kind of database; and back.

A dump remembers the revision of its tables. It is loaded into tables of that revision, which are then brought up to
date, so an old dump stays good. nbgrader's gradebook and the hub's tables are not ours and not in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from alembic.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import Column, Connection, DateTime, Engine, MetaData, Table, func, insert, select

from labkit.database.engine import connect, migrate, reading
from labkit.database.tables import metadata
from labkit.errors import OperatorError

_ROWS_AT_ONCE = 500
_VERSION_TABLE = "alembic_version"


@contextmanager
def moment(engine: Engine) -> Iterator[Connection]:
    """A connection for which time stands still: all it reads is of one moment, whatever others write."""
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True) as one:
            yield one
    else:
        with reading(engine) as one:
            yield one


def revision(connection: Connection) -> tuple[str, ...]:
    """The revision of the tables: one name, or several where migrations wait to be put in line."""
    return tuple(sorted(MigrationContext.configure(connection).get_current_heads()))


def dump(connection: Connection) -> Iterator[tuple[str, Iterator[str]]]:
    """Each table's name with its rows, one line of JSON each. Read a table's lines before asking for the next."""
    for table in metadata.sorted_tables:
        yield table.name, _lines(connection, table)


def load(url: str, revisions: Sequence[str], tables: Mapping[str, Iterator[str]]) -> dict[str, int]:
    """Fills an empty database, all or nothing, and brings it up to date; gives the number of rows of each table.

    Raises OperatorError for a database with rows in it, and for a dump of a revision that is not known here.
    """
    engine = connect(url)
    try:
        _refuse_rows(engine, url)
        for one in revisions:
            try:
                migrate(url, to=one)
            except CommandError as error:
                raise OperatorError(
                    f"The backup is of another version of labkit ({error}).", instead="Install that version or newer."
                ) from None
        with engine.begin() as connection:
            known = _reflected(connection)
            if unknown := sorted(set(tables) - set(known)):
                raise OperatorError(f"The backup has a table {unknown[0]!r}.", instead="Is it a backup of labkit?")
            loaded = {name: _fill(connection, known[name], tables[name]) for name in known if name in tables}
    finally:
        engine.dispose()
    migrate(url)
    return loaded


def _lines(connection: Connection, table: Table) -> Iterator[str]:
    for row in connection.execute(select(table)).mappings():
        yield json.dumps({name: _plain(value) for name, value in row.items()}, sort_keys=True)


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _reflected(connection: Connection) -> dict[str, Table]:
    """The tables as they are in the database, which may be older than the code; parents before children."""
    found = MetaData()
    found.reflect(connection)
    return {table.name: table for table in found.sorted_tables if table.name != _VERSION_TABLE}


def _fill(connection: Connection, table: Table, lines: Iterator[str]) -> int:
    number, batch = 0, list[dict[str, Any]]()
    for line in lines:
        row = json.loads(line)
        if not isinstance(row, dict) or not row.keys() <= set(table.columns.keys()):
            raise OperatorError(f"A row of {table.name} is not one of ours.", instead="Use an undamaged backup.")
        batch.append({name: _value(connection, table.columns[name], value) for name, value in row.items()})
        if len(batch) == _ROWS_AT_ONCE:
            number += _insert(connection, table, batch)
            batch = []
    return number + _insert(connection, table, batch)


def _insert(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> int:
    if rows:
        connection.execute(insert(table), rows)
    return len(rows)


def _value(connection: Connection, column: Column[Any], value: object) -> object:
    if not isinstance(column.type, DateTime) or not isinstance(value, str):
        return value
    at = datetime.fromisoformat(value)
    # SQLite keeps UTC without saying so.
    return at if connection.dialect.name == "postgresql" else at.astimezone(UTC).replace(tzinfo=None)


def _refuse_rows(engine: Engine, url: str) -> None:
    with engine.connect() as connection:
        for table in _reflected(connection).values():
            if connection.execute(select(func.count()).select_from(table)).scalar_one():
                raise OperatorError(
                    f"The database {engine.url.render_as_string()} is not empty ({table.name} has rows).",
                    instead="Name an empty one in LABKIT_DATABASE.",
                )
