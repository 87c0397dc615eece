"""`labkit audit`: who used which model when and at what cost, and whether the ledger's books balance.

Whoever reads of people through it is written down as a look, as on the pages: at the person, or at each cohort whose
calls were shown. Sums that name nobody are none.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine

from hub_config.database import opened
from hub_config.known import Known
from hub_config.settings import read
from labkit.audit import books, lines, totals
from labkit.audit.lines import Line
from labkit.audit.prices import Prices, read_prices
from labkit.audit.selection import OUTCOMES, Selection
from labkit.audit.totals import Total
from labkit.errors import OperatorError
from labkit.programme.privacy import looks
from labkit.programme.spreadsheet import Cell, csv_lines

_BY = {"person": "username", **{name: name for name in totals.BY if name != "username"}}
_SHOWN = 50
# Of a line, what was charged with its unit beside it.
_LINE = tuple(
    name for field in Line.__dataclass_fields__ for name in ((field, "unit") if field == "charged" else (field,))
)
_NUMBERS = ("prompt_tokens", "answer_tokens", "charged", "steps", "seconds", "waited", "cost")


def audit(argv: list[str]) -> int:
    """Shows calls to models, the newest first, with what they come to; --balance proves the ledger's books."""
    given = _parser().parse_args(argv)
    settings = read()
    prices = read_prices(settings.prices)
    with opened(settings) as engine:
        known = Known(settings, engine)
        if given.balance:
            if len(argv) > 1 + given.json:
                raise OperatorError("The books are proven whole.", instead="Write --balance without a selection.")
            return _prove(engine, given.json)
        which = _selection(known, given)
        _look(engine, which, given)
        if given.by:
            found = totals.totals(engine, which, [_BY[given.by]], prices, people=True, most=given.most)
            _show([_of_total(one, given.by) for one in found], given, prices)
        elif given.json or given.csv:
            _export(engine, which, given, prices)
        else:
            shown = lines.newest(engine, which, given.most or _SHOWN, prices=prices)
            _show([_of_line(one, known) for one in shown], given, prices)
        if not (given.json or given.csv):
            print(_whole(totals.totals(engine, which, prices=prices, people=True)[0], prices))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="labkit audit", description=audit.__doc__, allow_abbrev=False)
    parser.add_argument("--person", metavar="USERNAME")
    parser.add_argument("--cohort", help="as `labkit cohorts list` shows it; none: calls of whoever teaches")
    parser.add_argument("--course")
    parser.add_argument("--lab", metavar="COURSE/LAB")
    parser.add_argument("--model")
    parser.add_argument("--since", metavar="DAY", help="such as 2027-01-31, or a time with its zone")
    parser.add_argument("--until", metavar="DAY", help="that day is in it; of a time, what ended before it")
    parser.add_argument("--outcome", choices=OUTCOMES)
    parser.add_argument("--by", choices=_BY, help="sums instead of calls")
    parser.add_argument("--most", type=int, metavar="N", help=f"so many rows at most (on a terminal {_SHOWN} calls)")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="every row, for programs")
    form.add_argument("--csv", action="store_true", help="every row, for a spreadsheet; no cell is a formula")
    parser.add_argument(
        "--balance", action="store_true", help="exit code 1, and which rows, where books do not balance"
    )
    return parser


def _selection(known: Known, given: argparse.Namespace) -> Selection:
    if given.most is not None and given.most < 1:
        raise OperatorError(f"{given.most} rows cannot be shown.", instead="Give a number above 0.")
    lab = known.lab(given.lab) if given.lab else None
    course = known.course(given.course).id if given.course else lab.course if lab else None
    if lab and course != lab.course:
        raise OperatorError(f"The lab {given.lab} is not of {course}.", instead="Leave --course out.")
    cohort = None if given.cohort is None else "" if given.cohort == "none" else known.cohort(given.cohort).name
    return Selection(
        username=known.person(given.person).username if given.person else None,
        cohorts=None if cohort is None else [cohort],
        course=course,
        lab=lab.id if lab else None,
        model=known.model(given.model) if given.model else None,
        outcome=given.outcome,
        since=known.since(given.since) if given.since else None,
        until=known.until(given.until) if given.until else None,
    )


