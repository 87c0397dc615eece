"""A platform's folder with some of everything in it, and a backup of it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import create_engine, func, select, text

from hub_config import backup
from hub_config.settings import Settings
from labkit.allowance import Ledger
from labkit.database import connect, migrate, reading
from labkit.database.tables import charges
from labkit.programme.people import Membership, Person, provision
from labkit.submissions.blobs import Blobs
from labkit.submissions.receipt import Receipt, Signer, verify
from labkit.submissions.scores import Scores
from labkit.submissions.store import Store

RULE = SimpleNamespace(tokens=10**6, per="total", requests=None)


def settings_of(home: Path, database: str = "") -> Settings:
    return Settings(home=home, database=database, teach="testing")


@dataclass
class Site:
    """A platform's folder with some of everything in it."""

    settings: Settings
    receipts: list[Receipt] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.settings.home.mkdir(exist_ok=True)
        migrate(self.settings.database_url)
        self.engine = connect(self.settings.database_url)
        home = self.settings.home
        self.signer = Signer(home / "secrets" / "receipts.pem")
        self.store = Store(self.engine, Blobs(home / "blobs"), self.signer)
        self.ledger, self.scores = Ledger(self.engine), Scores(self.engine)

    def furnish(self) -> None:
        home = self.settings.home
        ana = Person("ana", "ana@example.org", "Añà", "Cruz")
        provision(self.engine, (ana,), (Membership("ana", "c", "testing", "learner"),))
        for name in ("hub.sqlite", "nbgrader/testing/gradebook.db"):
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            with sqlite3.connect(home / name) as database:
                database.execute("CREATE TABLE things (name)")
                database.execute("INSERT INTO things VALUES ('kept')")
            database.close()
        (home / "nbgrader" / "testing" / "source").mkdir()
        mine = home / "homes" / "ana"
        (mine / "empty").mkdir(parents=True)
        (mine / "notes ñ.txt").write_text("hers")
        (mine / os.fsdecode(b"latin-\xe9")).write_bytes(b"x")
        (mine / "link").symlink_to("/etc/shadow")
        (mine / "run.sh").write_text("#!/bin/sh")
        (mine / "run.sh").chmod(0o4755)
        os.mkfifo(mine / "pipe")
        with (mine / "sparse").open("wb") as file:
            file.seek(1 << 30)
            file.write(b"end")
            file.truncate((1 << 30) + 10_000_000)
        for made_again in ("log/hub.log", "models/weights", "build/testing/x", "run/lock"):
            (home / made_again).parent.mkdir(parents=True, exist_ok=True)
            (home / made_again).write_text("not kept")

    def work(self, number: int) -> None:
        """One submission, one score, one paid call."""
        receipt, _ = self.store.receive("ana", "testing", "clip", {"clip.ipynb": f"{number}".encode()}, [])
        self.scores.record(receipt.id, {"score": float(number), "max": 1e9, "items": ["ñ"]}, 10.0)
        reservation = self.ledger.reserve("ana", "testing", "clip", RULE, 10, "gateway")
        self.ledger.settle(reservation, 3)
        self.receipts.append(receipt)
        self.lines[reservation.id] = 3

    def holds(self, receipts: list[Receipt], lines: dict[str, int]) -> None:
        """Everything acknowledged is here, word for word."""
        for receipt in receipts:
            found = self.store.get(receipt.id)
            assert found is not None
            assert self.store.receipt(found) == receipt
            assert verify(receipt, self.signer.public_key)
            (content,) = self.store.content(found).values()
            assert self.scores.get(receipt.id).score == float(content)
        with reading(self.engine) as connection:
            written = {row.id: row.amount for row in connection.execute(select(charges))}
            total = connection.execute(select(func.sum(charges.c.amount))).scalar_one()
        assert lines.items() <= written.items()
        assert total == self.ledger.balance("ana", "testing", "clip", RULE).used


@pytest.fixture
def site(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    kind = getattr(request, "param", "sqlite")
    url = request.getfixturevalue("empty_postgresql")() if kind == "postgresql" else ""
    made = Site(settings_of(tmp_path / "state", url))
    made.furnish()
    made.work(0)
    yield made
    made.engine.dispose()


@pytest.fixture
def empty_postgresql(request: pytest.FixtureRequest) -> Callable[[], str]:
    """URLs of new databases without a table."""
    import uuid

    server = request.getfixturevalue("postgresql_server")

    def make() -> str:
        name = f"test_{uuid.uuid4().hex}"
        engine = create_engine(server.replace("DATABASE", "template_labkit"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return server.replace("DATABASE", name)

    return make


@pytest.fixture
def file(site: Site, tmp_path: Path) -> Path:
    backup.write(site.settings, tmp_path / "kept.tar")
    return tmp_path / "kept.tar"


@pytest.fixture
def another() -> Callable[..., Site]:
    """A site in any folder, on any database."""
    return lambda home, database="": Site(settings_of(home, database))
