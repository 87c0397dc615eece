"""The short test before and after a course: offered, never asked for, never graded.

The first is open while nothing is handed in yet, the second once every lab is: what she has learnt is between them.
What was right is told after the second, so that the first does not teach the second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from labkit.courses import Course
from labkit.courses.course import Item, Quiz
from labkit.courses.quiz import form_of, other_form, right_of
from labkit.pages.site import Site
from labkit.pages.view import View
from labkit.programme import learning
from labkit.programme.cohorts import Cohort
from labkit.programme.learning import Answered
from labkit.programme.people import Person

UNKNOWN = "unknown"  # the choice "I do not know"


@dataclass(frozen=True)
class Sitting:
    """Where a learner stands: `phase` is the one she may answer now, or "" for none, with its `items`."""

    phase: str
    items: tuple[Item, ...]
    answered: Mapping[str, Answered]
    closed: Cohort | None = None  # her cohort, where it has not begun or is over


def sitting(site: Site, username: str, course: Course, quiz: Quiz) -> Sitting:
    answered = learning.answered(site.engine, username, course.id)
    handed_in = [bool(site.store.of_person(username, course.id, lab.id)) for lab in course.labs]
    seat = site.enrolment.seat(username, course.id)
    if seat and seat.cohort.state() != "running":
        return Sitting("", (), answered, seat.cohort)
    phase = "before" if not any(handed_in) else "after" if all(handed_in) else ""
    if not phase or phase in answered:
        return Sitting("", (), answered)
    return Sitting(phase, quiz.form(_form(site, username, course.id, phase, answered)), answered)


def _form(site: Site, username: str, course: str, phase: str, answered: Mapping[str, Answered]) -> str:
    """Afterwards the other one than she had, whatever decides now."""
    if phase == "after" and "before" in answered:
        return other_form(answered["before"].form)
    return form_of(site.draws, course, username, phase)


class QuizPages:
    def __init__(self, site: Site, view: View) -> None:
        self._site, self._view = site, view

    async def show(self, request: Request, someone: Person) -> Response:
        return await self._render(request, someone, await run_in_threadpool(self._course, request, someone))

    async def answer(self, request: Request, someone: Person) -> Response:
        """Keeps what she chose, once for each phase; what is left out is asked for again."""
        course = await run_in_threadpool(self._course, request, someone)
        form = {name: str(value) for name, value in (await request.form()).items()}
        if course.quiz is None or not await run_in_threadpool(self._keep, someone.username, course, course.quiz, form):
            return await self._render(request, someone, course, form)
        return RedirectResponse(f"{self._site.prefix}courses/{course.id}/test", 303)

    def _keep(self, username: str, course: Course, quiz: Quiz, form: Mapping[str, str]) -> bool:
        """Whether there is nothing left to ask. Answers to a phase that is not open are not kept."""
        now = sitting(self._site, username, course, quiz)
        if not now.phase or form.get("phase") != now.phase:
            return True
        chosen = {item.pair: _choice(item, form.get(item.pair, "")) for item in now.items}
        if any(choice == "" for choice in chosen.values()):
            return False
        places = {pair: choice if isinstance(choice, int) else None for pair, choice in chosen.items()}
        right, form_name = right_of(now.items, places), now.items[0].form
        learning.record(
            self._site.engine, username, course.id, Answered(now.phase, form_name, places, right, len(now.items))
        )
        return True

    async def _render(
        self, request: Request, someone: Person, course: Course, chosen: Mapping[str, str] | None = None
    ) -> Response:
        quiz = course.quiz
        now = await run_in_threadpool(sitting, self._site, someone.username, course, quiz) if quiz else None
        status = 422 if chosen and now and now.phase else 200
        about = {"course": course, "quiz": quiz, "sitting": now, "chosen": chosen or {}, "unknown": UNKNOWN}
        return self._view.render(request, "test.html", someone, status, **about)

    def _course(self, request: Request, someone: Person) -> Course:
        """The course in the address, for somebody who learns in it; 404 for one that is not there too."""
        course = self._site.course(request.path_params["course"])
        if course is None or self._site.enrolment.role(someone.username, course.id) != "learner":
            raise HTTPException(404)
        return course


def _choice(item: Item, text: str) -> int | str:
    """The place she chose, UNKNOWN, or "" for nothing that can be chosen."""
    if text == UNKNOWN:
        return UNKNOWN
    choices = len(item.texts["en"].choices)
    return int(text) if text in map(str, range(choices)) else ""
