"""Versions of courses: sent against the newest, checked one after the other, released by their number.

The database says which versions there are and in which order; the repository holds what is in them. A commit without
a row is nobody's version and harms nothing.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select, update
from sqlalchemy.exc import IntegrityError

from labkit.courses import Course, load_course
from labkit.courses.frameworks import frameworks_of
from labkit.database import reading
from labkit.database.tables import versions
from labkit.errors import AuthorError, OperatorError, RequestRefused, VersionBehind
from labkit.workshop import files as text
from labkit.workshop.repository import Repository
from labkit.workshop.reserved import refuse_reserved

MOST_TRIES = 3


@dataclass(frozen=True)
class Version:
    course: str
    number: int
    commit: str
    made_by: str | None
    made_at: datetime
    state: str
    tries: int
    found: Mapping[str, Any]
    checked_at: datetime | None = None
    released_by: str | None = None
    asked_at: datetime | None = None
    released_at: datetime | None = None
    release_fault: str = ""

    @property
    def is_being_released(self) -> bool:
        return self.asked_at is not None and self.released_at is None and not self.release_fault


@dataclass(frozen=True)
class Written:
    """A lab of a version, as far as its list of labs says."""

    id: str
    title: str
    titles: Mapping[str, str]
    languages: tuple[str, ...]


class Workshop:
    """`root` is WORKSHOP. Safe to use from several processes on one database."""

    def __init__(self, engine: Engine, root: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._engine, self._root, self._now = engine, root, now

    def newest(self, course: str) -> Version | None:
        return next(iter(self.versions(course, 1)), None)

    def versions(self, course: str, most: int = 20) -> list[Version]:
        """Newest first."""
        query = select(versions).where(versions.c.course == course).order_by(versions.c.number.desc()).limit(most)
        with reading(self._engine) as connection:
            return [Version(**row) for row in connection.execute(query).mappings()]

    def version(self, course: str, number: int) -> Version | None:
        query = select(versions).where(versions.c.course == course, versions.c.number == number)
        with reading(self._engine) as connection:
            row = connection.execute(query).mappings().first()
        return Version(**row) if row else None

    def released(self, course: str) -> Version | None:
        """The version that was released last; None while the course is what stands in the folder of courses."""
        query = select(versions).where(versions.c.course == course, versions.c.released_at.is_not(None))
        with reading(self._engine) as connection:
            row = connection.execute(query.order_by(versions.c.number.desc()).limit(1)).mappings().first()
        return Version(**row) if row else None

    def files(self, version: Version) -> dict[str, bytes]:
        return self._repository(version.course).files(version.commit)

    def export(self, version: Version, root: Path) -> Course:
        """Writes the version's text to ROOT/COURSE and loads it."""
        text.write(self.files(version), root / version.course)
        return load_course(root, version.course)

    def labs(self, version: Version) -> list[Written]:
        """The labs of a version in order, released or not."""
        with tempfile.TemporaryDirectory() as folder:
            course = self.export(version, Path(folder))
            return [Written(lab.id, lab.title, lab.titles, lab.languages) for lab in course.labs]

    def bundle(self, version: Version) -> bytes:
        """The newest version with all before it, as `git clone` takes it."""
        repository = self._repository(version.course)
        repository.call_newest(version.commit)
        return repository.bundle()

    def follow(self, course: Course) -> Version:
        """Takes the operator's text as the newest version where it is not, for as long as nobody has sent one; where
        somebody has, the versions stay as they are. Gives the newest."""
        newest = self.newest(course.id)
        wanted = _whole(course)
        if newest and (newest.made_by is not None or self.files(newest) == wanted or self.released(course.id)):
            return newest
        return self._add(course.id, wanted, newest, None, "holds")

    def adopt(self, course: Course) -> Version:
        """The operator's text as the newest version, and released: from then on it is what the course is."""
        made = self._add(course.id, _whole(course), self.newest(course.id), None, "holds")
        self.mark_released(made)
        return made

    def receive(self, username: str, course: str, base: str, files: Mapping[str, bytes]) -> Version:
        """Keeps what somebody sends as the newest version, to be checked. `base` is the commit she began with.

        Raises VersionBehind where that is not the newest, RequestRefused for a text that is no course or changes what
        is not hers to change. What is the newest already is not kept twice.
        """
        newest = self.newest(course)
        if newest is None:
            raise RequestRefused(f"The course {course!r} has no text here.", instead="Ask whoever runs the platform.")
        if base != newest.commit:
            raise behind()
        before = self.files(newest)
        if dict(files) == before:
            return newest
        with tempfile.TemporaryDirectory() as folder:
            old, new = Path(folder, "old"), Path(folder, "new")
            text.write(before, old / course)
            text.write(files, new / course)
            try:
                refuse_reserved(load_course(old, course), load_course(new, course))
            except (AuthorError, OperatorError) as error:
                said = error.message.replace(f"{new}/", "")
                raise RequestRefused(said, instead=error.instead.replace(f"{new}/", "")) from None
        return self._add(course, files, newest, username, "waiting")

    def take(self) -> Version | None:
        """The version that waits longest to be checked, from here on being checked; None if there is none.

        One process checks: what it was checking when it ended is taken again by `recover`.
        """
        query = select(versions).where(versions.c.state == "waiting").order_by(versions.c.made_at).limit(1)
        with self._engine.begin() as connection:
            row = connection.execute(query).mappings().first()
            if row is None:
                return None
            values = {"state": "checking", "tries": row["tries"] + 1}
            connection.execute(update(versions).where(_is(Version(**row))).values(**values))
            return Version(**{**row, **values})

    def recover(self) -> None:
        """What was being checked when the last process ended waits again; what ended it each time is a fault."""
        with self._engine.begin() as connection:
            checking = versions.c.state == "checking"
            connection.execute(update(versions).where(checking, versions.c.tries >= MOST_TRIES).values(state="fault"))
            connection.execute(update(versions).where(checking).values(state="waiting"))

    def checked(self, version: Version, state: str, found: Mapping[str, Any]) -> None:
        self._change(version, {"state": state, "found": dict(found), "checked_at": self._now()})

    def ask_release(self, course: str, number: int, by: str) -> Version | None:
        """Asks for a version's release; None for one that may not be: it does not hold, is being released, or is what
        learners have. To go back to an earlier one is to make it the newest once more, so that every release has a
        row of its own."""
        version, newest, current = self.version(course, number), self.newest(course), self.released(course)
        if version is None or newest is None or version.state != "holds" or version.is_being_released:
            return None
        if current is not None and current.number == number:
            return None
        if version.number < newest.number:
            version = self._again(version, newest, by)
        self._change(version, {"released_by": by, "asked_at": self._now(), "release_fault": ""})
        return version

    def _again(self, version: Version, newest: Version, by: str) -> Version:
        made = self._add(version.course, self.files(version), newest, by, "holds", version.found)
        if self.previews(version).is_dir():
            shutil.copytree(self.previews(version), self.previews(made))
        return made

    def take_release(self) -> Version | None:
        """The release that was asked for first and is not made yet."""
        asked = versions.c.asked_at.is_not(None) & (versions.c.release_fault == "")
        with reading(self._engine) as connection:
            query = (
                select(versions).where(asked, versions.c.released_at.is_(None)).order_by(versions.c.asked_at).limit(1)
            )
            row = connection.execute(query).mappings().first()
        return Version(**row) if row else None

    def mark_released(self, version: Version) -> None:
        self._change(version, {"released_at": self._now()})

    def release_failed(self, version: Version, why: str) -> None:
        self._change(version, {"release_fault": why[:1000] or "unknown"})

    def previews(self, version: Version) -> Path:
        """The folder of what learners would see of it."""
        return self._root / "previews" / version.course / str(version.number)

    def _add(
        self,
        course: str,
        files: Mapping[str, bytes],
        newest: Version | None,
        by: str | None,
        state: str,
        found: Mapping[str, Any] | None = None,
    ) -> Version:
        now, number = self._now(), newest.number + 1 if newest else 1
        repository = self._repository(course)
        commit = repository.commit(files, newest.commit if newest else None, f"Version {number}", now)
        made = Version(course, number, commit, by, now, state, 0, dict(found or {}))
        try:
            with self._engine.begin() as connection:
                connection.execute(versions.insert().values(**vars(made)))
        except IntegrityError:
            raise behind() from None
        return made

    def _change(self, version: Version, values: Mapping[str, Any]) -> None:
        with self._engine.begin() as connection:
            connection.execute(update(versions).where(_is(version)).values(**values))

    def _repository(self, course: str) -> Repository:
        return Repository(self._root / f"{course}.git")


def _whole(course: Course) -> dict[str, bytes]:
    """The operator's text, with the competencies its outcomes name: a version stands alone."""
    files, frameworks = text.read(course.path), frameworks_of(course.path)
    named = any(outcome.competencies for outcome in course.outcomes)
    return {**files, frameworks.name: frameworks.read_bytes()} if named else files


def behind() -> VersionBehind:
    return VersionBehind(
        "Somebody sent a newer version of this course since you began.",
        instead="Nothing of yours is lost. Fetch the newest: yours is laid beside it, to bring your changes over.",
    )


def _is(version: Version) -> Any:
    return (versions.c.course == version.course) & (versions.c.number == version.number)
