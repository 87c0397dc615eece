"""The roster's page: give a file, read what it would change, then apply it, or read every mistake in it."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from labkit.errors import OperatorError
from labkit.pages.site import Site
from labkit.pages.view import View
from labkit.programme.people import Person
from labkit.programme.roster import apply, columns
from labkit.programme.roster.decode import MOST_BYTES
from labkit.programme.roster.load import of_bytes
from labkit.programme.roster.plan import Plan
from labkit.programme.roster.plan import plan as planned

KINDS = ("added", "moved", "changed", "returned", "suspended")
SHOWN = 100
_WORDS = {"kinds": KINDS, "shown": SHOWN, "required": columns.REQUIRED, "optional": columns.OPTIONAL}


class RosterPages:
    """Offices are not given here: whoever runs the platform gives them, from the command line."""

    def __init__(self, site: Site, view: View) -> None:
        self._site, self._view = site, view

    async def show(self, request: Request, someone: Person) -> Response:
        return self._render(request, someone)

    async def plan(self, request: Request, someone: Person) -> Response:
        """Keeps the file for an hour and shows what it would change; changes nothing."""
        form = await request.form(max_files=1, max_fields=4, max_part_size=MOST_BYTES)
        file = form.get("file")
        if not isinstance(file, UploadFile) or not file.filename:
            return self._render(request, someone, status=422, problem="no-file")
        content = await file.read(MOST_BYTES + 1)
        found = await run_in_threadpool(self._plan, file.filename, content)
        upload = ""
        if not found.mistakes:
            upload = await run_in_threadpool(self._site.uploads.keep, someone.username, file.filename, content)
        return self._render(request, someone, 422 if found.mistakes else 200, found=found, upload=upload)

    async def apply(self, request: Request, someone: Person) -> Response:
        """Does what the plan said, and shows it anew where something else would happen by now."""
        form = await request.form()
        upload = str(form.get("upload", ""))
        kept = await run_in_threadpool(self._site.uploads.find, someone.username, upload)
        if kept is None:
            return self._render(request, someone, 410, problem="too-old")
        contents = await run_in_threadpool(of_bytes, kept.name, kept.content)
        try:
            done = await run_in_threadpool(
                apply.apply,
                self._site.engine,
                contents,
                [course.id for course in self._site.courses],
                may_name_officers=False,
                may_empty=form.get("suspend_most") == "yes",
                expected=str(form.get("fingerprint", "")) or "-",
            )
        except apply.PlanChanged:
            found = await run_in_threadpool(self._plan, kept.name, kept.content)
            return self._render(request, someone, 409, found=found, upload=upload, problem="changed")
        except OperatorError:  # most of a cohort would be suspended, and that box was not ticked
            found = await run_in_threadpool(self._plan, kept.name, kept.content)
            return self._render(request, someone, 422, found=found, upload=upload, problem="suspends-most")
        await run_in_threadpool(self._site.uploads.drop, someone.username, upload)
        return self._render(request, someone, found=done, applied=True)

    def _plan(self, name: str, content: bytes) -> Plan:
        courses = [course.id for course in self._site.courses]
        return planned(self._site.engine, of_bytes(name, content), courses, may_name_officers=False)

    def _render(
        self,
        request: Request,
        someone: Person,
        status: int = 200,
        *,
        found: Plan | None = None,
        upload: str = "",
        problem: str = "",
        applied: bool = False,
    ) -> Response:
        told = {"found": found, "upload": upload, "problem": problem, "applied": applied}
        return self._view.render(request, "roster.html", someone, status, **told, **_WORDS)
