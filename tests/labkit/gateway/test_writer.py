"""Ledger entries of many calls: together, on the loop's thread or on the ledger's own, and never lost in between."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from labkit.allowance import Ledger, Order, Reservation, Settlement, Share
from labkit.allowance.ledger import Entry, Written
from labkit.allowance.transaction import Held
from labkit.database import connect, migrate, reading
from labkit.database.tables import charges, reservations
from labkit.errors import AllowanceSpent
from labkit.gateway.writer import Writer


class Watched(Ledger):
    """The ledger, with what it wrote: by which thread, and how many at once. `slow` seconds for each batch."""

    slow = 0.0

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.batches: list[tuple[str, int]] = []

    def write(self, entries: Sequence[Entry], held: Held | None = None) -> list[Written]:
        time.sleep(self.slow)
        found = super().write(entries, held)
        self.batches.append((threading.current_thread().name, len(entries)))
        return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    migrate(f"sqlite:///{tmp_path / 'labkit.sqlite'}")
    return tmp_path / "labkit.sqlite"


@pytest.fixture
def ledger(file: Path) -> Watched:
    return Watched(connect(f"sqlite:///{file}"))


@pytest.fixture
async def writer(ledger: Watched) -> AsyncIterator[Writer]:
    made = Writer(ledger, quick=0.5)
    yield made
    made.close()


def order(number: int, amount: int = 10, tokens: int = 1000) -> Order:
    return Order("ana", "prompting", "clip", Share(tokens, per="total"), amount, "gateway", f"{number:032x}")


async def test_what_is_asked_in_one_turn_of_the_loop_is_one_transaction_on_its_own_thread(
    writer: Writer, ledger: Watched
) -> None:
    found = await asyncio.gather(*(writer.write(order(number)) for number in range(5)))

    assert [one.id for one in found if isinstance(one, Reservation)] == [order(number).id for number in range(5)]
    assert ledger.batches == [("MainThread", 5)]


async def test_a_disk_that_is_slow_is_waited_for_by_the_ledgers_thread_until_it_is_quick_again(ledger: Watched) -> None:
    writer = Writer(ledger, quick=0.02)
    ledger.slow = 0.4
    await writer.write(order(0))
    await writer.write(order(1))
    ledger.slow = 0.0
    for number in range(2, 40):
        await writer.write(order(number))
    writer.close()

    threads = [thread for thread, _ in ledger.batches]
    assert threads[:2] == ["MainThread", "ledger"]
    assert threads[-1] == "MainThread"


async def test_where_another_process_writes_the_loop_goes_on_and_nothing_is_lost(
    writer: Writer, ledger: Watched, file: Path
) -> None:
    await writer.write(order(0))
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.gather(*(writer.write(order(number)) for number in (1, 2)))
    turns = 0
    while turns < 20:
        await asyncio.sleep(0.01)
        turns += 1
    assert not waiting.done()
    other.execute("ROLLBACK")

    assert all(isinstance(one, Reservation) for one in await waiting)
    assert ledger.batches == [("MainThread", 1), ("ledger", 2)]
    other.close()


async def test_what_comes_while_a_batch_is_written_goes_together_in_the_next(ledger: Watched) -> None:
    writer = Writer(ledger, quick=0.0)
    ledger.slow = 0.2
    first = asyncio.create_task(writer.write(order(0)))
    await asyncio.sleep(0.05)
    later = [asyncio.create_task(writer.write(order(number))) for number in (1, 2, 3)]
    await asyncio.gather(first, *later)
    writer.close()

    assert ledger.batches == [("ledger", 1), ("ledger", 3)]


async def test_one_that_does_not_fit_is_refused_and_holds_nobody_up(writer: Writer) -> None:
    found = await asyncio.gather(writer.write(order(0)), writer.write(order(1, 5000)), writer.write(order(2)))

    assert [type(one) for one in found] == [Reservation, AllowanceSpent, Reservation]


async def test_one_that_cannot_be_written_is_an_error_to_its_caller_alone(writer: Writer) -> None:
    asked = (writer.write(order(0)), writer.write(order(1, -1)), writer.write(order(2)))
    found = await asyncio.gather(*asked, return_exceptions=True)

    assert [type(one) for one in found] == [Reservation, ValueError, Reservation]


async def test_a_caller_that_goes_while_it_is_written_leaves_the_others_alone(writer: Writer, ledger: Watched) -> None:
    tasks = [asyncio.create_task(writer.write(order(number))) for number in range(3)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)

    assert [type(one) for one in found] == [Reservation, asyncio.CancelledError, Reservation]
    assert ledger.recover("gateway") == 3


async def test_more_than_a_batch_is_written_whole(writer: Writer, ledger: Watched) -> None:
    await asyncio.gather(*(writer.write(order(number, 1)) for number in range(150)))
    used = await asyncio.gather(*(writer.write(Settlement(order(number).id, 1)) for number in range(150)))

    assert used == [1] * 150
    assert [size for _, size in ledger.batches] == [64, 64, 22] * 2
    with reading(ledger._engine) as connection:
        assert connection.execute(select(func.count()).select_from(charges)).scalar() == 150
        assert connection.execute(select(func.count()).select_from(reservations)).scalar() == 0
