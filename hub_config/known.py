"""What somebody names on a command line, found; or an error that says what there is instead."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, select

from hub_config.cohorts import unknown
from hub_config.people import find
from hub_config.serving import read_serving
from hub_config.settings import Settings
from labkit.audit import totals
from labkit.courses import Course, Lab, load_course
from labkit.database import reading
from labkit.database.tables import calls
from labkit.errors import OperatorError
from labkit.models.catalogue import catalogue
from labkit.programme import cohorts
from labkit.programme.cohorts import Cohort
from labkit.programme.people import Person


class Known:
    """People, cohorts, courses, labs and models of one platform."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self._settings, self._engine = settings, engine
        self.zone = ZoneInfo(settings.timezone)

    @cached_property
    def courses(self) -> tuple[Course, ...]:
        return tuple(load_course(self._settings.courses, name) for name in self._settings.taught)

    def person(self, name: str) -> Person:
        return find(self._engine, name)

    def cohort(self, name: str) -> Cohort:
        found = cohorts.find(self._engine, name)
        if found is None:
            raise unknown(name, [one.name for one in cohorts.every(self._engine)])
        return found

    def course(self, name: str) -> Course:
        for course in self.courses:
            if course.id == name:
                return course
        raise _none("course", name, [course.id for course in self.courses])

    def lab(self, name: str) -> Lab:
        """Written as COURSE/LAB."""
        every = {f"{lab.course}/{lab.id}": lab for course in self.courses for lab in course.labs}
        if name not in every:
            raise _none("lab", name, every)
        return every[name]

    def model(self, name: str) -> str:
        """One of the catalogue, of a lab, of LABKIT_SERVING, or one that was called before."""
        named = {model for course in self.courses for lab in course.labs for model in lab.models}
        named |= {model for table in read_serving(self._settings.serving).backends for model in table.get("models", ())}
        if name in named or name in catalogue():
            return name
        with reading(self._engine) as connection:
            if connection.execute(select(calls.c.id).where(calls.c.model == name).limit(1)).first():
                return name
        raise _none("model", name, sorted({*named, *catalogue()}))

    def moment(self, text: str) -> datetime:
        """A time with its zone, such as 2027-01-31T09:00+08:00."""
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            raise OperatorError(f"{text!r} is no time.", instead=f"Write one such as {self._example()}.") from None
        if found.tzinfo is None:
            written = found.replace(tzinfo=self.zone).isoformat(timespec="minutes")
            raise OperatorError(f"{text!r} is a time without its zone.", instead=f"Write {written} if you mean ours.")
        return found.astimezone(UTC)

    def since(self, text: str) -> datetime:
        """A time with its zone, or a day of the site from its beginning."""
        day = _day(text)
        return totals.begin(day, self.zone) if day else self.moment(text)

    def until(self, text: str) -> datetime:
        """A time with its zone, or a day of the site to its end."""
        day = _day(text)
        return totals.begin(day + timedelta(days=1), self.zone) if day else self.moment(text)

    def _example(self) -> str:
        return datetime(2027, 1, 31, 9, tzinfo=self.zone).isoformat(timespec="minutes")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == len("2027-01-31") else None
    except ValueError:
        return None


def _none(kind: str, name: str, every: Iterable[str]) -> OperatorError:
    names = list(every)
    near = [one for one in names if one.endswith(f"/{name}")] or difflib.get_close_matches(name, names, 1)
    hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(names) or 'none'}."
    return OperatorError(f"There is no {kind} {name!r}.", instead=hint)
