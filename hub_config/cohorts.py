"""`labkit cohorts list | set | group`: which cohorts there are, their settings, and which groups put people in."""

from __future__ import annotations

import argparse
import difflib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from hub_config.database import opened
from hub_config.settings import Settings, read
from labkit.courses import load_course
from labkit.errors import OperatorError
from labkit.pages.messages import LANGUAGES
from labkit.programme import cohorts, figures
from labkit.programme.cohorts import Cohort
from labkit.programme.mappings import ROLES, map_group, mappings, unmap


def show(argv: list[str]) -> int:
    """Lists every cohort with its dates and how far its learners are."""
    argparse.ArgumentParser(prog="labkit cohorts list", description=show.__doc__, allow_abbrev=False).parse_args(argv)
    settings = read()
    courses = [load_course(settings.courses, name) for name in settings.taught]
    with opened(settings) as engine:
        found = cohorts.every(engine)
        counted = {one.cohort: one for one in figures.funnels(engine, courses) if one.region is None}
    if not found:
        print("There is no cohort yet. `labkit roster apply FILE` makes them.")
        return 0
    table = Table(box=None, pad_edge=False)
    for name in ("cohort", "course", "first day", "last day", "language", "allowance", *figures.STAGES):
        table.add_column(name.replace("_", " "), no_wrap=True)
    for one in found:
        mine = counted.get(one.name)
        numbers = [str(getattr(mine, stage)) if mine else "0" for stage in figures.STAGES]
        days = (
            _day(one.starts_at, settings),
            _day(one.ends_at - timedelta(seconds=1) if one.ends_at else None, settings),
        )
        table.add_row(one.name, one.course, *days, one.language or "", f"{one.allowance_percent} %", *numbers)
    Console(highlight=False, width=160).print(table)
    return 0


def change(argv: list[str]) -> int:
    """Sets dates, language or allowance of COHORT; what is not named stays, and `none` takes it away."""
    parser = argparse.ArgumentParser(prog="labkit cohorts set", description=change.__doc__, allow_abbrev=False)
    parser.add_argument("cohort", help="as `labkit cohorts list` shows it")
    parser.add_argument("--first-day", metavar="YYYY-MM-DD", help="before it its learners open nothing")
    parser.add_argument("--last-day", metavar="YYYY-MM-DD", help="after it they read results and nothing else")
    parser.add_argument("--language", help="of people whose own is not known: en, fil")
    parser.add_argument("--allowance", type=int, metavar="PERCENT", help="of each lab's allowance")
    given = parser.parse_args(argv)
    settings = read()
    with opened(settings) as engine:
        found = cohorts.find(engine, given.cohort)
        if found is None:
            raise unknown(given.cohort, [one.name for one in cohorts.every(engine)])
        cohorts.change(engine, _changed(found, given, settings))
    print(f"{given.cohort} is changed; running servers, model and pages follow at once.")
    return 0


def group(argv: list[str]) -> int:
    """Puts whoever is in GROUP at the identity provider into COHORT; without words, lists which groups do."""
    parser = argparse.ArgumentParser(prog="labkit cohorts group", description=group.__doc__, allow_abbrev=False)
    parser.add_argument("cohort", nargs="?", help="as `labkit cohorts list` shows it")
    parser.add_argument("group", nargs="?", help="as the provider calls it")
    parser.add_argument("--role", default="learner", help=f"one of {', '.join(ROLES)}")
    parser.add_argument("--end", action="store_true", help="the group no longer does")
    given = parser.parse_args(argv)
    with opened(read()) as engine:
        if given.cohort is None:
            for one in mappings(engine):
                print(f"{one.group}  ->  {one.cohort}, {one.role}")
            return 0
        if given.group is None:
            parser.error("a group is missing")
        if given.end:
            unmap(engine, given.group, given.cohort)
        else:
            map_group(engine, given.group, given.cohort, given.role)
    print("It holds from everybody's next sign-in or refresh on.")
    return 0


def unknown(name: str, names: list[str]) -> OperatorError:
    same = [one for one in names if one.casefold() == name.casefold()]
    near = same or difflib.get_close_matches(name, names, 1)
    hint = f"Did you mean {near[0]}?" if near else f"The cohorts: {', '.join(names) or 'there is none yet'}."
    return OperatorError(f"There is no cohort {name!r}.", instead=hint)


def _changed(found: Cohort, given: argparse.Namespace, settings: Settings) -> Cohort:
    if given.first_day is not None:
        found = replace(found, starts_at=_midnight(given.first_day, settings))
    if given.last_day is not None:
        last = _midnight(given.last_day, settings)
        found = replace(found, ends_at=last + timedelta(days=1) if last else None)
    if given.language is not None:
        if given.language not in (*LANGUAGES, "none"):
            known = ", ".join((*LANGUAGES, "none"))
            raise OperatorError(f"There is no language {given.language!r}.", instead=f"Write one of: {known}.")
        found = replace(found, language=None if given.language == "none" else given.language)
    return found if given.allowance is None else replace(found, allowance_percent=given.allowance)


def _midnight(day: str, settings: Settings) -> datetime | None:
    if day == "none":
        return None
    try:
        return datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=ZoneInfo(settings.timezone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise OperatorError(f"{day!r} is no day.", instead="Write one such as 2027-01-31, or none.") from None


def _day(moment: datetime | None, settings: Settings) -> str:
    return f"{moment.astimezone(ZoneInfo(settings.timezone)):%Y-%m-%d}" if moment else ""
