import os
import signal
import subprocess
import sys
import textwrap
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select

from labkit.allowance import Ledger, Reservation
from labkit.database.tables import allowances, charges, reservations
from labkit.errors import AllowanceSpent


@dataclass(frozen=True)
class Rule:
    tokens: int
    per: str = "day"
    requests: int | None = None


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 4, tzinfo=UTC)  # noon in Manila

    def __call__(self) -> datetime:
        return self.now


WHERE = ("ana", "prompting", "triage")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(engine: Engine, clock: Clock) -> Ledger:
    return Ledger(engine, now=clock)


def test_a_reservation_is_taken_from_what_is_left_and_settled_to_what_was_used(ledger: Ledger) -> None:
    reservation = ledger.reserve(*WHERE, Rule(100), 60, "gateway")
    assert ledger.balance(*WHERE, Rule(100)).left == 40
    assert ledger.settle(reservation, 25) == 25
    balance = ledger.balance(*WHERE, Rule(100))
    assert (balance.used, balance.reserved, balance.left) == (25, 0, 75)


def test_the_last_token_can_be_reserved_and_not_one_more(ledger: Ledger) -> None:
    ledger.reserve(*WHERE, Rule(100), 100, "gateway")
    with pytest.raises(AllowanceSpent):
        ledger.reserve(*WHERE, Rule(100), 1, "gateway")


def test_the_refusal_names_when_it_resets(ledger: Ledger) -> None:
    ledger.settle(ledger.reserve(*WHERE, Rule(100), 100, "gateway"), 100)
    with pytest.raises(AllowanceSpent, match="00:00 on 02 March 2026") as caught:
        ledger.reserve(*WHERE, Rule(100), 5, "gateway")
    assert caught.value.resets_at == "2026-03-02T00:00:00+08:00"
    assert caught.value.retry_after == 12 * 3600 + 1


@pytest.mark.parametrize(
    ("rule", "advice"),
    [(Rule(100, "total"), "Ask your instructor"), (Rule(3), "never fit: send less"), (Rule(0), "ask your instructor")],
)
def test_a_refusal_that_waiting_does_not_mend_names_no_time(rule: Rule, advice: str, ledger: Ledger) -> None:
    if rule.tokens > 5:
        ledger.reserve(*WHERE, rule, 100, "gateway")
    with pytest.raises(AllowanceSpent, match=advice) as caught:
        ledger.reserve(*WHERE, rule, 5, "gateway")
    assert (caught.value.resets_at, caught.value.retry_after) == ("", 0)


def test_a_new_day_is_a_full_allowance_and_yesterdays_call_is_charged_to_yesterday(
    ledger: Ledger, clock: Clock
) -> None:
    late = ledger.reserve(*WHERE, Rule(100), 80, "gateway")
    clock.now += timedelta(hours=13)
    assert ledger.balance(*WHERE, Rule(100)).left == 100
    ledger.settle(late, 80)
    assert ledger.balance(*WHERE, Rule(100)).used == 0


@pytest.mark.parametrize("other", [("ben", *WHERE[1:]), ("ana", "vision", "triage"), ("ana", "prompting", "tokens")])
def test_people_courses_and_labs_are_counted_apart(other: tuple[str, str, str], ledger: Ledger) -> None:
    ledger.reserve(*WHERE, Rule(100), 100, "gateway")
    assert ledger.balance(*other, Rule(100)).left == 100


def test_a_reservation_is_closed_once(ledger: Ledger) -> None:
    reservation = ledger.reserve(*WHERE, Rule(100), 50, "gateway")
    assert ledger.settle(reservation, 20) == 20
    assert ledger.settle(reservation, 30) == 20  # told again what it was, and nothing moves
    ledger.release(reservation)
    assert ledger.settle(reservation, 30) == 20
    balance = ledger.balance(*WHERE, Rule(100))
    assert (balance.used, balance.reserved) == (20, 0)


def test_what_was_given_back_cannot_be_charged_afterwards(ledger: Ledger, engine: Engine) -> None:
    reservation = ledger.reserve(*WHERE, Rule(100), 50, "gateway")
    ledger.release(reservation)
    assert ledger.settle(reservation, 20) == 0
    assert lines(engine) == {}


def test_each_settled_call_has_one_line_that_names_it(ledger: Ledger, engine: Engine, clock: Clock) -> None:
    first = ledger.reserve(*WHERE, Rule(100), 50, "gateway")
    second = ledger.reserve(*WHERE, Rule(100), 30, "gateway", id="a" * 32)
    ledger.settle(first, 20)
    ledger.settle(second, 99)
    ledger.settle(ledger.reserve(*WHERE, Rule(100), 5, "gateway"), 0)
    assert lines(engine) == {first.id: 20, "a" * 32: 30}
    with engine.connect() as connection:
        row = connection.execute(select(charges).where(charges.c.id == first.id)).one()
    assert (row.username, row.course, row.lab, row.unit, row.window) == (
        *WHERE,
        "tokens",
        "2026-03-01T00:00:00+08:00",
    )
    assert row.at == clock.now


