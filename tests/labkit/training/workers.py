"""Two workers on one database, and a clock of theirs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from labkit import holder as holders
from labkit.training.job import Job
from labkit.training.jobs import Jobs, new_id
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
