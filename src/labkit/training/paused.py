"""Whether a training stands still because its class may not use its base now."""

from __future__ import annotations

import time

from sqlalchemy import Engine

from labkit.policy import pauses
from labkit.policy.pauses import Pause
from labkit.training.job import Job

_LOOK_SECONDS = 2.0


class Paused:
    """Asked in every round; the database is asked every two seconds."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._looked = engine, float("-inf")
        self._pauses: tuple[Pause, ...] = ()

    def __call__(self, job: Job) -> bool:
        """Whoever teaches (and is in no cohort) is never paused, as with any call."""
        if time.monotonic() - self._looked > _LOOK_SECONDS:
            self._pauses, self._looked = pauses.every(self._engine), time.monotonic()
        where = (job.course, job.cohort, job.lab, job.spec.base)
        return bool(job.cohort) and any(one.covers(*where) for one in self._pauses)
