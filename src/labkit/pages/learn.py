"""The learner's pages: her labs, one lab with score and reasons, and the way into its notebook."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from labkit.allowance import Balance
from labkit.courses import Course, Lab
from labkit.pages.site import Site
from labkit.submissions.scores import Score
from labkit.submissions.store import Submission


@dataclass(frozen=True)
class Standing:
    """Where a learner stands in a lab. `state` is new, queued, grading, graded or fault."""

    course: Course
    lab: Lab
    submissions: tuple[Submission, ...]
    score: Score | None
    balance: Balance

    @property
    def state(self) -> str:
        return self.submissions[0].state if self.submissions else "new"

    @property
    def waiting(self) -> bool:
        return self.state in ("queued", "grading")

    @property
    def overdue(self) -> bool:
        return self.lab.due is not None and self.lab.due < datetime.now(UTC) and not self.submissions

    @property
    def allowance_left(self) -> int:
        """In percent, for the bar."""
        return round(100 * self.balance.left / self.balance.limit) if self.balance.limit else 0


def standing(site: Site, username: str, lab: Lab) -> Standing:
    course = site.course(lab.course)
    assert course is not None
    return Standing(
        course=course,
        lab=lab,
        submissions=site.store.of_person(username, lab.course, lab.id),
        score=site.scores.latest(username, lab.course, lab.id),
        balance=site.ledger.balance(username, lab.course, lab.id, lab.allowance),
    )


def standings(site: Site, username: str) -> dict[str, list[Standing]]:
    """Her labs by course, for every course she learns in."""
    roles = site.enrolment.courses(username)
    return {
        course.id: [standing(site, username, lab) for lab in course.labs]
        for course in site.courses
        if roles.get(course.id) == "learner"
    }
