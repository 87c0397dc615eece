"""`labkit limits list | set | remove`: other allowances than the course's, for a person or a cohort."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from hub_config.database import opened
from hub_config.known import Known
from hub_config.settings import read
from labkit.allowance import limits
from labkit.allowance.limits import AMOUNTS, SCOPES, Limit
from labkit.errors import OperatorError


def show(argv: list[str]) -> int:
    """Lists every limit that is set; without one, the courses' allowances hold."""
    parser = argparse.ArgumentParser(prog="labkit limits list", description=show.__doc__, allow_abbrev=False)
    parser.add_argument("--json", action="store_true", help="for programs")
    given = parser.parse_args(argv)
    with opened(read()) as engine:
        found = limits.every(engine)
    if given.json:
        print(json.dumps([asdict(one) for one in found], indent=1))
    elif not found:
        print("There is no limit: the courses' allowances hold. `labkit limits set --help` says how to set one.")
    else:
        Console(highlight=False, width=140).print(_table(found))
    return 0


def change(argv: list[str]) -> int:
    """Sets a limit, in place of the one that was there; the gateway follows within two seconds."""
    parser = _parser("set", change.__doc__)
    parser.add_argument("--tokens", type=int, help="in the lab's window, a person's day, or a cohort's whole time")
    parser.add_argument("--requests", type=int, help="calls, in the same window")
    parser.add_argument("--steps", type=int, help="of trainings in the lab, in the window its course.toml says")
    parser.add_argument("--minutes", type=int, help="that trainings in the lab may take of the machine")
    given = parser.parse_args(argv)
    settings = read()
    with opened(settings) as engine:
        known = Known(settings, engine)
        limit = _limit(known, given, **{name: getattr(given, name) for name in AMOUNTS})
        if (limit.steps, limit.minutes) != (None, None) and limit.lab and not known.lab(given.lab).training:
            raise OperatorError(
                f"Nothing is trained in {given.lab}.", instead="Write training = { steps = 400 } in its course.toml."
            )
        limits.set_limit(engine, limit, None)
    print(f"{_said(limit)} is set.")
    return 0


def remove(argv: list[str]) -> int:
    """Takes a limit away: what it stood in for holds again."""
    given = _parser("remove", remove.__doc__).parse_args(argv)
    settings = read()
    with opened(settings) as engine:
        limit = _limit(Known(settings, engine), given)
        if not limits.remove(engine, limit):
            raise OperatorError(f"There is no such limit: {_said(limit)}.", instead="See `labkit limits list`.")
    print(f"{_said(limit)} is removed.")
    return 0


def _parser(verb: str, words: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"labkit limits {verb}", description=words, allow_abbrev=False)
    parser.add_argument("--person", metavar="USERNAME", help="hers alone")
    parser.add_argument("--cohort", help="each learner's in it; with --together, all of them together")
    parser.add_argument("--lab", metavar="COURSE/LAB", help="in this lab; without it, in all labs together each day")
    parser.add_argument("--together", action="store_true", help="a budget of the whole cohort, for good")
    return parser


def _limit(known: Known, given: argparse.Namespace, **amounts: Any) -> Limit:
    """The limit these words name. Raises OperatorError for somebody or something that is not there."""
    if not (given.person or given.cohort):
        raise OperatorError("Whose limit is it?", instead="Write --person USERNAME or --cohort NAME.")
    if given.together and (given.person or given.lab or not given.cohort):
        raise OperatorError("A budget is a cohort's, in all labs.", instead="Write --cohort NAME --together alone.")
    scope = SCOPES[2] if given.together else SCOPES[0] if given.lab else SCOPES[1]
    lab = known.lab(given.lab) if given.lab else None
    cohort = known.cohort(given.cohort) if given.cohort else None
    if lab and cohort and lab.course != cohort.course:
        raise OperatorError(
            f"The cohort {cohort.name} takes {cohort.course}, not {lab.course}.",
            instead=f"Name a lab of {cohort.course}.",
        )
    return Limit(
        scope,
        known.person(given.person).username if given.person else "",
        cohort.name if cohort else "",
        lab.course if lab else "",
        lab.id if lab else "",
        **amounts,
    )


def _said(limit: Limit) -> str:
    whose = " in ".join(filter(None, (limit.username, limit.cohort)))
    where = {"lab": f"in {limit.course}/{limit.lab}", "person": "in all labs each day", "cohort": "together"}
    return f"The limit of {whose} {where[limit.scope]}"


def _table(found: tuple[Limit, ...]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("scope", "person", "cohort", "lab", *AMOUNTS):
        table.add_column(name, no_wrap=True, justify="right" if name in AMOUNTS else "left")
    for one in found:
        lab = f"{one.course}/{one.lab}" if one.lab else ""
        numbers = ("" if value is None else f"{value:,}" for value in (getattr(one, name) for name in AMOUNTS))
        table.add_row(one.scope, one.username, one.cohort, lab, *numbers)
    return table
