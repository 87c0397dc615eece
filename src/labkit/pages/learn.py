"""The learner's pages: her labs, one lab with score and reasons, and the way into its notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from labkit.allowance import Balance, Order, Share, limits
from labkit.allowance.limits import Limit
from labkit.allowance.rules import lab_rule
from labkit.allowance.training import orders, training_rule
from labkit.courses import Course, Lab
from labkit.courses.course import TrainingRule
from labkit.pages.site import Site
from labkit.programme.cohorts import Cohort
from labkit.submissions.attempts import Attempts
from labkit.submissions.coarse import coarsened, is_coarse
from labkit.submissions.history import Grading
from labkit.submissions.scores import Score
from labkit.submissions.store import Submission
from labkit.submissions.waiting import minutes


@dataclass(frozen=True)
class Standing:
    """Where a learner stands in a lab. `state` is new, queued, grading, graded or fault.

    `coarse`: of hidden checks she sees words only, and her total is "at least". `minutes` is how long the checks with
    the model may take, where that is known.
    """

    course: Course
    lab: Lab
    submissions: tuple[Submission, ...]
    score: Score | None
    balance: Balance
    coarse: bool = False
    attempts: Attempts | None = None
    history: tuple[Grading, ...] = ()
    minutes: int | None = None
    training: Mapping[str, Balance] = field(default_factory=dict)  # by unit, where the lab trains
    closed: Cohort | None = None  # her cohort, where it has not begun or is over

    @property
    def report(self) -> dict[str, Any]:
        """As much of the score's report as she may see."""
        assert self.score is not None
        return coarsened(self.score.report) if self.coarse else self.score.report

    @property
    def total(self) -> float:
        """What she reached; while `coarse`, at least."""
        assert self.score is not None
        return float(self.report["score"]) + (self.score.manual_score or 0)

    @property
    def past(self) -> tuple[tuple[Grading, float], ...]:
        """Every grading with the automatic points she may see of it, newest first."""
        shown = (coarsened(one.report)["score"] if self.coarse else one.score for one in self.history)
        return tuple(zip(self.history, shown, strict=True))

    @property
    def asks_model(self) -> bool:
        """Whether the checks that need the model are still to come."""
        return self.waiting and self.submissions[0].asks_model

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


def standing(
    site: Site, username: str, lab: Lab, *, learner: bool = True, found: Sequence[Limit] | None = None
) -> Standing:
    """Of `username`, for a reader who is a `learner`, or else may see everything. `found` are the limits that are set,
    where the caller knows them."""
    course = site.course(lab.course)
    assert course is not None
    mine = site.store.of_person(username, lab.course, lab.id)
    seat = site.enrolment.seat(username, lab.course)
    known = limits.every(site.engine) if found is None else found
    allowance = lab_rule(known, seat, username, lab)
    closed = seat.cohort if seat and seat.role == "learner" and seat.cohort.state() != "running" else None
    return Standing(
        course=course,
        closed=closed,
        lab=lab,
        submissions=mine,
        score=site.scores.latest(username, lab.course, lab.id),
        balance=site.ledger.balance(username, lab.course, lab.id, allowance),
        training=_training(site, username, lab, training_rule(known, seat, username, lab)),
        coarse=is_coarse(lab, mine, learner=learner),
        attempts=Attempts(len(mine), lab.attempts) if lab.attempts is not None else None,
        history=site.scores.history(username, lab.course, lab.id),
        minutes=minutes(site.engine, mine[0]) if mine and mine[0].asks_model else None,
    )


def _training(site: Site, username: str, lab: Lab, rule: TrainingRule | None) -> dict[str, Balance]:
    """What is left of her steps there, and of her minutes where they are bounded."""
    call = Order(username, lab.course, lab.id, Share(), 0, "", "")
    found = orders(call, rule) if rule else {}
    return {unit: dict(site.ledger.balances(one))["lab"] for unit, one in found.items()}


def standings(site: Site, username: str) -> dict[str, list[Standing]]:
    """Her labs by course, for every course she learns in."""
    roles, found = site.enrolment.courses(username), limits.every(site.engine)
    return {
        course.id: [standing(site, username, lab, found=found) for lab in course.labs]
        for course in site.courses
        if roles.get(course.id) == "learner"
    }
