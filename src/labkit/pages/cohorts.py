"""A cohort's page: how far it is, who is where, its dates and allowance, sign-in links, invitation codes, exports."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from labkit.courses import Course
from labkit.errors import OperatorError
from labkit.pages import exports
from labkit.pages.messages import LANGUAGES
from labkit.pages.people import number
from labkit.pages.programme import cohort_outcomes, overview
from labkit.pages.sheet import sheet
from labkit.pages.site import Site
from labkit.pages.view import View
from labkit.programme import cohorts, invitations, learners, learning, sight
from labkit.programme.cohorts import Cohort
from labkit.programme.people import Person
from labkit.programme.privacy import looks
from labkit.programme.roster import sheet as links

DOWNLOAD = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class CohortPages:
    def __init__(self, site: Site, view: View) -> None:
        self._site, self._view = site, view

    async def show(self, request: Request, someone: Person) -> Response:
        cohort, course = await self._seen(request, someone)
        await self._note(someone, cohort, "list")
        return await self._render(request, someone, cohort, course)

    async def export(self, request: Request, someone: Person) -> Response:
        """The list of people as CSV or XLSX."""
        cohort, course = await self._seen(request, someone)
        kind = _kind(request)
        form = request.path_params["form"]
        if form not in exports.TYPES:
            raise HTTPException(404)
        await self._note(someone, cohort, "list export")
        rows = await run_in_threadpool(learners.every, self._site.engine, course, cohort.name, kind)
        zone = self._site.timezone
        content = await run_in_threadpool(exports.people, course, cohort.name, rows, form, zone)
        return attachment(content, f"{cohort.name}-{kind}.{form}", exports.TYPES[form])

    async def change(self, request: Request, someone: Person) -> Response:
        """Dates, language and allowance, from the form."""
        cohort, course = await self._seen(request, someone)
        form = await request.form()
        try:
            changed = self._read(cohort, {name: str(value).strip() for name, value in form.items()})
            await run_in_threadpool(cohorts.change, self._site.engine, changed)
        except (OperatorError, ValueError, OverflowError):
            return await self._render(request, someone, cohort, course, status=422, problem="settings")
        return self._back(cohort, "changed")

    async def links(self, request: Request, someone: Person) -> Response:
        """New sign-in links for those who never signed in: a zip of a sheet to print and a file for a mail merge."""
        cohort, _ = await self._seen(request, someone)
        whom = "waiting" if (await request.form()).get("whom") == "waiting" else "without"
        made = await run_in_threadpool(
            links.issue,
            self._site.engine,
            cohort.name,
            self._site.sign_in.link,
            issued_by=someone.username,
            whom=whom,
        )
        await self._note(someone, cohort, "sign-in links")
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as bundle:
            bundle.writestr("sheet.html", await run_in_threadpool(sheet, made, cohort.name, self._site.timezone))
            bundle.writestr("merge.csv", links.merge_file(made, self._site.timezone))
        return attachment(content.getvalue(), f"{cohort.name}-links.zip", "application/zip")

    async def invite(self, request: Request, someone: Person) -> Response:
        """Makes a code and shows it, this once."""
        cohort, course = await self._seen(request, someone)
        form = await request.form()
        try:
            places, days = int(str(form.get("places"))), int(str(form.get("days")))
            code = await run_in_threadpool(
                invitations.make, self._site.engine, cohort.name, places, timedelta(days=days), someone.username
            )
        except (OperatorError, ValueError, OverflowError):
            return await self._render(request, someone, cohort, course, status=422, problem="invitation")
        return await self._render(request, someone, cohort, course, code=code)

    async def admit(self, request: Request, someone: Person) -> Response:
        cohort, course = await self._seen(request, someone)
        invitation = await self._invitation(request, cohort)
        form = await request.form()
        try:
            await run_in_threadpool(invitations.admit, self._site.engine, invitation, int(str(form.get("number"))))
        except (OperatorError, ValueError, OverflowError):
            return await self._render(request, someone, cohort, course, status=422, problem="admit")
        return self._back(cohort, "admitted")

    async def remove(self, request: Request, someone: Person) -> Response:
        """Takes one person off the waiting list, with all that was kept of her there."""
        cohort, _ = await self._seen(request, someone)
        invitation = await self._invitation(request, cohort)
        applicant = str(request.path_params["applicant"])
        if not applicant.isalnum() or not await run_in_threadpool(
            invitations.remove, self._site.engine, invitation, applicant
        ):
            raise HTTPException(404)
        return self._back(cohort, "removed")

    async def close(self, request: Request, someone: Person) -> Response:
        cohort, _ = await self._seen(request, someone)
        await run_in_threadpool(invitations.close, self._site.engine, await self._invitation(request, cohort))
        return self._back(cohort, "closed")

    async def _render(
        self,
        request: Request,
        someone: Person,
        cohort: Cohort,
        course: Course,
        *,
        status: int = 200,
        problem: str = "",
        code: str = "",
    ) -> Response:
        kind, engine = _kind(request), self._site.engine
        page = number(request, "page")
        codes = await run_in_threadpool(invitations.of_cohort, engine, cohort.name) if someone.officer else ()
        return self._view.render(
            request,
            "cohort.html",
            someone,
            status,
            cohort=cohort,
            state=cohort.state(),
            course=course,
            figures=await run_in_threadpool(overview, self._site, course, cohort.name),
            gain=await run_in_threadpool(learning.gain, engine, course.id, cohort.name) if course.quiz else None,
            outcomes=await run_in_threadpool(cohort_outcomes, self._site, course, cohort.name),
            found=await run_in_threadpool(learners.learners, engine, course, cohort.name, kind, page),
            kind=kind,
            kinds=learners.KINDS,
            linkless=await run_in_threadpool(links.waiting, engine, cohort.name) if someone.officer else 0,
            never_came=await run_in_threadpool(links.waiting, engine, cohort.name, "waiting") if someone.officer else 0,
            invitations=codes,
            waiting={one.id: await run_in_threadpool(invitations.waiting, engine, one.id, 50) for one in codes},
            problem=problem,
            done=request.query_params.get("done", ""),
            code=code,
            join=f"{self._site.origin}{self._site.prefix}join?code={code}",
            languages_of=LANGUAGES,
        )

    async def _note(self, someone: Person, cohort: Cohort, what: str) -> None:
        """Everybody in the cohort reads on her account page who looked."""
        await run_in_threadpool(looks.record, self._site.engine, someone.username, looks.cohort(cohort.name), what)

    async def _seen(self, request: Request, someone: Person) -> tuple[Cohort, Course]:
        """The cohort in the address, for somebody who may see it; 404 for a cohort that is not there too."""
        name = request.path_params["name"]
        cohort = await run_in_threadpool(cohorts.find, self._site.engine, name)
        course = self._site.course(cohort.course) if cohort else None
        if cohort is None or course is None:
            raise HTTPException(404)
        if not await run_in_threadpool(sight.sees_cohort, self._site.engine, someone, name):
            raise HTTPException(404)
        return cohort, course

    async def _invitation(self, request: Request, cohort: Cohort) -> str:
        wanted = str(request.path_params["invitation"])
        known = await run_in_threadpool(invitations.of_cohort, self._site.engine, cohort.name)
        if wanted not in {one.id for one in known}:
            raise HTTPException(404)
        return wanted

    def _read(self, cohort: Cohort, form: dict[str, str]) -> Cohort:
        """Raises ValueError for what is no date or number. Days are the site's, and the last one is whole."""
        language = form.get("language", "")
        if language and language not in LANGUAGES:
            raise ValueError(language)
        starts, ends = form.get("starts", ""), form.get("ends", "")
        return Cohort(
            cohort.name,
            cohort.course,
            self._midnight(starts) if starts else None,
            self._midnight(ends) + timedelta(days=1) if ends else None,
            language or None,
            int(form.get("allowance", "100")),
        )

    def _midnight(self, day: str) -> datetime:
        return datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=self._site.timezone).astimezone(UTC)

    def _back(self, cohort: Cohort, done: str) -> Response:
        return RedirectResponse(f"{self._site.prefix}cohorts/{quote(cohort.name)}?{urlencode({'done': done})}", 303)


def attachment(content: bytes, name: str, kind: str) -> Response:
    """A file to keep. Its name is plain ASCII with what it was beside it (RFC 6266)."""
    plain = "".join(mark if mark.isascii() and (mark.isalnum() or mark in "._-") else "-" for mark in name)
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    return Response(content, media_type=kind, headers={**DOWNLOAD, "Content-Disposition": disposition})


def _kind(request: Request) -> str:
    kind = request.query_params.get("kind", "all")
    return kind if kind in learners.KINDS else "all"
