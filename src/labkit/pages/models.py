"""The Models page: what somebody has left in each lab, every call she made, and every training."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from labkit.audit import lines, totals
from labkit.audit.lines import Line
from labkit.audit.selection import Selection
from labkit.courses import Lab
from labkit.pages.bounds import Bounds, bounds
from labkit.pages.people import number
from labkit.pages.plot import Plot, plot
from labkit.pages.site import Site
from labkit.pages.trainings import Trainings, trainings
from labkit.pages.view import View
from labkit.policy import exams, pauses
from labkit.policy.exams import Exam
from labkit.policy.pauses import Pause
from labkit.programme.people import Person
from labkit.training.listing import Which

PAGE = 25
_DAYS = 30


@dataclass(frozen=True)
class Use:
    """`exams` are those of her cohorts that are not over, `pauses` what holds for them."""

    bounds: tuple[Bounds, ...]
    lines: tuple[Line, ...]
    total: int
    page: int
    plot: Plot
    exams: tuple[Exam, ...]
    pauses: tuple[Pause, ...]
    trainings: Trainings

    @property
    def trains(self) -> tuple[Lab, ...]:
        """Those of her labs that train."""
        return tuple(lab for one in self.bounds for lab, _ in one.labs if lab.id in one.training)

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE))


class ModelPages:
    def __init__(self, site: Site, view: View) -> None:
        self._site, self._view = site, view

    async def show(self, request: Request, someone: Person) -> Response:
        pages = number(request, "page"), number(request, "trainings")
        use = await run_in_threadpool(_use, self._site, someone.username, *pages)
        return self._view.render(request, "models.html", someone, use=use)


def _use(site: Site, username: str, page: int, of_trainings: int) -> Use:
    now = datetime.now(UTC)
    mine, hers = Selection(username=username, trainings=False), bounds(site, username, now)
    total = lines.number(site.engine, mine)
    page = min(max(page, 1), max(1, -(-total // PAGE)))
    today = now.astimezone(site.timezone).date()
    days = totals.days(site.engine, mine, today - timedelta(days=_DAYS - 1), today, site.timezone)
    cohorts = {one.cohort: one.course.id for one in hers}
    return Use(
        hers,
        lines.newest(site.engine, mine, PAGE, (page - 1) * PAGE),
        total,
        page,
        plot([(one.day, one.tokens) for one in days]),
        tuple(one for one in exams.every(site.engine, now) if cohorts.get(one.cohort) == one.course),
        tuple(one for one in pauses.every(site.engine) if any(_holds(one, two) for two in hers)),
        trainings(site, Which(username=username), of_trainings),
    )


def _holds(pause: Pause, hers: Bounds) -> bool:
    return pause.course == hers.course.id and pause.cohort in ("", hers.cohort)
