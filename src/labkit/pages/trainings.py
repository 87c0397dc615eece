"""Trainings on a page: how each stands, its place in the queue, and what it costs. Read for showing."""

from __future__ import annotations

import math
from dataclasses import dataclass

from labkit.pages.site import Site
from labkit.training import listing
from labkit.training.charges import charged
from labkit.training.forecasts import forecasts
from labkit.training.job import Job
from labkit.training.jobs import Jobs
from labkit.training.listing import Which
from labkit.training.turns import Forecast

PAGE = 25


@dataclass(frozen=True)
class Shown:
    """`place` is 0 for one that does not wait; `minutes` until it is done, of one that is not over."""

    job: Job
    place: int = 0
    minutes: int = 0

    @property
    def name(self) -> str:
        """What she calls it; else its id."""
        return str(self.job.told.get("suffix") or self.job.id)

    @property
    def charged(self) -> int | None:
        """In steps; None while it is not over."""
        return None if self.job.open else charged(self.job)

    @property
    def ours(self) -> bool:
        """Whether it failed through the platform's fault."""
        return (self.job.error or {}).get("code") == "PlatformFault"

    @property
    def reason(self) -> str:
        """Why it failed, in one line."""
        return " ".join(str((self.job.error or {}).get("message", "")).split())


@dataclass(frozen=True)
class Trainings:
    """One page of them."""

    rows: tuple[Shown, ...]
    total: int
    page: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE))


def trainings(site: Site, which: Which, page: int) -> Trainings:
    """The newest first; `page` from 1, the last where there are fewer."""
    total = listing.number(site.engine, which)
    page = min(max(page, 1), max(1, -(-total // PAGE)))
    found = listing.newest(site.engine, which, PAGE, (page - 1) * PAGE)
    ahead = forecasts(Jobs(site.engine)) if any(job.open for job in found) else {}
    return Trainings(tuple(_shown(job, ahead.get(job.id)) for job in found), total, page)


def _shown(job: Job, ahead: Forecast | None) -> Shown:
    return Shown(job, ahead.place, max(1, math.ceil(ahead.seconds / 60))) if ahead and job.open else Shown(job)