def _look(engine: Engine, which: Selection, given: argparse.Namespace) -> None:
    if which.username:
        looks.record(engine, looks.OPERATOR, which.username, "model calls")
    elif not given.by or given.by == "person":
        for one in totals.totals(engine, which, ["cohort"]):
            if one.key[0]:
                looks.record(engine, looks.OPERATOR, looks.cohort(one.key[0]), "model calls")


def _of_line(one: Line, known: Known | None = None) -> dict[str, Cell]:
    row: dict[str, Cell] = {name: getattr(one, name) for name in _LINE}
    if known:
        ended = f"{one.closed_at.astimezone(known.zone):%Y-%m-%d %H:%M:%S}"
        row = {"ended": ended, **{name: row[name] for name in row if name not in ("id", "closed_at")}}
    return row


def _of_total(one: Total, by: str) -> dict[str, Cell]:
    row = asdict(one)
    del row["key"]
    return {by: one.key[0], **row}


def _show(rows: Sequence[dict[str, Cell]], given: argparse.Namespace, prices: Prices) -> None:
    if given.json:
        print(json.dumps({"currency": prices.currency or None, "rows": rows}, indent=1))
    elif given.csv:
        _write(csv_lines(rows[0] if rows else [given.by], (list(row.values()) for row in rows)))
    elif rows:
        Console(highlight=False, width=None if sys.stdout.isatty() else 220).print(_table(rows))


def _export(engine: Engine, which: Selection, given: argparse.Namespace, prices: Prices) -> None:
    """Row by row, so that a million calls need no more memory than one."""
    every: Iterable[Line] = lines.each(engine, which, prices)
    if given.most:
        every = reversed(lines.newest(engine, which, given.most, prices=prices))
    rows = (_of_line(one) for one in every)
    if given.csv:
        names = [*_LINE[:-1], f"cost {prices.currency}".strip()]
        _write(csv_lines(names, (list(row.values()) for row in rows)))
        return
    print(f'{{"currency": {json.dumps(prices.currency or None)}, "rows": [', end="")
    for number, row in enumerate(rows):
        told = json.dumps(row, default=lambda moment: moment.isoformat())
        print(f"{',' if number else ''}\n {told}", end="")
    print("\n]}")


def _write(text: Iterator[str]) -> None:
    for line in text:
        sys.stdout.write(line)


def _table(rows: Sequence[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    names = [name for name in rows[0] if any(row[name] not in (None, "") for row in rows)]
    for name in names:
        right = isinstance(rows[0][name], int | float) or name in _NUMBERS
        table.add_column(name.replace("_", " "), no_wrap=not right, justify="right" if right else "left")
    for row in rows:
        table.add_row(*(_said(row[name]) for name in names))
    return table


def _said(value: Cell) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}" if isinstance(value, float) else str(value)


def _whole(whole: Total, prices: Prices) -> str:
    said = (
        f"{whole.calls:,} calls of {whole.people:,} people: {whole.prompt_tokens:,} prompt and "
        f"{whole.answer_tokens:,} answer tokens, {whole.charged:,} charged, {whole.seconds:,.1f} seconds at work."
    )
    if whole.trainings:
        said += f" {whole.trainings:,} trainings: {whole.steps:,} steps charged."
    if whole.cost is not None:
        said += f" Cost: {prices.currency} {whole.cost:,.2f}"
        said += f", and {whole.unpriced:,} calls to models without a price." if whole.unpriced else "."
    return said


def _prove(engine: Engine, as_json: bool) -> int:
    found = books.balance(engine)
    if as_json:
        print(json.dumps({"balanced": not found.wrong, **asdict(found)}, indent=1))
    else:
        print("\n".join(str(one) for one in found.wrong), end="\n" if found.wrong else "")
        words = f"do not balance: {len(found.wrong)} rows are wrong" if found.wrong else "balance"
        print(f"{found.counters:,} counters and {found.charges:,} charges {words}.")
    return 1 if found.wrong else 0
