"""`labkit exams list | plan | cancel`: times in which a cohort reaches models in one lab only."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from hub_config.database import opened
from hub_config.known import Known
from hub_config.settings import read
from labkit.errors import OperatorError
from labkit.policy import exams
from labkit.policy.exams import Exam


def show(argv: list[str]) -> int:
    """Lists the exams that are open or still to come; with --all those that are over, too."""
    parser = argparse.ArgumentParser(prog="labkit exams list", description=show.__doc__, allow_abbrev=False)
    parser.add_argument("--all", action="store_true", help="those that are over, too")
    parser.add_argument("--json", action="store_true", help="for programs")
    given, now = parser.parse_args(argv), datetime.now(UTC)
    settings = read()
    with opened(settings) as engine:
        found = exams.every(engine, datetime(2000, 1, 1, tzinfo=UTC) if given.all else now)
        zone = Known(settings, engine).zone
    if given.json:
        rows = [asdict(one) | {"open": one.is_open(now)} for one in found]
        print(json.dumps(rows, indent=1, default=lambda moment: moment.astimezone(zone).isoformat()))
    elif not found:
        print("There is no exam. `labkit exams plan --help` says how to plan one.")
    else:
        table = Table(box=None, pad_edge=False)
        for name in ("cohort", "lab", "opens", "closes", "state"):
            table.add_column(name, no_wrap=True)
        for one in found:
            times = (f"{moment.astimezone(zone):%Y-%m-%d %H:%M} {zone}" for moment in (one.opens_at, one.closes_at))
            state = "open" if one.is_open(now) else "over" if one.closes_at <= now else "coming"
            table.add_row(one.cohort, f"{one.course}/{one.lab}", *times, state)
        Console(highlight=False, width=140).print(table)
    return 0


def plan(argv: list[str]) -> int:
    """Plans COHORT's exam in COURSE/LAB, in place of what was planned for it there."""
    parser = _parser("plan", plan.__doc__)
    parser.add_argument("--opens", required=True, metavar="TIME", help="with its zone, such as 2027-01-31T09:00+08:00")
    parser.add_argument("--closes", required=True, metavar="TIME", help="the first moment after it")
    given = parser.parse_args(argv)
    settings = read()
    with opened(settings) as engine:
        known = Known(settings, engine)
        cohort, course, lab = _place(known, given)
        exam = Exam(cohort, course, lab, known.moment(given.opens), known.moment(given.closes))
        exams.plan(engine, exam, None)
    print(f"Until it closes, {cohort} reaches models in {course}/{lab} only, and there from its opening on.")
    return 0


def cancel(argv: list[str]) -> int:
    """Takes COHORT's exam in COURSE/LAB back, also one that is open."""
    given = _parser("cancel", cancel.__doc__).parse_args(argv)
    settings = read()
    with opened(settings) as engine:
        cohort, course, lab = _place(Known(settings, engine), given)
        if not exams.cancel(engine, cohort, course, lab):
            raise OperatorError(f"{cohort} has no exam in {course}/{lab}.", instead="See `labkit exams list --all`.")
    print(f"The exam of {cohort} in {course}/{lab} is cancelled.")
    return 0


def _parser(verb: str, words: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"labkit exams {verb}", description=words, allow_abbrev=False)
    parser.add_argument("cohort", help="as `labkit cohorts list` shows it")
    parser.add_argument("lab", metavar="COURSE/LAB")
    return parser


def _place(known: Known, given: argparse.Namespace) -> tuple[str, str, str]:
    cohort, lab = known.cohort(given.cohort), known.lab(given.lab)
    if cohort.course != lab.course:
        raise OperatorError(
            f"The cohort {cohort.name} takes {cohort.course}, not {lab.course}.",
            instead=f"Name a lab of {cohort.course}.",
        )
    return cohort.name, lab.course, lab.id
