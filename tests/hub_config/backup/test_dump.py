"""Every table as text, from one database into another."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from hub_config.archive import Reader
from labkit.allowance import Ledger
from labkit.database import connect, reading
from labkit.database.dump import dump, load, moment, revision
from labkit.database.tables import charges, metadata
from labkit.errors import OperatorError
from labkit.programme.people import Person, provision

RULE = SimpleNamespace(tokens=10**6, per="total", requests=None)


class TestTheDump:
    def test_it_is_of_one_moment_whatever_is_written_meanwhile(self, database_url: str):
        engine = connect(database_url)
        ledger = Ledger(engine)
        ledger.settle(ledger.reserve("ana", "testing", "clip", RULE, 10, "gateway"), 3)
        with moment(engine) as connection:
            found = {}
            for name, lines in dump(connection):
                found[name] = [json.loads(line) for line in lines]
                ledger.settle(ledger.reserve("ana", "testing", "clip", RULE, 10, "gateway"), 3)
        assert sum(row["amount"] for row in found["charges"]) == sum(
            row["used"] for row in found["allowances"] if row["lab"]
        )
        engine.dispose()

    def test_every_table_is_in_it(self, database_url: str):
        engine = connect(database_url)
        with moment(engine) as connection:
            assert {name for name, _ in dump(connection)} == set(metadata.tables)
            assert revision(connection)
        engine.dispose()

    def test_a_database_with_rows_is_not_loaded_into(self, database_url: str):
        engine = connect(database_url)
        provision(engine, (Person("ana", "ana@example.org", "Ana", "Cruz"),), ())
        engine.dispose()
        with pytest.raises(OperatorError, match="people has rows"):
            load(database_url, (), {})

    def test_an_older_dump_is_brought_up_to_date(self, tmp_path: Path):
        url = f"sqlite:///{tmp_path / 'old.sqlite'}"
        row = {"username": "ana", "course": "c", "lab": "l", "unit": "tokens", "window": "total"}
        lines = iter([json.dumps({**row, "used": 7, "reserved": 0})])
        assert load(url, ("0001",), {"allowances": lines}) == {"allowances": 1}
        engine = connect(url)
        with reading(engine) as connection:
            assert connection.execute(select(charges.c.amount)).scalars().all() == [7]
        engine.dispose()

    def test_a_row_that_is_not_ours_leaves_the_database_empty(self, database_url: str):
        with pytest.raises(OperatorError, match="not one of ours"):
            load(database_url, (), {"people": iter(['{"username": "ana", "drop": "table"}'])})


def test_the_reader_opens_what_the_writer_wrote(file: Path):
    reader = Reader(file)
    assert {entry.path.split("/")[0] for entry in reader.manifest.entries} >= {"blobs", "homes", "secrets", "database"}
    reader.close()
