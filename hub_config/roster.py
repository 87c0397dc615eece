"""`labkit roster plan | apply | links`: who takes part in what, from one file."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from hub_config.cohorts import unknown
from hub_config.database import opened
from hub_config.settings import read
from labkit.errors import OperatorError
from labkit.pages.sheet import sheet
from labkit.programme import cohorts
from labkit.programme.roster import apply as roster_apply
from labkit.programme.roster import plan as roster_plan
from labkit.programme.roster import sheet as roster_sheet
from labkit.programme.roster.load import load
from labkit.programme.roster.mistake import Mistake
from labkit.programme.roster.plan import Change, Plan

_SHOWN = 12
_KINDS = {
    "added": "added",
    "moved": "moved to another cohort",
    "changed": "changed",
    "returned": "back from suspension",
    "suspended": "suspended; nothing of theirs is deleted",
    "untouched": "untouched",
}


def plan(argv: list[str]) -> int:
    """Shows what FILE would change, and every mistake in it; changes nothing. Exits with 1 where there are mistakes."""
    arguments = _parser("plan", str(plan.__doc__)).parse_args(argv)
    settings = read()
    contents = load(arguments.file)
    with opened(settings, create=True) as engine:
        found = roster_plan.plan(engine, contents, settings.taught)
    _show(found, applied=False, as_json=arguments.json)
    return 1 if found.mistakes else 0


def apply(argv: list[str]) -> int:
    """Does what `plan` shows: whole, or not at all. Doing it again changes nothing."""
    parser = _parser("apply", str(apply.__doc__))
    parser.add_argument("--suspend-most", action="store_true", help="also where most of a large cohort is suspended")
    arguments = parser.parse_args(argv)
    settings = read()
    contents = load(arguments.file)
    with opened(settings, create=True) as engine:
        done = roster_apply.apply(engine, contents, settings.taught, may_empty=arguments.suspend_most)
    _show(done, applied=not done.mistakes, as_json=arguments.json)
    return 1 if done.mistakes else 0


def links(argv: list[str]) -> int:
    """Makes one-time sign-in links for a cohort's learners: a sheet to print and a file for a mail merge."""
    parser = argparse.ArgumentParser(prog="labkit roster links", description=links.__doc__, allow_abbrev=False)
    parser.add_argument("cohort", help="as it is in the roster")
    parser.add_argument("--out", type=Path, required=True, help="the folder for the two files")
    whom = parser.add_mutually_exclusive_group()
    whom.add_argument("--again", action="store_true", help="also who has a link that works: it ends")
    whom.add_argument("--everybody", action="store_true", help="also who has signed in before")
    parser.add_argument("--days", type=int, default=7, help="how long the links work (1 to 60; 7)")
    arguments = parser.parse_args(argv)
    if not 1 <= arguments.days <= 60:
        raise OperatorError(f"{arguments.days} days is too short or too long.", instead="Give 1 to 60.")
    settings = read()
    with opened(settings) as engine:
        if cohorts.find(engine, arguments.cohort) is None:
            raise unknown(arguments.cohort, [one.name for one in cohorts.every(engine)])
        try:
            arguments.out.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise OperatorError(f"{arguments.out} is no folder: {error.strerror}.", instead="Name one.") from None
        made = roster_sheet.issue(
            engine,
            arguments.cohort,
            lambda token: f"{settings.hosts.main}/hub/link/{token}",
            whom="everybody" if arguments.everybody else "waiting" if arguments.again else "without",
            valid_for=timedelta(days=arguments.days),
        )
    page = sheet(made, arguments.cohort, ZoneInfo(settings.timezone))
    for name, content in {
        "sheet.html": page.encode(),
        "merge.csv": roster_sheet.merge_file(made, ZoneInfo(settings.timezone)),
    }.items():
        path = arguments.out / name
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        print(path)
    print(f"{len(made)} links; earlier unused ones of the same people no longer work.", file=sys.stderr)
    if not made and not arguments.again:
        print("Everybody has signed in or has a link that works; --again makes new ones.", file=sys.stderr)
    return 0


def _parser(verb: str, description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"labkit roster {verb}", description=description, allow_abbrev=False)
    parser.add_argument("file", type=Path, help="a CSV file, or a OneRoster 1.1 or 1.2 bundle (zip or folder)")
    parser.add_argument("--json", action="store_true", help="for a program to read")
    return parser


def _show(plan: Plan, *, applied: bool, as_json: bool) -> None:
    if as_json:
        print(json.dumps({**plan.to_json(), "applied": applied}, indent=1, ensure_ascii=False))
        return
    console = Console(highlight=False, soft_wrap=True)
    if plan.note:
        console.print(f"Note: {plan.note}", markup=False)
    if plan.mistakes:
        _show_mistakes(console, plan.mistakes)
        return
    for kind, words in _KINDS.items():
        found = plan.of(kind)
        console.print(f"{len(found):>7} {words}", markup=False)
        if kind != "untouched":
            _show_changes(console, found)
    if plan.new_cohorts:
        console.print(f"New cohorts: {', '.join(plan.new_cohorts)}", markup=False)
    for name, gone, of in plan.emptied:
        console.print(f"Most of {name} would be suspended: {gone} of {of}. Is this the whole list?", markup=False)
    if applied:
        console.print("Nothing to change." if plan.changes_nothing else "Done.")
    else:
        console.print("Nothing was changed: this was the plan. `labkit roster apply` does it.", markup=False)


def _show_changes(console: Console, changes: Sequence[Change]) -> None:
    for one in changes[:_SHOWN]:
        told = ", ".join(filter(None, (one.before, one.details)))
        was = f" (was {told})" if told else ""
        console.print(f"          {one.email}  {one.name}, {one.role} {one.cohort}{was}".rstrip(), markup=False)
    if len(changes) > _SHOWN:
        console.print(f"          and {len(changes) - _SHOWN} more (all of them with --json)", markup=False)


def _show_mistakes(console: Console, mistakes: Sequence[Mistake]) -> None:
    table = Table(show_edge=False, pad_edge=False)
    for name in ("file:line", "column", "found", "what is wrong", "instead"):
        table.add_column(name, overflow="fold")
    for one in mistakes:
        place = f"{one.file}:{one.line}" if one.line else one.file
        table.add_row(*(_plain(text) for text in (place, one.column, one.found, one.message, one.instead)))
    console.print(table)
    console.print(f"{len(mistakes)} mistake{'s' * (len(mistakes) != 1)}; nothing was changed.", markup=False)


def _plain(text: str) -> str:
    return text.replace("[", "\\[")
