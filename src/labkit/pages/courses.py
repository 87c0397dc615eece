"""A course's own page: what it is for, what is in it and how it is graded; for a learner also how far she is."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from labkit.courses import Course, Lab
from labkit.courses.competency import Framework
from labkit.courses.graded import Weights, weights
from labkit.pages import learn
from labkit.pages.site import Site
from labkit.pages.view import View
from labkit.programme import sight
from labkit.programme.people import Person
from labkit.submissions.reached import Reached, Shown, reached


@dataclass(frozen=True)
class Line:
    """One lab of the syllabus; `after` are the labs one does first."""

    lab: Lab
    weights: Weights
    after: tuple[Lab, ...]


class CoursePages:
    def __init__(self, site: Site, view: View) -> None:
        self._site, self._view = site, view

    async def show(self, request: Request, someone: Person) -> Response:
        course, role = await run_in_threadpool(self._seen, request, someone)
        found = await run_in_threadpool(_reached, self._site, someone.username, course) if role == "learner" else ()
        return self._view.render(
            request,
            "course.html",
            someone,
            course=course,
            takes_part=role is not None,
            syllabus=await run_in_threadpool(_syllabus, course),
            models=sorted({name for lab in course.labs for name in lab.models if lab.ai_policy != "closed"}),
            frameworks=_frameworks(course),
            learns=role == "learner",
            reached=found,
            nothing_yet=not any(one.max for one in found),
        )

    def _seen(self, request: Request, someone: Person) -> tuple[Course, str | None]:
        """The course in the address and her role in it, which is None for whoever only looks; else 404."""
        course = self._site.course(request.path_params["course"])
        if course is None:
            raise HTTPException(404)
        role = self._site.enrolment.role(someone.username, course.id)
        looks = someone.officer or someone.observer
        observed = sight.taught(self._site.engine, someone.username, ("observer",))
        if role is None and not looks and course.id not in observed.values():
            raise HTTPException(404)
        return course, role


def _syllabus(course: Course) -> tuple[Line, ...]:
    return tuple(Line(lab, weights(lab), tuple(course.lab(name) for name in lab.after)) for lab in course.labs)


def _frameworks(course: Course) -> tuple[Framework, ...]:
    """Each that an outcome refers to, once."""
    return tuple(dict.fromkeys(one.framework for outcome in course.outcomes for one in outcome.competencies))


def _reached(site: Site, username: str, course: Course) -> tuple[Reached, ...]:
    """Her points for each outcome, as far as she may see them."""
    mine = (learn.standing(site, username, lab) for lab in course.labs) if course.outcomes else ()
    return reached(course, [Shown(one.score, one.report) for one in mine if one.score is not None])
