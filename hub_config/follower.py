"""Carries what changes in the roster to the running hub, every few seconds and without a restart.

Who teaches a course is in its hub group, which opens its formgrader, and whom she teaches is in that formgrader's file;
whoever was suspended has her sessions ended and her server stopped. The roster is the truth: a run that was cut short
is made good by the next. Does not cover: an open websocket is cut with the server, not before; JupyterLab and
formgrader ask the hub again after their own cache ran out.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import httpx
from sqlalchemy import Engine, select

from hub_config import pupils
from hub_config.roles import instructors
from labkit.database import reading
from labkit.database.tables import cohorts, enrolments, people
from labkit.errors import LabkitError
from labkit.programme.sight import TEACH, whole_course

SECONDS = 5.0
# A transaction that began before our last look may have ended after it.
_OVERLAP = timedelta(minutes=5)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_log = logging.getLogger(__name__)


class Follower:
    """`client` speaks to the hub's API as the pages' service; `end_sessions` ends somebody's sessions everywhere.

    `gradebooks` is the folder beside whose courses their formgraders read what they are told.
    """

    def __init__(
        self,
        engine: Engine,
        client: httpx.AsyncClient,
        courses: Sequence[str],
        end_sessions: Callable[[str], Awaitable[None]],
        gradebooks: Path,
    ) -> None:
        self._engine, self._client, self._courses, self._end_sessions = engine, client, courses, end_sessions
        self._gradebooks = gradebooks
        self._ended: dict[str, datetime] = {}
        self._seen: datetime | None = None

    async def run(self) -> None:
        """Looks for ever; a hub or database that does not answer is asked again."""
        while True:
            try:
                await self.look()
            except (httpx.HTTPError, LabkitError) as error:
                _log.warning("what changed in the roster is not in the hub yet: %s", error)
            except Exception:
                _log.exception("what changed in the roster is not in the hub yet")
            await asyncio.sleep(SECONDS)

    async def look(self) -> None:
        """Once: whom each teaches, groups, then whoever was suspended since the last look."""
        for course in self._courses:
            await asyncio.to_thread(self._tell_formgrader, course)
        teaching = await asyncio.to_thread(self._teaching)
        failures: list[Exception] = []
        for username, at in await asyncio.to_thread(self._suspended):
            if self._ended.get(username) != at:
                try:
                    await self._end_sessions(username)
                    await self._stop_server(username)
                    self._ended[username] = at
                except (httpx.HTTPError, LabkitError) as error:  # the others' turn comes all the same
                    failures.append(error)
        for course in self._courses:
            try:
                await self._set_group(instructors(course), teaching.get(course, set()))
            except httpx.HTTPError as error:
                failures.append(error)
        if failures:
            raise failures[0]
        self._seen = max((*self._ended.values(), self._seen or _LONG_AGO))

    def _tell_formgrader(self, course: str) -> None:
        """A disk that takes nothing keeps nobody's session from ending: it is said, and tried again."""
        teachers = {
            name: pupils.Pupils(everybody=True) if whom is None else pupils.Pupils(whom)
            for name, whom in whole_course(self._engine, course).items()
        }
        try:
            pupils.write(pupils.file_of(self._gradebooks, course), teachers)
        except OSError as error:
            _log.warning("%s's formgrader is not told who teaches whom: %s", course, error)

    def _teaching(self) -> dict[str, set[str]]:
        """By course those who teach it and have signed in before: a person is in the hub from her first sign-in."""
        query = (
            select(cohorts.c.course, enrolments.c.username)
            .join(enrolments, enrolments.c.cohort == cohorts.c.name)
            .join(people, people.c.username == enrolments.c.username)
            .where(enrolments.c.role.in_(TEACH), enrolments.c.suspended_at.is_(None), people.c.suspended_at.is_(None))
            .where(people.c.signed_in_at.is_not(None))
        )
        found: dict[str, set[str]] = {}
        with reading(self._engine) as connection:
            for course, username in connection.execute(query):
                found.setdefault(course, set()).add(username)
        return found

    def _suspended(self) -> list[tuple[str, datetime]]:
        """All of them at first, later the latest; whoever never signed in has nothing to end."""
        query = select(people.c.username, people.c.suspended_at).where(
            people.c.suspended_at.is_not(None), people.c.signed_in_at.is_not(None)
        )
        if self._seen is not None and self._seen > _LONG_AGO:
            query = query.where(people.c.suspended_at > self._seen - _OVERLAP)
        with reading(self._engine) as connection:
            return [(row.username, row.suspended_at) for row in connection.execute(query)]

    async def _set_group(self, name: str, wanted: set[str]) -> None:
        answer = await self._client.get(f"/groups/{quote(name, safe='')}")
        answer.raise_for_status()
        there = set(answer.json()["users"])
        for method, names in (("POST", wanted - there), ("DELETE", there - wanted)):
            if names:
                where = f"/groups/{quote(name, safe='')}/users"
                done = await self._client.request(method, where, json={"users": sorted(names)})
                if done.status_code == 400:  # one of them is not in the hub, which refuses them all for that
                    for one in sorted(names):
                        await self._client.request(method, where, json={"users": [one]})
                else:
                    done.raise_for_status()

    async def _stop_server(self, username: str) -> None:
        # 202: it takes a while; 404 and 400: there is nobody, or nothing to stop
        answer = await self._client.delete(f"/users/{quote(username, safe='')}/server")
        if answer.status_code not in (202, 204, 400, 404):
            answer.raise_for_status()
