"""The instructor's page: submissions as they arrive, and which item fails whom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from labkit.courses import Course
from labkit.pages.site import Site
from labkit.programme import sight
from labkit.programme.people import Person, everyone
from labkit.submissions.scores import Score
from labkit.submissions.store import Submission


@dataclass(frozen=True)
class Arrival:
    submission: Submission
    person: Person | None
    score: Score | None


@dataclass(frozen=True)
class ItemFailure:
    """One check and the learners whose latest submission fails it."""

    lab: str
    item: str
    reason: str
    people: tuple[str, ...]
    of: int

    @property
    def share(self) -> int:
        """In percent, for the bar."""
        return round(100 * len(self.people) / self.of) if self.of else 0


@dataclass(frozen=True)
class Class:
    course: Course
    cohorts: tuple[str, ...]
    arrivals: tuple[Arrival, ...]
    failures: tuple[ItemFailure, ...]
    to_grade: int
    writes: bool = False  # she is its instructor, and there is a workshop


def classes(site: Site, username: str) -> list[Class]:
    """Every course she teaches or assists in, with the learners of her own cohorts."""
    cohorts = sight.taught(site.engine, username)
    mine = {course.id: [name for name, taken in cohorts.items() if taken == course.id] for course in site.courses}
    leads = set(sight.taught(site.engine, username, ("instructor",)).values()) if site.workshop else set()
    found = [_class(site, course, mine[course.id]) for course in site.courses if mine[course.id]]
    return [replace(one, writes=one.course.id in leads) for one in found]


def _class(site: Site, course: Course, cohorts: list[str]) -> Class:
    people = {one.username: one for one in everyone(site.engine)}
    scores = site.scores.of_course(course.id, cohorts=cohorts)
    by_submission = {score.submission: score for score in scores}
    arrivals = tuple(
        Arrival(one, people.get(one.username), by_submission.get(one.id))
        for one in site.store.of_course(course.id, 30, cohorts=cohorts)
    )
    to_grade = sum(1 for score in scores if score.manual_max and score.manual_score is None)
    return Class(course, tuple(cohorts), arrivals, _failures(scores, people), to_grade)


def _failures(scores: Iterable[Score], people: dict[str, Person]) -> tuple[ItemFailure, ...]:
    failed: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    graded: defaultdict[str, int] = defaultdict(int)
    for score in scores:
        graded[score.lab] += 1
        someone = people.get(score.username)
        name = someone.full_name if someone else score.username
        for item in score.report["items"]:
            for check in item["checks"]:
                if not check["passed"] and check["reason"]:  # of somebody who was erased there is none
                    failed[score.lab, item["name"], check["reason"]].append(name)
    found = [
        ItemFailure(lab, item, reason, tuple(sorted(names)), graded[lab])
        for (lab, item, reason), names in failed.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.share, one.lab, one.item)))
