"""A learner pays for the steps that were taken, once; and for what we broke she pays nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select

from labkit.allowance import Ledger, Order
from labkit.allowance.rule import Balance, Share
from labkit.database.tables import calls, reservations
from labkit.errors import AllowanceSpent
from labkit.training.charges import TIME, Charges, is_held
from labkit.training.job import Job
from labkit.training.jobs import Jobs, new_id
from labkit.training.spec import Spec
from tests.labkit.training.database import empty, engine

__all__ = ["empty", "engine"]

RULE = Share(100, None, "day")
OURS = {"code": "PlatformFault", "message": "It broke off.", "param": ""}
HERS = {"code": "LearnerError", "message": "The loss was no number.", "param": ""}


@pytest.fixture
def jobs(engine) -> Jobs:
    return Jobs(engine)


@pytest.fixture
def ledger(engine) -> Ledger:
    return Ledger(engine)


@pytest.fixture
def charges(engine, ledger, jobs) -> Charges:
    return Charges(engine, ledger, jobs)


def order(amount: int, who: str = "ana", unit: str = "steps") -> Order:
    return Order(who, "testing", "clip", RULE, amount, "gateway", "f" * 32, "c", unit=unit)


def balance(ledger: Ledger, who: str = "ana", unit: str = "steps") -> Balance:
    return dict(ledger.balances(order(0, who, unit)))["lab"]


def begin(charges: Charges, jobs: Jobs, steps: int = 10, who: str = "ana", seconds: int = 0) -> Job:
    """A job whose steps are set aside, and so many seconds, and that a worker has taken."""
    id = new_id()
    charges.reserve(order(steps, who), id, "base")
    if seconds:
        charges.reserve_time(order(seconds, who), id, "base")
    data = {"training_file": "f", "training_digest": "d", "validation_file": None, "validation_digest": None}
    where = {"username": who, "cohort": "c", "course": "testing", "lab": "clip"}
    job = jobs.add(id, where, Spec("base", steps=steps), {}, {**data, "step_tokens": 10.0})
    assert jobs.take(job)
    return job


def end(jobs: Jobs, job: Job, state: str, step: int, error: Mapping[str, str] | None = None) -> Job:
    jobs.progress(job.id, step, step * 100, step * 0.5)
    jobs.finish(job.id, state, error=error)
    over = jobs.get(job.id)
    assert over is not None
    return over


def audit(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(select(calls)).mappings())


def test_the_steps_of_a_job_are_set_aside_before_it_begins(charges, jobs, ledger):
    begin(charges, jobs, 60)

    assert (balance(ledger).reserved, balance(ledger).used, balance(ledger).left) == (60, 0, 40)
    assert balance(ledger, unit="tokens").reserved == 0, "steps are no tokens"
    assert balance(ledger, "ben").reserved == 0


def test_more_steps_than_are_left_are_refused_and_nothing_is_set_aside(charges, jobs, ledger):
    begin(charges, jobs, 60)
    with pytest.raises(AllowanceSpent, match="This training takes 41 steps and 40"):
        charges.reserve(order(41), new_id(), "base")
    charges.reserve(order(40), new_id(), "base")

    assert balance(ledger).left == 0


def test_a_job_that_never_came_to_be_costs_nothing(charges, ledger, engine):
    id = new_id()
    charges.reserve(order(60), id, "base")
    charges.release(id)

    assert (balance(ledger).reserved, balance(ledger).used) == (0, 0)


PAID = {
    "succeeded": ("succeeded", 10, None, 10),
    "cancelled after three": ("cancelled", 3, None, 3),
    "cancelled before the first": ("cancelled", 0, None, 0),
    "failed by her": ("failed", 4, HERS, 4),
    "failed by her before the first": ("failed", 0, HERS, 0),
    "failed by us": ("failed", 9, OURS, 0),
    "failed by us before the first": ("failed", 0, OURS, 0),
}


@pytest.mark.parametrize(("state", "step", "error", "paid"), PAID.values(), ids=PAID)
@pytest.mark.parametrize("crash", [False, True], ids=["settled", "put right after a crash"])
def test_the_steps_that_were_taken_are_paid_and_what_we_broke_is_not(
    charges, jobs, ledger, crash: bool, state: str, step: int, error: Any, paid: int
):
    over = end(jobs, begin(charges, jobs), state, step, error)
    if crash:
        assert charges.tidy() == 1
    else:
        charges.settle(over)

    assert (balance(ledger).used, balance(ledger).reserved) == (paid, 0)
    assert balance(ledger).left == 100 - paid


def test_a_job_is_paid_once_however_often_it_is_settled(charges, jobs, ledger, engine):
    over = end(jobs, begin(charges, jobs), "succeeded", 10)
    for _ in range(3):
        charges.settle(over)
        assert charges.tidy() == 0

    assert balance(ledger).used == 10
    assert len(audit(engine)) == 1


def test_no_more_is_paid_than_was_set_aside(charges, jobs, ledger):
    charges.settle(end(jobs, begin(charges, jobs, 10), "cancelled", 99))

    assert balance(ledger).used == 10


@pytest.mark.parametrize(("state", "step", "error", "paid"), PAID.values(), ids=PAID)
@pytest.mark.parametrize("crash", [False, True], ids=["settled", "put right after a crash"])
def test_time_is_paid_as_it_was_taken_where_steps_are(
    charges, jobs, ledger, crash: bool, state: str, step: int, error: Any, paid: int
):
    over = end(jobs, begin(charges, jobs, seconds=50), state, step, error)  # a step takes half a second
    if crash:
        charges.tidy()
    else:
        charges.settle(over)

    time = balance(ledger, unit=TIME)
    assert (time.used, time.reserved) == (-(-paid // 2), 0)
    assert (balance(ledger).used, balance(ledger).reserved) == (paid, 0)


def test_what_takes_longer_than_it_was_forecast_costs_no_more(charges, jobs, ledger):
    charges.settle(end(jobs, begin(charges, jobs, 10, seconds=2), "succeeded", 10))

    assert balance(ledger, unit=TIME).used == 2


def test_more_seconds_than_are_left_are_refused_and_a_release_gives_back_steps_and_time(charges, ledger):
    first, second = new_id(), new_id()
    charges.reserve(order(10), first, "base")
    charges.reserve_time(order(70), first, "base")
    charges.reserve(order(10), second, "base")
    with pytest.raises(AllowanceSpent):
        charges.reserve_time(order(31), second, "base")
    for id in (first, second):
        charges.release(id)

    for unit in ("steps", TIME):
        assert (balance(ledger, unit=unit).used, balance(ledger, unit=unit).reserved) == (0, 0)


def test_somebody_looks_whether_anything_is_set_aside_before_torch_is_loaded(charges, jobs, engine):
    assert not is_held(engine)
    over = end(jobs, begin(charges, jobs, seconds=5), "cancelled", 1)
    assert is_held(engine), "over, and not settled"
    charges.settle(over)

    assert not is_held(engine)


def test_the_audit_says_what_was_trained_and_how_it_ended(charges, jobs, engine):
    for state, error in (("succeeded", None), ("cancelled", None), ("failed", OURS)):
        charges.settle(end(jobs, begin(charges, jobs), state, 4, error))

    found = audit(engine)
    assert [(one["outcome"], one["charged"]) for one in found] == [("complete", 4), ("cancelled", 4), ("failed", 0)]
    assert {(one["kind"], one["model"], one["username"], one["seconds"]) for one in found} == {
        ("fine_tuning/jobs", "base", "ana", 2.0)
    }


def test_a_base_with_a_long_name_is_written_down_all_the_same(charges, ledger, engine):
    id = new_id()
    charges.reserve(order(1), id, "b" * 500)
    charges.release(id)

    assert audit(engine)[0]["model"] == "b" * 100


def test_what_is_not_over_is_not_settled_by_a_tidying(charges, jobs, ledger):
    running, waiting = begin(charges, jobs), begin(charges, jobs)
    jobs.put_back([waiting.id])
    over = end(jobs, begin(charges, jobs), "succeeded", 5)
    assert charges.tidy() == 1
    assert (balance(ledger).used, balance(ledger).reserved) == (5, 20)

    charges.settle(end(jobs, running, "cancelled", 2))
    assert (balance(ledger).used, balance(ledger).reserved) == (7, 10)
    assert over.id != running.id


def test_what_others_have_set_aside_is_none_of_ours(charges, jobs, ledger, engine):
    """A call through the gateway that runs now, be its number a job's."""
    job = begin(charges, jobs)
    end(jobs, job, "succeeded", 5)
    held = ledger.reserve("ana", "testing", "clip", Share(1000), 50, "gateway-1")
    assert charges.tidy() == 1

    with engine.connect() as connection:
        assert list(connection.execute(select(reservations.c.id)).scalars()) == [held.id]
    assert ledger.settle(held, 20) == 20


def test_what_was_set_aside_for_a_job_that_never_came_to_be_is_given_back_in_the_end(engine, jobs):
    two_days_ago = Ledger(engine, now=lambda: datetime.now(UTC) - timedelta(days=2))
    charges = Charges(engine, two_days_ago, jobs)
    charges.reserve(order(60), new_id(), "base")
    charges.tidy()

    with engine.connect() as connection:
        assert connection.execute(select(reservations.c.id)).all() == []


def test_tidy_says_how_many_jobs(charges, jobs):
    end(jobs, begin(charges, jobs, seconds=50), "succeeded", 5)

    assert charges.tidy() == 1