def test_a_reservation_whose_process_still_answers_for_it_is_left_alone(ledger: Ledger) -> None:
    ledger.reserve(*WHERE, Rule(100), 10, "gateway", id="a" * 32)
    ledger.reserve(*WHERE, Rule(100), 20, "gateway", id="b" * 32)
    assert ledger.recover("gateway", alive=lambda name: name == "a" * 32) == 1
    assert ledger.balance(*WHERE, Rule(100)).reserved == 10


def lines(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        return {row.id: row.amount for row in connection.execute(select(charges))}


@pytest.mark.parametrize(("used", "charged"), [(-5, 0), (0, 0), (50, 50), (51, 50), (10_000, 50)])
def test_a_call_is_never_charged_more_than_it_reserved(used: int, charged: int, ledger: Ledger) -> None:
    assert ledger.settle(ledger.reserve(*WHERE, Rule(100), 50, "gateway"), used) == charged
    assert ledger.balance(*WHERE, Rule(100)).used == charged


def test_a_negative_amount_is_a_mistake_of_the_caller(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="-1"):
        ledger.reserve(*WHERE, Rule(100), -1, "gateway")


def test_racing_threads_take_exactly_what_there_is(ledger: Ledger) -> None:
    start, won, lost = threading.Barrier(8), [], []

    def take() -> None:
        start.wait()
        for _ in range(5):
            try:
                won.append(ledger.reserve(*WHERE, Rule(70), 7, "gateway"))
            except AllowanceSpent:
                lost.append(1)

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (10, 30)
    assert ledger.balance(*WHERE, Rule(70)).reserved == 70


def test_a_killed_process_leaves_reservations_that_are_given_back(
    engine: Engine, database_url: str, ledger: Ledger, clock: Clock
) -> None:
    mine = ledger.reserve(*WHERE, Rule(100), 10, "gateway-2")
    program = textwrap.dedent(
        """
        import sys, time
        from datetime import datetime
        from types import SimpleNamespace
        from labkit.allowance import Ledger
        from labkit.database import connect
        url, now = sys.argv[1:]
        ledger = Ledger(connect(url), now=lambda: datetime.fromisoformat(now))
        rule = SimpleNamespace(tokens=100, requests=None, per="day")
        ledger.reserve("ana", "prompting", "triage", rule, 90, "gateway-1")
        print("reserved", flush=True)
        time.sleep(60)
        """
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program, database_url, clock.now.isoformat()], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None and child.stdout.readline() == "reserved\n"
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert ledger.balance(*WHERE, Rule(100)).left == 0
    assert ledger.recover("gateway-1") == 1
    assert ledger.recover("gateway-1") == 0
    balance = ledger.balance(*WHERE, Rule(100))
    assert (balance.used, balance.reserved) == (0, 10)
    assert ledger.settle(mine, 10) == 10


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("reserve"), st.integers(0, 60), st.sampled_from(["g1", "g2"])),
        st.tuples(st.just("settle"), st.integers(0, 9), st.integers(0, 80)),
        st.tuples(st.just("release"), st.integers(0, 9), st.just(0)),
        st.tuples(st.just("recover"), st.just(0), st.sampled_from(["g1", "g2"])),
        st.tuples(st.just("tomorrow"), st.just(0), st.just(0)),
    ),
    max_size=25,
)


@given(steps=STEPS, limit=st.integers(0, 120))
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_nobody_overshoots_and_the_books_agree(
    steps: list[tuple[str, int, str | int]], limit: int, engine: Engine
) -> None:
    clock, rule, opened = Clock(), Rule(limit), list[Reservation]()
    ledger = Ledger(engine, now=clock)
    with engine.begin() as connection:
        connection.execute(reservations.delete())
        connection.execute(allowances.delete())
        connection.execute(charges.delete())
    for verb, first, second in steps:
        if verb == "reserve":
            try:
                opened.append(ledger.reserve(*WHERE, rule, first, str(second)))
            except AllowanceSpent:
                assert first > ledger.balance(*WHERE, rule).left
        elif verb == "settle" and first < len(opened):
            ledger.settle(opened[first], int(second))
        elif verb == "release" and first < len(opened):
            ledger.release(opened[first])
        elif verb == "recover":
            ledger.recover(str(second))
        elif verb == "tomorrow":
            clock.now += timedelta(days=1)
        _books_agree(engine, limit)


def _books_agree(engine: Engine, limit: int) -> None:
    with engine.connect() as connection:
        rows = connection.execute(select(allowances).where(allowances.c.lab != "")).all()
        held = connection.execute(select(func.coalesce(func.sum(reservations.c.amount), 0))).scalar_one()
        charged = connection.execute(select(func.coalesce(func.sum(charges.c.amount), 0))).scalar_one()
    assert all(row.used >= 0 and row.reserved >= 0 and row.used + row.reserved <= limit for row in rows)
    assert sum(row.reserved for row in rows) == held
    assert sum(row.used for row in rows) == charged
