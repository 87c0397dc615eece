"""The bound on guessing, kept in the database."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import Engine, text

from labkit.database import connect
from labkit.programme.attempts import Attempts, Limit

FEW = Limit("few", 5, 300)
MANY = Limit("many", 8, 80)


@pytest.fixture
def engine(database_url: str) -> Engine:
    engine = connect(database_url)
    yield engine
    engine.dispose()


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def attempts(engine: Engine, clock: Clock) -> Attempts:
    return Attempts(engine, clock)


def spend(attempts: Attempts, who: str = "ana", limit: Limit = FEW) -> None:
    assert [attempts.count((limit, who)) for _ in range(limit.tries)] == [0] * limit.tries


def test_so_many_tries_and_then_one_at_a_time(attempts: Attempts, clock: Clock):
    spend(attempts)
    assert attempts.count((FEW, "ana")) == 60
    clock.now += 59
    assert attempts.count((FEW, "ana")) == 1
    clock.now += 1
    assert attempts.count((FEW, "ana")) == 0
    assert attempts.count((FEW, "ana")) == 60


def test_a_refused_try_makes_nobody_wait_longer(attempts: Attempts, clock: Clock):
    spend(attempts)
    for _ in range(50):
        attempts.count((FEW, "ana"))
    clock.now += 60
    assert attempts.count((FEW, "ana")) == 0


def test_after_the_whole_time_all_tries_are_back(attempts: Attempts, clock: Clock):
    spend(attempts)
    clock.now += FEW.seconds
    spend(attempts)


def test_one_name_does_not_hold_up_another(attempts: Attempts):
    spend(attempts)
    assert attempts.count((FEW, "ben")) == 0
    assert attempts.count((MANY, "ana")) == 0


def test_all_are_counted_or_none(attempts: Attempts):
    spend(attempts)
    for _ in range(50):
        assert attempts.count((FEW, "ana"), (MANY, "here")) > 0
    spend(attempts, "here", MANY)


def test_success_is_given_back_and_forgotten(attempts: Attempts):
    spend(attempts)
    attempts.give_back(FEW, "ana")
    assert attempts.count((FEW, "ana")) == 0
    assert attempts.count((FEW, "ana")) > 0
    attempts.forget(FEW, "ana")
    spend(attempts)


def test_giving_back_more_than_was_counted_gains_nothing(attempts: Attempts):
    for _ in range(100):
        attempts.give_back(FEW, "ana")
    attempts.count((FEW, "ana"))
    for _ in range(100):
        attempts.give_back(FEW, "ana")
    spend(attempts)
    assert attempts.count((FEW, "ana")) > 0


def test_a_restart_forgets_nothing(engine: Engine, attempts: Attempts, clock: Clock):
    spend(attempts)
    assert Attempts(engine, clock).count((FEW, "ana")) == 60


def test_tries_at_the_same_moment_do_not_overshoot(engine: Engine, clock: Clock):
    counted: list[int] = []
    barrier = threading.Barrier(12)

    def guess() -> None:
        attempts = Attempts(engine, clock)
        barrier.wait()
        counted.append(attempts.count((FEW, "ana"), (MANY, "here")))

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(counted) == 12
    assert counted.count(0) == FEW.tries


def test_what_has_run_empty_is_swept_out_and_the_rest_stays(engine: Engine, attempts: Attempts, clock: Clock):
    for n in range(30):
        attempts.count((FEW, f"somebody {n}"))
    clock.now += 61
    spend(attempts)
    Attempts(engine, clock).count((FEW, "another"))  # each process sweeps as it starts
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM attempts")).scalar() == 2
    assert attempts.count((FEW, "ana")) == 60


def test_what_was_typed_is_not_kept(engine: Engine, attempts: Attempts):
    attempts.count((FEW, "a password in the wrong field"))
    with engine.connect() as connection:
        kept = [str(value) for row in connection.execute(text("SELECT * FROM attempts")) for value in row]
    assert not any("password" in value for value in kept)


@pytest.mark.parametrize("who", ["", "\0", "\ud800", "x" * 100_000, "' OR 1=1 --"])
def test_any_text_can_be_counted(attempts: Attempts, who: str):
    spend(attempts, who)
    assert attempts.count((FEW, who)) > 0
