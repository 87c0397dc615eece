"""Jobs are their owner's, so many at a time, and come to an end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from labkit.errors import TooManyAtOnce
from labkit.training.job import OPEN
from labkit.training.jobs import MOST_OPEN, PAUSES, Jobs, new_id
from labkit.training.places import Places
from labkit.training.spec import Spec
from tests.labkit.training.workers import (
    ENDS,
    FAULT,
    add,
    clock,
    jobs,
    now,
    on_sqlite,
    other,
)

__all__ = ["clock", "jobs", "other"]


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


@on_sqlite
def test_a_model_that_was_given_up_is_none_of_hers(jobs):
    job = add(jobs)
    jobs.take(job)
    jobs.finish(job.id, "succeeded", adapter=None)

    assert jobs.succeeded("ana") == []
