"""A ledger with a clock, and calls made through it as the gateway makes them."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, delete, insert, select, text

from labkit.allowance import Asked, Ledger, Order, Settlement, Share, Told
from labkit.database import connect, migrate
from labkit.database.tables import allowances, calls, charges, reservations

EVERY = (allowances, reservations, charges, calls)

START = datetime(2026, 3, 1, 4, tzinfo=UTC)  # noon in Manila
PEOPLE = {"ana": "first", "ben": "first", "cid": "second", "maria": ""}
LABS = (("prompting", "clip", Share(5_000)), ("prompting", "triage", Share(9_000, per="total")))
MODELS = ("small", "large")
OUTCOMES = ("complete", "complete", "complete", "cancelled", "paused", "failed")


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One database of each kind for a whole file of tests: making one takes longer than any of them."""
    url = f"sqlite:///{tmp_path_factory.mktemp('audit') / 'labkit.db'}"
    if request.param == "postgresql":
        server, name = request.getfixturevalue("postgresql_server"), f"audit_{uuid.uuid4().hex}"
        admin = create_engine(server.replace("DATABASE", "template_labkit"), isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        admin.dispose()
        url = server.replace("DATABASE", name)
    migrate(url)
    engine = connect(url)
    yield engine
    engine.dispose()


@pytest.fixture
def engine(database: Engine) -> Engine:
    """The database, empty of calls."""
    with database.begin() as connection:
        for table in EVERY:
            connection.execute(delete(table))
    return database


def play(engine: Engine, dice: random.Random, calls: int, clock: Clock | None = None) -> None:
    """Calls of a few people over some days, some of them open at the end, some across midnight."""
    clock = clock or Clock()
    ledger = Ledger(engine, now=clock)
    running: list[str] = []
    for _ in range(calls):
        clock.now += timedelta(minutes=dice.randrange(1, 400))
        who = dice.choice(list(PEOPLE))
        course, lab, rule = dice.choice(LABS)
        asked = Asked(dice.choice(("chat/completions", "score")), dice.choice(MODELS), "d" * 64)
        name = f"{dice.getrandbits(128):032x}"
        cohort = PEOPLE[who]
        order = Order(who, course, lab, rule, dice.randrange(200), "gateway", name, cohort, Share(), Share(per="total"))
        order = Order(**{**vars(order), "asked": asked})
        entries = [order]
        running.append(name)
        while len(running) > 3 or (running and dice.random() < 0.5):
            told = Told(dice.choice(OUTCOMES), dice.randrange(60), dice.randrange(60), dice.random() * 3, dice.random())
            used = None if told.outcome == "failed" else told.prompt_tokens + told.answer_tokens
            entries.append(Settlement(running.pop(0), used, told))
        ledger.write(entries)


@pytest.fixture
def played(engine: Engine) -> Callable[..., None]:
    return lambda seed=1, calls=30: play(engine, random.Random(seed), calls)


@pytest.fixture(scope="module")
def kept(database: Engine) -> dict[str, list[dict[str, Any]]]:
    """The rows of books that balance, made once."""
    play(database, random.Random(3), 40)
    with database.connect() as connection:
        return {one.name: [dict(row) for row in connection.execute(select(one)).mappings()] for one in EVERY}


@pytest.fixture
def books(kept: dict[str, list[dict[str, Any]]], engine: Engine) -> Engine:
    """A database with those rows and no others."""
    with engine.begin() as connection:
        for table in EVERY:
            connection.execute(insert(table), kept[table.name])
    return engine
