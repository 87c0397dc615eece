"""One worker at a time is at a job, whatever dies; and what is written of it is written by that one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from labkit.training.jobs import Jobs
from tests.labkit.training.workers import (
    FAULT,
    add,
    clock,
    gone,
    jobs,
    now,
    on_postgresql,
    on_sqlite,
    other,
)

__all__ = ["clock", "jobs", "other"]


def test_of_many_workers_at_once_one_has_a_job(engine):
    workers = [Jobs(engine) for _ in range(8)]
    made = [add(workers[0]) for _ in range(4)]
    with ThreadPoolExecutor(len(workers)) as pool:
        won = list(pool.map(lambda jobs: [jobs.take(job) for job in made], workers))

    assert [sum(column) for column in zip(*won, strict=True)] == [1] * len(made)
    assert workers[0].waiting() == []
    for worker, mine in zip(workers, won, strict=True):  # and whoever won is who may write
        assert [worker.progress(job.id, 1, 10, 0.1) for job in made] == mine


@pytest.mark.parametrize("end", ["taken", "cancelled", "succeeded"])
def test_a_job_that_was_looked_at_before_it_was_anothers_or_over_is_not_taken(jobs, other, end: str):
    job = add(jobs)
    if end == "cancelled":
        other.cancel(job.id)
    else:
        other.take(job)
    if end == "succeeded":
        other.finish(job.id, end)

    assert jobs.take(job) is False
    assert now(jobs, job).tries <= 1


@on_sqlite
def test_a_taken_job_runs_since_it_was_first_taken(jobs, clock):
    job = add(jobs)
    began = clock.now
    assert jobs.take(job)
    assert (now(jobs, job).state, now(jobs, job).started_at, now(jobs, job).tries) == ("running", began, 1)
    jobs.put_back([job.id])
    clock.now += timedelta(minutes=1)
    assert jobs.take(now(jobs, job))

    assert (now(jobs, job).started_at, now(jobs, job).tries) == (began, 2)


WRITES: dict[str, Callable[[Jobs, str], Any]] = {
    "progress": lambda jobs, id: jobs.progress(id, 9, 9, 9.0),
    "finish": lambda jobs, id: jobs.finish(id, "succeeded", adapter="e" * 64),
    "measure": lambda jobs, id: jobs.measure(id, 9.0),
    "put back": lambda jobs, id: jobs.put_back([id], tries=9),
    "give up": lambda jobs, id: jobs.give_up(jobs.get(id), FAULT),  # type: ignore[arg-type]
}


@on_sqlite
@pytest.mark.parametrize("whose", ["nobody", "another", "over"])
def test_whoever_has_lost_a_job_writes_nothing_of_it(jobs, other, whose: str):
    job = add(jobs)
    jobs.take(job)
    jobs.progress(job.id, 3, 30, 1.0)
    if whose == "over":
        jobs.finish(job.id, "failed", error=FAULT)
    else:
        jobs.put_back([job.id])
    if whose == "another":
        other.take(now(jobs, job))
    before = now(jobs, job)
    for name, write in WRITES.items():
        write(jobs, job.id)
        assert now(jobs, job) == before, name

    if whose == "another":
        assert other.progress(job.id, 4, 40, 2.0), "and whoever has it still has"


@on_sqlite
def test_a_job_ends_once(jobs):
    job = add(jobs)
    jobs.take(job)

    assert jobs.finish(job.id, "succeeded", adapter="a" * 64)
    assert not jobs.finish(job.id, "failed", error=FAULT)
    assert (now(jobs, job).state, now(jobs, job).error) == ("succeeded", None)


def test_what_a_worker_that_is_gone_had_waits_again_from_where_it_was(jobs, other):
    job = add(jobs)
    other.holder = gone()
    assert other.take(job)
    other.progress(job.id, 3, 30, 1.5)
    assert jobs.waiting() == []

    assert jobs.take_back() == 1
    assert jobs.take_back() == 0, "once"
    [waits] = jobs.waiting()
    assert (waits.state, waits.step, waits.tokens, waits.seconds) == ("queued", 3, 30, 1.5)
    assert jobs.take(waits)
    assert now(jobs, job).tries == 2
    assert not other.progress(job.id, 4, 40, 2.0), "who was taken for gone is told so"


def test_what_somebody_is_still_at_is_left_to_him(jobs, other):
    mine, theirs, over, waits = (add(jobs) for _ in range(4))
    jobs.take(mine)
    other.take(theirs)
    other.take(over)
    other.finish(over.id, "succeeded")

    assert jobs.take_back(alive=lambda *_: True) == 0
    assert jobs.take_back() == 0, "this process lives"
    assert {job.id for job in jobs.waiting()} == {waits.id}
    assert jobs.take_back(alive=lambda *_: False) == 1, "its own it knows by itself"
    assert {job.id for job in jobs.waiting()} == {waits.id, theirs.id}


@on_sqlite
@pytest.mark.parametrize(("hours", "believed"), [(1, True), (3, False)])
def test_a_worker_of_another_machine_is_believed_for_a_while(engine, jobs, hours: int, believed: bool):
    far = Jobs(engine, lambda: datetime.now(UTC) - timedelta(hours=hours))
    far.holder = "/".join(("elsewhere", *far.holder.split("/")[1:]))
    far.take(add(far))

    assert jobs.take_back() == (0 if believed else 1)


def test_a_cancelled_job_whose_worker_is_gone_is_over_at_once(jobs, other, clock):
    job, kept = add(jobs), add(jobs)
    other.holder = gone()
    for one in (job, kept):
        other.take(one)
    jobs.cancel(job.id)
    assert now(jobs, job).state == "running"
    jobs.take_back()

    assert (now(jobs, job).state, now(jobs, job).finished_at) == ("cancelled", clock.now)
    assert jobs.waiting() == [now(jobs, kept)]


def test_two_that_take_back_at_once_give_each_job_to_one(engine):
    dead = Jobs(engine)
    dead.holder = gone()
    made = [add(dead, f"learner{number}") for number in range(6)]
    for job in made:
        dead.take(job)
    workers = [Jobs(engine) for _ in range(4)]
    with ThreadPoolExecutor(len(workers)) as pool:
        taken = list(pool.map(lambda jobs: jobs.take_back(), workers))
    won = [[jobs.take(job) for job in made] for jobs in workers]

    assert max(taken) > 0
    assert [sum(column) for column in zip(*won, strict=True)] == [1] * len(made)


@on_sqlite
def test_a_job_that_is_put_back_waits_as_if_it_had_not_been_taken(jobs):
    job = add(jobs)
    jobs.take(job)
    jobs.progress(job.id, 2, 20, 1.0)
    jobs.put_back([job.id], tries=0)

    [waits] = jobs.waiting()
    assert (waits.state, waits.tries, waits.step) == ("queued", 0, 2)


@on_postgresql
def test_a_job_that_another_has_taken_back_and_taken_meanwhile_stays_his(engine):
    dead, slow, quick = Jobs(engine), Jobs(engine), Jobs(engine)
    dead.holder = gone()
    job = add(dead)
    dead.take(job)

    def alive(holder, since):
        if quick.take_back():
            assert quick.take(quick.get(job.id))
        return False

    slow.take_back(alive)
    assert not slow.take(slow.get(job.id)), "two workers hold one job"


@on_sqlite
def test_a_worker_of_another_machine_that_still_writes_is_not_taken_for_gone(engine, clock):
    clock.now = datetime.now(UTC) - timedelta(hours=3)
    far = Jobs(engine, clock)
    far.holder = "/".join(("elsewhere", *far.holder.split("/")[1:]))
    job = add(far)
    far.take(job)
    clock.now = datetime.now(UTC)
    assert far.progress(job.id, 5, 50, 1.0)
    assert Jobs(engine).take_back() == 0
