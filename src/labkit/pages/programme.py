"""The programme officer's page: how far each cohort is."""

from __future__ import annotations

from dataclasses import dataclass

from labkit.courses import Course, Lab
from labkit.pages.site import Site
from labkit.programme.people import Membership, Person, everyone, memberships
from labkit.submissions.scores import Score


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
class Row:
    person: Person
    scores: tuple[Score | None, ...]


@dataclass(frozen=True)
class Cohort:
    name: str
    course: Course
    progress: tuple[Progress, ...]
    rows: tuple[Row, ...]


def cohorts(site: Site) -> list[Cohort]:
    members = memberships(site.engine)
    people = {one.username: one for one in everyone(site.engine)}
    names = dict.fromkeys((member.cohort, member.course) for member in members)
    found = []
    for name, course_id in names:
        course = site.course(course_id)
        if course is not None:
            learners = [m for m in members if m.cohort == name and m.role == "learner"]
            found.append(_cohort(site, name, course, learners, people))
    return found


def _cohort(site: Site, name: str, course: Course, learners: list[Membership], people: dict[str, Person]) -> Cohort:
    scores = {(score.username, score.lab): score for score in site.scores.of_course(course.id)}
    rows = tuple(
        Row(people[member.username], tuple(scores.get((member.username, lab.id)) for lab in course.labs))
        for member in learners
    )
    progress = tuple(_progress(lab, [row.scores[index] for row in rows]) for index, lab in enumerate(course.labs))
    return Cohort(name, course, progress, rows)


def _progress(lab: Lab, scores: list[Score | None]) -> Progress:
    graded = [score for score in scores if score is not None]
    shares = [score.total / score.judged_max for score in graded if score.judged_max]
    return Progress(lab, len(graded), len(scores), sum(shares) / len(shares) if shares else None)
