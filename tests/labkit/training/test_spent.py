"""What trainings came to is added up by cohort, over the span that was asked for and no other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from labkit.training.jobs import Jobs, new_id
from labkit.training.spec import Spec
from labkit.training.spent import Spent, spent

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def train(engine) -> Any:
    def make(who: str, cohort: str, at: datetime, end: str = "succeeded", step: int = 4) -> None:
        jobs = Jobs(engine, lambda: at)
        data = {"training_file": "f", "training_digest": "d", "validation_file": None, "validation_digest": None}
        where = {"username": who, "cohort": cohort, "course": "testing", "lab": "clip"}
        job = jobs.add(new_id(), where, Spec("base"), {}, {**data, "step_tokens": 10.0})
        if end == "queued":
            return
        jobs.take(job)
        jobs.progress(job.id, step, step * 100, step * 0.5)
        if end != "running":
            jobs.finish(job.id, end)

    return make


def test_trainings_are_added_up_by_cohort(engine, train):
    for who, cohort, end in (
        *(("ana", "a", "succeeded"), ("ana", "a", "failed"), ("ben", "a", "running"), ("ben", "a", "queued")),
        *(("carla", "b", "cancelled"), ("teacher", "", "succeeded")),
    ):
        train(who, cohort, NOON, end)

    assert spent(engine, NOON, NOON + HOUR) == (
        Spent("", 1, 1, 1, 4, 400, 2.0),
        Spent("a", 2, 4, 1, 12, 1200, 6.0),
        Spent("b", 1, 1, 0, 4, 400, 2.0),
    )


def test_a_span_holds_its_first_moment_and_not_its_last(engine, train):
    for at in (NOON - timedelta(microseconds=1), NOON, NOON + HOUR - timedelta(microseconds=1), NOON + HOUR):
        train("ana", "a", at)

    [found] = spent(engine, NOON, NOON + HOUR)
    assert found.trainings == 2


def test_a_span_is_the_same_in_every_zone(engine, train):
    train("ana", "a", NOON)
    manila = ZoneInfo("Asia/Manila")

    assert spent(engine, NOON.astimezone(manila), (NOON + HOUR).astimezone(manila))
    assert not spent(engine, (NOON + HOUR).astimezone(manila), (NOON + 2 * HOUR).astimezone(manila))


def test_where_nothing_was_trained_there_is_nothing(engine):
    assert spent(engine, NOON, NOON + HOUR) == ()


def test_tokens_are_a_whole_number_on_either_database(engine, train):
    train("ana", "a", NOON)

    [found] = spent(engine, NOON, NOON + HOUR)
    assert type(found.tokens) is int
