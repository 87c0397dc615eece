"""The Models page: what somebody has left in each lab, and every call she made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from labkit.audit import lines, totals
from labkit.audit.lines import Line
from labkit.audit.selection import Selection
from labkit.pages.bounds import Bounds, bounds
from labkit.pages.people import number
from labkit.pages.plot import Plot, plot
from labkit.pages.site import Site
from labkit.pages.view import View
from labkit.policy import exams, pauses
from labkit.policy.exams import Exam
from labkit.policy.pauses import Pause
from labkit.programme.people import Person

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

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE))


class ModelPages:
    def __init__(self, site: Site, view: View) -> None:
        self._site, self._view = site, view

    async def show(self, request: Request, someone: Person) -> Response:
        use = await run_in_threadpool(_use, self._site, someone.username, number(request, "page"))
        return self._view.render(request, "models.html", someone, use=use)


def _use(site: Site, username: str, page: int) -> Use:
    now = datetime.now(UTC)
    mine, hers = Selection(username=username), bounds(site, username, now)
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
    )


def _holds(pause: Pause, hers: Bounds) -> bool:
    return pause.course == hers.course.id and pause.cohort in ("", hers.cohort)
