"""One worker at a time is at a job, whatever dies; and what is written of it is written by that one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from labkit import holder as holders
from labkit.errors import TooManyAtOnce
from labkit.training.job import OPEN, Job
from labkit.training.jobs import MOST_OPEN, PAUSES, Jobs, new_id
from labkit.training.places import Places
from labkit.training.spec import Spec

ENDS = ("succeeded", "failed", "cancelled")
# What is one plain statement is tried on one database.
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
_POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.postgresql)
on_postgresql = pytest.mark.parametrize("database_url", [_POSTGRESQL], indirect=True)  # two that write at once
FAULT = {"code": "PlatformFault", "message": "It broke off.", "param": ""}


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 4, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def jobs(engine, clock) -> Jobs:
    """A worker's."""
    return Jobs(engine, clock)


@pytest.fixture
def other(engine, clock) -> Jobs:
    """Another worker's."""
    return Jobs(engine, clock)


def add(jobs: Jobs, who: str = "ana", lab: str = "clip", **spec: Any) -> Job:
    data = {"training_file": "file-1", "training_digest": "d", "validation_file": None, "validation_digest": None}
    where = {"username": who, "cohort": "c", "course": "testing", "lab": lab}
    return jobs.add(new_id(), where, Spec("base", **spec), {"suffix": "mine"}, {**data, "step_tokens": 10.0})


def gone() -> str:
    """The name of a process of this machine that is no more: its number began at another time."""
    host, boot, numbers, pid, start, own = holders.new().split("/")
    return "/".join((host, boot, numbers, pid, start + "0", own))


def now(jobs: Jobs, job: Job) -> Job:
    found = jobs.get(job.id)
    assert found is not None
    return found


@on_sqlite
def test_a_new_job_waits_and_has_come_to_nothing_yet(jobs, clock):
    job = add(jobs, steps=7)

    assert now(jobs, job) == job
    assert (job.state, job.step, job.tokens, job.seconds, job.tries) == ("queued", 0, 0, 0.0, 0)
    assert (job.created_at, job.started_at, job.finished_at) == (clock.now, None, None)
    assert (job.spec, job.told) == (Spec("base", steps=7), {"suffix": "mine"})


def test_ids_are_never_the_same_and_are_places(tmp_path: Path):
    ids = {new_id() for _ in range(1000)}

    assert len(ids) == 1000
    assert all(Places(tmp_path).state(id) for id in ids)


@on_sqlite
def test_anothers_job_is_as_one_that_does_not_exist(jobs):
    job = add(jobs)

    assert jobs.get(job.id, "ana") == job
    assert jobs.get(job.id, "ben") is None
    assert jobs.get(job.id, "") is None
    assert jobs.of("ben", "testing", "clip") == []
    assert [jobs.get(id) for id in ("", "ftjob-", "%", "' or 1=1 --", new_id())] == [None] * 5


@on_sqlite
def test_hers_are_listed_the_newest_first_and_everybodys_in_the_order_they_came(jobs, clock):
    made = []
    for who, lab in (("ana", "clip"), ("ben", "clip"), ("ana", "other"), ("ana", "clip")):
        clock.now += timedelta(seconds=1)
        made.append(add(jobs, who, lab))

    assert jobs.of("ana", "testing", "clip") == [made[3], made[0]]
    assert jobs.open() == jobs.waiting() == made


@on_sqlite
@pytest.mark.parametrize("end", ENDS)
def test_a_job_that_is_over_is_open_no_more(jobs, clock, end: str):
    job = add(jobs)
    jobs.take(job)
    clock.now += timedelta(minutes=1)
    assert jobs.finish(job.id, end, adapter="a" * 64 if end == "succeeded" else None)

    over = now(jobs, job)
    assert (over.state, over.open, over.finished_at) == (end, False, clock.now)
    assert jobs.open() == jobs.waiting() == []
    assert jobs.succeeded("ana") == ([over] if end == "succeeded" else [])
    assert jobs.succeeded("ben") == []


def test_of_many_workers_at_once_one_has_a_job(engine):
    workers = [Jobs(engine) for _ in range(8)]
    made = [add(workers[0]) for _ in range(4)]
    with ThreadPoolExecutor(len(workers)) as pool:
        won = list(pool.map(lambda jobs: [jobs.take(job) for job in made], workers))

    assert [sum(column) for column in zip(*won, strict=True)] == [1] * len(made)
    assert workers[0].waiting() == []
    for jobs, mine in zip(workers, won, strict=True):  # and whoever won is who may write
        assert [jobs.progress(job.id, 1, 10, 0.1) for job in made] == mine


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


@on_sqlite
def test_after_our_fault_a_job_waits_longer_each_time_and_after_the_last_it_has_failed(jobs, clock):
    job = add(jobs)
    waited: list[float] = []
    while now(jobs, job).open:
        assert jobs.take(now(jobs, job))
        began = clock.now
        if not jobs.give_up(now(jobs, job), FAULT):
            break
        assert now(jobs, job).state == "queued"
        assert jobs.waiting() == [], "it is not taken before its pause is over"
        while not jobs.waiting():
            clock.now += timedelta(seconds=1)
        waited.append((clock.now - began).total_seconds())

    assert waited
    assert waited == sorted(set(waited))
    assert set(waited) <= set(PAUSES)
    assert (now(jobs, job).state, now(jobs, job).error) == ("failed", FAULT)


