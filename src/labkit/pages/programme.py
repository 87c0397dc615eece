"""How far each cohort is, as pages show it."""

from __future__ import annotations

from dataclasses import dataclass

from labkit.courses import Course, Lab
from labkit.pages.site import Site
from labkit.programme import cohorts, figures
from labkit.programme.cohorts import Cohort
from labkit.programme.figures import STAGES, Funnel, LabFigures
from labkit.submissions.reached import Reached, reached, whole


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
class Overview:
    """`whole` is of everybody in the cohort; `regions` is empty where nobody's region is known."""

    name: str
    course: Course
    whole: Funnel
    regions: tuple[Funnel, ...]
    progress: tuple[Progress, ...]

    stages = STAGES


def overview(site: Site, course: Course, name: str) -> Overview:
    return _overview(site, course, name, figures.funnels(site.engine, [course], name))


def cohort_outcomes(site: Site, course: Course, name: str) -> tuple[Reached, ...]:
    """How far a cohort's learners have come, all together, with each outcome of their course."""
    return reached(course, whole(site.scores.of_course(course.id, cohorts=[name]))) if course.outcomes else ()


def overviews(site: Site, seen: dict[str, str] | None) -> list[Overview]:
    """Of every cohort of a course that is taught, or of those `seen` (cohort to course) alone."""
    counted = figures.funnels(site.engine, site.courses)
    known: list[Cohort] = [one for one in cohorts.every(site.engine) if seen is None or one.name in seen]
    found = []
    for cohort in known:
        course = site.course(cohort.course)
        if course is not None:
            mine = tuple(one for one in counted if one.cohort == cohort.name)
            found.append(_overview(site, course, cohort.name, mine))
    return found


def _overview(site: Site, course: Course, name: str, counted: tuple[Funnel, ...]) -> Overview:
    whole = next((one for one in counted if one.region is None), Funnel(name, course.id, None))
    regions = tuple(one for one in counted if one.region is not None)
    by_lab = figures.labs(site.engine, course, name)
    progress = tuple(_progress(lab, by_lab.get(lab.id), whole.enrolled) for lab in course.labs)
    return Overview(name, course, whole, regions if any(one.region for one in regions) else (), progress)


def _progress(lab: Lab, counted: LabFigures | None, learners: int) -> Progress:
    return Progress(lab, counted.graded if counted else 0, learners, counted.mean if counted else None)
