"""Her labs together and her cohort: a call counts in each, and each can refuse it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, RowMapping, select

from labkit.allowance import Asked, Ledger, Order, Reservation, Settlement, Share, Told
from labkit.database.tables import allowances, calls, charges, prompts, reservations
from labkit.errors import AllowanceSpent


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 4, tzinfo=UTC)  # noon in Manila

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(engine: Engine, clock: Clock) -> Ledger:
    return Ledger(engine, now=clock)


def order(amount: int, who: str = "ana", lab: str = "triage", **rules: Share) -> Order:
    lab_rule = rules.get("lab_rule", Share(1000))
    person, together = rules.get("person", Share()), rules.get("together", Share(per="total"))
    asked = Asked("chat/completions", "m", "d" * 64)
    return Order(who, "prompting", lab, lab_rule, amount, "g1", uuid.uuid4().hex, "first", person, together, asked)


def made(ledger: Ledger, one: Order) -> Reservation:
    [found] = ledger.write([one])
    assert isinstance(found, Reservation), found
    return found


def refusal(ledger: Ledger, one: Order) -> AllowanceSpent:
    [found] = ledger.write([one])
    assert isinstance(found, AllowanceSpent), found
    return found


def test_a_call_counts_in_her_lab_in_all_her_labs_and_in_her_cohort(ledger: Ledger) -> None:
    one = order(60, person=Share(500), together=Share(5000, per="total"))
    reservation = made(ledger, one)
    held = {scope: balance.reserved for scope, balance in reservation.balances}
    assert held == {"lab": 60, "person": 60, "cohort": 60}
    ledger.write([Settlement(reservation.id, 25)])
    told = {scope: (balance.used, balance.reserved, balance.requests) for scope, balance in ledger.balances(one)}
    assert told == dict.fromkeys(("lab", "person", "cohort"), (25, 0, 1))


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"lab_rule": Share(100)}, "of this lab's 100 are left"),
        ({"person": Share(100)}, "of the 100 you may use in all labs today are left"),
        ({"together": Share(100, per="total")}, "of the 100 your cohort may use together in all are left"),
        ({"together": Share(100)}, "your cohort may use together today"),
    ],
)
def test_each_of_them_can_refuse_and_says_which_it_was(rules: dict[str, Share], said: str, ledger: Ledger) -> None:
    made(ledger, order(60, **rules))
    spent = refusal(ledger, order(60, **rules))
    assert said in str(spent)
    assert "This call may cost 60 tokens and 40 " in str(spent)


@pytest.mark.parametrize("scope", ["lab_rule", "person", "together"])
def test_requests_are_counted_beside_tokens(scope: str, ledger: Ledger) -> None:
    rules = {scope: Share(None, 2)} if scope != "lab_rule" else {scope: Share(1000, 2)}
    first, _ = made(ledger, order(1, **rules)), made(ledger, order(1, **rules))
    assert "one too many" in str(refusal(ledger, order(1, **rules)))
    ledger.write([Settlement(first.id, None, Told("failed"))])  # one that failed is none that was made
    made(ledger, order(1, **rules))


def test_what_does_not_fit_one_of_them_moves_none_of_them(ledger: Ledger) -> None:
    one = order(60, person=Share(50))
    refusal(ledger, one)
    assert all((balance.used, balance.reserved, balance.requests) == (0, 0, 0) for _, balance in ledger.balances(one))


def test_other_labs_count_for_her_and_other_people_for_the_cohort(ledger: Ledger) -> None:
    made(ledger, order(60, lab="other", person=Share(100)))
    assert "in all labs" in str(refusal(ledger, order(60, person=Share(100))))
    made(ledger, order(60, who="ben", person=Share(100)))
    budget = Share(150, per="total")
    assert "your cohort" in str(refusal(ledger, order(60, who="cora", together=budget)))


def test_one_that_does_not_fit_keeps_none_of_its_batch_out(ledger: Ledger, engine: Engine) -> None:
    orders = [order(40, lab_rule=Share(100)) for _ in range(5)]
    found = ledger.write(orders)
    assert [isinstance(one, Reservation) for one in found] == [True, True, False, False, False]
    with engine.connect() as connection:
        open_now = set(connection.execute(select(reservations.c.id)).scalars())
    assert open_now == {orders[0].id, orders[1].id}


def test_an_order_that_is_asked_again_is_made_once(ledger: Ledger) -> None:
    one = order(40)
    made(ledger, one)
    made(ledger, one)
    assert dict(ledger.balances(one))["lab"].reserved == 40


def test_the_audit_has_one_line_for_each_call_however_it_ended(ledger: Ledger, engine: Engine, clock: Clock) -> None:
    whole, failed, lost = (made(ledger, order(50)) for _ in range(3))
    clock.now += timedelta(seconds=9)
    told = Told("complete", 12, 8, 1.5, 0.25)
    ledger.write([Settlement(whole.id, 20, told, ("ana", "what", "that")), Settlement(failed.id, None, Told("failed"))])
    ledger.recover("g1")
    with engine.connect() as connection:
        rows = {row.id: row for row in connection.execute(select(calls))}
        kept = connection.execute(select(prompts)).one()
    assert {number: row.outcome for number, row in rows.items()} == {
        whole.id: "complete",
        failed.id: "failed",
        lost.id: "lost",
    }
    row = rows[whole.id]
    assert (row.kind, row.model, row.cohort, row.charged) == ("chat/completions", "m", "first", 20)
    assert (row.prompt_tokens, row.answer_tokens, row.seconds, row.waited) == (12, 8, 1.5, 0.25)
    assert row.closed_at - row.opened_at == timedelta(seconds=9)
    assert (kept.call, kept.asked, kept.answered) == (whole.id, "what", "that")
    assert [rows[one].charged for one in (failed.id, lost.id)] == [0, 0]


def test_a_day_that_ends_while_a_call_runs_is_charged_for_it(ledger: Ledger, clock: Clock) -> None:
    late = made(ledger, order(80, person=Share(100)))
    clock.now += timedelta(hours=13)
    made(ledger, order(80, person=Share(100)))
    ledger.write([Settlement(late.id, 80)])
    today = dict(ledger.balances(order(0, person=Share(100))))
    assert (today["person"].used, today["person"].reserved) == (0, 80)
    assert (today["cohort"].used, today["cohort"].reserved) == (80, 80)


@dataclass
class Books:
    """What a run of steps may find at any moment, whatever came before."""

    engine: Engine
    caps: dict[str, Share]
    closed: list[str] = field(default_factory=list)

    def agree(self) -> None:
        with self.engine.connect() as connection:
            counters = connection.execute(select(allowances)).mappings().all()
            open_now = connection.execute(select(reservations)).mappings().all()
            lines = {row["id"]: row for row in connection.execute(select(charges)).mappings()}
            audit = {row["id"]: row for row in connection.execute(select(calls)).mappings()}
        for row in counters:
            cap = self.caps[_scope(row)]
            assert min(row["used"], row["reserved"], row["requests"], row["requests_reserved"]) >= 0
            assert cap.tokens is None or row["used"] + row["reserved"] <= cap.tokens
            assert cap.requests is None or row["requests"] + row["requests_reserved"] <= cap.requests
            held = [one for one in open_now if _counts(one, row)]
            assert row["reserved"] == sum(one["amount"] for one in held)
            assert row["requests_reserved"] == len(held)
        assert {number: row["charged"] for number, row in audit.items() if row["charged"]} == {
            number: row["amount"] for number, row in lines.items()
        }
        assert not {one["id"] for one in open_now} & audit.keys()
        for scope in self.caps:
            used = sum(row["used"] for row in counters if _scope(row) == scope)
            assert used == sum(row["amount"] for row in lines.values()), scope


def _scope(row: RowMapping) -> str:
    return "lab" if row["lab"] else "person" if row["username"] else "cohort"


def _counts(reservation: RowMapping, counter: RowMapping) -> bool:
    if counter["lab"]:
        names = ("username", "lab", "window")
        return all(reservation[name] == counter[name] for name in names)
    if counter["username"]:
        return (reservation["username"], reservation["person_window"]) == (counter["username"], counter["window"])
    return (reservation["cohort"], reservation["cohort_window"]) == (counter["cohort"], counter["window"])


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("reserve"), st.integers(0, 60), st.sampled_from(["ana triage", "ana tokens", "ben triage"])),
        st.tuples(st.just("together"), st.integers(1, 5), st.integers(0, 40)),
        st.tuples(st.just("settle"), st.integers(0, 9), st.integers(0, 80)),
        st.tuples(st.just("release"), st.integers(0, 9), st.just(0)),
        st.tuples(st.just("again"), st.integers(0, 9), st.integers(0, 80)),
        st.tuples(st.just("crash"), st.just(0), st.just(0)),
        st.tuples(st.just("tomorrow"), st.just(0), st.just(0)),
    ),
    max_size=20,
)


@given(steps=STEPS, caps=st.tuples(*[st.one_of(st.none(), st.integers(0, 120))] * 3), most=st.integers(0, 6))
@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_no_counter_overshoots_and_no_reservation_is_lost(
    steps: list[tuple[str, int, object]], caps: tuple[int | None, ...], most: int, engine: Engine
) -> None:
    rules = {"lab": Share(caps[0], most), "person": Share(caps[1]), "cohort": Share(caps[2], per="total")}
    ledger, clock, opened = Ledger(engine, now=(clock := Clock())), clock, list[str]()
    with engine.begin() as connection:
        for table in (reservations, allowances, charges, calls):
            connection.execute(table.delete())

    def asked(amount: int, where: str) -> Order:
        who, lab = where.split()
        return order(amount, who, lab, lab_rule=rules["lab"], person=rules["person"], together=rules["cohort"])

    for verb, first, second in steps:
        if verb == "reserve":
            opened += [one.id for one in ledger.write([asked(first, str(second))]) if isinstance(one, Reservation)]
        elif verb == "together":
            orders = [asked(int(str(second)), "ana triage") for _ in range(first)]
            opened += [one.id for one in ledger.write(orders) if isinstance(one, Reservation)]
        elif verb in ("settle", "again") and first < len(opened):
            ledger.write([Settlement(opened[first], int(str(second)))] * (2 if verb == "again" else 1))
        elif verb == "release" and first < len(opened):
            ledger.write([Settlement(opened[first], None, Told("failed"))])
        elif verb == "crash":
            ledger.recover("g1")
        elif verb == "tomorrow":
            clock.now += timedelta(days=1)
        Books(engine, rules).agree()


def test_racing_threads_take_exactly_what_the_cohort_has(engine: Engine, clock: Clock) -> None:
    budget, start, won = Share(70, per="total"), threading.Barrier(6), list[str]()

    def take(who: str) -> None:
        ledger = Ledger(engine, now=clock)
        start.wait()
        for _ in range(5):
            won.extend(one.id for one in ledger.write([order(7, who, together=budget)]) if isinstance(one, Reservation))

    threads = [threading.Thread(target=take, args=(f"learner{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 10
    Books(engine, {"lab": Share(1000), "person": Share(), "cohort": budget}).agree()


_KILLED = textwrap.dedent(
    """
    import sys, uuid
    from labkit.allowance import Ledger, Order, Settlement, Share
    from labkit.database import connect
    ledger = Ledger(connect(sys.argv[1]))
    held, rule, labs = ledger.hold(), Share(10**9), ("triage", "tokens")
    print("ready", flush=True)
    while True:
        names = [uuid.uuid4().hex, uuid.uuid4().hex]
        orders = [Order("ana", "prompting", lab, rule, 10, "g1", name, "first") for lab, name in zip(labs, names)]
        found = ledger.write(orders, held)
        ledger.write([Settlement(one.id, 3) for one in found], held)
    """
)


def test_killed_at_any_moment_the_books_agree_and_nothing_stays_reserved(engine: Engine, database_url: str) -> None:
    caps = {"lab": Share(10**9), "person": Share(), "cohort": Share(per="total")}
    for tenths in (1, 2, 3, 4):
        child = subprocess.Popen([sys.executable, "-c", _KILLED, database_url], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None and child.stdout.readline() == "ready\n"
        try:
            child.wait(tenths / 10)
        except subprocess.TimeoutExpired:
            os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
        Books(engine, caps).agree()
        Ledger(engine).recover("g1")
        Books(engine, caps).agree()
        with engine.connect() as connection:
            assert connection.execute(select(reservations.c.id)).all() == []
            assert set(connection.execute(select(allowances.c.reserved)).scalars()) <= {0}
    with engine.connect() as connection:
        assert connection.execute(select(charges.c.id)).first() is not None
