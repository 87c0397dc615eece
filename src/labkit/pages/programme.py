"""How far each cohort is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select

from labkit.courses import Course, Lab
from labkit.database import reading
from labkit.database.tables import submissions
from labkit.pages.site import Site
from labkit.programme.people import Membership, Person, everyone, memberships
from labkit.submissions.scores import Score

# Learners shown at a time: a page stays small however large a cohort is.
PAGE = 50


@dataclass(frozen=True)
class Progress:
    """One lab in one cohort: how many of how many are graded, and their mean share of the points judged so far."""

    lab: Lab
    graded: int
    learners: int
    mean: float | None

    @property
    def share(self) -> int:
        """In percent, for the bar."""
        return round(100 * self.graded / self.learners) if self.learners else 0


@dataclass(frozen=True)
class Cell:
    """One learner in one lab. `waiting`: something she handed in has no score yet."""

    score: Score | None
    waiting: bool


@dataclass(frozen=True)
class Row:
    person: Person
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Cohort:
    """`rows` are those of one `page` (from 1) of `pages`; `progress` counts all of them."""

    name: str
    course: Course
    progress: tuple[Progress, ...]
    rows: tuple[Row, ...]
    page: int
    pages: int


def cohorts(site: Site) -> list[Cohort]:
    """Every cohort of a course that is taught, with its first learners."""
    members = memberships(site.engine)
    people = {one.username: one for one in everyone(site.engine)}
    names = dict.fromkeys((member.cohort, member.course) for member in members)
    found = (_cohort(site, name, site.course(course), members, people) for name, course in names)
    return [one for one in found if one is not None]


def cohort(site: Site, name: str, page: int) -> Cohort | None:
    """One page of a cohort's learners; None if there is no such cohort."""
    members = [member for member in memberships(site.engine) if member.cohort == name]
    if not members:
        return None
    people = {one.username: one for one in everyone(site.engine)}
    return _cohort(site, name, site.course(members[0].course), members, people, page)


def _cohort(
    site: Site,
    name: str,
    course: Course | None,
    members: tuple[Membership, ...] | list[Membership],
    people: Mapping[str, Person],
    page: int = 1,
) -> Cohort | None:
    if course is None:
        return None
    learners = [people[m.username] for m in members if m.cohort == name and m.role == "learner"]
    learners.sort(key=lambda one: (one.family_name, one.given_name, one.username))
    scores = {(score.username, score.lab): score for score in site.scores.of_course(course.id)}
    waiting = _waiting(site, course)
    progress = tuple(_progress(lab, [scores.get((one.username, lab.id)) for one in learners]) for lab in course.labs)
    pages = max(1, -(-len(learners) // PAGE))
    page = min(max(page, 1), pages)
    rows = tuple(
        Row(
            one, tuple(Cell(scores.get(key), key in waiting) for key in ((one.username, lab.id) for lab in course.labs))
        )
        for one in learners[(page - 1) * PAGE : page * PAGE]
    )
    return Cohort(name, course, progress, rows, page, pages)


def _waiting(site: Site, course: Course) -> frozenset[tuple[str, str]]:
    """Who has handed in something, in which lab, that is not graded yet, be it for a fault of ours."""
    table = submissions.c
    query = select(table.username, table.lab).where(table.course == course.id, table.state != "graded").distinct()
    with reading(site.engine) as connection:
        return frozenset((username, lab) for username, lab in connection.execute(query))


def _progress(lab: Lab, scores: list[Score | None]) -> Progress:
    graded = [score for score in scores if score is not None]
    shares = [score.total / score.judged_max for score in graded if score.judged_max]
    return Progress(lab, len(graded), len(scores), sum(shares) / len(shares) if shares else None)
