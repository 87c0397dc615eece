"""A course's text, for its instructors: into her workspace, what she sent, what was found of it, and its release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from labkit.courses import Course
from labkit.courses.course import LANGUAGES
from labkit.errors import AuthorError, OperatorError, PlatformFault, VersionBehind
from labkit.pages.site import Site
from labkit.pages.view import HEADERS, View
from labkit.programme.people import Person, everyone
from labkit.workshop import Version, Workshop, Written

# What an author wrote and what her cells gave: shown as a page of no origin, with nothing but its own style.
_PREVIEW = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; frame-ancestors 'none'; "
    "base-uri 'none'; sandbox allow-popups"
)


@dataclass(frozen=True)
class Shown:
    """A version as the page shows it; names are empty where it was whoever runs the platform."""

    version: Version
    made_by: str
    released_by: str
    current: bool  # it is what learners have
    may_be_released: bool

    @property
    def found(self) -> dict[str, Any]:
        """What its check says; nothing, before it was checked."""
        return {"error": "", "findings": [], "labs": [], "previews": [], **self.version.found}

    @property
    def waits(self) -> bool:
        return self.version.state in ("waiting", "checking") or self.version.is_being_released


class VersionPages:
    def __init__(self, site: Site, view: View) -> None:
        self._site, self._view = site, view

    async def show(self, request: Request, someone: Person) -> Response:
        course, workshop = await self._course(request, someone)
        return await self._render(request, someone, course, workshop, "versions.html")

    async def progress(self, request: Request, someone: Person) -> Response:
        course, workshop = await self._course(request, someone)
        return await self._render(request, someone, course, workshop, "versions_list.html")

    async def release(self, request: Request, someone: Person) -> Response:
        course, workshop = await self._course(request, someone)
        number = _number(request)
        try:
            made = await run_in_threadpool(workshop.ask_release, course.id, number, someone.username)
        except VersionBehind:
            made = None  # somebody sent one in this very moment
        where = f"{self._site.prefix}courses/{course.id}/versions"
        if made is None:
            return await self._render(request, someone, course, workshop, "versions.html", status=409)
        return RedirectResponse(f"{where}#version-{made.number}", 303)

    async def preview(self, request: Request, someone: Person) -> Response:
        course, workshop = await self._course(request, someone)
        version = await run_in_threadpool(workshop.version, course.id, _number(request))
        lab, language = request.path_params["lab"], request.path_params["language"]
        if version is None or language not in LANGUAGES or {"lab": lab, "language": language} not in _previews(version):
            raise HTTPException(404)
        file = workshop.previews(version) / f"{lab}.{language}.html"
        if not file.is_file():
            raise HTTPException(404)
        return FileResponse(file, media_type="text/html", headers={**HEADERS, "Content-Security-Policy": _PREVIEW})

    async def _course(self, request: Request, someone: Person) -> tuple[Course, Workshop]:
        """The course in the address; 404 for whoever is not its instructor."""
        course, workshop = self._site.course(request.path_params["course"]), self._site.workshop
        role = await run_in_threadpool(self._site.enrolment.role, someone.username, course.id) if course else None
        if course is None or workshop is None or role != "instructor":
            raise HTTPException(404)
        return course, workshop

    async def _render(
        self, request: Request, someone: Person, course: Course, workshop: Workshop, template: str, status: int = 200
    ) -> Response:
        shown = await run_in_threadpool(_shown, self._site, workshop, course)
        labs = await run_in_threadpool(_labs, workshop, shown[0].version) if shown else []
        values: dict[str, Any] = {
            "course": course,
            "shown": shown,
            "labs": labs,
            "waits": any(one.waits for one in shown),
            "server": self._site.servers.url(someone.username),
            "refused": status == 409,
        }
        return self._view.render(request, template, someone, status, **values)


def _shown(site: Site, workshop: Workshop, course: Course) -> list[Shown]:
    names = {one.username: one.full_name for one in everyone(site.engine)}
    found, released = workshop.versions(course.id), workshop.released(course.id)
    # Until one is released, learners have the operator's own, which is the newest of those nobody sent.
    current = released or next((one for one in found if one.made_by is None), None)
    return [
        Shown(
            one,
            names.get(one.made_by or "", one.made_by or ""),
            names.get(one.released_by or "", one.released_by or ""),
            current is not None and one.number == current.number,
            one.state == "holds" and not one.is_being_released and one != current,
        )
        for one in found
    ]


def _labs(workshop: Workshop, version: Version) -> list[Written]:
    """None where the text cannot be read any more: by a newer labkit, say."""
    try:
        return workshop.labs(version)
    except (AuthorError, OperatorError, PlatformFault):
        return []


def _previews(version: Version) -> list[dict[str, str]]:
    return [{"lab": one["lab"], "language": one["language"]} for one in version.found.get("previews", ())]


def _number(request: Request) -> int:
    text = str(request.path_params["number"])
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise HTTPException(404)
    return int(text)
