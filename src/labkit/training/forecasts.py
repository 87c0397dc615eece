"""When every training that is not over will be done, from what the database knows of them."""

from __future__ import annotations

from collections.abc import Mapping

from labkit.training.jobs import Jobs
from labkit.training.turns import Forecast, forecast

SPEED = 200.0  # tokens a second, until this machine has told its own


def forecasts(jobs: Jobs, speed: float = SPEED) -> Mapping[str, Forecast]:
    """By the job's id."""
    found = jobs.open()
    running = [job for job in found if job.state == "running"]
    waiting = [job for job in found if job.state == "queued"]
    return forecast(running, waiting, jobs.speed() or speed, jobs.had_lately()) if found else {}
