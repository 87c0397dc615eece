"""Where a call stands: who asks, in which lab, under which rules. Asked of the database once a second for each learner.

So whoever loses her place, or gets another allowance, notices it within a second; running calls go on.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from starlette.concurrency import run_in_threadpool

from labkit.allowance import Rule, Share
from labkit.allowance.limits import applied
from labkit.courses import AllowanceRule, Course, Lab
from labkit.errors import KeyRefused, NotEnrolled
from labkit.gateway.controls import Controls
from labkit.gateway.keys import Caller
from labkit.programme.cohorts import Seat

_MOST_KNOWN = 10_000


class Enrolment(Protocol):
    """Somebody's place in a course, with the cohort that sets her dates and allowance; None: she takes no part."""

    def seat(self, username: str, course: str) -> Seat | None: ...

    def cohorts(self, username: str) -> Collection[str]:
        """Every cohort in which she is a learner."""
        ...


@dataclass(frozen=True)
class Place:
    """`lab` has her own allowance; `person` bounds her in all labs together, `together` her whole cohort."""

    caller: Caller
    lab: Lab
    role: str
    cohort: str
    person: Rule
    together: Rule


class Places:
    """Finds places. `site` is what a person may use in all labs together where nothing else is said;
    a place is looked for again after `fresh_seconds`."""

    def __init__(
        self,
        courses: Mapping[str, Course],
        enrolment: Enrolment,
        controls: Controls,
        site: Share,
        fresh_seconds: float = 1.0,
    ) -> None:
        self._labs = {(course.id, lab.id): lab for course in courses.values() for lab in course.labs}
        self._enrolment, self._controls, self._site = enrolment, controls, site
        self._fresh = fresh_seconds
        self._known: dict[Caller, tuple[float, Place]] = {}

    def lab(self, caller: Caller) -> Lab | None:
        return self._labs.get((caller.course, caller.lab))

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
        cohort = seat.cohort.name
        found = self._controls.limits
        # A cohort's budget is its learners'; whoever teaches tries her labs on the site's account.
        budget = cohort if seat.role == "learner" else ""

        def within(rule: Rule, scope: str) -> Share:
            return applied(rule, found, scope, caller.username, cohort, caller.course, lab.id)

        mine = within(seat.taken(lab).allowance, "lab")
        rule = AllowanceRule(lab.allowance.tokens if mine.tokens is None else mine.tokens, mine.per, mine.requests)
        return Place(
            caller,
            replace(lab, allowance=rule),
            seat.role,
            budget,
            within(self._site, "person"),
            within(Share(per="total"), "cohort"),
        )