@on_sqlite
def test_a_job_that_nobody_has_taken_is_cancelled_at_once_and_a_running_one_is_asked_to_end(jobs, clock):
    waits, runs = add(jobs), add(jobs)
    jobs.take(runs)
    for job in (waits, runs):
        jobs.cancel(job.id)

    assert (now(jobs, waits).state, now(jobs, waits).finished_at) == ("cancelled", clock.now)
    assert (now(jobs, runs).state, now(jobs, runs).finished_at) == ("running", None)
    assert jobs.cancelling([runs.id]) == {runs.id}
    assert jobs.cancelling([]) == set()
    assert jobs.finish(runs.id, "cancelled")


@on_sqlite
@pytest.mark.parametrize("end", ENDS)
def test_what_is_over_is_not_cancelled(jobs, end: str):
    job = add(jobs)
    jobs.take(job)
    jobs.finish(job.id, end)
    before = now(jobs, job)
    jobs.cancel(job.id)

    assert now(jobs, job) == before
    assert jobs.cancelling([job.id]) == set()


def test_of_a_cancel_and_a_take_at_once_neither_is_lost(engine):
    workers = [Jobs(engine) for _ in range(2)]
    made = [add(workers[0], f"learner{number}") for number in range(8)]
    with ThreadPoolExecutor(2) as pool:
        cancelled = pool.submit(lambda: [workers[0].cancel(job.id) for job in made])
        taken = pool.submit(lambda: [workers[1].take(job) for job in made])
        cancelled.result()
        won = taken.result()

    for job, mine in zip(made, won, strict=True):
        found = now(workers[0], job)
        assert found.cancelling
        assert (found.state in OPEN) == mine, "running and asked to end, or over at once"
        assert workers[1].progress(job.id, 1, 1, 1.0) == mine


def test_the_machines_speed_is_that_of_its_last_trainings(jobs, clock):
    for tokens in (1, *[1000] * 10):  # the first is one too long ago
        assert jobs.speed() != pytest.approx(100)
        clock.now += timedelta(minutes=1)
        job = add(jobs)
        jobs.take(job)
        jobs.progress(job.id, 1, tokens, 10.0)
        jobs.finish(job.id, "cancelled")

    assert jobs.speed() == pytest.approx(100)


@on_sqlite
def test_no_speed_is_known_until_a_step_was_taken(jobs):
    jobs.take(add(jobs))

    assert jobs.speed() is None


@on_sqlite
def test_what_a_step_really_costs_is_written_down(jobs):
    job = add(jobs)
    jobs.take(job)
    jobs.measure(job.id, 321.5)

    assert now(jobs, job).step_tokens == 321.5
    assert now(jobs, job).work_left == 321.5 * job.spec.steps


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
def test_the_pauses_are_those_that_are_written_down(jobs, clock):
    job = add(jobs)
    waited = []
    while True:
        assert jobs.take(jobs.get(job.id))
        began = clock.now
        if not jobs.give_up(jobs.get(job.id), FAULT):
            break
        while not jobs.waiting():
            clock.now += timedelta(seconds=1)
        waited.append((clock.now - began).total_seconds())
    assert waited == list(PAUSES)


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


def test_a_job_id_with_a_nul_is_none(jobs):
    assert jobs.get("ftjob-\0", "ana") is None


@on_sqlite
def test_a_clock_that_is_set_back_makes_no_job_wait_for_it(jobs, clock):
    job = add(jobs)
    jobs.take(job)
    jobs.give_up(jobs.get(job.id), FAULT)
    clock.now -= timedelta(days=2)

    assert [one.id for one in jobs.waiting()] == [job.id]


def test_of_many_that_are_asked_for_at_once_only_so_many_are_kept(engine):
    """Counting and keeping is one thing; another person's count for nothing."""

    def ask(number: int) -> bool:
        try:
            add(Jobs(engine), "ana" if number % 2 else "ben")
        except TooManyAtOnce:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(ask, range(24)))

    assert kept.count(True) == 2 * MOST_OPEN
    assert sorted(job.username for job in Jobs(engine).open()) == ["ana"] * MOST_OPEN + ["ben"] * MOST_OPEN


@on_sqlite
def test_one_that_is_over_makes_room_for_another(jobs):
    made = [add(jobs) for _ in range(MOST_OPEN)]
    with pytest.raises(TooManyAtOnce, match="4 trainings"):
        add(jobs)
    jobs.cancel(made[0].id)

    assert add(jobs)


def test_what_people_have_had_lately_is_added_up_by_person(jobs, clock):
    for who, seconds, end in (("ana", 30.0, "succeeded"), ("ana", 12.0, ""), ("ben", 5.0, "cancelled")):
        job = add(jobs, who)
        jobs.take(job)
        jobs.progress(job.id, 1, 1, seconds)
        if end:
            jobs.finish(job.id, end)
    add(jobs, "carla")

    assert jobs.had_lately() == {"ana": 42.0, "ben": 5.0}
    clock.now += timedelta(hours=1, seconds=1)
    assert jobs.had_lately() == {"ana": 12.0}, "what is over is forgotten after an hour"
