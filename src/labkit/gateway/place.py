"""Where a call stands: who asks, in which lab, under which rules. Asked of the database once a second for each learner.

So whoever loses her place, or gets another allowance, notices it within a second; running calls go on.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from starlette.concurrency import run_in_threadpool

from labkit.allowance import Asked, Order, Share
from labkit.allowance.rules import Rules, rules
from labkit.courses import Course, Lab
from labkit.errors import KeyRefused, NotEnrolled
from labkit.gateway.controls import Controls
from labkit.gateway.keys import Caller
from labkit.programme.cohorts import Seat

_UNNAMED = Asked()
_MOST_KNOWN = 10_000


class Enrolment(Protocol):
    """Somebody's place in a course, with the cohort that sets her dates and allowance; None: she takes no part."""

    def seat(self, username: str, course: str) -> Seat | None: ...

    def cohorts(self, username: str) -> Collection[str]:
        """Every cohort in which she is a learner."""
        ...


@dataclass(frozen=True)
class Place:
    """Her lab, what she is in its course, and what bounds her there."""

    caller: Caller
    lab: Lab
    role: str
    rules: Rules

    @property
    def cohort(self) -> str:
        """Hers as a learner; empty for whoever teaches."""
        return self.rules.budget

    def order(self, amount: int = 0, holder: str = "", id: str = "", asked: Asked = _UNNAMED) -> Order:
        """What a call of hers asks the ledger for."""
        who, rules = self.caller, self.rules
        return Order(
            who.username,
            who.course,
            who.lab,
            rules.lab,
            amount,
            holder,
            id,
            rules.budget,
            rules.person,
            rules.together,
            asked,
        )


class Places:
    """Finds places. `site` is what a person may use in all labs together where nothing else is said;
    a place is looked for again after `fresh_seconds`."""

    def __init__(
        self,
        courses: Sequence[Course],
        enrolment: Enrolment,
        controls: Controls,
        site: Share,
        fresh_seconds: float = 1.0,
    ) -> None:
        self._courses = courses
        self._enrolment, self._controls, self._site = enrolment, controls, site
        self._fresh = fresh_seconds
        self._known: dict[Caller, tuple[float, Place]] = {}

    def lab(self, caller: Caller) -> Lab | None:
        mine = (course for course in self._courses if course.id == caller.course)
        return next((lab for course in mine for lab in course.labs if lab.id == caller.lab), None)

    async def of(self, caller: Caller) -> Place:
        """Raises NotEnrolled, CohortNotRunning, or ExamOpen where another lab's exam keeps her from this one."""
        now = time.monotonic()
        known = self._known.get(caller)
        if known and now - known[0] < self._fresh:
            return known[1]
        place = await self._find(caller)
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[caller] = (now, place)
        return place

    async def _find(self, caller: Caller) -> Place:
        lab = self.lab(caller)
        if lab is None:
            raise KeyRefused("This key is for another lab.", instead="Call labkit.credentials() in this lab.")
        seat = await run_in_threadpool(self._enrolment.seat, caller.username, caller.course)
        if seat is None:
            raise NotEnrolled(
                f"You are not enrolled in the course {caller.course!r}.", instead="Ask your programme officer."
            )
        seat.check_runs()
        # Whatever she is in this course: an exam binds her as the learner she is in its cohort.
        if self._controls.any_exam:
            cohorts = await run_in_threadpool(self._enrolment.cohorts, caller.username)
            self._controls.check_exam(caller, cohorts)
        return Place(caller, lab, seat.role, rules(self._controls.limits, seat, caller.username, lab, self._site))
