"""Models in a class: how its learners use them, and what its instructors decide: pauses, exams, more allowance.

An assistant reads and marks reports as seen; an instructor decides for the cohorts she is instructor of, by name. What
is said of another cohort or of somebody who does not learn in hers is refused like something that is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from labkit.allowance import limits
from labkit.allowance.limits import Limit
from labkit.courses import Course
from labkit.errors import OperatorError
from labkit.pages.class_use import SPANS, class_use
from labkit.pages.people import number
from labkit.pages.site import Site
from labkit.pages.view import View
from labkit.policy import exams, pauses, reports
from labkit.policy.exams import Exam, ExamInTheWay
from labkit.policy.pauses import Pause
from labkit.programme import sight
from labkit.programme.people import Person
from labkit.programme.privacy import looks
from labkit.training.charges import Charges
from labkit.training.job import Job
from labkit.training.jobs import Jobs

_USUAL_DAYS = 7
_DECIDES = ("instructor",)
Form = dict[str, str]


class Unknown(ValueError):
    """A form names what is not hers, or nothing."""


class ClassroomPages:
    def __init__(self, site: Site, view: View) -> None:
        self._site, self._view = site, view

    async def show(self, request: Request, someone: Person) -> Response:
        course, mine = await self._course(request, someone)
        return await self._render(request, someone, course, mine)

    async def pause(self, request: Request, someone: Person) -> Response:
        return await self._decide(request, someone, self._pause, "paused")

    async def resume(self, request: Request, someone: Person) -> Response:
        return await self._decide(request, someone, self._resume, "resumed")

    async def plan(self, request: Request, someone: Person) -> Response:
        return await self._decide(request, someone, self._plan, "planned")

    async def cancel(self, request: Request, someone: Person) -> Response:
        return await self._decide(request, someone, self._cancel, "cancelled")

    async def give(self, request: Request, someone: Person) -> Response:
        return await self._decide(request, someone, self._give, "given")

    async def take(self, request: Request, someone: Person) -> Response:
        """Takes another allowance back, so that the course's holds again."""
        return await self._decide(request, someone, self._take, "taken")

    async def stop(self, request: Request, someone: Person) -> Response:
        """Cancels a training of a learner of hers, as the learner would."""
        course, mine = await self._course(request, someone, _DECIDES)
        job = await run_in_threadpool(self._training, course, mine, str(request.path_params["training"]))
        if job is None:
            raise HTTPException(404)
        engine, ledger = self._site.engine, self._site.ledger
        await run_in_threadpool(Charges(engine, ledger, Jobs(engine)).cancel, job)
        return self._back(course, "stopped" if job.open else "over")

    def _training(self, course: Course, mine: Collection[str], id: str) -> Job | None:
        found = Jobs(self._site.engine).get(id)
        hers = found and found.course == course.id and found.username in sight.pupils_of(self._site.engine, mine)
        return found if hers else None

    async def see(self, request: Request, someone: Person) -> Response:
        course, mine = await self._course(request, someone)
        report = str(request.path_params["report"])
        seen = report.isalnum() and await run_in_threadpool(
            reports.see, self._site.engine, report, mine, someone.username
        )
        if not seen:
            raise HTTPException(404)
        return self._back(course, "seen")

    async def _decide(
        self,
        request: Request,
        someone: Person,
        act: Callable[[Course, Collection[str], Form, Person], None],
        done: str,
    ) -> Response:
        course, mine = await self._course(request, someone, _DECIDES)
        form = {name: str(value).strip() for name, value in (await request.form()).items()}
        try:
            await run_in_threadpool(act, course, mine, form, someone)
        except (OperatorError, ValueError, OverflowError) as error:
            problem = "in the way" if isinstance(error, ExamInTheWay) else done
            everything = (await self._course(request, someone))[1]
            return await self._render(request, someone, course, everything, status=422, problem=problem)
        return self._back(course, done)

    def _pause(self, course: Course, mine: Collection[str], form: Form, by: Person) -> None:
        lab, model = _lab(course, form, whole=True), form.get("model", "")
        if len(model) > 100 or "model" not in form:
            raise Unknown(model)
        for cohort in _cohorts(mine, form):
            pauses.pause(self._site.engine, Pause(course.id, cohort, lab, model), by.username)

    def _resume(self, course: Course, mine: Collection[str], form: Form, _by: Person) -> None:
        (cohort,) = _cohorts(mine, form, whole=False)
        pauses.resume(self._site.engine, Pause(course.id, cohort, form.get("lab", ""), form.get("model", "")))

    def _plan(self, course: Course, mine: Collection[str], form: Form, by: Person) -> None:
        (cohort,) = _cohorts(mine, form, whole=False)
        opens, closes = (self._moment(form.get(name, "")) for name in ("opens", "closes"))
        exams.plan(self._site.engine, Exam(cohort, course.id, _lab(course, form), opens, closes), by.username)

    def _cancel(self, course: Course, mine: Collection[str], form: Form, _by: Person) -> None:
        (cohort,) = _cohorts(mine, form, whole=False)
        exams.cancel(self._site.engine, cohort, course.id, _lab(course, form))

    def _give(self, course: Course, mine: Collection[str], form: Form, by: Person) -> None:
        """What the form leaves empty stays as it was."""
        limit, trains = self._limit(course, mine, form), {lab.id for lab in course.labs if lab.training}
        given: dict[str, Any] = {name: _amount(form[name]) for name in ("tokens", "steps", "minutes") if form.get(name)}
        if not given or (given.keys() & {"steps", "minutes"} and limit.lab not in trains):
            raise Unknown(limit.lab)
        known = next((one for one in limits.every(self._site.engine) if _key(one) == _key(limit)), limit)
        limits.set_limit(self._site.engine, replace(known, **given), by.username)

    def _take(self, course: Course, mine: Collection[str], form: Form, _by: Person) -> None:
        limits.remove(self._site.engine, self._limit(course, mine, form))

    def _limit(self, course: Course, mine: Collection[str], form: Form) -> Limit:
        """Of a learner of hers in a lab of the course."""
        username = form.get("username", "")
        if username not in sight.pupils_of(self._site.engine, mine):
            raise Unknown(username)
        return Limit("lab", username, "", course.id, _lab(course, form))

    def _moment(self, text: str) -> datetime:
        """What a form's field for a time holds: the site's clock, to the minute."""
        return datetime.strptime(text, "%Y-%m-%dT%H:%M").replace(tzinfo=self._site.timezone).astimezone(UTC)

    async def _course(
        self, request: Request, someone: Person, roles: Collection[str] = sight.TEACH
    ) -> tuple[Course, tuple[str, ...]]:
        """The course in the address with those of its cohorts in which she has one of `roles`; 404 where none."""
        course = self._site.course(request.path_params["course"])
        taught = await run_in_threadpool(sight.taught, self._site.engine, someone.username, roles)
        mine = tuple(name for name, taken in taught.items() if course and taken == course.id)
        if course is None or not mine:
            raise HTTPException(404)
        return course, mine

    async def _render(
        self,
        request: Request,
        someone: Person,
        course: Course,
        mine: tuple[str, ...],
        *,
        status: int = 200,
        problem: str = "",
    ) -> Response:
        engine = self._site.engine
        days = {str(span): span for span in SPANS}.get(request.query_params.get("days", ""), _USUAL_DAYS)
        for cohort in mine:
            await run_in_threadpool(looks.record, engine, someone.username, looks.cohort(cohort), "use of models")
        taught = await run_in_threadpool(sight.taught, engine, someone.username, _DECIDES)
        pages = number(request, "page"), number(request, "trainings")
        leads = [name for name in mine if name in taught]
        use = await run_in_threadpool(class_use, self._site, course, mine, leads, days, *pages)
        return self._view.render(
            request,
            "class_models.html",
            someone,
            status,
            use=use,
            spans=SPANS,
            problem=problem,
            done=request.query_params.get("done", ""),
            now=datetime.now(UTC),
        )

    def _back(self, course: Course, done: str) -> Response:
        where = f"{self._site.prefix}courses/{quote(course.id)}/models"
        return RedirectResponse(f"{where}?{urlencode({'done': done})}", 303)


def _cohorts(mine: Collection[str], form: Form, *, whole: bool = True) -> list[str]:
    """Those the form means: one of hers by name, or, where it says so, all of hers."""
    name = form.get("cohort")
    if name == "" and whole:
        return list(mine)
    if name is None or name not in mine:
        raise Unknown(name)
    return [name]


def _amount(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise Unknown(text)
    return int(text)


def _key(limit: Limit) -> tuple[str, ...]:
    return (limit.scope, limit.username, limit.cohort, limit.course, limit.lab)


def _lab(course: Course, form: Form, *, whole: bool = False) -> str:
    """A lab of the course by its id; empty for all of them, where that can be meant."""
    name = form.get("lab")
    if name == "" and whole:
        return ""
    if name not in {lab.id for lab in course.labs}:
        raise Unknown(name)
    return name
